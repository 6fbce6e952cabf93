//! Budgets of disruption: how many replicas an eviction leaves alone.

use serde_json::Value as Json;

use super::{
    field,
    objects::{Cluster, Object},
    rest,
    workloads::Workload,
};
use crate::{
    capture::{
        draft::{Sketch, Taking, scalar},
        selector::selects,
    },
    profile::Portion,
};

const KIND: &str = "PodDisruptionBudget";

/// A budget that holds one service or store alone becomes a part of it; any other is named with what is in the way.
pub(super) fn write<'s>(cluster: &Cluster<'s>, workloads: &[Workload<'s>], to: &mut Sketch<'s>) {
    for budget in cluster.of_kind(KIND) {
        match held(budget, cluster, workloads).and_then(|workload| Ok((workload, bound(budget)?))) {
            Ok((workload, bound)) => take(budget, workload, bound, to),
            Err(why) => rest::unsupported(budget, why, to),
        }
    }
}

/// The one workload whose pods a budget selects.
fn held<'a, 's>(
    budget: &Object<'s>,
    cluster: &Cluster<'s>,
    workloads: &'a [Workload<'s>],
) -> Result<&'a Workload<'s>, &'static str> {
    let mut all = workloads.iter().filter(|workload| is_held(budget, workload));
    let workload = all.next().ok_or("it selects nothing that was read")?;
    if all.next().is_some() {
        return Err("it holds several workloads together, and a profile's holds one");
    }
    if workload.section == "jobs" {
        return Err("a job of a profile has none");
    }
    let another = cluster.of_kind(KIND).any(|other| other.name != budget.name && is_held(other, workload));
    match another {
        true => Err("another one holds the same pods, and the API server evicts none of them then"),
        false => Ok(workload),
    }
}

fn is_held(budget: &Object<'_>, workload: &Workload<'_>) -> bool {
    let selector = budget.at.find(&["spec", "selector"]).map_or(&Json::Null, |at| at.value());
    budget.namespace == workload.object.namespace && selects(selector, workload.labels())
}

/// The profile's word for the bound, its value, and where it stands.
type Bound<'s> = (&'static str, Portion, Taking<'s>);

fn bound<'s>(budget: &Object<'s>) -> Result<Bound<'s>, &'static str> {
    let of = |key: &str| budget.at.find(&["spec", key]);
    let (word, at) = match (of("minAvailable"), of("maxUnavailable")) {
        (Some(at), None) => ("min_available", at),
        (None, Some(at)) => ("max_unavailable", at),
        (None, None) => return Err("it has no bound"),
        (Some(_), Some(_)) => return Err("it has two bounds, which exclude each other"),
    };
    match scalar(at.value()).and_then(|text| text.parse().ok()) {
        Some(portion) => Ok((word, portion, at)),
        None => Err("its bound is neither a number nor a percentage"),
    }
}

fn take<'s>(budget: &Object<'s>, workload: &Workload<'s>, bound: Bound<'s>, to: &mut Sketch<'s>) {
    budget.known();
    budget.at.became(workload.at.clone());
    let Some(spec) = budget.spec() else { return };
    if let Some(selector) = spec.get("selector") {
        selector.used();
    }
    let (word, portion, at) = bound;
    to.take(&field(&workload.at, &["disruption", word]), serde_json::json!(portion), &at);
    // Kubernetes' own default.
    match spec.get("unhealthyPodEvictionPolicy") {
        Some(policy) if policy.value() == "IfHealthyBudget" => policy.used(),
        Some(policy) => {
            policy.left_out("in a mirror what is not ready is evicted while the budget is met alone")
        }
        None => {}
    }
}
