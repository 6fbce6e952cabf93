//! The walls around a container: what it may use, who it runs as, what it may do; its place and its end.

use serde_json::{Value as Json, json};

use super::{
    keys::{RESOURCES, RESTART_POLICY},
    quantities::{bytes, cpu, duration},
};
use crate::{
    capture::draft::{Sketch, Taking, scalar},
    path::Path,
};

/// Writes what `read` makes of a key's letters.
pub fn field<'s, T: ToString>(
    map: &Taking<'s>,
    key: &str,
    at: Path,
    read: impl FnOnce(&str) -> Option<T>,
    to: &mut Sketch<'s>,
) {
    let (Some(place), Some(value)) = (map.get(key), map.parsed(key, read)) else { return };
    to.take(&at, value.to_string(), &place);
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// What letters amount to in a profile's own.
type Read = fn(&str) -> Option<String>;

/// Takes the limits and requests of `deploy.resources` and of the older keys of a service.
pub fn resources<'s>(service: &Taking<'s>, at: &Path, to: &mut Sketch<'s>) {
    let (limits, requests) = (at.key("resources").key("limits"), at.key("resources").key("requests"));
    for (key, part) in [("limits", &limits), ("reservations", &requests)] {
        let Some(below) = service.find(&["deploy", "resources", key]) else { continue };
        field(&below, "cpus", part.key("cpu"), cpu, to);
        field(&below, "memory", part.key("memory"), bytes, to);
        number(&below, "pids", &at.key("pids"), to);
        below.without(RESOURCES);
    }
    let older: [(&str, Path, Read); 4] = [
        ("cpus", limits.key("cpu"), |text| Some(cpu(text)?.to_string())),
        ("mem_limit", limits.key("memory"), |text| Some(bytes(text)?.to_string())),
        ("mem_reservation", requests.key("memory"), |text| Some(bytes(text)?.to_string())),
        // 1024 shares are one core, as Kubernetes counts them.
        ("cpu_shares", requests.key("cpu"), |text| {
            Some(format!("{}m", text.parse::<u64>().ok()? * 1000 / 1024))
        }),
    ];
    for (key, part, read) in older {
        match to.get(&part) {
            None => field(service, key, part, read, to),
            Some(_) => service.without(&[(key, "`deploy.resources` says the same")]),
        }
    }
    quota(service, &limits.key("cpu"), to);
    number(service, "pids_limit", &at.key("pids"), to);
}

/// `cpu_quota` of `cpu_period` microseconds, which are 100 000 if nothing is said.
fn quota<'s>(service: &Taking<'s>, at: &Path, to: &mut Sketch<'s>) {
    let read = |key| service.parsed(key, |text| text.trim_end_matches("us").parse::<u64>().ok());
    let (quota, period) = (read("cpu_quota"), read("cpu_period").unwrap_or(100_000));
    if let (Some(quota @ 1..), Some(place), None) = (quota, service.get("cpu_quota"), to.get(at)) {
        to.take(at, format!("{}m", quota * 1000 / period.max(1)), &place);
    }
}

/// A number above 0; none and less than none are no limit.
fn number<'s>(map: &Taking<'s>, key: &str, at: &Path, to: &mut Sketch<'s>) {
    let (Some(place), Some(number)) = (map.get(key), map.parsed(key, |text| text.parse::<i64>().ok())) else {
        return;
    };
    if number > 0 && to.get(at).is_none() {
        to.take(at, number, &place);
    }
}

/// Who it runs as, and what it may do.
pub fn walls<'s>(service: &Taking<'s>, user_key: &str, at: &Path, to: &mut Sketch<'s>) {
    if let Some(user) = service.get("user") {
        let letters = user.letters().unwrap_or_default();
        if !letters.trim_matches(':').is_empty() {
            to.take(&at.key(user_key), letters, &user);
        }
    }
    texts(service, "group_add", at.key("groups"), to);
    field(service, "working_dir", at.key("working_dir"), text, to);
    if let (Some(place), Some(true)) = (service.get("read_only"), service.truth("read_only")) {
        to.take(&at.key("read_only"), true, &place);
    }
    field(service, "shm_size", at.key("shm_size"), bytes, to);
    for (theirs, ours) in [("cap_add", "add"), ("cap_drop", "drop")] {
        let plain = |name: &String| name.to_uppercase().trim_start_matches("CAP_").to_owned();
        let names: Vec<String> = service.list(theirs).iter().map(plain).collect();
        if let Some(place) = service.get(theirs).filter(|_| !names.is_empty()) {
            to.take(&at.key("capabilities").key(ours), names, &place);
        }
    }
    security(service, at, to);
    if let Some(place) = service.get("privileged") {
        match service.truth("privileged") {
            Some(true) => place.left_out("`privileged: true` and `allow: [privileged]` if it is meant so"),
            _ => place.used(),
        }
    }
    for (name, limit) in service.fields("ulimits") {
        match ulimit(limit.value()) {
            Some(value) => to.take(&at.key("ulimits").key(name), value, &limit),
            None => limit.left_out("its value is not understood"),
        }
    }
    sysctls(service, at, to);
}

pub fn sysctls<'s>(service: &Taking<'s>, at: &Path, to: &mut Sketch<'s>) {
    for pair in service.pairs("sysctls", &['=']) {
        to.take(&at.key("sysctls").key(pair.name), pair.value.unwrap_or_default(), &pair.at);
    }
}

