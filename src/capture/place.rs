//! Where a process finds itself: names, resolver, clock, files and volumes.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value as Json, json};

use super::{
    Reading, limits,
    scene::{Pair, Scene, Within, Workload},
};
use crate::{
    digest,
    observed::{Container, FileFacts, Inside},
    plan::Mount,
    profile::Mode,
};

const HOST: &str = "`HostConfig` of the pause";

pub(super) fn read(scene: &Scene<'_>, of: &Workload<'_>, within: &Within, wanted: &Json) -> Option<Reading> {
    let keys = within.keys();
    if within.len() != keys.len() {
        return None;
    }
    let reading = match keys.as_slice() {
        ["hostname"] => scene.each(of, |pair, found| {
            let told = match scene.find(&pair.pod.pause.key) {
                Some(pause) => Reading::of(wanted, pause.hostname.as_str(), "`Config` of the pause"),
                None => Reading::unread("the pause is not there"),
            };
            told.and(
                file(found, "/etc/hostname").map(|name| Reading::of(wanted, name.trim(), "/etc/hostname")),
            )
        }),
        ["extra_hosts", name] => scene.each(of, |_, found| match file(found, "/etc/hosts") {
            None => Reading::unread("no shell answers in the container"),
            Some(hosts) => match address_of(hosts, name) {
                Some(address) => Reading::of(wanted, address, "/etc/hosts"),
                None => Reading::absent("/etc/hosts", "the name is not there"),
            },
        }),
        ["dns", "servers"] => scene.each(of, |pair, _| match scene.find(&pair.pod.pause.key) {
            Some(pause) => Reading::of(wanted, super::scene::texts(&pause.host.dns), HOST),
            None => Reading::unread("the pause is not there"),
        }),
        ["dns", "search"] => resolver(scene, of, wanted, |text| {
            let line = text.lines().rfind(|line| line.starts_with("search "));
            line.map_or(json!([]), |line| line.split_whitespace().skip(1).collect())
        }),
        ["dns", "ndots"] => resolver(scene, of, wanted, |text| {
            let options = text.lines().filter_map(|line| line.strip_prefix("options "));
            let mut dots =
                options.flat_map(str::split_whitespace).filter_map(|option| option.strip_prefix("ndots:"));
            dots.next_back().and_then(|dots| dots.parse::<u32>().ok()).map_or(Json::Null, Json::from)
        }),
        ["timezone"] => scene.each(of, |pair, found| timezone(scene, pair, found, wanted)),
        ["files", path, field] => scene.each(of, |pair, found| {
            let name = (of.section, of.name);
            file_field(scene, name, pair, found, path, field, wanted)
        }),
        ["volumes", path] => scene.each(of, |pair, found| volume(scene, pair, found, path, wanted)),
        _ => return None,
    };
    Some(reading)
}

fn file<'a>(found: &'a Container, path: &str) -> Option<&'a str> {
    found.inside.as_ref()?.files.get(path).map(String::as_str)
}

/// The first address that a hosts file gives to a name.
fn address_of<'a>(hosts: &'a str, name: &str) -> Option<&'a str> {
    hosts.lines().find_map(|line| {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let address = words.next()?;
        words.any(|word| word == name).then_some(address)
    })
}

fn resolver(scene: &Scene<'_>, of: &Workload<'_>, wanted: &Json, read: impl Fn(&str) -> Json) -> Reading {
    scene.each(of, |_, found| match file(found, "/etc/resolv.conf") {
        Some(text) => Reading::of(wanted, read(text), "/etc/resolv.conf"),
        None => Reading::unread("no shell answers in the container"),
    })
}

/// The zone by its variable, and by what the clock of the container prints.
fn timezone(scene: &Scene<'_>, pair: &Pair<'_>, found: &Container, wanted: &Json) -> Reading {
    let env = super::scene::variables(&found.env);
    let planned = pair.plan.env.get("TZ").and_then(|template| scene.fill(template));
    let told = match env.get("TZ") {
        Some(zone) if Some(*zone) == planned.as_deref() => Reading::of(wanted, wanted.clone(), "`TZ`"),
        Some(zone) => Reading::of(wanted, *zone, "`TZ`"),
        None => return Reading::absent("`TZ`", "the container has no `TZ`"),
    };
    let answer = |command: &str| found.inside.as_ref()?.answers.get(command).map(|text| text.trim());
    let (Some(local), Some(utc)) = (answer("date +%Z%z"), answer("TZ=UTC date +%Z%z")) else {
        return told;
    };
    let zone = wanted.as_str().unwrap_or_default();
    let why = if utc != "UTC+0000" {
        Some(format!("the image's UTC prints {utc}"))
    } else if is_fallback(zone, local) {
        Some(format!("the image does not know the zone: its clock prints {local}"))
    } else {
        None
    };
    let seen = Reading::as_wanted(wanted, why.is_none(), || json!(local), "`date` inside");
    told.and(Some(Reading { why, ..seen }))
}

