//! Containers of a Docker engine as a profile: those that run, or those of a saved `docker inspect`.
//!
//! Replicas are one service: by Compose's labels, else by being alike in everything that a profile holds. What the
//! image says itself stands in no profile: only what differs from it.

mod fates;
mod fold;
mod process;
mod service;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::{
    asked::{self, Asked},
    compose::store::engine_of,
    draft::{Draft, From, Input, Sketch, Taking},
    names::{Names, plain},
    redact::Rules,
    variables::{self, Variables},
};
use crate::{
    labels,
    observed::{Container, inspect},
    path::Path,
    plan::capabilities::ImageFacts,
    profile::{EngineKind, Problems},
};

/// Compose's label for the stack that a container is of.
pub const PROJECT: &str = "com.docker.compose.project";
const SERVICE: &str = "com.docker.compose.service";
const NEEDS: &str = "com.docker.compose.depends_on";
/// All that Compose writes for itself.
const COMPOSE: &str = "com.docker.compose.";

/// What was read of an engine, or of a dump of one.
#[derive(Clone, Default)]
pub struct Dump {
    /// The documents of `docker inspect`, one a container, each with what notes call it.
    pub containers: Vec<(String, Json)>,
    /// What is known of the images, by the id that containers name.
    pub images: BTreeMap<String, ImageFacts>,
    /// Whether those that do not run are meant too.
    pub stopped_too: bool,
    /// Whether containers of mirrors are meant too.
    pub mirrors_too: bool,
}

/// What a saved document is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Container,
    Image,
}

impl Dump {
    /// Adds the answer of `docker inspect`: one object, or a list of them, of containers and of images.
    ///
    /// # Errors
    /// What stands there is neither.
    pub fn add(&mut self, source: &str, answer: Json) -> Result<(), String> {
        let documents = match answer {
            Json::Array(documents) => documents,
            one => vec![one],
        };
        for (index, mut document) in documents.into_iter().enumerate() {
            // Two engines need not list the same in the same order.
            document.sort_all_objects();
            match kind(&document) {
                Some(Kind::Container) => {
                    let name = document["Name"].as_str().unwrap_or_default().trim_start_matches('/');
                    let name = if name.is_empty() { format!("{source}[{index}]") } else { name.to_owned() };
                    self.containers.push((name, document));
                }
                Some(Kind::Image) => {
                    let image = inspect::image(&document);
                    self.images.insert(image.id.clone(), image);
                }
                None => return Err(format!("its document {index} is neither a container nor an image")),
            }
        }
        Ok(())
    }
}

/// Whether a document is an answer of `docker inspect`: a container, an image, or a list of them.
pub fn is_answer(document: &Json) -> bool {
    match document {
        Json::Array(documents) => documents.first().is_some_and(|first| kind(first).is_some()),
        one => kind(one).is_some(),
    }
}

fn kind(document: &Json) -> Option<Kind> {
    let has = |key: &str| document.get(key).is_some();
    match (has("Config"), has("RootFS") || has("RepoTags")) {
        (true, true) => Some(Kind::Image),
        (true, false) if has("HostConfig") || has("State") || has("NetworkSettings") => Some(Kind::Container),
        _ => None,
    }
}

/// One container on its way.
struct Found<'s> {
    place: Taking<'s>,
    container: Container,
}

/// Containers that are one workload of the profile.
struct Group<'s> {
    /// What it was called where it ran.
    theirs: String,
    /// The first is what is read; the others are compared with it.
    members: Vec<Found<'s>>,
    image: Option<ImageFacts>,
    engine: Option<EngineKind>,
    is_job: bool,
}

/// The profile that containers amount to; `name` is the stack's where no label has one.
///
/// # Errors
/// What `check` refuses of it and nothing could be left out for.
pub fn draft(dump: Dump, name: &str, from: &From, rules: &Rules) -> Result<Draft, Problems> {
    draft_with(dump, name, &[], &[], from, rules)
}

/// The same with files of variables for its workloads, and with what its stores said.
///
/// # Errors
/// What `check` refuses of it and nothing could be left out for.
pub fn draft_with(
    dump: Dump,
    name: &str,
    files: &[Variables],
    stores: &[Asked],
    from: &From,
    rules: &Rules,
) -> Result<Draft, Problems> {
    let Dump { containers, images, stopped_too, mirrors_too } = dump;
    let meant = Meant { images, stopped_too, mirrors_too };
    let mut inputs: Vec<Input> = containers.into_iter().map(|(name, tree)| Input::new(name, tree)).collect();
    let count = inputs.len();
    inputs.extend(variables::inputs(files));
    let asked = inputs.len();
    inputs.extend(asked::inputs(stores));
    let found: Vec<Found<'_>> = inputs[..count].iter().filter_map(found).collect();
    let project = found.iter().find_map(|found| found.container.labels.get(PROJECT).cloned());
    let mut sketch = Sketch::new(&plain(&project.unwrap_or_else(|| name.to_owned())), from);
    let (groups, names) = meant.groups(found);
    for group in &groups {
        service::write(group, &names, &mut sketch);
    }
    variables::write(files, &inputs[count..asked], &mut sketch);
    asked::write(stores, &inputs[asked..], &mut sketch);
    sketch.finish(&inputs, rules)
}

