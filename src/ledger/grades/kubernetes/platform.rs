//! Grades of the machines, and of what only some clusters have.

use super::{Approximated, Case, Dropped, ENFORCED, Emulated, Verdict, because};
use crate::{plan::BackendKind, profile::Arch};

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
    match case.capabilities.host.cores {
        cores if cores > 0 && Some(cores) == case.profile.platform.cores => ENFORCED,
        _ => because(Dropped, "a process sees the cores of its node"),
    }
}

pub(crate) fn node_memory(_: &Case<'_>) -> Verdict {
    because(Approximated, "a process sees the memory of its node; limits are those of its container")
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
