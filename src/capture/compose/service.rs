//! One service of the Compose file as a service, a job or a store of the profile.

use serde_json::{Value as Json, json};

use super::{
    Around, images,
    keys::{DEPLOY, SERVICE},
    mounts, ports,
    process::{self, Variable, hooks, readiness, words},
    store,
    walls::{place, platform, resources, walls},
};
use crate::{
    capture::{
        draft::{Sketch, Taking},
        redact::scrub,
    },
    path::Path,
    profile::EngineKind,
};

/// A service on its way: what it becomes, and its variables.
pub struct Service<'s> {
    pub theirs: String,
    pub map: Taking<'s>,
    pub engine: Option<EngineKind>,
    /// Where it stands in the profile.
    pub at: Path,
    pub variables: Vec<Variable<'s>>,
}

/// Writes the workload that a service becomes.
pub fn write<'s>(service: &Service<'s>, around: &Around<'_>, to: &mut Sketch<'s>) {
    let Service { theirs, map, engine, at, variables } = service;
    map.became(at.clone());
    to.put(at, json!({}));
    to.origins.add(at.clone(), map.clone());
    if let Some(engine) = engine {
        to.put(&at.key("engine"), engine.as_str());
        map.remark("its data is not captured: without a `seed` it starts empty");
    }
    if at.key_at(1) != Some(theirs) {
        map.remark(format!(
            "it is `{}` now: hosts that name it so must change",
            at.key_at(1).unwrap_or_default()
        ));
    }
    images::image(map, at, around.built, to);
    mounts::take(map, at, (around.folder, around.answers), engine.map(store::data_folder), to);
    store::variables(variables, *engine, at, to);
    process(map, at, *engine, around, to);
    secret_files(map, at, engine.is_some(), to);
    config_files(map, at, around, to);
    ports::take(map, at, engine.map(EngineKind::port), to);
    replicas(map, at, to);
    resources(map, at, to);
    readiness(map, at, at.key_at(0) == Some("jobs"), to);
    hooks(map, at, to);
    needs(map, at, around, to);
    walls(map, if engine.is_some() { "run_as" } else { "user" }, at, to);
    place(map, at, to);
    platform(map, to);
    only_network(map);
    map.without(SERVICE);
    if let Some(deploy) = map.get("deploy") {
        deploy.without(DEPLOY);
        if !deploy.value().is_object() {
            deploy.left_out("a map is wanted here");
        }
    }
}

fn process<'s>(
    map: &Taking<'s>,
    at: &Path,
    engine: Option<EngineKind>,
    around: &Around<'_>,
    to: &mut Sketch<'s>,
) {
    let texts = |words: Vec<process::Word>| -> Json { words.into_iter().map(|word| word.text).collect() };
    if let (Some(place), Some(words)) = (map.get("entrypoint"), words(map, "entrypoint", around.answers)) {
        to.take(&at.key("entrypoint"), texts(words), &place);
    }
    let (Some(place), Some(words)) = (map.get("command"), words(map, "command", around.answers)) else {
        return;
    };
    match engine {
        Some(engine) => store::command(&words, engine, &place, at, to),
        None => to.take(&at.key("command"), texts(words), &place),
    }
}

/// How many of it run, by `deploy.replicas` or `scale`.
fn replicas<'s>(map: &Taking<'s>, at: &Path, to: &mut Sketch<'s>) {
    for place in [map.find(&["deploy", "replicas"]), map.get("scale")].into_iter().flatten() {
        let Some(count) = place.letters().and_then(|text| text.parse::<u32>().ok()) else {
            place.left_out("its value is not understood");
            continue;
        };
        match at.key_at(0) {
            Some("services") if to.get(&at.key("replicas")).is_none() => {
                to.take(&at.key("replicas"), count, &place)
            }
            Some("jobs") if count != 1 => place.left_out("a job runs once"),
            Some("stores") if count != 1 => place.left_out("a store has one replica"),
            _ => {}
        }
    }
}