/// A C library that has no file for a zone prints the letters of its name with the offset 0.
fn is_fallback(zone: &str, printed: &str) -> bool {
    let letters: String = zone.chars().take_while(char::is_ascii_alphabetic).collect();
    let is_zero = matches!(zone, "UTC" | "GMT" | "Zulu" | "UCT" | "Universal" | "Greenwich")
        || zone.starts_with("Etc/");
    !is_zero && printed == format!("{letters}+0000")
}

/// One field of one file: the bytes by their hash, mode and owner as they are.
fn file_field(
    scene: &Scene<'_>,
    (section, name): (&str, &str),
    pair: &Pair<'_>,
    found: &Container,
    path: &str,
    field: &str,
    wanted: &Json,
) -> Reading {
    let from = format!("{path} in the container");
    let Some(inside) = &found.inside else {
        return Reading::unread("no shell answers in the container");
    };
    let Some(facts) = inside.checksums.get(path) else {
        return Reading::absent(from, "the file is not there");
    };
    let written = &scene.tree[section][name]["files"][path];
    match field {
        "mode" => Reading::of(wanted, json!(Mode(facts.mode)), from),
        "user" => Reading::of(wanted, facts.user, from),
        "group" => Reading::of(wanted, facts.group, from),
        "directory" => {
            let there = found.mounts.iter().any(|mount| wanted.as_str() == Some(mount.target.as_str()));
            Reading::as_wanted(wanted, there, || json!("mounted alone"), "the container's mounts")
        }
        _ => match content(scene, pair, written) {
            Some(bytes) => {
                let same = digest::sha256(&bytes).trim_start_matches("sha256:") == bare(facts);
                Reading::as_wanted(
                    wanted,
                    same,
                    || json!(format!("sha256:{}", bare(facts))),
                    format!("the hash of {from}"),
                )
            }
            None => Reading::unread("the value of its secret is not known here"),
        },
    }
}

fn bare(facts: &FileFacts) -> &str {
    facts.sha256.trim_start_matches("sha256:")
}

/// What the file shall hold.
fn content(scene: &Scene<'_>, _: &Pair<'_>, written: &Json) -> Option<Vec<u8>> {
    if let Some(secret) = written["secret"].as_str() {
        let plan = scene.plan.secrets.iter().find(|plan| plan.secret.as_str() == secret)?;
        return scene.secret(&plan.variable).map(|value| value.as_bytes().to_vec());
    }
    if let Some(text) = written["base64"].as_str() {
        return STANDARD.decode(text).ok();
    }
    written["content"].as_str().map(|text| text.as_bytes().to_vec())
}

/// What is mounted at a path: the planned volume of ours, or the host's folder.
fn volume(scene: &Scene<'_>, pair: &Pair<'_>, found: &Container, path: &str, wanted: &Json) -> Reading {
    let from = "the container's mounts";
    let bare = |path: &str| path.trim_end_matches('/').to_owned();
    let planned = pair.plan.mounts.iter().find(|mount| bare(mount.target()) == bare(path));
    let there = found.mounts.iter().find(|mount| bare(&mount.target) == bare(path));
    let (Some(planned), Some(there)) = (planned, there) else {
        let why =
            if planned.is_none() { "the plan mounts nothing there" } else { "nothing is mounted there" };
        return if planned.is_none() { Reading::unread(why) } else { Reading::absent(from, why) };
    };
    let (source, read_only) = match planned {
        Mount::Volume { volume, read_only, .. } => (volume, *read_only),
        Mount::Bind { source, read_only, .. } => (source, *read_only),
    };
    let same = there.source == *source && there.read_only == read_only;
    let reading = Reading::as_wanted(wanted, same, || json!({"host": there.source}), from);
    reading.and(memory_size(scene, found.inside.as_ref(), source, path, wanted))
}

/// A volume in memory by its size, as it is mounted.
fn memory_size(
    scene: &Scene<'_>,
    inside: Option<&Inside>,
    volume: &str,
    path: &str,
    wanted: &Json,
) -> Option<Reading> {
    let plan = scene.plan.volumes.iter().find(|plan| plan.name == volume)?;
    let size = i64::try_from(plan.memory.flatten()?).ok()?;
    let live = limits::mounted_size(inside?, path)?;
    let why = format!("it holds {live} bytes");
    let reading = Reading::as_wanted(wanted, live == size, || wanted.clone(), "/proc/mounts");
    Some(if live == size { reading } else { reading.because(why) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_that_the_image_does_not_know_is_seen() {
        assert!(is_fallback("Europe/Berlin", "Europe+0000"));
        assert!(!is_fallback("Europe/Berlin", "CET+0100"));
        assert!(!is_fallback("Europe/London", "GMT+0000"));
        assert!(!is_fallback("UTC", "UTC+0000"));
    }

    #[test]
    fn a_hosts_file_may_give_an_address_several_names() {
        let hosts = "127.0.0.1\tlocalhost\n10.0.0.7 a b # c\n";
        assert_eq!(address_of(hosts, "b"), Some("10.0.0.7"));
        assert_eq!(address_of(hosts, "c"), None);
    }
}
