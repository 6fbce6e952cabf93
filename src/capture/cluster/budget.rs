//! Budgets of disruption: the planned one, and those that hold the same pods.

use serde_json::{Map, Value as Json, json};

use super::{
    super::{
        Reading,
        selector::selects,
        workload::{Part, Within, Workload},
    },
    scene::Scene,
};
use crate::{plan::kubernetes::ObjectKind, render::kubernetes::words};

pub(super) const FROM: &str = "the budget";
const KIND: ObjectKind = ObjectKind::PodDisruptionBudget;

pub(super) fn read(scene: &Scene<'_>, of: &Workload<'_>, within: &Within, wanted: &Json) -> Option<Reading> {
    if of.part != Part::Main || within.keys() != ["disruption"] {
        return None;
    }
    let Some(object) = scene.planned_object(KIND, of.name) else {
        return Some(Reading::unread("no budget is planned"));
    };
    let Some(found) = scene.found(object) else { return Some(scene.missing(KIND.as_str(), FROM)) };
    let live = bound(found);
    let otherwise = |live: Json, why: &str| Some(Reading::other(wanted, live, FROM).because(why));
    // Whatever else stands in it selects other pods.
    if found["spec"]["selector"] != json!({"matchLabels": words::selected(object)}) {
        return otherwise(live, "it selects other pods than its service's");
    }
    // Kubernetes' own default is not written.
    let policy = &found["spec"]["unhealthyPodEvictionPolicy"];
    if !policy.is_null() && policy != "IfHealthyBudget" {
        return otherwise(live, "what is not ready is evicted whatever its bound says");
    }
    if let Some((name, _)) = foreign(scene, of).next() {
        let why =
            format!("{} {name} holds its pods too: the API server evicts none of them then", KIND.as_str());
        return otherwise(live, &why);
    }
    let words = |bound: &Json| bound.as_object().map(|map| map.keys().cloned().collect::<Vec<_>>());
    if words(&live) != words(wanted) {
        return otherwise(live, "its bound is given by another word");
    }
    Some(Reading::of(wanted, live, FROM))
}

/// Budgets that the plan has not and that hold pods of a workload.
pub(super) fn foreign<'a>(
    scene: &'a Scene<'_>,
    of: &'a Workload<'_>,
) -> impl Iterator<Item = (&'a str, &'a Json)> {
    let holds = |budget: &Json| {
        let selector = &budget["spec"]["selector"];
        scene.labelled(of.name).any(|(_, pod)| selects(selector, &pod["metadata"]["labels"]))
    };
    scene
        .observed
        .of_kind(KIND.as_str())
        .filter(move |(name, budget)| scene.planned_object(KIND, name).is_none() && holds(budget))
}

/// The bound of a budget in the profile's words.
pub(super) fn bound(budget: &Json) -> Json {
    let mut found = Map::new();
    for (key, word) in [("minAvailable", "min_available"), ("maxUnavailable", "max_unavailable")] {
        if let Some(live) = budget["spec"].get(key).filter(|live| !live.is_null()) {
            found.insert(word.to_owned(), live.clone());
        }
    }
    found.into()
}
