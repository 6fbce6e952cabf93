//! Which changes a change cannot do without.
//!
//! A variable that refers to a secret needs the change that declares it; a
//! secret can go only when the last reference to it has gone. The same holds
//! for flags, for what is waited for or exposed, for permissions, and for a
//! request that must stay below its limit. Some things change together: the
//! ports of a workload and whatever names them, volumes of one claim, and what
//! is mounted at one path.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{Change, shape::within, tree};
use crate::{
    path::{Path, Segment},
    profile::{Bytes, Cpu, Piece, Text},
};

/// Something that one place of a profile defines and others name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Thing {
    Secret(String),
    Flag(String),
    /// A service, job or store.
    Workload(String),
    /// `user`, `password` or `database` of a store.
    StoreField(String, &'static str),
    /// The end of a job, which can be waited for while it has no schedule.
    End(String),
    /// A word of `allow`.
    Permission(String),
}

/// What changes together or not at all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Bond {
    /// The ports of a workload, and what names them, by number, by name or as the only one.
    Ports(String),
    Claim(String),
    /// A path of a workload where something is mounted.
    Mount(String, String),
}

#[derive(Default)]
struct Named {
    things: HashSet<Thing>,
    bonds: HashSet<Bond>,
}

pub fn fill(changes: &mut [Change], a: &Value, b: &Value) {
    let mut added: HashMap<Thing, Vec<usize>> = HashMap::new();
    let mut removed: HashMap<Thing, Vec<usize>> = HashMap::new();
    let mut bonds: HashMap<Bond, Vec<usize>> = HashMap::new();
    let mut gains: Vec<HashSet<Thing>> = Vec::new();
    let mut losses: Vec<HashSet<Thing>> = Vec::new();
    for (at, change) in changes.iter().enumerate() {
        let (before, after) =
            (defined(&change.path, change.from.as_ref()), defined(&change.path, change.to.as_ref()));
        after.difference(&before).for_each(|thing| added.entry(thing.clone()).or_default().push(at));
        before.difference(&after).for_each(|thing| removed.entry(thing.clone()).or_default().push(at));
        let (before, after) =
            (named(&change.path, change.from.as_ref()), named(&change.path, change.to.as_ref()));
        gains.push(after.things.difference(&before.things).cloned().collect());
        losses.push(before.things.difference(&after.things).cloned().collect());
        before.bonds.union(&after.bonds).for_each(|bond| bonds.entry(bond.clone()).or_default().push(at));
    }
    let mut needs: Vec<HashSet<usize>> = vec![HashSet::new(); changes.len()];
    for at in 0..changes.len() {
        for thing in &gains[at] {
            needs[at].extend(added.get(thing).into_iter().flatten());
        }
        for thing in &losses[at] {
            removed.get(thing).into_iter().flatten().for_each(|remover| {
                needs[*remover].insert(at);
            });
        }
    }
    for (bond, bound) in &bonds {
        // Ports that do not change bind nobody.
        if !matches!(bond, Bond::Ports(_)) || bound.iter().any(|at| is_port(&changes[*at].path)) {
            bound.iter().for_each(|at| needs[*at].extend(bound));
        }
    }
    bounds(changes, a, b, &mut needs);
    let paths: Vec<Path> = changes.iter().map(|change| change.path.clone()).collect();
    for (at, needed) in needs.into_iter().enumerate() {
        let mut needed: Vec<usize> = needed.into_iter().filter(|other| *other != at).collect();
        needed.sort_unstable();
        changes[at].needs = needed.into_iter().map(|other| paths[other].clone()).collect();
    }
}

fn is_port(path: &Path) -> bool {
    within(path).first() == Some(&"ports")
}

/// What a value at a path defines.
fn defined(path: &Path, value: Option<&Value>) -> HashSet<Thing> {
    let name = path.key_at(1).map(str::to_owned).unwrap_or_default();
    let thing = match (path.key_at(0).unwrap_or_default(), within(path).as_slice(), value) {
        ("allow", _, Some(words)) => return texts(words).map(Thing::Permission).collect(),
        ("jobs", ["schedule"], None) => Thing::End(name),
        ("stores", [field], Some(_)) => match store_field(field) {
            Some(field) => Thing::StoreField(name, field),
            None => return HashSet::new(),
        },
        ("secrets", [], Some(_)) => Thing::Secret(name),
        ("flags", [], Some(_)) => Thing::Flag(name),
        ("services" | "jobs" | "stores", [], Some(_)) => Thing::Workload(name),
        _ => return HashSet::new(),
    };
    HashSet::from([thing])
}

fn store_field(field: &str) -> Option<&'static str> {
    ["user", "password", "database"].into_iter().find(|known| *known == field)
}

fn texts(list: &Value) -> impl Iterator<Item = String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned)
}

