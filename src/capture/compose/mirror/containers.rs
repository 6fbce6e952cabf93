//! The containers of a rendered replica: what stands at each key of theirs, and what their pause holds for all.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::{
    super::{
        images,
        interpolation::Answers,
        mounts,
        process::{Variable, Word, words},
        store, walls,
    },
    Taking,
    duties::Told,
};
use crate::{
    capture::draft::Sketch,
    labels,
    path::Path,
    plan::REDIS_CONF,
    profile::{EngineKind, Piece, Text},
};

/// Where a container stands, and what is known of its replica.
#[derive(Clone, Copy)]
pub struct Site<'a, 's> {
    pub at: &'a Path,
    pub engine: Option<EngineKind>,
    pub service: &'a str,
    /// The volumes that the file declares.
    pub volumes: Option<&'a Taking<'s>>,
    pub told: Option<&'a Told>,
}

/// The container that the replica is for.
pub fn main<'s>(
    map: &Taking<'s>,
    site: &Site<'_, 's>,
    variables: Vec<Variable<'s>>,
    answers: &Answers,
    to: &mut Sketch<'s>,
) {
    for item in map.members("volumes") {
        volume(&item, site, to);
    }
    container(map, site, variables, answers, to);
    let at = site.at;
    walls::field(map, "stop_signal", at.key("stop_signal"), |text| Some(text.to_owned()), to);
    walls::platform(map, to);
    for pair in map.pairs("labels", &['=']) {
        if !pair.name.starts_with(labels::PREFIX) {
            to.take(&at.key("labels").key(pair.name), pair.value.unwrap_or_default(), &pair.at);
        }
    }
    map.without(&[("pid", "`host_pid: true` and `allow: [host-pid]` if it is meant so")]);
    if let Some(told) = site.told {
        told.of_container(None, site.engine.is_some(), at, to);
    }
}

/// An init container or a sidecar, which has the volumes of its replica.
pub fn beside<'s>(
    map: &Taking<'s>,
    site: &Site<'_, 's>,
    name: &str,
    variables: Vec<Variable<'s>>,
    answers: &Answers,
    to: &mut Sketch<'s>,
) {
    container(map, site, variables, answers, to);
    if let Some(told) = site.told {
        told.of_container(Some(name), false, site.at, to);
    }
}

/// What every replica's pause has for its containers.
pub fn network<'s>(pause: &Taking<'s>, site: &Site<'_, 's>, to: &mut Sketch<'s>) {
    let at = site.at;
    // Without a word of the profile a replica is called as its pod is.
    let own = format!("{}-0", site.service);
    if pause.get("hostname").is_some_and(|name| name.value() != own.as_str()) {
        walls::field(pause, "hostname", at.key("hostname"), |text| Some(text.to_owned()), to);
    }
    walls::names(pause, at, to);
    walls::sysctls(pause, at, to);
    pause.without(&[("network_mode", "`host_network: true` and `allow: [host-network]` if it is meant so")]);
}

fn container<'s>(
    map: &Taking<'s>,
    site: &Site<'_, 's>,
    variables: Vec<Variable<'s>>,
    answers: &Answers,
    to: &mut Sketch<'s>,
) {
    let Site { at, engine, .. } = *site;
    images::image(map, at, &BTreeSet::new(), to);
    mounts::tmpfs(map, at, to);
    store::rendered(&variables, engine, at, to);
    for key in ["entrypoint", "command"] {
        if let (Some(place), Some(words)) = (map.get(key), words(map, key, answers)) {
            match engine.filter(|_| key == "command") {
                Some(engine) => {
                    let words = without_own_settings(words, &place, site, to);
                    store::command(&words, engine, &place, at, to);
                }
                None => {
                    let words: Json = words.into_iter().map(|word| word.text).collect();
                    to.take(&at.key(key), words, &place);
                }
            }
        }
    }
    walls::resources(map, at, to);
    walls::walls(map, if engine.is_some() { "run_as" } else { "user" }, at, to);
}

/// The words of a store's command but those that lead to a file of the mirror's, which holds its password.
fn without_own_settings<'s>(
    mut words: Vec<Word>,
    place: &Taking<'s>,
    site: &Site<'_, 's>,
    to: &mut Sketch<'s>,
) -> Vec<Word> {
    let leads = |pair: &[Word]| pair[0].text == "--include" && pair[1].text == REDIS_CONF;
    if let Some(found) = words.windows(2).position(leads) {
        words.drain(found..found + 2);
        // Where variables refer to a secret of that name it is the same: a client could not log in otherwise.
        let name = format!("{}-password", site.service);
        let variable = name.to_uppercase().replace('-', "_");
        let secret = to.secrets.declare(&format!("${{{variable}}}"), &name, None);
        place.remark(format!("its password lies in a file beside: `{secret}` is taken for it"));
        to.put(&site.at.key("password"), Text(vec![Piece::Secret(secret)]).to_string());
    }
    words
}

/// A volume by the name that the plan gave it.
fn volume<'s>(item: &Taking<'s>, site: &Site<'_, 's>, to: &mut Sketch<'s>) {
    let text = |key: &str| item.get(key).and_then(|place| place.value().as_str().map(str::to_owned));
    let (source, target) = (text("source").unwrap_or_default(), text("target").unwrap_or_default());
    if text("type").as_deref() == Some("bind") {
        item.left_out("`volumes: {PATH: {host: …}}` and `allow: [host-path]` if it is meant so");
        return;
    }
    let at = site.at.key("volumes").key(target.as_str());
    let of_replica = source.strip_prefix(&format!("{}.0.", site.service));
    if let Some(name) =
        source.strip_prefix("pm.claim.").or(of_replica.and_then(|own| own.strip_prefix("claim-")))
    {
        to.take(&at, json!({"claim": name}), item);
    } else if let Some(name) = source.strip_prefix("pm.shared.") {
        to.take(&at, json!({"shared": name}), item);
    } else if target == REDIS_CONF {
        // A mirror makes it of the password.
        item.used();
    } else if [".files", ".secrets"].iter().any(|end| source.ends_with(end)) {
        item.left_out(format!(
            "its content lies beside the Compose file: `files: {{{target}: {{from: FILE}}}}`"
        ));
    } else if site.engine.is_some() && of_replica == Some("data") {
        // A store's data has a volume without a word.
        item.used();
    } else {
        to.take(&at, json!({"empty": in_memory(&source, site.volumes)}), item);
    }
}

/// `{medium: memory, size: …}` of a volume that is one of the engine's in memory.
fn in_memory(source: &str, volumes: Option<&Taking<'_>>) -> Json {
    let declared = volumes.and_then(|volumes| volumes.get(source)?.get("driver_opts"));
    let options = declared.and_then(|options| options.value().get("o")?.as_str().map(str::to_owned));
    let Some(options) = options else { return json!({}) };
    let mut empty = mounts::tmpfs_of(&options);
    if let Some(map) = empty.as_object_mut() {
        map.shift_remove("mode");
    }
    empty["medium"] = json!("memory");
    empty
}
