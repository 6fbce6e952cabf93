//! Grades of the machines that production runs on.

use super::{Approximated, Case, Dropped, ENFORCED, Verdict, because};
use crate::profile::Arch;

pub(crate) fn arch(case: &Case<'_>) -> Verdict {
    let wanted = match case.profile.platform.arch {
        Some(Arch::Arm64) => "arm64",
        Some(Arch::Amd64) | None => "amd64",
    };
    let host = &case.capabilities.host.arch;
    if host == wanted {
        ENFORCED
    } else {
        because(Approximated, format!("{wanted} is emulated on {host}: timing is not comparable"))
    }
}

pub(crate) fn kernel(case: &Case<'_>) -> Verdict {
    because(Dropped, format!("the host's kernel is {}", case.capabilities.host.kernel))
}

pub(crate) fn cgroup(case: &Case<'_>) -> Verdict {
    because(Dropped, format!("the host has version {}", case.capabilities.host.cgroup))
}

pub(crate) fn cores(case: &Case<'_>) -> Verdict {
    let (wanted, host) = (case.profile.platform.cores.unwrap_or_default(), case.capabilities.host.cores);
    if wanted <= host { ENFORCED } else { because(Approximated, format!("the host has {host}")) }
}

pub(crate) fn node_memory(case: &Case<'_>) -> Verdict {
    let host = case.capabilities.host.memory;
    because(
        Approximated,
        format!("a process sees the host's {host} bytes; limits are those of its container"),
    )
}

pub(crate) fn swap(case: &Case<'_>) -> Verdict {
    if !case.capabilities.host.swap_limit {
        return because(Dropped, "this kernel does not account for swap");
    }
    let unlimited: Vec<&str> = case
        .plan
        .pods
        .iter()
        .filter(|pod| pod.ordinal == 0)
        .flat_map(|pod| pod.containers().skip(1))
        .filter(|container| container.limits.memory.is_none())
        .map(|container| container.key.as_str())
        .collect();
    if unlimited.is_empty() {
        ENFORCED
    } else {
        because(
            Approximated,
            format!("without a memory limit there is none on swap: {}", unlimited.join(", ")),
        )
    }
}

pub(crate) fn node_timezone(case: &Case<'_>) -> Verdict {
    let host = case.capabilities.host.timezone.as_deref().unwrap_or("not known");
    because(Dropped, format!("containers do not inherit it; the host's is {host}"))
}
