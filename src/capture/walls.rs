//! The walls around a process: capabilities, filters, read-only files, kernel settings.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::{
    Reading, limits,
    scene::{Scene, Within, Workload},
};
use crate::{
    observed::{Container, Inside},
    profile::{Bytes, Mode},
};

const HOST: &str = "`HostConfig` of the container";

pub(super) fn read(scene: &Scene<'_>, of: &Workload<'_>, within: &Within, wanted: &Json) -> Option<Reading> {
    let keys = within.keys();
    if within.len() != keys.len() {
        return None;
    }
    let reading = match keys.as_slice() {
        ["read_only"] => scene.each(of, |_, found| {
            let told = Reading::of(wanted, found.host.read_only, HOST);
            let inside = found.inside.as_ref().and_then(root_is_read_only);
            told.and(inside.map(|read_only| Reading::of(wanted, read_only, "/proc/mounts")))
        }),
        ["tmpfs", path] => scene.each(of, |_, found| tmpfs(found, path, wanted)),
        ["capabilities", "add"] => scene.each(of, |_, found| set(wanted, &found.host.cap_add)),
        ["capabilities", "drop"] => scene.each(of, |_, found| set(wanted, &found.host.cap_drop)),
        ["no_new_privileges"] => scene.each(of, |_, found| {
            let options = &found.host.security_opt;
            let told = options
                .iter()
                .any(|option| option.starts_with("no-new-privileges") && !option.ends_with("false"));
            let inside = found.inside.as_ref().and_then(|inside| status(inside, "NoNewPrivs"));
            Reading::of(wanted, told, HOST)
                .and(inside.map(|said| Reading::of(wanted, said == "1", "/proc/1/status")))
        }),
        ["seccomp"] => scene.each(of, |_, found| seccomp(found, wanted)),
        ["privileged"] => scene.each(of, |_, found| planned_or(wanted, found.host.privileged)),
        ["sysctls", name] => scene.each(of, |pair, found| {
            let of_pause = name.starts_with("net.");
            let holder = if of_pause { scene.find(&pair.pod.pause.key) } else { Some(found) };
            let told = match holder.and_then(|holder| holder.host.sysctls.get(*name)) {
                Some(value) => Reading::of(wanted, value.as_str(), HOST),
                None => Reading::absent(HOST, "the container is not given this setting"),
            };
            let file = format!("/proc/sys/{}", name.replace('.', "/"));
            let inside = found.inside.as_ref().and_then(|inside| inside.files.get(&file));
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            told.and(inside.map(|text| {
                let same = wanted.as_str().map(words) == Some(words(text));
                Reading::as_wanted(wanted, same, || json!(text.trim()), file.clone())
            }))
        }),
        ["groups"] => scene.each(of, |_, found| {
            let live: Json = wanted
                .as_array()
                .into_iter()
                .flatten()
                .filter(|group| found.host.group_add.iter().any(|known| group.as_str() == Some(known)))
                .cloned()
                .collect();
            Reading::of(wanted, live, HOST)
        }),
        ["fs_group"] => scene.each(of, |_, found| {
            let group = wanted.as_u64().map(|group| group.to_string()).unwrap_or_default();
            if found.host.group_add.contains(&group) {
                Reading::of(wanted, wanted.clone(), HOST)
            } else {
                Reading::absent(HOST, "the container is not in this group")
            }
        }),
        ["host_network"] => scene.each(of, |_, found| planned_or(wanted, found.host.network_mode == "host")),
        ["host_pid"] => scene.each(of, |_, found| planned_or(wanted, found.host.pid_mode == "host")),
        _ => return None,
    };
    Some(reading)
}

/// What is not allowed on this host was never given: as planned, where the profile wants it.
fn planned_or(wanted: &Json, live: bool) -> Reading {
    Reading::planned(wanted, false, live, HOST)
}

/// A set of capabilities, whatever their order and spelling.
fn set(wanted: &Json, found: &[String]) -> Reading {
    let short = |name: &str| name.strip_prefix("CAP_").unwrap_or(name).to_ascii_uppercase();
    let live: BTreeSet<String> = found.iter().map(|name| short(name)).collect();
    let asked: BTreeSet<String> =
        wanted.as_array().into_iter().flatten().filter_map(Json::as_str).map(short).collect();
    Reading::as_wanted(wanted, live == asked, || live.iter().map(String::as_str).collect(), HOST)
}

fn seccomp(found: &Container, wanted: &Json) -> Reading {
    let unconfined = found.host.security_opt.iter().any(|option| option == "seccomp=unconfined");
    let words = if unconfined { "unconfined" } else { "runtime/default" };
    // A file of production's nodes is not here: the engine's own filter stands in its place.
    let told = Reading::planned(wanted, "runtime/default", words, HOST);
    let mode = found.inside.as_ref().and_then(|inside| status(inside, "Seccomp"));
    told.and(mode.map(|mode| {
        let words = if mode == "0" { "unconfined" } else { "runtime/default" };
        Reading::planned(wanted, "runtime/default", words, "/proc/1/status")
    }))
}

/// A line of `/proc/1/status`.
fn status<'a>(inside: &'a Inside, name: &str) -> Option<&'a str> {
    let status = inside.files.get("/proc/1/status")?;
    status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

fn root_is_read_only(inside: &Inside) -> Option<bool> {
    let mounts = inside.files.get("/proc/mounts")?;
    let line = mounts.lines().rfind(|line| line.split(' ').nth(1) == Some("/"))?;
    Some(line.split(' ').nth(3)?.split(',').any(|option| option == "ro"))
}

/// A folder in memory, by the options that the engine was given and those of the mount.
fn tmpfs(found: &Container, path: &str, wanted: &Json) -> Reading {
    let Some(options) = found.host.tmpfs.get(path) else {
        return Reading::absent(HOST, "no file system in memory is there");
    };
    let option =
        |name: &str| options.split(',').find_map(|given| given.strip_prefix(name)?.strip_prefix('='));
    let size = |bytes: Option<i64>| match bytes.and_then(|bytes| u64::try_from(bytes).ok()) {
        Some(bytes) => json!(Bytes(bytes)),
        None => json!("no limit"),
    };
    let mut told = serde_json::Map::new();
    if wanted.get("size").is_some() {
        told.insert("size".to_owned(), size(option("size").and_then(|size| size.parse().ok())));
    }
    if wanted.get("mode").is_some() {
        let mode = option("mode").and_then(|mode| u32::from_str_radix(mode, 8).ok());
        told.insert("mode".to_owned(), mode.map_or(json!("none"), |mode| json!(Mode(mode))));
    }
    let reading = Reading::of(wanted, Json::Object(told.clone()), HOST);
    let inside = found.inside.as_ref().and_then(|inside| limits::mounted_size(inside, path));
    let mounted = inside.filter(|_| wanted.get("size").is_some()).map(|bytes| {
        told.insert("size".to_owned(), size(Some(bytes)));
        Reading::of(wanted, Json::Object(told), "/proc/mounts")
    });
    reading.and(mounted)
}