/// A store that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its name in the profile.
    pub name: String,
    pub engine: EngineKind,
    /// The id of its container.
    pub container: String,
}

/// The stores among containers, under the names that a capture of the same dump gives them.
pub fn stores(dump: &Dump) -> Vec<Running> {
    let Dump { containers, images, stopped_too, mirrors_too } = dump.clone();
    let meant = Meant { images, stopped_too, mirrors_too };
    let inputs: Vec<Input> = containers.into_iter().map(|(name, tree)| Input::new(name, tree)).collect();
    let (groups, names) = meant.groups(inputs.iter().filter_map(found).collect());
    let store = |group: &Group<'_>| {
        let first = &group.members.first()?.container;
        let name = at(group, &names).key_at(1)?.to_owned();
        let runs = first.state.status == "running";
        runs.then(|| group.engine.map(|engine| Running { name, engine, container: first.id.clone() }))?
    };
    groups.iter().filter_map(store).collect()
}

/// Which containers are read, and what is known of their images.
struct Meant {
    images: BTreeMap<String, ImageFacts>,
    stopped_too: bool,
    mirrors_too: bool,
}

impl Meant {
    fn groups<'s>(&self, found: Vec<Found<'s>>) -> (Vec<Group<'s>>, Names) {
        let ends = ended(&found);
        let running = found
            .into_iter()
            .filter(|found| (self.mirrors_too || is_foreign(found)) && keeps(found, &ends, self.stopped_too))
            .collect();
        let groups: Vec<Group<'s>> = fold::groups(running)
            .into_iter()
            .map(|(theirs, members)| {
                let first = members.first().map(|found| &found.container);
                let image = first.and_then(|first| self.images.get(&first.image_id)).cloned();
                let engine = first.and_then(|first| engine_of(&first.image_reference));
                let is_job = engine.is_none() && ends.contains(&theirs);
                Group { theirs, members, image, engine, is_job }
            })
            .collect();
        let mut names = Names::default();
        groups.iter().for_each(|group| names.add(&group.theirs));
        (groups, names)
    }
}

fn found(input: &Input) -> Option<Found<'_>> {
    let place = input.top();
    let container = inspect::container(place.value());
    if container.image_reference.is_empty() && container.image_id.is_empty() {
        place.left_out("it is no container: no image is named");
        return None;
    }
    Some(Found { place, container })
}

/// Services that another one waited for until they had ended.
fn ended(found: &[Found<'_>]) -> BTreeSet<String> {
    let needs = found.iter().filter_map(|found| found.container.labels.get(NEEDS));
    needs.flat_map(|needs| needs_of(needs)).filter(|(_, ends)| *ends).map(|(name, _)| name).collect()
}

/// `db:service_healthy:false,migrate:service_completed_successfully:false`
fn needs_of(label: &str) -> Vec<(String, bool)> {
    let need = |need: &str| {
        let mut parts = need.split(':');
        let name = parts.next().filter(|name| !name.is_empty())?.to_owned();
        Some((name, parts.next() == Some("service_completed_successfully")))
    };
    label.split(',').filter_map(need).collect()
}

/// Whether it is of no mirror, and nothing that mirrors have in common.
fn is_foreign(found: &Found<'_>) -> bool {
    let has = |label: &str| found.container.labels.contains_key(label);
    if has(labels::MIRROR) {
        found.place.left_out("it is of a mirror: `capture docker --project pm-NAME` reads that");
    } else if has(labels::KIND) {
        found.place.left_out("it is a registry of prodmirror's own");
    }
    !has(labels::KIND) && !has(labels::MIRROR)
}

/// What runs, and what has run to its end because others waited for that.
fn keeps(found: &Found<'_>, ends: &BTreeSet<String>, stopped_too: bool) -> bool {
    let Container { labels, state, .. } = &found.container;
    let is_job = labels.get(SERVICE).is_some_and(|service| ends.contains(service));
    let runs = stopped_too || ["running", "paused", "restarting"].contains(&state.status.as_str());
    if !runs && !is_job {
        found.place.left_out("it does not run");
    }
    runs || is_job
}

/// Where a group stands in the profile.
fn at(group: &Group<'_>, names: &Names) -> Path {
    let section = match group.engine {
        Some(_) => "stores",
        None if group.is_job => "jobs",
        None => "services",
    };
    Path::of([section, names.get(&group.theirs).unwrap_or(&group.theirs)])
}
