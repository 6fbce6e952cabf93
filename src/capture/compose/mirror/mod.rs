//! A Compose file that `render` wrote: its keys are the replicas of a profile, and come back as its services.
//!
//! The labels of a mirror say which key is what. A replica is several keys: the pause has the network and tells the
//! keeper its duties, the others are its containers. The first replica speaks for all of a service.

mod containers;
mod duties;

use serde_json::json;

use super::{images, interpolation::Answers, process::variables};
use crate::{
    capture::draft::{Sketch, Taking},
    formats::duties::PodKind,
    labels,
    path::Path,
    profile::EngineKind,
};
use duties::Told;

/// One key of the file, by the labels that it carries.
pub struct Key<'s> {
    map: Taking<'s>,
    kind: Kind,
}

/// What a key is.
enum Kind {
    /// Keeper, gateway, what fills volumes: `up` makes them again.
    Helper,
    Pause(Place),
    Main(Place, PodKind),
    /// An init container or a sidecar, by its section and its name.
    Beside(Place, &'static str, String),
}

#[derive(Clone, PartialEq, Eq)]
struct Place {
    service: String,
    ordinal: u32,
}

/// Every key of the file, where all of them are a mirror's; otherwise somebody added some, and it is read as any other.
pub fn keys<'s>(services: &[(&'s str, Taking<'s>)]) -> Option<Vec<Key<'s>>> {
    let key =
        |(theirs, map): &(&'s str, Taking<'s>)| Some(Key { map: map.clone(), kind: kind(theirs, map)? });
    let keys: Option<Vec<Key<'s>>> = services.iter().map(key).collect();
    keys.filter(|keys| !keys.is_empty())
}

fn kind(theirs: &str, map: &Taking<'_>) -> Option<Kind> {
    let place = || {
        let ordinal = label(map, labels::ORDINAL)?.parse().ok()?;
        Some(Place { service: label(map, labels::SERVICE)?, ordinal })
    };
    let main = |kind| Some(Kind::Main(place()?, kind));
    match label(map, labels::KIND)?.as_str() {
        "keeper" | "gateway" | "files" => Some(Kind::Helper),
        "pause" => Some(Kind::Pause(place()?)),
        "service" => main(PodKind::Service),
        "store" => main(PodKind::Store),
        "job" => main(PodKind::Job),
        "init" => Some(Kind::Beside(place()?, "init", last(theirs)?)),
        "sidecar" => Some(Kind::Beside(place()?, "sidecars", last(theirs)?)),
        _ => None,
    }
}

/// `log` of `api.0.log`.
fn last(key: &str) -> Option<String> {
    key.rsplit('.').next().map(str::to_owned)
}

/// A label by its name, which is looked at and not taken.
fn label(map: &Taking<'_>, name: &str) -> Option<String> {
    let labels = map.get("labels")?;
    if let Some(value) = labels.value().get(name) {
        return value.as_str().map(str::to_owned);
    }
    let mut items = labels.value().as_array()?.iter().filter_map(|item| item.as_str()?.split_once('='));
    items.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
}

/// Writes what the keys amount to.
pub fn write<'s>(keys: &[Key<'s>], top: &Taking<'s>, answers: &Answers, to: &mut Sketch<'s>) {
    let name = keys.iter().find_map(|key| label(&key.map, labels::MIRROR));
    if let Some(name) = name {
        to.put(&Path::of(["name"]), name);
    }
    let volumes = top.get("volumes");
    let file = File { keys, volumes: volumes.as_ref(), answers };
    for key in keys {
        if let Kind::Main(place, kind) = &key.kind
            && place.ordinal == 0
        {
            workload(key, place, *kind, &file, to);
        }
    }
    // All else is so without being said: `up` makes it of the profile.
    top.used();
}

/// What one replica needs to know of the rest of the file.
struct File<'a, 's> {
    keys: &'a [Key<'s>],
    volumes: Option<&'a Taking<'s>>,
    answers: &'a Answers,
}

fn workload<'s>(main: &Key<'s>, place: &Place, kind: PodKind, file: &File<'_, 's>, to: &mut Sketch<'s>) {
    let File { keys, volumes, answers } = *file;
    let section = match kind {
        PodKind::Service => "services",
        PodKind::Store => "stores",
        PodKind::Job => "jobs",
    };
    let at = Path::of([section, place.service.as_str()]);
    main.map.became(at.clone());
    to.put(&at, json!({}));
    to.origins.add(at.clone(), main.map.clone());
    let engine = engine(main, kind);
    if let Some(engine) = engine {
        to.put(&at.key("engine"), engine.as_str());
        main.map.remark("its data is not captured: without a `seed` it starts empty");
    }
    let pause = keys.iter().find(|key| matches!(&key.kind, Kind::Pause(of) if of == place));
    let told = pause.and_then(|pause| Told::of(&pause.map));
    if told.is_none() {
        main.map.remark("no pause beside it tells its probes, hooks, ports and needs");
    }
    if kind == PodKind::Job && main.map.get("profiles").is_some() {
        main.map.remark("it runs on demand: its schedule does not stand in the file");
    }
    let replicas =
        keys.iter().filter(|key| matches!(&key.kind, Kind::Main(of, _) if of.service == place.service));
    let replicas = replicas.count();
    if replicas > 1 {
        main.map.remark(format!("replica 0 speaks for all {replicas}"));
        to.put(&at.key("replicas"), replicas);
    }
    let site = containers::Site { at: &at, engine, service: &place.service, volumes, told: told.as_ref() };
    containers::main(&main.map, &site, variables(&main.map, None, answers), answers, to);
    if let Some(pause) = pause {
        containers::network(&pause.map, &site, to);
    }
    if let Some(told) = &told {
        told.of_replica(kind, &at, to);
    }
    for key in keys {
        if let Kind::Beside(of, section, name) = &key.kind
            && of == place
        {
            let at = at.key(*section).key(name.as_str());
            key.map.became(at.clone());
            to.origins.add(at.clone(), key.map.clone());
            let site = containers::Site { at: &at, engine: None, ..site };
            containers::beside(&key.map, &site, name, variables(&key.map, None, answers), answers, to);
        }
    }
}

fn engine(main: &Key<'_>, kind: PodKind) -> Option<EngineKind> {
    if kind != PodKind::Store {
        return None;
    }
    match label(&main.map, labels::ENGINE).as_deref() {
        Some("postgres") => Some(EngineKind::Postgres),
        Some("redis") => Some(EngineKind::Redis),
        _ => images::engine_of(&main.map),
    }
}
