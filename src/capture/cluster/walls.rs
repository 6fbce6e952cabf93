//! The walls around a process: capabilities, filters, read-only files, kernel settings, groups.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::{
    super::{
        Reading, inside, walls,
        workload::{Within, Workload},
    },
    scene::{Pair, SPEC, Scene, items, named},
};
use crate::{observed::Inside, plan::kubernetes::Seccomp};

pub(super) fn read(scene: &Scene<'_>, of: &Workload<'_>, within: &Within, wanted: &Json) -> Option<Reading> {
    let keys = within.keys();
    if within.len() != keys.len() {
        return None;
    }
    let reading = match keys.as_slice() {
        ["read_only"] => scene.each(of, |pair| {
            flag(pair, "readOnlyRootFilesystem", wanted, pair.plan.walls.read_only).and(inside_says(
                pair,
                wanted,
                "/proc/mounts",
                inside::root_is_read_only,
            ))
        }),
        ["capabilities", which @ ("add" | "drop")] => scene.each(of, |pair| {
            let live = capabilities(&pair.spec["securityContext"]["capabilities"][*which]);
            let same = live == capabilities(wanted);
            Reading::equal(wanted, same, || live.iter().map(String::as_str).collect(), SPEC)
        }),
        ["no_new_privileges"] => scene.each(of, |pair| match pair.plan.walls.privilege_escalation {
            None => Reading::unread("the pod's spec may not say it"),
            Some(_) => {
                let live = pair.spec["securityContext"]["allowPrivilegeEscalation"] == Json::Bool(false);
                Reading::of(wanted, live, SPEC).and(inside_says(pair, wanted, STATUS, |inside| {
                    Some(inside::status(inside, "NoNewPrivs")? == "1")
                }))
            }
        }),
        ["seccomp"] => scene.each(of, |pair| seccomp(pair, wanted)),
        ["privileged"] => scene.each(of, |pair| flag(pair, "privileged", wanted, pair.plan.walls.privileged)),
        ["host_network"] => scene.each_pod(of, |pod| {
            let live = pod.spec()["hostNetwork"] == Json::Bool(true);
            Reading::of(wanted, live, SPEC).planned(pod.plan.host_network)
        }),
        ["host_pid"] => scene.each_pod(of, |pod| {
            let live = pod.spec()["hostPID"] == Json::Bool(true);
            Reading::of(wanted, live, SPEC).planned(pod.plan.host_pid)
        }),
        ["sysctls", name] => scene.each(of, |pair| sysctl(pair, name, wanted)),
        ["groups"] => scene.each_pod(of, |pod| {
            let own = |group: &u64, list: &Json| items(list).any(|item| item == group.to_string().as_str());
            let planned: BTreeSet<u64> = pod.plan.groups.iter().map(|group| u64::from(*group)).collect();
            // Groups are the pod's: those of its other containers are no more than was planned.
            let of_others: BTreeSet<u64> =
                planned.iter().copied().filter(|group| !own(group, wanted)).collect();
            let live = items(&pod.spec()["securityContext"]["supplementalGroups"]).filter_map(Json::as_u64);
            let live: BTreeSet<u64> = live.filter(|group| !of_others.contains(group)).collect();
            let spelled = |groups: &BTreeSet<u64>| -> Json {
                groups.iter().map(|group| Json::from(group.to_string())).collect()
            };
            let asked: BTreeSet<&str> = items(wanted).filter_map(Json::as_str).collect();
            let same = live.len() == asked.len()
                && live.iter().all(|group| asked.contains(group.to_string().as_str()));
            let kept: BTreeSet<u64> = planned.difference(&of_others).copied().collect();
            if kept.is_empty() && live.is_empty() {
                return Reading::unread("the pod's spec may hold none of them");
            }
            Reading::equal(wanted, same, || spelled(&live), SPEC).planned(if same {
                wanted.clone()
            } else {
                spelled(&kept)
            })
        }),
        ["fs_group"] => scene.each_pod(of, |pod| match pod.plan.fs_group {
            None => Reading::unread("the pod's spec may not hold it"),
            Some(_) => match &pod.spec()["securityContext"]["fsGroup"] {
                Json::Null => Reading::absent(SPEC, "it says none"),
                live => Reading::of(wanted, live.clone(), SPEC),
            },
        }),
        _ => return None,
    };
    Some(reading)
}