fn texts<'s>(service: &Taking<'s>, key: &str, at: Path, to: &mut Sketch<'s>) {
    let texts = service.list(key);
    if let Some(place) = service.get(key).filter(|_| !texts.is_empty()) {
        to.take(&at, texts, &place);
    }
}

fn security<'s>(service: &Taking<'s>, at: &Path, to: &mut Sketch<'s>) {
    for item in service.members("security_opt") {
        let option = scalar(item.value()).unwrap_or_default();
        match option.split_once([':', '=']).unwrap_or((&option, "true")) {
            ("no-new-privileges", "true") => to.take(&at.key("no_new_privileges"), true, &item),
            ("seccomp", "unconfined") => to.take(&at.key("seccomp"), "unconfined", &item),
            _ => item.left_out("of these a profile has `no_new_privileges` and `seccomp`"),
        }
    }
}

pub fn ulimit(limit: &Json) -> Option<Json> {
    let number = |value: &Json| scalar(value)?.parse::<i64>().ok();
    match limit {
        Json::Object(both) => {
            Some(json!({"soft": number(both.get("soft")?)?, "hard": number(both.get("hard")?)?}))
        }
        one => number(one).map(Json::from),
    }
}

/// The names that it knows: hosts, and how it asks for others.
pub fn names<'s>(service: &Taking<'s>, at: &Path, to: &mut Sketch<'s>) {
    for pair in service.pairs("extra_hosts", &['=', ':']) {
        match (pair.value, pair.at.value()) {
            (Some(address), _) => {
                let address = address.trim_matches(['[', ']']).to_owned();
                to.take(&at.key("extra_hosts").key(pair.name), address, &pair.at);
            }
            (None, _) => pair.at.left_out("a host has one address here"),
        }
    }
    texts(service, "dns", at.key("dns").key("servers"), to);
    texts(service, "dns_search", at.key("dns").key("search"), to);
    dns_options(service, at, to);
}

/// Names, labels, and how it starts again and stops.
pub fn place<'s>(service: &Taking<'s>, at: &Path, to: &mut Sketch<'s>) {
    field(service, "hostname", at.key("hostname"), text, to);
    names(service, at, to);
    restart(service, at, to);
    field(service, "stop_signal", at.key("stop_signal"), text, to);
    field(service, "stop_grace_period", at.key("stop_grace_period"), duration, to);
    let deploy = service.get("deploy");
    for pair in service
        .pairs("labels", &['='])
        .into_iter()
        .chain(deploy.iter().flat_map(|deploy| deploy.pairs("labels", &['='])))
    {
        to.take(&at.key("labels").key(pair.name), pair.value.unwrap_or_default(), &pair.at);
    }
}

fn dns_options<'s>(service: &Taking<'s>, at: &Path, to: &mut Sketch<'s>) {
    for item in service.members("dns_opt") {
        let option = scalar(item.value()).unwrap_or_default();
        match option.strip_prefix("ndots:").and_then(|number| number.parse::<u32>().ok()) {
            Some(number) => to.take(&at.key("dns").key("ndots"), number, &item),
            None => item.left_out("of the options a profile has `ndots`"),
        }
    }
}

fn restart<'s>(service: &Taking<'s>, at: &Path, to: &mut Sketch<'s>) {
    let policy = service.find(&["deploy", "restart_policy"]);
    if let Some(policy) = &policy {
        policy.without(RESTART_POLICY);
    }
    let places = [service.get("restart"), policy.and_then(|policy| policy.get("condition"))];
    for place in places.into_iter().flatten() {
        let written = place.letters().unwrap_or_default();
        match restart_of(written.split(':').next().unwrap_or_default()) {
            Some(ours) => to.take(&at.key("restart"), ours, &place),
            None => place.left_out("its value is not understood"),
        }
        if written.contains(':') {
            place.remark("a mirror tries for ever, as Kubernetes does");
        }
        say_stopped(&place, &written);
    }
}

pub fn restart_of(theirs: &str) -> Option<&'static str> {
    match theirs {
        "no" | "false" | "none" => Some("never"),
        "on-failure" => Some("on-failure"),
        "always" | UNLESS_STOPPED | "any" => Some("always"),
        _ => None,
    }
}

/// As `always`, but that what was stopped by hand stays so when the engine starts anew.
const UNLESS_STOPPED: &str = "unless-stopped";

/// Says what of a policy's meaning its name in a profile does not carry.
pub fn say_stopped(place: &Taking<'_>, policy: &str) {
    if policy == UNLESS_STOPPED {
        place.remark("it is `always` now: what `prodmirror stop` ends stays so until `start`");
    }
}

/// The one architecture of all services, at the top.
pub fn platform<'s>(service: &Taking<'s>, to: &mut Sketch<'s>) {
    let Some(place) = service.get("platform") else { return };
    let at = Path::of(["platform", "arch"]);
    let written = place.letters().unwrap_or_default();
    let arch = match written.split('/').nth(1) {
        Some("amd64") => "amd64",
        Some("arm64" | "aarch64") => "arm64",
        _ => return place.left_out("a mirror runs Linux on amd64 or arm64"),
    };
    match to.get(&at).map(|other| other == arch) {
        Some(false) => place.left_out("`platform: {arch: …}` at the top holds for all services"),
        _ => to.take(&at, arch, &place),
    }
}
