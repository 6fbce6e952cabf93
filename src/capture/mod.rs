//! From what really runs back to a profile: the same tree, with the live value in every place that can be read.
//!
//! Where the mirror is as it was planned the profile's own spelling stands, so that a difference between the two
//! trees is a difference between the two systems. No value of a secret ever gets into the tree.

mod behaviour;
mod cgroup;
pub mod draft;
mod life;
mod limits;
pub mod names;
mod place;
mod process;
mod reading;
pub mod redact;
mod scene;
mod settings;
mod stack;
mod store;
mod walls;

use std::collections::BTreeMap;

use serde_json::Value as Json;

pub use reading::Reading;

use crate::{
    observed::Observed,
    path::{Path, Segment},
    plan::Plan,
};
use scene::Scene;

/// What of a profile was found in the mirror that runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Captured {
    /// The profile with live values; what could not be read stands as it is wanted.
    pub tree: Json,
    /// One for each value that was looked for, and for each that nobody asked for.
    pub readings: BTreeMap<Path, Reading>,
    /// Of entries of the ledger that qualify a field and are none themselves.
    pub behaviour: BTreeMap<Path, Reading>,
}

/// Keys of the document that describe no running thing.
const NOT_RUNNING: [&str; 7] =
    ["apiVersion", "name", "captured", "secrets", "endpoints", "allow", "scenarios"];

/// Reads a mirror of ours back.
///
/// `tree` is the profile in its long form, `plan` what was launched from it, `secrets` the values of the plan's
/// variables as far as they are known.
pub fn mirror(tree: &Json, plan: &Plan, observed: &Observed, secrets: &BTreeMap<String, String>) -> Captured {
    let scene = Scene::new(tree, plan, observed, secrets);
    let mut readings = BTreeMap::new();
    for (key, value) in tree.as_object().into_iter().flatten() {
        if !NOT_RUNNING.contains(&key.as_str()) {
            walk(&scene, &Path::root().key(key), value, &mut readings);
        }
    }
    readings.extend(process::unasked_variables(&scene));
    let mut behaviour: BTreeMap<Path, Reading> = plan
        .ledger
        .iter()
        .filter(|entry| get(tree, &entry.path.0).is_none())
        .map(|entry| (entry.path.clone(), behaviour::read(&scene, &entry.path, &entry.wanted)))
        .collect();
    for reading in readings.values_mut().chain(behaviour.values_mut()) {
        // What holds is the profile's own text.
        if reading.holds != Some(true) {
            reading.live = reading.live.take().map(|live| scene.without_secrets(live));
        }
        reading.why = reading.why.take().map(|why| scene.masked(&why));
    }
    let mut live = tree.clone();
    // From the end, so that what is taken out of a list moves nothing that is still to be found.
    for (path, reading) in readings.iter().rev() {
        match &reading.live {
            Some(value) => put(&mut live, &path.0, value),
            None if reading.holds == Some(false) => remove(&mut live, &path.0),
            None => {}
        }
    }
    Captured { tree: live, readings, behaviour }
}

/// Reads a value whole where that can be done, else what is in it.
fn walk<'a>(scene: &Scene<'_>, at: &Path, wanted: &'a Json, readings: &mut BTreeMap<Path, Reading>) {
    if let Some(reading) = read(scene, at, wanted) {
        readings.insert(at.clone(), reading);
        return;
    }
    let mut below: Vec<(Path, &Json)> = Vec::new();
    match wanted {
        Json::Object(object) => below.extend(object.iter().map(|(key, value)| (at.key(key), value))),
        Json::Array(items) if items.iter().any(Json::is_object) => {
            let member = |(index, item): (usize, &'a Json)| match item["name"].as_str() {
                Some(name) => (at.member("name", name), item),
                None => (at.index(index), item),
            };
            below.extend(items.iter().enumerate().map(member));
        }
        _ => {}
    }
    if below.is_empty() {
        readings.insert(at.clone(), Reading::unread("nothing in a mirror tells it"));
    }
    for (path, value) in below {
        walk(scene, &path, value, readings);
    }
}

