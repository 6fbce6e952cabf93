//! Kubernetes counts whole seconds: spans are rounded up, so that nothing is cut short.

use crate::{
    plan::containers,
    profile::{Duration, Workload},
};

pub(crate) fn up(span: Duration) -> u64 {
    span.millis.div_ceil(1000)
}

/// `terminationGracePeriodSeconds`.
pub(crate) fn grace(run: &Workload) -> u64 {
    containers::grace_millis(run) / 1000
}

/// A pause in a hook as Kubernetes takes it: at least a second and no longer than the time to stop; none is no hook.
pub(crate) fn sleep(span: Duration, grace: u64) -> Option<u64> {
    Some(up(span).min(grace)).filter(|seconds| *seconds > 0)
}
