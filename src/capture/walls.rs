//! The walls around a process: capabilities, filters, read-only files, kernel settings.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::{
    Reading, inside,
    scene::{Pair, Scene},
    sides::{HOST, Sides},
    workload::{Within, Workload},
};
use crate::{observed::Container, profile::Mode};

pub(super) fn read(scene: &Scene<'_>, of: &Workload<'_>, within: &Within, wanted: &Json) -> Option<Reading> {
    let keys = within.keys();
    if within.len() != keys.len() {
        return None;
    }
    let reading = match keys.as_slice() {
        ["read_only"] => scene.each(of, |_, found| {
            Sides::of(wanted, found).both(
                Some(found.host.read_only.into()),
                |inside| Some(Some(inside::root_is_read_only(inside)?.into())),
                "/proc/mounts",
            )
        }),
        ["tmpfs", path] => scene.each(of, |_, found| tmpfs(found, path, wanted)),
        ["capabilities", "add"] => scene.each(of, |_, found| capabilities(wanted, &found.host.cap_add)),
        ["capabilities", "drop"] => scene.each(of, |_, found| capabilities(wanted, &found.host.cap_drop)),
        ["no_new_privileges"] => scene.each(of, |_, found| {
            Sides::of(wanted, found).both(
                Some(has_no_new_privileges(found).into()),
                |inside| Some(Some((inside::status(inside, "NoNewPrivs")? == "1").into())),
                "/proc/1/status",
            )
        }),
        ["seccomp"] => scene.each(of, |_, found| {
            // A file of production's nodes is not here: the engine's own filter stands in its place.
            let planned = if wanted == "unconfined" { "unconfined" } else { DEFAULT_FILTER };
            Sides::of(wanted, found).planned(Some(planned.into())).both(
                Some(seccomp(found).into()),
                |inside| {
                    let mode = inside::status(inside, "Seccomp")?;
                    Some(Some(if mode == "0" { "unconfined" } else { DEFAULT_FILTER }.into()))
                },
                "/proc/1/status",
            )
        }),
        // What is not allowed on this host was never given: as planned, where the profile wants it.
        ["privileged"] => scene.each(of, |pair, found| {
            Reading::of(wanted, found.host.privileged, HOST).planned(pair.plan.privileged)
        }),
        ["host_network"] => scene.each(of, |pair, found| {
            let planned = pair.plan.network == crate::plan::NetworkMode::Host;
            Reading::of(wanted, found.host.network_mode == "host", HOST).planned(planned)
        }),
        ["host_pid"] => scene.each(of, |pair, found| {
            Reading::of(wanted, found.host.pid_mode == "host", HOST).planned(pair.plan.host_pid)
        }),
        ["sysctls", name] => scene.each(of, |pair, found| sysctl(scene, pair, found, name, wanted)),
        ["groups"] => scene.each(of, |pair, found| {
            let of_others: Vec<&String> = pair.plan.group_add.iter().filter(|g| !holds(wanted, g)).collect();
            let own = found.host.group_add.iter().filter(|group| !of_others.contains(group));
            let own: BTreeSet<&str> = own.map(String::as_str).collect();
            let asked: BTreeSet<&str> =
                wanted.as_array().into_iter().flatten().filter_map(Json::as_str).collect();
            Reading::equal(wanted, own == asked, || own.iter().copied().collect(), HOST)
        }),
        ["fs_group"] => scene.each(of, |_, found| {
            let group = wanted.as_u64().map(|group| group.to_string()).unwrap_or_default();
            if found.host.group_add.contains(&group) {
                Reading::as_wanted(HOST)
            } else {
                Reading::absent(HOST, "the container is not in this group")
            }
        }),
        _ => return None,
    };
    Some(reading)
}

fn holds(list: &Json, text: &str) -> bool {
    list.as_array().is_some_and(|list| list.iter().any(|item| item == text))
}

/// A set of capabilities, whatever their order and spelling.
fn capabilities(wanted: &Json, found: &[String]) -> Reading {
    let live: BTreeSet<String> = found.iter().map(|name| capability(name)).collect();
    let asked: BTreeSet<String> =
        wanted.as_array().into_iter().flatten().filter_map(Json::as_str).map(capability).collect();
    Reading::equal(wanted, live == asked, || live.iter().map(String::as_str).collect(), HOST)
}

/// `NET_ADMIN`, for `CAP_NET_ADMIN` and `net_admin` too.
pub(super) fn capability(name: &str) -> String {
    let upper = name.to_ascii_uppercase();
    upper.strip_prefix("CAP_").unwrap_or(&upper).to_owned()
}

pub(super) fn has_no_new_privileges(found: &Container) -> bool {
    let options = &found.host.security_opt;
    options.iter().any(|option| option.starts_with("no-new-privileges") && !option.ends_with("false"))
}

const DEFAULT_FILTER: &str = "runtime/default";

pub(super) fn seccomp(found: &Container) -> &str {
    let given = found.host.security_opt.iter().find_map(|option| option.strip_prefix("seccomp"));
    match given.map(|given| given.trim_start_matches(['=', ':'])) {
        None | Some("builtin") => DEFAULT_FILTER,
        Some(other) => other,
    }
}

/// Settings of the network stand on the pause, whose network the container shares.
fn sysctl(scene: &Scene<'_>, pair: &Pair<'_>, found: &Container, name: &str, wanted: &Json) -> Reading {
    let of_pause = name.starts_with("net.");
    let (holder, planned) = if of_pause {
        (scene.find(&pair.pod.pause.key), pair.pod.pause.sysctls.get(name))
    } else {
        (Some(found), pair.plan.sysctls.get(name))
    };
    let equal = |live: &str| wanted.as_str().map(inside::words) == Some(inside::words(live));
    let read = |live: &str, from: &str| Reading::equal(wanted, equal(live), || json!(live.trim()), from);
    let told = match holder.and_then(|holder| holder.host.sysctls.get(name)) {
        Some(live) => read(live, HOST),
        None => Reading::absent(HOST, "the container is not given this setting"),
    };
    let path = format!("/proc/sys/{}", name.replace('.', "/"));
    let reading = told.and(inside::file(found, &path).map(|live| read(live, &path)));
    // Two containers of a replica have one network, and the main one's word counts.
    match planned {
        Some(planned) => reading.planned(planned.as_str()),
        None => reading,
    }
}

/// A folder in memory, by the options that the engine was given and those of the mount.
fn tmpfs(found: &Container, path: &str, wanted: &Json) -> Reading {
    let Some(options) = found.host.tmpfs.get(path) else {
        return Reading::absent(HOST, "no file system in memory is there");
    };
    let option =
        |name: &str| options.split(',').find_map(|given| given.strip_prefix(name)?.strip_prefix('='));
    let size = |bytes: &str| bytes.parse::<i64>().map_or_else(|_| json!(bytes), super::sides::bytes);
    let mode =
        |mode: &str| u32::from_str_radix(mode, 8).map_or_else(|_| json!(mode), |mode| json!(Mode(mode)));
    let told = [("size", option("size").map(size)), ("mode", option("mode").map(mode))];
    let told: serde_json::Map<String, Json> =
        told.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
    let mounted = told.clone();
    let is_limited = wanted.get("size").is_some();
    Sides::of(wanted, found).both(
        Some(Json::Object(told)),
        |inside| {
            let size = inside::mounted_size(inside, path).filter(|_| is_limited)?;
            let mut mounted = mounted;
            mounted.insert("size".to_owned(), super::sides::bytes(size));
            Some(Some(Json::Object(mounted)))
        },
        "/proc/mounts",
    )
}