const STATUS: &str = "/proc/1/status";

fn flag(pair: &Pair<'_>, key: &str, wanted: &Json, planned: bool) -> Reading {
    let live = pair.spec["securityContext"][key] == Json::Bool(true);
    Reading::of(wanted, live, SPEC).planned(planned)
}

fn inside_says(
    pair: &Pair<'_>,
    wanted: &Json,
    from: &str,
    ask: impl Fn(&Inside) -> Option<bool>,
) -> Option<Reading> {
    Some(Reading::of(wanted, ask(pair.inside?)?, from))
}

/// A set of capabilities, whatever their order and spelling.
pub(super) fn capabilities(list: &Json) -> BTreeSet<String> {
    items(list).filter_map(Json::as_str).map(walls::capability).collect()
}

const DEFAULT_FILTER: &str = "runtime/default";
const NO_FILTER: &str = "unconfined";

/// The filter by the spec; where it says none, by the kernel alone: the node decides.
fn seccomp(pair: &Pair<'_>, wanted: &Json) -> Reading {
    let said = pair.inside.and_then(|inside| inside::status(inside, "Seccomp"));
    let said = said.map(|mode| if mode == "0" { NO_FILTER } else { DEFAULT_FILTER });
    let told = of_spec(pair);
    match (pair.plan.walls.seccomp, told, said) {
        (None, None, None) => Reading::unread("the pod's spec says none: the node decides"),
        // A file of production's nodes is not here.
        (None, None, Some(live)) => Reading::of(wanted, live, STATUS).planned(live),
        (Some(_), None, _) => Reading::absent(SPEC, "it says none"),
        (planned, Some(live), said) => {
            let reading =
                Reading::of(wanted, live, SPEC).and(said.map(|live| Reading::of(wanted, live, STATUS)));
            match planned {
                Some(Seccomp::RuntimeDefault) => reading.planned(DEFAULT_FILTER),
                Some(Seccomp::Unconfined) => reading.planned(NO_FILTER),
                None => reading,
            }
        }
    }
}

/// The container's own filter, else the pod's; a privileged one has none.
pub(super) fn of_spec<'a>(pair: &Pair<'a>) -> Option<&'a str> {
    let (own, pods) = (&pair.spec["securityContext"], &pair.pod.spec()["securityContext"]);
    let kind = own["seccompProfile"]["type"].as_str().or(pods["seccompProfile"]["type"].as_str())?;
    Some(match kind {
        "RuntimeDefault" => DEFAULT_FILTER,
        "Unconfined" => NO_FILTER,
        other => other,
    })
}

/// A setting of the pod, by its spec and by the kernel.
fn sysctl(pair: &Pair<'_>, name: &str, wanted: &Json) -> Reading {
    let name = name.replace('/', ".");
    let Some(planned) = pair.pod.plan.sysctls.get(&name) else {
        return Reading::unread("the pod is not given it");
    };
    let equal = |live: &str| wanted.as_str().map(inside::words) == Some(inside::words(live));
    let read = |live: &str, from: &str| Reading::equal(wanted, equal(live), || live.trim().into(), from);
    let told = match named(&pair.pod.spec()["securityContext"]["sysctls"], &name)["value"].as_str() {
        Some(live) => read(live, SPEC),
        None => Reading::absent(SPEC, "the pod is not given this setting"),
    };
    let path = format!("/proc/sys/{}", name.replace('.', "/"));
    let said = pair.inside.and_then(|inside| inside.files.get(&path));
    // Two containers of a pod have one setting, and the main one's word counts.
    told.and(said.map(|live| read(live, &path))).planned(planned.as_str())
}
