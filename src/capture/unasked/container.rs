//! What one container has beside its plan.

use serde_json::json;

use super::Look;
use crate::{
    capture::{
        files, life,
        scene::{Pair, texts, variables},
        sides::{HOST, bytes, cpu, requested, set, told_cpu},
        walls,
        workload::Part,
    },
    labels,
    observed::Container,
    plan::{NetworkMode, PodKind},
    profile::Duration,
};

const CONFIG: &str = "the container's `Config`";

pub(super) fn read(look: &mut Look<'_, '_>, pair: &Pair<'_>, found: &Container) {
    process(look, pair, found);
    host_side(look, pair, found);
    mounts(look, pair, found);
    of_image(look, pair, found);
}

/// Variables and labels that neither the plan nor the image has, and how long a stop may take.
fn process(look: &mut Look<'_, '_>, pair: &Pair<'_>, found: &Container) {
    let Some(image) = look.found.scene.image(found) else { return };
    let of_image = variables(&image.env);
    for (name, value) in variables(&found.env) {
        let asked = pair.plan.env.contains_key(name) || of_image.get(name) == Some(&value);
        look.add_if(!asked, ["env", name], value, "`Config.Env` of the container");
    }
    let is_of_a_tool =
        |name: &str| ["com.docker.", "desktop.docker.", labels::PREFIX].iter().any(|p| name.starts_with(p));
    if let Part::Main = part_of(pair) {
        for (name, value) in found.labels.iter().filter(|(name, _)| !is_of_a_tool(name)) {
            let asked = pair.plan.labels.contains_key(name) || image.labels.get(name) == Some(value);
            look.add_if(!asked, ["labels", name], value.as_str(), CONFIG);
        }
        let told = found.stop_timeout_seconds.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(10);
        let grace = json!(Duration { millis: told.saturating_mul(1000) });
        look.add_if(
            told.saturating_mul(1000) != pair.plan.stop_grace_millis,
            ["stop_grace_period"],
            grace,
            CONFIG,
        );
    }
}

