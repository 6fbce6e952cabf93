//! What each container is given: image, user, rights, resources.

use super::{Check, Member, Placed};
use crate::path::Path;
use crate::profile::{Allow, Bytes, Image, Process, words};

pub(super) fn check(check: &mut Check<'_>, workload: &Placed<'_>) {
    image(check, &workload.run.image, &workload.at);
    for member in workload.members() {
        if let Some(own) = member.beside.and_then(|container| container.image.as_ref()) {
            image(check, own, &member.at);
        }
        resources(check, member.process, &member.at);
        users(check, workload, &member);
        limits(check, member.process, &member.at);
        if member.process.privileged == Some(true) {
            allowed(check, Allow::Privileged, "privileged", "privileged", &member.at);
        }
    }
    if workload.run.host_network == Some(true) {
        allowed(check, Allow::HostNetwork, "host-network", "host_network", &workload.at);
    }
    if workload.run.host_pid == Some(true) {
        allowed(check, Allow::HostPid, "host-pid", "host_pid", &workload.at);
    }
    if let Some(zone) = &workload.run.timezone {
        timezone(check, zone, &workload.at.key("timezone"));
    }
    names_and_addresses(check, workload);
    signal(check, workload);
}

fn image(check: &mut Check<'_>, image: &Image, at: &Path) {
    let Image::Registry(reference) = image else { return };
    if reference.digest.is_some() {
        return;
    }
    let at = at.key("image");
    let message = format!("`{reference}` is not pinned: the same tag may be another image tomorrow");
    // A capture writes what the source says; like a hole, a tag stops no `check`, and the plan refuses it.
    let problem = match check.allow_unpinned || check.profile.captured.is_some() {
        true => check.warning("unpinned-image", &at, message),
        false => check.error("unpinned-image", &at, message),
    };
    problem.hint = Some("`prodmirror pin` appends the digest; `--allow-unpinned` goes without".to_owned());
}

/// A name of the zone database by its form; whether the image knows it is seen when it runs.
pub(super) fn timezone(check: &mut Check<'_>, zone: &str, at: &Path) {
    let word = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+-".contains(&b))
    };
    if !zone.split('/').all(word) || zone.len() > 64 {
        let message = format!("`{zone}` is no time zone");
        check.error("bad-timezone", at, message).hint =
            Some("write it like `Europe/Berlin` or `UTC`".to_owned());
    }
}

fn resources(check: &mut Check<'_>, process: &Process, at: &Path) {
    let (limits, requests) = (&process.resources.limits, &process.resources.requests);
    if limits.memory == Some(Bytes(0)) {
        let at = at.key("resources").key("limits").key("memory");
        let message = "an engine takes 0 for no limit at all";
        check.error("bad-value", &at, message).hint = Some("leave it out to have no limit".to_owned());
    }
    let at = at.key("resources").key("requests");
    if let (Some(request), Some(limit)) = (requests.cpu, limits.cpu)
        && request > limit
    {
        let message = format!("{request} is asked for, more than the limit of {limit}");
        check.error("request-above-limit", &at.key("cpu"), message);
    }
    if let (Some(request), Some(limit)) = (requests.memory, limits.memory)
        && request > limit
    {
        let message = format!("{request} is asked for, more than the limit of {limit}");
        check.error("request-above-limit", &at.key("memory"), message);
    }
}

fn users(check: &mut Check<'_>, workload: &Placed<'_>, member: &Member<'_>) {
    if let Some(user) = &member.process.user {
        let parts: Vec<&str> = user.split(':').collect();
        if parts.len() > 2 || !parts.iter().all(|part| is_account(part)) {
            let at = member.at.key(workload.user_key(member));
            let message = format!("`{user}` is no user");
            let hint = "write a number, `\"UID:GID\"`, or names that the image knows";
            check.error("bad-user", &at, message).hint = Some(hint.to_owned());
        }
    }
    for (index, group) in member.process.groups.iter().enumerate() {
        if !is_account(group) {
            check.error("bad-user", &member.at.key("groups").index(index), format!("`{group}` is no group"));
        }
    }
}

/// An id below the one that means "unchanged", or a name as `/etc/passwd` may hold it.
fn is_account(text: &str) -> bool {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return text.parse::<u32>().is_ok_and(|id| id < u32::MAX);
    }
    let word = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
    (1..=32).contains(&text.len()) && text.bytes().all(word) && !text.starts_with('-')
}

