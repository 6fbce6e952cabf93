//! Behaviour that qualifies a field without being one: entries of the ledger that no profile can spell.

use serde_json::Value as Json;

use super::{Reading, cgroup, life, scene::Scene, workload::Workload};
use crate::path::Path;

pub(super) fn read(scene: &Scene<'_>, path: &Path, wanted: &Json) -> Reading {
    let keys: Vec<&str> = (0..path.0.len()).map_while(|at| path.key_at(at)).collect();
    match keys.as_slice() {
        [.., "resources", "limits", "memory", "oom_group"] => {
            let Some(of) = Workload::at(path) else { return Reading::unread("there is no such workload") };
            // The engine leaves the kernel's default: one process dies.
            scene.each(&of, |_, found| match found.inside.as_ref().and_then(cgroup::oom_group) {
                Some(live) => Reading::of(wanted, live, "memory.oom.group").planned(false),
                None => Reading::unread("no shell answers in the container"),
            })
        }
        [_, _, "replicas", "identity"] => {
            let Some(of) = Workload::at(path) else { return Reading::unread("there is no such workload") };
            let from = "the pause's hostname";
            scene.each_pause(&of, |pod, pause| {
                let own = format!("{}-{}", pod.service, pod.ordinal);
                let live = if pause.hostname == own { "ordinal" } else { pause.hostname.as_str() };
                // A hostname that the profile gives is every replica's.
                let hostname = scene.tree[of.section][of.name]["hostname"].as_str();
                Reading::of(wanted, live, from).planned(hostname.unwrap_or("ordinal"))
            })
        }
        [.., "exit_code"] => {
            let Some(of) = Workload::at(path) else { return Reading::unread("there is no such workload") };
            life::exit_code(scene, &of, wanted)
        }
        ["network", "expose", "source_address"] => match scene.find(&scene.plan.gateway.container.key) {
            Some(_) => Reading::of(wanted, "gateway", "the gateway, which relays").planned("gateway"),
            None => Reading::unread("the gateway is not there"),
        },
        ["stores", _, "seed"] => Reading::unread("the store began empty"),
        _ => Reading::unread("a mirror cannot hold it"),
    }
}