/// Fields of the whole replica are the main container's.
fn part_of(pair: &Pair<'_>) -> Part<'static> {
    if pair.plan.key == pair.pod.main.key { Part::Main } else { Part::Sidecar("") }
}

/// Limits and rights that the engine was told of beside the plan's.
fn host_side(look: &mut Look<'_, '_>, pair: &Pair<'_>, found: &Container) {
    let (plan, host) = (pair.plan, &found.host);
    let limits = &plan.limits;
    let unplanned = |planned: Option<u64>, live: Option<i64>| live.filter(|_| planned.is_none());
    let live = [
        (["resources", "limits", "cpu"], unplanned(limits.cpu_millis, told_cpu(found)).map(cpu)),
        (["resources", "limits", "memory"], unplanned(limits.memory, set(host.memory)).map(bytes)),
        (
            ["resources", "requests", "cpu"],
            // 1024 is what the kernel gives to whoever asks for nothing.
            unplanned(limits.cpu_shares, set(host.cpu_shares).filter(|shares| *shares != 1024))
                .map(|shares| cpu(requested(shares))),
        ),
        (
            ["resources", "requests", "memory"],
            unplanned(limits.memory_reservation, set(host.memory_reservation)).map(bytes),
        ),
    ];
    for (field, live) in live {
        if let Some(live) = live {
            look.add(field, live, HOST);
        }
    }
    if let Some(most) = unplanned(limits.pids.map(u64::from), set(host.pids_limit)) {
        look.add(["pids"], most, HOST);
    }
    let short = |list: &[String]| list.iter().map(|name| walls::capability(name)).collect::<Vec<_>>();
    look.add_if(
        short(&host.cap_add) != short(&plan.cap_add),
        ["capabilities", "add"],
        texts(&short(&host.cap_add)),
        HOST,
    );
    look.add_if(
        short(&host.cap_drop) != short(&plan.cap_drop),
        ["capabilities", "drop"],
        texts(&short(&host.cap_drop)),
        HOST,
    );
    look.add_if(host.privileged != plan.privileged, ["privileged"], host.privileged, HOST);
    look.add_if(host.read_only != plan.read_only, ["read_only"], host.read_only, HOST);
    look.add_if(host.group_add != plan.group_add, ["groups"], texts(&host.group_add), HOST);
    let planned = plan.security_opt.iter().any(|option| option.starts_with("no-new-privileges"));
    let live = walls::has_no_new_privileges(found);
    look.add_if(live != planned, ["no_new_privileges"], live, HOST);
    let planned = plan.security_opt.iter().any(|option| option == "seccomp=unconfined");
    let seccomp = walls::seccomp(found);
    // The engine is asked for its own filter by saying nothing.
    look.add_if((seccomp == "unconfined") != planned, ["seccomp"], seccomp, HOST);
    for (name, value) in &host.sysctls {
        look.add_if(!plan.sysctls.contains_key(name), ["sysctls", name], value.as_str(), HOST);
    }
    if let Part::Main = part_of(pair) {
        look.add_if((host.pid_mode == "host") != plan.host_pid, ["host_pid"], host.pid_mode == "host", HOST);
        let on_host = plan.network == NetworkMode::Host;
        look.add_if(
            (host.network_mode == "host") != on_host,
            ["host_network"],
            host.network_mode == "host",
            HOST,
        );
    }
}

/// What is mounted where the plan mounts nothing.
fn mounts(look: &mut Look<'_, '_>, pair: &Pair<'_>, found: &Container) {
    let bare = |path: &str| path.trim_end_matches('/').to_owned();
    let planned: Vec<String> = pair.plan.mounts.iter().map(|mount| bare(mount.target())).collect();
    let in_memory: Vec<String> = pair.plan.tmpfs.keys().map(|path| bare(path)).collect();
    let known = |path: &str| planned.contains(&bare(path)) || in_memory.contains(&bare(path));
    for mount in found.mounts.iter().filter(|mount| !known(&mount.target)) {
        look.add(["volumes", &mount.target], files::shown(mount), "the container's mounts");
    }
    for (path, options) in found.host.tmpfs.iter().filter(|(path, _)| !known(path)) {
        look.add(["tmpfs", path], json!({"options": options}), HOST);
    }
}

/// What the plan leaves to the image.
fn of_image(look: &mut Look<'_, '_>, pair: &Pair<'_>, found: &Container) {
    let Some(image) = look.found.scene.image(found) else { return };
    let plan = pair.plan;
    let words = |words: &Option<Vec<String>>| words.clone().unwrap_or_default();
    if plan.entrypoint.is_none() {
        let live = words(&found.entrypoint);
        look.add_if(live != image.entrypoint, ["entrypoint"], texts(&live), CONFIG);
    }
    if plan.command.is_none() {
        // An entrypoint that is given takes the image's command away.
        let own = if plan.entrypoint.is_some() { &Vec::new() } else { &image.command };
        let live = words(&found.command);
        look.add_if(live != *own, ["command"], texts(&live), CONFIG);
    }
    if plan.user.is_none() {
        // The user of a store is the database's.
        let field = if pair.pod.kind == PodKind::Store { "run_as" } else { "user" };
        look.add_if(found.user != image.user, [field], found.user.as_str(), CONFIG);
    }
    if plan.working_dir.is_none() {
        let same = |path: &str| path.trim_end_matches('/').to_owned();
        let differs = same(&found.working_dir) != same(&image.working_dir);
        look.add_if(differs, ["working_dir"], found.working_dir.as_str(), CONFIG);
    }
    if plan.stop_signal.is_none() && matches!(part_of(pair), Part::Main) {
        let signal = |signal: &Option<String>| life::signal(signal.as_deref().unwrap_or("SIGTERM"));
        let live = found.stop_signal.as_deref().unwrap_or("SIGTERM");
        look.add_if(signal(&found.stop_signal) != signal(&image.stop_signal), ["stop_signal"], live, CONFIG);
    }
}
