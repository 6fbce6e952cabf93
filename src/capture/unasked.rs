//! What runs though neither the profile nor the plan asks for it, by the field that would have asked.
//!
//! Only what can be told with certainty: what the plan leaves to the engine or to the image is compared with the
//! image, and what the engine may set by itself (ulimits, the size of `/dev/shm`) is left alone.

mod container;
mod pause;

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{
    Reading, duty, inside, life, network,
    scene::Scene,
    tree,
    workload::{Part, Workload},
};
use crate::{
    formats::duties::RestartRule,
    labels,
    path::{Path, Segment},
    plan::{Pod, PodKind},
};

pub(super) fn read(scene: &Scene<'_>) -> BTreeMap<Path, Reading> {
    let mut found = Found { scene, readings: BTreeMap::new() };
    for of in Workload::all(scene.tree) {
        let at = of.path();
        for pair in scene.pairs(&of) {
            let Some(container) = pair.found else { continue };
            let mut look = Look { found: &mut found, at: &at, key: &pair.plan.key };
            container::read(&mut look, &pair, container);
        }
        if of.part == Part::Main {
            pause::read(scene, &of, &mut found);
            of_replicas(scene, &of, &mut found);
        }
    }
    of_stack(scene, &mut found);
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

/// One container that is looked at.
struct Look<'f, 'a> {
    found: &'f mut Found<'a>,
    at: &'f Path,
    key: &'f str,
}

impl Look<'_, '_> {
    fn add<const N: usize>(&mut self, field: [&str; N], live: impl Into<Json>, from: &str) {
        let path = field.into_iter().fold(self.at.clone(), |path, key| path.key(key));
        let why = format!("{}: nobody asked for it", self.key);
        self.found.add(path, live.into(), from, why);
    }

    fn add_if<const N: usize>(&mut self, differs: bool, field: [&str; N], live: impl Into<Json>, from: &str) {
        if differs {
            self.add(field, live, from);
        }
    }
}

/// How many run: one, where nothing is written.
fn of_replicas(scene: &Scene<'_>, of: &Workload<'_>, found: &mut Found<'_>) {
    // A job ends, and so may what is not started again.
    let lasts = |pod: &Pod| {
        pod.kind != PodKind::Job
            && duty::duty(&pod.duties, Part::Main).is_some_and(|duty| duty.restart == RestartRule::Always)
    };
    if !scene.pods(of).all(lasts) {
        return;
    }
    let (live, missing) = life::replicas(scene, of);
    let planned = scene.pods(of).count();
    if live != planned || !missing.is_empty() {
        let why = match missing.as_slice() {
            [] => "more run than anybody asked for".to_owned(),
            missing => format!("{} does not run", missing.join(", ")),
        };
        found.add(of.path().key("replicas"), live.into(), life::COUNTED, why);
    }
}

/// Ways in and out, and workloads that the profile does not have.
fn of_stack(scene: &Scene<'_>, found: &mut Found<'_>) {
    if let Some(why) = network::way_out(scene) {
        let from = "the networks, and a try from a replica";
        found.add(Path::of(["network", "egress"]), "open".into(), from, why);
    }
    let written = scene.tree["network"]["expose"].as_array().map_or(0, Vec::len);
    for (at, reading) in network::unasked_doors(scene).into_iter().enumerate() {
        found.readings.insert(Path::of(["network", "expose"]).push(Segment::Index(written + at)), reading);
    }
    for container in &scene.observed.containers {
        let label = |name: &str| container.labels.get(name).map(String::as_str);
        let section = match label(labels::KIND) {
            Some("service") => "services",
            Some("job") => "jobs",
            Some("store") => "stores",
            _ => continue,
        };
        let Some(name) = label(labels::SERVICE).filter(|_| container.state.status == "running") else {
            continue;
        };
        let why = format!("{} runs, and the profile has no such workload", container.name);
        let live = json!({"image": container.image_reference});
        found.add(Path::of([section, name]), live, "containers of the mirror", why);
    }
    if scene.tree["platform"].get("cores").is_none() {
        let cores = scene.plan.pods.iter().filter_map(|pod| {
            let container = scene.find(&pod.main.key)?;
            let live = inside::cores(container).map_or_else(|| json!(container.host.cpuset), Json::from);
            let differs = container.host.cpuset != pod.main.limits.cpuset.clone().unwrap_or_default();
            differs.then(|| (live, pod.main.key.clone()))
        });
        for (live, key) in cores {
            let why = format!("{key}: nobody asked for it");
            found.add(Path::of(["platform", "cores"]), live, "the container's set of cores", why);
        }
    }
}