fn read(scene: &Scene<'_>, at: &Path, wanted: &Json) -> Option<Reading> {
    match at.key_at(0)? {
        "services" | "jobs" | "stores" => {
            let of = scene.workload(at)?;
            let within = of.within(at);
            let reading = store::read(scene, &of, &within, wanted)
                .or_else(|| life::read(scene, &of, &within, wanted))
                .or_else(|| process::read(scene, &of, &within, wanted))
                .or_else(|| limits::read(scene, &of, &within, wanted))
                .or_else(|| walls::read(scene, &of, &within, wanted))
                .or_else(|| place::read(scene, &of, &within, wanted))?;
            Some(reading.and(life::outcome(scene, &of, &within, wanted)))
        }
        _ => stack::read(scene, at, wanted),
    }
}

impl Captured {
    /// What is known of any path: of itself, else of what is in it, else of what it is in.
    pub fn at(&self, path: &Path) -> Option<Reading> {
        if let Some(reading) = self.readings.get(path).or_else(|| self.behaviour.get(path)) {
            return Some(reading.clone());
        }
        let value = get(&self.tree, &path.0).cloned();
        let below: Vec<&Reading> =
            self.readings.iter().filter(|(at, _)| at.starts_with(path)).map(|(_, reading)| reading).collect();
        if let Some(worst) = below.into_iter().max_by_key(|reading| reading.badness()) {
            return Some(Reading { live: value.filter(|_| worst.live.is_some()), ..worst.clone() });
        }
        let mut above = path.clone();
        above.0.pop()?;
        let reading = self.at(&above)?;
        // A whole that differs may hold in this part.
        Some(Reading { live: value.filter(|_| reading.live.is_some()), ..reading })
    }
}

fn get<'a>(tree: &'a Json, path: &[Segment]) -> Option<&'a Json> {
    path.iter().try_fold(tree, |value, segment| match segment {
        Segment::Key(key) => value.get(key),
        Segment::Index(index) => value.get(index),
        Segment::Member { field, value: name } => {
            value.as_array()?.iter().find(|item| item[field].as_str() == Some(name))
        }
    })
}

fn put(tree: &mut Json, path: &[Segment], value: &Json) {
    let Some((segment, rest)) = path.split_first() else {
        *tree = value.clone();
        return;
    };
    let next = match (segment, tree) {
        (Segment::Key(key), Json::Object(object)) => {
            Some(object.entry(key).or_insert_with(|| Json::Object(Default::default())))
        }
        (Segment::Index(index), Json::Array(items)) => items.get_mut(*index),
        (Segment::Member { field, value: name }, Json::Array(items)) => {
            items.iter_mut().find(|item| item[field].as_str() == Some(name))
        }
        _ => None,
    };
    if let Some(next) = next {
        put(next, rest, value);
    }
}

fn remove(tree: &mut Json, path: &[Segment]) {
    let Some((last, above)) = path.split_last() else { return };
    let mut at = Some(tree);
    for segment in above {
        at = match (segment, at) {
            (Segment::Key(key), Some(value)) => value.get_mut(key),
            (Segment::Index(index), Some(value)) => value.get_mut(index),
            (Segment::Member { field, value: name }, Some(Json::Array(items))) => {
                items.iter_mut().find(|item| item[field].as_str() == Some(name))
            }
            _ => None,
        };
    }
    match (last, at) {
        (Segment::Key(key), Some(Json::Object(object))) => drop(object.shift_remove(key)),
        (Segment::Index(index), Some(Json::Array(items))) if *index < items.len() => {
            drop(items.remove(*index))
        }
        (Segment::Member { field, value }, Some(Json::Array(items))) => {
            items.retain(|item| item[field].as_str() != Some(value));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