const ULIMITS: &[&str] = &[
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

fn limits(check: &mut Check<'_>, process: &Process, at: &Path) {
    for (name, limit) in &process.ulimits {
        let at = at.key("ulimits").key(name.as_str());
        if !ULIMITS.contains(&name.as_str()) {
            let hint = words::nearest(name, ULIMITS).map(|near| format!("did you mean `{near}`?"));
            check.key_error("unknown-ulimit", &at, format!("`{name}` is no ulimit")).hint = hint;
        }
        if !check.profile.has_hole_below(&at)
            && limit.hard != -1
            && (limit.soft > limit.hard || limit.soft == -1)
        {
            let message = format!("the soft limit {} is above the hard one, {}", limit.soft, limit.hard);
            check.error("bad-ulimit", &at, message);
        }
    }
    if process.pids == Some(0) {
        check.error("bad-value", &at.key("pids"), "with 0 processes nothing can run");
    }
    for name in process.sysctls.keys() {
        let word = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
        };
        if name.split(['.', '/']).count() < 2 || !name.split(['.', '/']).all(word) {
            let at = at.key("sysctls").key(name.as_str());
            check.key_error(
                "bad-sysctl",
                &at,
                format!("`{name}` is no kernel setting, such as `net.core.somaxconn`"),
            );
        }
    }
    for (key, words) in [("entrypoint", &process.entrypoint), ("command", &process.command)] {
        if words.as_ref().is_some_and(|words| words.first().is_some_and(String::is_empty)) {
            check.error("bad-command", &at.key(key).index(0), "the program's name is empty");
        }
    }
}

fn allowed(check: &mut Check<'_>, wanted: Allow, word: &str, key: &str, at: &Path) {
    if check.profile.allow.contains(&wanted) {
        return;
    }
    let at = at.key(key);
    let hint = format!("write `allow: [{word}]` at the top if it is meant so");
    check.error("not-allowed", &at, format!("this opens the host to the mirror: `{word}`")).hint = Some(hint);
}

fn names_and_addresses(check: &mut Check<'_>, workload: &Placed<'_>) {
    let label = |text: &str| {
        let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        (1..=63).contains(&text.len())
            && ends(text.chars().next())
            && ends(text.chars().last())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if let Some(hostname) = &workload.run.hostname
        && (!hostname.split('.').all(label) || hostname.len() > 63)
    {
        let at = workload.at.key("hostname");
        check.error("bad-hostname", &at, format!("`{hostname}` is no host name"));
    }
    for (host, address) in &workload.run.extra_hosts {
        let at = workload.at.key("extra_hosts").key(host.as_str());
        if address.parse::<std::net::IpAddr>().is_err() {
            let hint = (address == "host-gateway").then(|| "a mirror has no way to the host".to_owned());
            check.error("bad-address", &at, format!("`{address}` is no address")).hint = hint;
        }
        if !host.split('.').all(label) {
            check.key_error("bad-hostname", &at, format!("`{host}` is no host name"));
        }
    }
    let servers = workload.run.dns.iter().flat_map(|dns| dns.servers.iter().enumerate());
    for (index, server) in servers {
        if server.parse::<std::net::IpAddr>().is_err() {
            let at = workload.at.key("dns").key("servers").index(index);
            check.error("bad-address", &at, format!("`{server}` is no address"));
        }
    }
}

fn signal(check: &mut Check<'_>, workload: &Placed<'_>) {
    let Some(signal) = &workload.run.stop_signal else { return };
    const KNOWN: &[&str] = &[
        "SIGHUP", "SIGINT", "SIGQUIT", "SIGKILL", "SIGUSR1", "SIGUSR2", "SIGTERM", "SIGWINCH", "SIGCONT",
        "SIGSTOP", "SIGABRT", "SIGALRM", "SIGPIPE", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGPWR",
        "SIGIO", "SIGTRAP",
    ];
    let number = signal.parse::<u8>().is_ok_and(|number| (1..=64).contains(&number));
    let real_time = signal.strip_prefix("SIGRTMIN").or(signal.strip_prefix("SIGRTMAX")).is_some();
    if !number && !real_time && !KNOWN.contains(&signal.as_str()) {
        let near = words::nearest(&format!("SIG{}", signal.trim_start_matches("SIG")), KNOWN);
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        check.error("bad-signal", &workload.at.key("stop_signal"), format!("`{signal}` is no signal")).hint =
            hint;
    }
}
