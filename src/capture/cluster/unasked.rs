//! What runs though neither the profile nor the plan asks for it, by the field that would have asked.
//!
//! What Kubernetes itself adds is told apart in [`super::added`].

mod container;
mod pod;
mod stack;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{
    super::{
        Reading, tree,
        workload::{Part, Workload},
    },
    scene::Scene,
};
use crate::path::Path;

pub(super) fn read(scene: &Scene<'_>) -> BTreeMap<Path, Reading> {
    let mut found = Found { scene, readings: BTreeMap::new() };
    for of in Workload::all(scene.tree) {
        let at = of.path();
        for pair in scene.pairs(&of).iter().filter(|pair| !pair.spec.is_null()) {
            container::read(&mut Look { found: &mut found, at: &at, name: pair.pod.name }, &of, pair);
        }
        if of.part == Part::Main {
            for pod in scene.pods(&of) {
                pod::read(&mut Look { found: &mut found, at: &at, name: pod.name }, &pod);
            }
            stack::of_workload(scene, &of, &mut found);
        }
    }
    stack::read(scene, &mut found);
    found.readings
}

struct Found<'a> {
    scene: &'a Scene<'a>,
    readings: BTreeMap<Path, Reading>,
}

impl Found<'_> {
    /// Takes what was found for a field unless the profile has the field: then its own reader tells of it.
    fn add(&mut self, path: Path, live: Json, from: &str, why: String) {
        if tree::get(self.scene.tree, &path.0).is_none() {
            self.readings.entry(path).or_insert_with(|| Reading::unasked(live, from, why));
        }
    }
}

/// One pod that is looked at, and the field of the profile whose it is.
struct Look<'f, 'a> {
    found: &'f mut Found<'a>,
    at: &'f Path,
    name: &'f str,
}

impl Look<'_, '_> {
    fn add<const N: usize>(&mut self, field: [&str; N], live: impl Into<Json>, from: &str) {
        let path = field.into_iter().fold(self.at.clone(), |path, key| path.key(key));
        let why = format!("{}: nobody asked for it", self.name);
        self.found.add(path, live.into(), from, why);
    }

    fn add_if<const N: usize>(&mut self, differs: bool, field: [&str; N], live: impl Into<Json>, from: &str) {
        if differs {
            self.add(field, live, from);
        }
    }
}
