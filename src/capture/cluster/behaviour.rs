//! Behaviour that qualifies a field without being one: entries of the ledger that no profile can spell.

use serde_json::Value as Json;

use super::{
    super::{Reading, cgroup, workload::Workload},
    life,
    scene::Scene,
};
use crate::{ledger::Grade, path::Path};

pub(super) fn read(scene: &Scene<'_>, path: &Path, wanted: &Json) -> Reading {
    let keys: Vec<&str> = (0..path.0.len()).map_while(|at| path.key_at(at)).collect();
    let of = || Workload::at(path);
    match (keys.as_slice(), of()) {
        ([.., "resources", "limits", "memory", "oom_group"], Some(of)) => scene.each(&of, |pair| {
            let Some(inside) = pair.inside else {
                return Reading::unread("no shell answers in the container");
            };
            let from = "memory.oom.group";
            match (cgroup::oom_group(inside), cgroup::version(inside)) {
                (None, _) => Reading::unread("the control group does not tell it"),
                // The plan could not know the nodes' version.
                (Some(false), Some("v1")) if wanted == true => Reading::of(wanted, false, from)
                    .planned(false)
                    .because("one process dies and not the whole container: cgroup v1 has no such thing")
                    .worth(Grade::Approximated),
                // Else the kubelet sets it.
                (Some(live), version) => Reading::of(wanted, live, from).planned(version == Some("v2")),
            }
        }),
        ([_, _, "replicas", "identity"], Some(of)) => scene.each_pod(&of, |pod| {
            let ordinal = pod.name.strip_prefix(of.name).and_then(|rest| rest.strip_prefix('-'));
            let is_ordinal = ordinal.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
            Reading::of(wanted, if is_ordinal { "ordinal" } else { "random" }, "the pods' names")
        }),
        ([.., "exit_code"], Some(of)) => life::exit_code(scene, &of, wanted),
        (["network", "expose", "source_address"], _) => match &scene.observed.doors {
            Some(doors) if !doors.is_empty() => {
                Reading::of(wanted, "node", "the node's address").planned("node")
            }
            _ => Reading::unread("nobody was asked which ports are forwarded"),
        },
        (["stores", _, "seed"], _) => Reading::unread("the store began empty"),
        _ => Reading::unread("a mirror cannot hold it"),
    }
}
