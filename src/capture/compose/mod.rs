//! A Compose file as a profile: what can be taken is, and of every other key it is said why not.
//!
//! The host's environment is no part of it: a variable has the value of the `.env` beside the file, its default, or
//! the value is a hole.

pub(super) mod images;
mod interpolation;
mod keys;
mod mirror;
mod mounts;
pub(super) mod ports;
pub(super) mod process;
mod quantities;
mod service;
pub(super) mod store;
pub(super) mod walls;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::{
    draft::{Draft, From, Input, Sketch, Taking},
    names::{Names, plain},
    redact::Rules,
};
use crate::{path::Path, profile::Problems};
use interpolation::{Answers, answer_all};
use process::variables;
use service::{Service, write};

/// What was read of the Compose files, as one.
#[derive(Clone, Default)]
pub struct Document {
    /// What notes call it.
    pub name: String,
    /// Every key, variables as they are written.
    pub value: Json,
    /// The same with the variables of every `env_file`, where Compose could tell them.
    pub resolved: Option<Json>,
    /// The variables of the `.env` beside the file.
    pub dotenv: BTreeMap<String, String>,
    /// The folder that relative paths start from, absolute.
    pub folder: String,
    /// The profiles of the Compose file that are on; `*` is all.
    pub profiles: Vec<String>,
    /// Whether Compose itself read it, and followed `include` and `extends`.
    pub by_compose: bool,
}

/// What one service needs to know of the rest of the file.
struct Around<'a> {
    folder: &'a str,
    names: &'a Names,
    answers: &'a Answers,
    built: &'a BTreeSet<String>,
    /// Contents of `configs` by name.
    configs: &'a BTreeMap<String, String>,
}

/// The profile that a Compose file amounts to.
///
/// # Errors
/// What `check` refuses of it and nothing could be left out for.
pub fn draft(document: Document, from: &From, rules: &Rules) -> Result<Draft, Problems> {
    let Document { name, mut value, resolved, dotenv, folder, profiles, by_compose } = document;
    let answers = answer_all(&mut value, &dotenv);
    let inputs = [Input::new(name, value)];
    let top = inputs[0].top();
    let folder_name = folder.rsplit('/').next().unwrap_or_default();
    let project = top.scalar("name").unwrap_or_else(|| folder_name.to_owned());
    let _ = top.scalar("version");
    let mut sketch = Sketch::new(&plain(&project), from);
    let services = top.get("services");
    let all = services.as_ref().map(Taking::entries).unwrap_or_default();
    if let Some(keys) = mirror::keys(&all) {
        mirror::write(&keys, &top, &answers, &mut sketch);
        return sketch.finish(&inputs, rules);
    }
    let ends = ended(&all);
    let built = services.as_ref().map(images::built_here).unwrap_or_default();
    let mut names = Names::default();
    let mut gathered = Vec::new();
    for (theirs, map) in all {
        if !map.value().is_object() {
            map.left_out("a service is a map");
            continue;
        }
        if let Some(of) = off(&map, &profiles) {
            map.left_out(format!("it is on with `--profile {of}`"));
            continue;
        }
        names.add(theirs);
        let ours = names.get(theirs).unwrap_or(theirs);
        let engine = images::engine_of(&map);
        let section = match engine {
            Some(_) => "stores",
            None if ends.contains(theirs) => "jobs",
            None => "services",
        };
        if !by_compose && let Some(extends) = map.get("extends") {
            extends.left_out("only Compose itself follows it");
        }
        let resolved = resolved.as_ref().and_then(|all| all.get("services")?.get(theirs));
        let variables = variables(&map, resolved, &answers);
        let at = Path::of([section, ours]);
        gathered.push(Service { theirs: theirs.to_owned(), map, engine, at, variables });
    }
    let configs = configs(&top);
    declared(&top, &mut sketch);
    let around =
        Around { folder: &folder, names: &names, answers: &answers, built: &built, configs: &configs };
    for service in &gathered {
        write(service, &around, &mut sketch);
    }
    around_services(&top);
    sketch.finish(&inputs, rules)
}

impl Document {
    /// A file as it is written: `include` and `extends` are not followed.
    ///
    /// # Errors
    /// It is no YAML.
    pub fn parse(name: &str, text: &str, folder: &str) -> Result<Self, String> {
        let mut value: serde_yaml::Value = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
        value.apply_merge().map_err(|error| error.to_string())?;
        let value = serde_json::to_value(value).map_err(|error| error.to_string())?;
        Ok(Self { name: name.to_owned(), value, folder: folder.to_owned(), ..Self::default() })
    }
}

/// The first of a service's profiles, if none of them is on.
fn off(service: &Taking<'_>, on: &[String]) -> Option<String> {
    let of: Vec<&str> =
        service.get("profiles")?.value().as_array()?.iter().filter_map(Json::as_str).collect();
    let is_on = on.iter().any(|on| on == "*" || of.contains(&on.as_str()));
    of.first().filter(|_| !is_on).map(|first| (*first).to_owned())
}

/// Services that another one waits for until they have ended: jobs.
fn ended(services: &[(&str, Taking<'_>)]) -> BTreeSet<String> {
    let needs = services.iter().filter_map(|(_, service)| service.get("depends_on"));
    needs
        .flat_map(|needs| needs.entries())
        .filter(|(_, need)| {
            need.get("condition").and_then(|condition| condition.value().as_str())
                == Some("service_completed_successfully")
        })
        .map(|(name, _)| name.to_owned())
        .collect()
}

fn declared<'s>(top: &Taking<'s>, to: &mut Sketch<'s>) {
    for (theirs, place) in top.fields("secrets") {
        let ours = to.secrets.declare(&format!("secrets.{theirs}"), theirs, None);
        place.used();
        place.remark(format!("a value is made at random; `--secret {ours}=@FILE` gives it"));
    }
}

/// The contents that stand in the file.
fn configs(top: &Taking<'_>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (name, place) in top.fields("configs") {
        match place.scalar("content") {
            Some(content) => drop(found.insert(name.to_owned(), content)),
            None => place.left_out("its content does not stand in the Compose file"),
        }
        if let Some(name) = place.get("name") {
            name.used();
        }
    }
    found
}

/// Networks and volumes that say no more than Compose adds by itself are nothing to mention.
fn around_services(top: &Taking<'_>) {
    for key in ["networks", "volumes"] {
        for (name, place) in top.fields(key) {
            let ipam = |value: &Json| value.as_object().is_some_and(|map| map.is_empty());
            let plain = place.value().as_object().is_none_or(|value| {
                value.iter().all(|(key, value)| key == "name" || key == "ipam" && ipam(value))
            });
            match plain && (key != "networks" || name == "default") {
                true => place.used(),
                false if key == "networks" => place.left_out("a mirror has one network of its own"),
                false => place.left_out("a mirror's volumes are its own, of the engine's default driver"),
            }
        }
    }
    top.without(keys::TOP);
    for (key, place) in top.entries() {
        if key.starts_with("x-") && place.is_open() {
            place.left_out("it is an extension, which Compose reads nothing of");
        }
    }
}