/// `networks: {default: null}` is what Compose adds by itself.
fn only_network(map: &Taking<'_>) {
    let Some(networks) = map.get("networks") else { return };
    let plain = |(name, value): &(&str, Taking<'_>)| *name == "default" && value.value().is_null();
    match networks.entries().iter().all(plain) && networks.value().is_object() {
        true => networks.used(),
        false => networks
            .left_out("a mirror has one network of its own, in which services find each other by name"),
    }
}

/// Takes `secrets` as files; those of a store are its password, if anything.
fn secret_files<'s>(map: &Taking<'s>, at: &Path, is_store: bool, to: &mut Sketch<'s>) {
    for item in map.members("secrets") {
        let Some((source, target)) = source_and_target(&item) else {
            item.left_out("it is not understood");
            continue;
        };
        item.used();
        if is_store {
            item.remark("a store's image is given its password by the profile's own field");
            continue;
        }
        let target = if target.starts_with('/') { target } else { format!("/run/secrets/{target}") };
        let secret = to.secrets.declare(&format!("secrets.{source}"), &source, None);
        file(&item, at, &target, json!({"secret": secret.as_str()}), to);
    }
}

/// Takes `configs` whose content stands in the Compose file.
fn config_files<'s>(map: &Taking<'s>, at: &Path, around: &Around<'_>, to: &mut Sketch<'s>) {
    for item in map.members("configs") {
        let Some((source, target)) = source_and_target(&item) else {
            item.left_out("it is not understood");
            continue;
        };
        let target = if target.starts_with('/') { target } else { format!("/{target}") };
        match around.configs.get(&source) {
            Some(content) => file(&item, at, &target, json!({"content": content}), to),
            None => item.left_out(format!("its file is not read: `files: {{{target}: {{from: FILE}}}}`")),
        }
    }
}

fn source_and_target(item: &Taking<'_>) -> Option<(String, String)> {
    if let Some(name) = item.value().as_str() {
        return Some((name.to_owned(), name.to_owned()));
    }
    let source = item.get("source")?.value().as_str()?.to_owned();
    let target = item.get("target").and_then(|target| target.value().as_str()).unwrap_or(&source).to_owned();
    Some((source, target))
}

fn file<'s>(item: &Taking<'s>, at: &Path, target: &str, mut file: Json, to: &mut Sketch<'s>) {
    // `mode: 0440` is a number by the time it gets here, or a text of octal digits.
    let mode = item.get("mode").and_then(|mode| match mode.value() {
        Json::Number(number) => number.as_u64().map(|mode| format!("{mode:04o}")),
        Json::String(text) => Some(format!("{text:0>4}")),
        _ => None,
    });
    let id = |key: &str| item.get(key).and_then(|id| id.value().as_str()?.parse::<u32>().ok());
    if let Some(mode) = mode {
        file["mode"] = mode.into();
    }
    for (theirs, ours) in [("uid", "user"), ("gid", "group")] {
        if let Some(id) = id(theirs) {
            file[ours] = id.into();
        }
    }
    to.take(&at.key("files").key(target), file, item);
}

/// Takes `depends_on` and `links`. A need waits for ready whatever Compose waited for.
fn needs<'s>(map: &Taking<'s>, at: &Path, around: &Around<'_>, to: &mut Sketch<'s>) {
    let mut theirs: Vec<(String, Taking<'s>)> = Vec::new();
    if let Some(all) = map.get("depends_on") {
        theirs.extend(all.entries().into_iter().map(|(name, place)| (name.to_owned(), place)));
        theirs.extend(all.items().into_iter().filter_map(|item| Some((item.letters()?, item))));
        if !all.value().is_array() && !all.value().is_object() {
            all.left_out("a map or a list is wanted here");
        }
    }
    for item in map.members("links") {
        let Some(link) = item.letters() else { continue };
        let (service, alias) = link.split_once(':').unwrap_or((&link, &link));
        if service != alias {
            item.remark(scrub(&format!("`{alias}` is no name in a mirror: use `{service}`")));
        }
        theirs.push((service.to_owned(), item));
    }
    let at = at.key("needs");
    let mut ours: Vec<String> = Vec::new();
    for (name, place) in theirs {
        match around.names.get(&name) {
            Some(name) => {
                place.used();
                to.origins.add(at.clone(), place);
                if !ours.iter().any(|taken| taken == name) {
                    ours.push(name.to_owned());
                }
            }
            None => place.left_out("it is no service of the profile"),
        }
    }
    if !ours.is_empty() {
        to.put(&at, ours);
    }
}
