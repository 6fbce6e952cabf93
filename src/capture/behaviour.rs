//! Behaviour that qualifies a field without being one: entries of the ledger that no profile can spell.

use serde_json::Value as Json;

use super::{Reading, cgroup, scene::Scene};
use crate::path::Path;

pub(super) fn read(scene: &Scene<'_>, path: &Path, wanted: &Json) -> Reading {
    let keys: Vec<&str> = (0..path.0.len()).map_while(|at| path.key_at(at)).collect();
    match keys.as_slice() {
        [.., "resources", "limits", "memory", "oom_group"] => {
            let Some(of) = scene.workload(path) else { return Reading::unread("there is no such workload") };
            // The engine leaves the kernel's default: one process dies.
            scene.each(&of, |_, found| match found.inside.as_ref().and_then(cgroup::oom_group) {
                Some(live) => Reading::planned(wanted, false, live, "memory.oom.group"),
                None => Reading::unread("no shell answers in the container"),
            })
        }
        [_, _, "replicas", "identity"] => {
            let Some(of) = scene.workload(path) else { return Reading::unread("there is no such workload") };
            scene.each(&of, |pair, _| match scene.find(&pair.pod.pause.key) {
                Some(pause) if pause.hostname == format!("{}-{}", pair.pod.service, pair.pod.ordinal) => {
                    Reading::planned(wanted, "ordinal", "ordinal", "the pause's hostname")
                }
                Some(pause) => Reading::of(wanted, pause.hostname.as_str(), "the pause's hostname"),
                None => Reading::unread("the pause is not there"),
            })
        }
        ["network", "expose", "source_address"] => match scene.find(&scene.plan.gateway.container.key) {
            Some(_) => Reading::planned(wanted, "gateway", "gateway", "the gateway, which relays"),
            None => Reading::unread("the gateway is not there"),
        },
        ["stores", _, "seed"] => Reading::unread("the store began empty"),
        _ => Reading::unread("a mirror cannot hold it"),
    }
}
