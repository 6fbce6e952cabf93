//! What a mirror may have of a cluster at most.

use serde::Serialize;

use super::{Body, Object};
use crate::profile::Bytes;

/// Pods that belong to no workload, as one for a command.
const BESIDE: u32 = 10;

/// The most that a namespace is given: room for every replica beside the one that it replaces, and for a profile that
/// changes, but not for a mistake. Ports of nodes and load balancers, which lead in from outside, it is given none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bounds {
    pub pods: u32,
    pub claims: u32,
    /// Of all claims together.
    pub storage: Bytes,
}

impl Bounds {
    pub(super) fn of(objects: &[Object]) -> Self {
        let (mut pods, mut claims, mut storage) = (0_u32, 0_u32, 0_u64);
        for object in objects {
            match &object.body {
                Body::Deployment { replicas, .. } => pods = pods.saturating_add(*replicas),
                Body::StatefulSet { replicas, claims: each, .. } => {
                    pods = pods.saturating_add(*replicas);
                    let count = u32::try_from(each.len()).unwrap_or(u32::MAX);
                    claims = claims.saturating_add(replicas.saturating_mul(count));
                    let sizes = each.values().fold(0_u64, |sum, size| sum.saturating_add(size.0));
                    storage = storage.saturating_add(sizes.saturating_mul(u64::from(*replicas)));
                }
                Body::Job { .. } | Body::CronJob { .. } => pods = pods.saturating_add(1),
                // Beside the replicas that its workload begins with.
                Body::Autoscaler { min: _, max, .. } => pods = pods.saturating_add(*max),
                Body::Claim { size } => {
                    claims = claims.saturating_add(1);
                    storage = storage.saturating_add(size.0);
                }
                Body::Namespace { .. }
                | Body::ServiceAccount
                | Body::NetworkPolicy { .. }
                | Body::Secret { .. }
                | Body::ConfigMap { .. }
                | Body::Service { .. }
                | Body::DisruptionBudget { .. } => {}
            }
        }
        Self {
            pods: pods.saturating_mul(2).saturating_add(BESIDE),
            claims: claims.saturating_mul(2),
            storage: Bytes(storage.saturating_mul(2)),
        }
    }
}
