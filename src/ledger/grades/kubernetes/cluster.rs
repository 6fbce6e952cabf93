//! Grades of the cluster itself: one that is made is made as the profile says.

use super::{Approximated, Case, Dropped, ENFORCED, Verdict, because};
use crate::plan::kubernetes::{ZONE, minor_version};

const OWN: &str = "the cluster has its own";

pub(crate) fn version(case: &Case<'_>) -> Verdict {
    let said = case.profile.platform.kubernetes.version.as_deref().unwrap_or_default();
    let wanted = minor_version(said);
    let made = || case.plan.shape.as_ref().and_then(|shape| shape.version());
    match case.capabilities.cluster.version.clone().or_else(made) {
        None => because(Dropped, OWN),
        Some(there) if wanted.as_ref() == Some(&there) => match said.split('.').count() {
            2 => ENFORCED,
            _ => because(Approximated, format!("of {there} the cluster has a patch of its own")),
        },
        Some(there) => because(Dropped, format!("the cluster has {there}")),
    }
}

pub(crate) fn nodes(case: &Case<'_>) -> Verdict {
    let wanted = case.profile.platform.kubernetes.nodes.unwrap_or_default();
    match (&case.plan.shape, case.capabilities.cluster.nodes) {
        (Some(shape), _) => match shape.nodes.len().max(1) {
            made if u32::try_from(made) == Ok(wanted) => ENFORCED,
            made => because(Approximated, format!("{made} are made: they share one machine")),
        },
        (None, Some(there)) if there == wanted => ENFORCED,
        (None, Some(there)) => because(Dropped, format!("pods may come to {there}")),
        (None, None) => because(Dropped, OWN),
    }
}

pub(crate) fn zones(case: &Case<'_>) -> Verdict {
    let wanted = &case.profile.platform.kubernetes.zones;
    let missing: Vec<&str> = match &case.plan.shape {
        Some(shape) => {
            let made = |zone: &String| shape.nodes.iter().any(|node| node.labels.get(ZONE) == Some(zone));
            wanted.iter().filter(|zone| !made(zone)).map(String::as_str).collect()
        }
        None if case.capabilities.cluster.nodes.is_none() => return because(Dropped, OWN),
        None => {
            let there = &case.capabilities.cluster.zones;
            wanted.iter().filter(|zone| !there.contains(*zone)).map(String::as_str).collect()
        }
    };
    match (missing.as_slice(), &case.plan.shape) {
        ([], _) => ENFORCED,
        (missing, Some(_)) => because(
            Approximated,
            format!("no node is made in {}: they share one machine", missing.join(", ")),
        ),
        (missing, None) => because(Dropped, format!("no node is in {}", missing.join(", "))),
    }
}

/// What a cluster is made with, and what one that is there has already.
pub(crate) fn made(case: &Case<'_>) -> Verdict {
    if case.plan.shape.is_some() { ENFORCED } else { because(Dropped, OWN) }
}
