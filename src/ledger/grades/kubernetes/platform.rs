//! Grades of the machines, and of what only some clusters have.

use super::{Approximated, Case, Dropped, ENFORCED, Emulated, Enforced, Verdict, because};
use crate::{
    plan::{
        BackendKind,
        kubernetes::{PodSpec, Withheld},
    },
    profile::Arch,
};

pub(crate) fn arch(case: &Case<'_>) -> Verdict {
    let wanted = match case.profile.platform.arch {
        Some(Arch::Arm64) => "arm64",
        Some(Arch::Amd64) | None => "amd64",
    };
    let host = &case.capabilities.host;
    match host.backend {
        _ if host.arch == wanted || host.arch.is_empty() => ENFORCED,
        BackendKind::Kind => {
            because(Approximated, format!("{wanted} is emulated on {}: timing is not comparable", host.arch))
        }
        _ => because(Dropped, "no node has it, and the pods wait for one"),
    }
}

pub(crate) fn kernel(case: &Case<'_>) -> Verdict {
    match case.capabilities.host.kernel.as_str() {
        "" => because(Dropped, "the nodes' kernel is what it is"),
        kernel => because(Dropped, format!("the nodes' kernel is {kernel}")),
    }
}

/// No API tells a node's version: a container does, when the mirror is read back.
pub(crate) fn cgroup(_: &Case<'_>) -> Verdict {
    because(Dropped, "the nodes' version is what it is")
}

pub(crate) fn cores(case: &Case<'_>) -> Verdict {
    let wanted = case.profile.platform.cores.unwrap_or_default();
    match case.capabilities.host.cores {
        0 => because(Dropped, "a process sees the cores of its node"),
        cores if cores == wanted => ENFORCED,
        _ if withheld(case).cores > 0 => match own_cores(case, wanted).as_slice() {
            [] => because(Enforced, "the node's others are kept from pods"),
            alone => because(
                Approximated,
                format!("guaranteed whole cores, the node gives these theirs alone: {}", alone.join(", ")),
            ),
        },
        _ => because(Dropped, "a process sees the cores of its node"),
    }
}

pub(crate) fn node_memory(case: &Case<'_>) -> Verdict {
    match withheld(case).memory {
        0 => {
            because(Approximated, "a process sees the memory of its node; limits are those of its container")
        }
        _ => because(
            Approximated,
            "what does not fit waits or is evicted, as the node keeps the rest of this machine's from pods; a process sees it all",
        ),
    }
}

/// What the node of a cluster that is made keeps from pods.
fn withheld(case: &Case<'_>) -> Withheld {
    let nodes = case.plan.shape.iter().flat_map(|shape| &shape.nodes);
    nodes.map(|node| node.withheld).next().unwrap_or_default()
}

/// Containers to which the static CPU policy gives cores of their own, and another number than a node has: whole ones
/// in a pod of the class Guaranteed (Kubernetes, "Control CPU Management Policies on the Node").
fn own_cores(case: &Case<'_>, cores: u32) -> Vec<String> {
    let mut found = Vec::new();
    for (service, pod) in case.plan.pods().filter(|(_, pod)| is_guaranteed(pod)) {
        for container in pod.containers() {
            let own = container.limits.cpu.map_or(0, |cpu| cpu.millis);
            if own % 1000 == 0 && own != u64::from(cores) * 1000 {
                found.push(format!("{service}/{}", container.name));
            }
        }
    }
    found
}

fn is_guaranteed(pod: &PodSpec) -> bool {
    pod.containers().all(|container| {
        let (limits, requests) = (&container.limits, &container.requests);
        limits.cpu.is_some()
            && limits.memory.is_some()
            && requests.cpu.is_none_or(|cpu| limits.cpu == Some(cpu))
            && requests.memory.is_none_or(|memory| limits.memory == Some(memory))
    })
}

pub(crate) fn oom_group(case: &Case<'_>) -> Verdict {
    match (case.value.as_bool(), case.capabilities.host.cgroup) {
        (Some(true), 2) => ENFORCED,
        (Some(true), _) => {
            because(Approximated, "one process dies and not the whole container: cgroup v1 has no such thing")
        }
        (_, 2) => because(
            Approximated,
            "the whole container dies, where production loses one process: the kubelet sets it",
        ),
        _ => because(Emulated, "as in production, one process dies and not the whole container"),
    }
}

pub(crate) fn autoscaling(case: &Case<'_>) -> Verdict {
    if !case.capabilities.cluster.metrics {
        return because(Approximated, "without a metrics server the number of replicas stays what it is");
    }
    match case.value.as_u64() {
        Some(0) => because(Approximated, "raised to 1, the least"),
        _ => ENFORCED,
    }
}