/// What the leaves of a value name.
fn named(path: &Path, value: Option<&Value>) -> Named {
    let mut named = Named::default();
    if let Some(value) = value {
        collect(path, value, &mut named);
    }
    if let Some(whole) = path.key_at(1).filter(|_| path.0.len() == 2) {
        // A whole service brings its own ports and mounts.
        named.bonds.retain(|bond| !matches!(bond, Bond::Ports(of) | Bond::Mount(of, _) if of == whole));
    }
    named
}

fn collect(path: &Path, value: &Value, named: &mut Named) {
    let workload = || path.key_at(1).unwrap_or_default().to_owned();
    let inner = within(path);
    if let ["files" | "volumes" | "tmpfs", target] = inner.as_slice() {
        named.bonds.insert(Bond::Mount(workload(), (*target).to_owned()));
    }
    match (inner.as_slice(), value) {
        (["env", _] | ["user" | "password" | "database"], Value::String(text)) => references(text, named),
        (["files", _, "secret"], Value::String(name)) => {
            named.things.insert(Thing::Secret(name.clone()));
        }
        (["volumes", _, "claim"], Value::String(name)) => {
            named.bonds.insert(Bond::Claim(name.clone()));
        }
        (["volumes", _, "host"], _) => {
            named.things.insert(Thing::Permission("host-path".to_owned()));
        }
        (["flags"], list) => named.things.extend(texts(list).map(Thing::Flag)),
        (["needs"], list) => {
            named.things.extend(texts(list).map(Thing::Workload));
            named.things.extend(texts(list).map(Thing::End));
        }
        (["ports", ..] | ["probes", _, "http" | "tcp" | "grpc", "port"], _) => {
            named.bonds.insert(Bond::Ports(workload()));
        }
        (["probes", _, "http" | "tcp" | "grpc"] | ["post_start" | "pre_stop", "http"], _) => {
            named.bonds.insert(Bond::Ports(workload()));
        }
        ([field @ ("privileged" | "host_network" | "host_pid")], Value::Bool(true)) => {
            named.things.insert(Thing::Permission(field.replace('_', "-")));
        }
        ([], _) if matches!(path.key_at(0), Some("network" | "endpoints")) => outside(value, named),
        (_, Value::Object(map)) => {
            map.iter().for_each(|(key, value)| collect(&path.key(key.as_str()), value, named));
        }
        _ => {}
    }
}

fn references(text: &str, named: &mut Named) {
    let Ok((text, _)) = Text::parse(text) else { return };
    for piece in &text.0 {
        match piece {
            Piece::Literal(_) => {}
            Piece::Secret(name) => {
                named.things.insert(Thing::Secret(name.to_string()));
            }
            Piece::Service(name, _) => workload(name.as_str(), named),
            Piece::Store(name, field) => {
                workload(name.as_str(), named);
                let field = store_field(field.as_str());
                named.things.extend(field.map(|field| Thing::StoreField(name.to_string(), field)));
            }
        }
    }
}

fn workload(name: &str, named: &mut Named) {
    named.things.insert(Thing::Workload(name.to_owned()));
    named.bonds.insert(Bond::Ports(name.to_owned()));
}

/// Workloads that the network or the endpoints name: `service`, `from`, `to`, and `{db.url}` in a text.
fn outside(value: &Value, named: &mut Named) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| outside(value, named)),
        Value::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("service" | "from" | "to", Value::String(name)) => workload(name, named),
                    _ => outside(value, named),
                }
            }
        }
        Value::String(text) => {
            let inner =
                text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(inner, _)| inner);
            inner.filter_map(|inner| inner.split('.').next()).for_each(|name| workload(name, named));
        }
        _ => {}
    }
}

/// A request that grows over the old limit needs the new one first, and the other way round.
fn bounds(changes: &[Change], a: &Value, b: &Value, needs: &mut [HashSet<usize>]) {
    let places: HashMap<&Path, usize> =
        changes.iter().enumerate().map(|(at, change)| (&change.path, at)).collect();
    for (path, request) in &places {
        let inner = within(path);
        let ["resources", "requests", what] = inner.as_slice() else { continue };
        let mut limit_path = (*path).clone();
        let depth = limit_path.0.len() - 2;
        limit_path.0[depth] = Segment::Key("limits".to_owned());
        let Some(limit) = places.get(&limit_path) else { continue };
        let amount = |tree: &Value, path: &Path| amount(what, tree::get(tree, path)?.as_str()?);
        let (old_limit, new_limit) = (amount(a, &limit_path), amount(b, &limit_path));
        let (old_request, new_request) = (amount(a, path), amount(b, path));
        if matches!((new_request, old_limit), (Some(request), Some(limit)) if request > limit) {
            needs[*request].insert(*limit);
        }
        if matches!((old_request, new_limit), (Some(request), Some(limit)) if request > limit) {
            needs[*limit].insert(*request);
        }
    }
}

fn amount(what: &str, text: &str) -> Option<u64> {
    if what == "cpu" {
        text.parse::<Cpu>().ok().map(|cpu| cpu.millis)
    } else {
        text.parse::<Bytes>().ok().map(|b| b.0)
    }
}
