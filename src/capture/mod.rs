//! From what really runs back to a profile: the same tree, with the live value in every place that can be read.
//!
//! What two systems have in common is decided here and nowhere later: where the live value is equal to the wanted
//! one (in another unit, under another name of a signal, in the engine's own spelling of a setting, by the hash of a
//! secret) the profile's own spelling stands. A difference between the two trees is a difference between the two
//! systems. No value of a secret ever gets into the tree.

pub mod aligned;
pub mod asked;
mod behaviour;
mod cgroup;
mod cluster;
pub mod compose;
pub mod docker;
pub mod draft;
mod duty;
mod files;
mod inside;
mod known;
pub mod kubernetes;
mod life;
mod limits;
pub mod names;
mod network;
mod place;
mod process;
mod reading;
pub mod redact;
pub mod saved;
mod scene;
pub(crate) mod selector;
mod settings;
mod sides;
mod stack;
mod store;
mod tree;
mod unasked;
pub mod variables;
mod walls;
mod workload;

use std::collections::BTreeMap;

use serde_json::Value as Json;

pub use cluster::on_cluster;
pub use reading::Reading;

use crate::{ledger::Wanted, observed::Observed, path::Path, plan::Plan};
use known::Known;
use reading::Edit;
use scene::Scene;
use tree::{get, put, remove};

/// What of a profile was found in the mirror that runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Captured {
    /// The profile with live values; what could not be read stands as it is wanted.
    pub tree: Json,
    /// The profile as the plan means to bring it about on this host: a limit cut to the host's, a stand-in's image.
    pub planned: Json,
    /// One for each value that was looked for, and for each that nobody asked for.
    pub readings: BTreeMap<Path, Reading>,
    /// Of entries of the ledger that qualify a field and are none themselves: wanted, live and planned values.
    pub behaviour: BTreeMap<Path, Behaviour>,
}

/// Of behaviour that no field of a profile spells, what is wanted and what was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Behaviour {
    pub wanted: Json,
    pub live: Option<Json>,
    pub planned: Json,
    pub reading: Reading,
}

/// Keys of the document that describe no running thing.
const NOT_RUNNING: [&str; 7] =
    ["apiVersion", "name", "captured", "secrets", "endpoints", "allow", "scenarios"];

/// Reads a mirror of ours back.
///
/// `tree` is the profile in its long form, `plan` what was launched from it, `secrets` the values of the plan's
/// variables as far as they are known.
pub fn mirror(tree: &Json, plan: &Plan, observed: &Observed, secrets: &BTreeMap<String, String>) -> Captured {
    captured(tree, &Scene::new(tree, plan, observed, secrets))
}

/// A back end's way to look at a mirror: what it finds at each place of the profile.
trait Sight {
    fn ledger(&self) -> &[Wanted];
    fn known(&self) -> &Known;
    /// The value at a path, read whole; `None` where what is in it is to be read one by one.
    fn read(&self, at: &Path, wanted: &Json) -> Option<Reading>;
    /// What an entry of the ledger without a field of its own is about.
    fn behaviour(&self, at: &Path, wanted: &Json) -> Reading;
    /// What runs though nobody asked for it, by the field that would have asked.
    fn unasked(&self) -> BTreeMap<Path, Reading>;
}

fn captured(tree: &Json, sight: &impl Sight) -> Captured {
    let mut readings = BTreeMap::new();
    for (key, value) in tree.as_object().into_iter().flatten() {
        if !NOT_RUNNING.contains(&key.as_str()) {
            walk(sight, &Path::root().key(key), value, &mut readings);
        }
    }
    readings.extend(sight.unasked());
    let readings: BTreeMap<Path, Reading> = readings
        .into_iter()
        .map(|(path, reading)| {
            let reading = without_secrets(sight, get(tree, &path.0).unwrap_or(&Json::Null), reading);
            (path, reading)
        })
        .collect();
    let planned = readings.iter().filter_map(|(path, reading)| Some((path, reading.planned_value()?)));
    let planned = planned.fold(tree.clone(), |mut tree, (path, value)| {
        put(&mut tree, &path.0, value);
        tree
    });
    Captured { tree: live(tree, &readings), planned, behaviour: behaviour(tree, sight), readings }
}

