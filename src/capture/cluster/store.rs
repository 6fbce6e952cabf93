//! Stores, as their own engines answer.

use serde_json::Value as Json;

use super::{
    super::{
        Reading,
        store::{self, Asked},
        workload::{Within, Workload},
    },
    scene::{SPEC, Scene, items},
};

pub(super) fn read(scene: &Scene<'_>, of: &Workload<'_>, within: &Within, wanted: &Json) -> Option<Reading> {
    let is_it = |store: &str| of.section == "stores" && store == of.name;
    let plan = scene.plan.stores.iter().find(|plan| is_it(plan.store.as_str()))?;
    let asked = Asked {
        engine: plan.engine,
        database: &plan.database,
        user: &plan.user,
        seed: plan.seed.as_deref(),
        facts: scene.observed.stores.get(of.name),
        loaded: match &scene.observed.seeds {
            Some(seeds) => Ok(seeds.iter().rfind(|seed| seed.store == of.name)),
            None => Err("nobody looked into the mirror's record"),
        },
        remembered: "the mirror's record",
        known: &scene.known,
    };
    let clock = || {
        scene.each(of, |pair| {
            let is_moved = items(&pair.spec["env"]).any(|variable| {
                let text = |key: &str| variable[key].as_str().unwrap_or_default();
                store::moves_clock(text("name"), text("value"))
            });
            store::wall(wanted, is_moved, SPEC)
        })
    };
    asked.read(&within.keys(), wanted, clock)
}
