//! What of a container can be changed behind a mirror's back while the container stays.

use super::ContainerPlan;
use crate::observed::Container;

/// Whether something that `docker update` and the like can change is no longer as planned.
pub(crate) fn is_drifted(planned: &ContainerPlan, there: &Container) -> bool {
    let limits = &planned.limits;
    let host = &there.host;
    let memory = limits.memory.unwrap_or(0) as i64;
    let swap = limits.memory.map_or(0, |memory| memory as i64);
    let cpus = limits.cpu_millis.unwrap_or(0) as i64 * 1_000_000;
    let quota_differs = host.cpu_quota > 0
        && host.cpu_period > 0
        && host.cpu_quota.saturating_mul(1_000_000_000) / host.cpu_period != cpus;
    host.memory != memory
        || (limits.memory.is_some() && host.memory_swap != swap)
        || (host.nano_cpus != cpus && host.cpu_quota == 0)
        || quota_differs
        || host.cpu_shares != limits.cpu_shares.unwrap_or(0) as i64
        || host.memory_reservation != limits.memory_reservation.unwrap_or(0) as i64
        || host.cpuset != limits.cpuset.clone().unwrap_or_default()
        || (host.pids_limit > 0 || limits.pids.is_some())
            && host.pids_limit != limits.pids.map_or(0, i64::from)
        || host.restart_policy != if planned.restart_always { "always" } else { "no" }
}