/// The wanted tree with what was found put in; what was looked for in vain is taken out.
fn live(tree: &Json, readings: &BTreeMap<Path, Reading>) -> Json {
    let mut live = tree.clone();
    for (path, reading) in readings {
        if let Edit::Put(value) = reading.edit() {
            put(&mut live, &path.0, value);
        }
    }
    // From the end, so that what is taken out of a list moves nothing that is still to be found.
    for (path, reading) in readings.iter().rev() {
        if let Edit::Remove = reading.edit() {
            remove(&mut live, &path.0);
        }
    }
    live
}

fn without_secrets(sight: &impl Sight, wanted: &Json, reading: Reading) -> Reading {
    let known = sight.known();
    reading.rewritten(wanted, |live| known.without_secrets(live), |why| known.masked(why))
}

/// Reads what the plan's ledger answers for beside the fields of the profile.
fn behaviour(tree: &Json, sight: &impl Sight) -> BTreeMap<Path, Behaviour> {
    let without_a_field = sight.ledger().iter().filter(|entry| get(tree, &entry.path.0).is_none());
    let read = |path: &Path, wanted: &Json| {
        let reading = without_secrets(sight, wanted, sight.behaviour(path, wanted));
        let live = match reading.edit() {
            Edit::Keep => Some(wanted.clone()),
            Edit::Put(value) => Some(value.clone()),
            Edit::Remove => None,
        };
        let planned = reading.planned_value().unwrap_or(wanted).clone();
        Behaviour { wanted: wanted.clone(), live, planned, reading }
    };
    let wanted = |entry: &Wanted| entry.wanted.clone().unwrap_or_default();
    without_a_field.map(|entry| (entry.path.clone(), read(&entry.path, &wanted(entry)))).collect()
}

/// Reads a value whole where that can be done, else what is in it.
fn walk<'a>(sight: &impl Sight, at: &Path, wanted: &'a Json, readings: &mut BTreeMap<Path, Reading>) {
    if let Some(reading) = sight.read(at, wanted) {
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
        walk(sight, &path, value, readings);
    }
}

impl Captured {
    /// What the profile says of no running thing, so that nothing could be read of it: `secrets`, `allow` and the like.
    pub fn not_running(&self) -> impl Iterator<Item = Path> {
        let keys = NOT_RUNNING.into_iter().filter(|key| !["apiVersion", "name"].contains(key));
        keys.filter(|key| self.tree.get(key).is_some()).map(|key| Path::of([key]))
    }

    /// The looks that tell of a path: its own, else those at what is in it, else that at what it is in.
    pub fn looks(&self, path: &Path) -> Vec<&Reading> {
        if let Some(reading) = self.readings.get(path) {
            return vec![reading];
        }
        // In order, all that is in it follows where it would stand itself.
        let below = self.readings.range(path..).take_while(|(at, _)| at.starts_with(path));
        let below: Vec<&Reading> = below.map(|(_, reading)| reading).collect();
        if !below.is_empty() {
            return below;
        }
        let mut above = path.clone();
        while above.0.pop().is_some() {
            if let Some(reading) = self.readings.get(&above) {
                return vec![reading];
            }
        }
        Vec::new()
    }

    /// The look that departs most from what is wanted, of those that tell of a path.
    pub fn look(&self, path: &Path) -> Option<&Reading> {
        self.looks(path).into_iter().max_by_key(|reading| reading.departure())
    }

    /// The live value at a path, in the profile's spelling; what could not be read stands as it is wanted.
    pub fn value(&self, path: &Path) -> Option<&Json> {
        get(&self.tree, &path.0)
    }
}

#[cfg(test)]
mod tests;
