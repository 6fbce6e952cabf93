//! Variables that a process gets alike, whatever part of a profile gives them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::{get, put, remove};
use crate::{
    path::Path,
    plan::{
        PodKind,
        variables::{Given, Giver, Variables, variables},
    },
    profile::Profile,
};

/// Stands for any secret when two texts are compared.
const SECRET: &str = "\0";

/// What the two profiles give one workload.
struct Pair {
    at: Path,
    mine: Variables,
    theirs: Variables,
}

/// Spells the variables of a captured profile as the other gives them.
pub(super) fn spell(tree: &mut Json, captured: &Profile, other: &Json, others: &Profile) {
    let pairs = pairs(captured, others);
    let changed = changed_flags(&pairs, others);
    for (flag, value) in &changed {
        put(tree, &Path::of(["flags", flag]).0, &json!(value));
    }
    for Pair { at, mine, theirs } in &pairs {
        let (mut flags, mut unread) = (Vec::new(), Vec::new());
        for (name, theirs) in &theirs.given {
            let Some(mine) = mine.given.get(name).filter(|mine| mine.by == Giver::Env) else { continue };
            let place = at.key("env").key(name.as_str());
            let means_the_same = alike(mine, theirs);
            match theirs.by {
                Giver::Env if means_the_same => {
                    if let Some(spelled) = get(other, &place.0) {
                        put(tree, &place.0, spelled);
                    }
                }
                Giver::Flag => match &mine.value {
                    Err(why) => {
                        remove(tree, &place.0);
                        unread.push(format!("{name} was not read: {why}"));
                    }
                    Ok(_) if means_the_same || changed.contains_key(name) => {
                        remove(tree, &place.0);
                        flags.push(name.clone());
                    }
                    Ok(_) => {}
                },
                Giver::Timezone if means_the_same => {
                    remove(tree, &place.0);
                    let place = at.key("timezone");
                    if let Some(spelled) = get(other, &place.0) {
                        put(tree, &place.0, spelled);
                    }
                }
                Giver::Store | Giver::ServiceLink if means_the_same => remove(tree, &place.0),
                Giver::Env | Giver::Timezone | Giver::Store | Giver::ServiceLink => {}
            }
        }
        if !unread.is_empty() {
            put(tree, &at.key("flags").0, &json!({"hole": unread.join(", ")}));
        } else if !flags.is_empty() {
            put(tree, &at.key("flags").0, &in_the_order_of(get(other, &at.key("flags").0), flags));
        }
        if get(tree, &at.key("env").0).and_then(Json::as_object).is_some_and(serde_json::Map::is_empty) {
            remove(tree, &at.key("env").0);
        }
    }
    take_flags(tree, other, &changed);
}

fn pairs(captured: &Profile, others: &Profile) -> Vec<Pair> {
    let theirs = variables(others);
    let pair = |mine: Variables| {
        let theirs = theirs.iter().find(|one| one.service == mine.service && one.kind == mine.kind)?.clone();
        let section = match mine.kind {
            PodKind::Service => "services",
            PodKind::Job => "jobs",
            PodKind::Store => "stores",
        };
        Some(Pair { at: Path::of([section, mine.service.as_str()]), mine, theirs })
    };
    variables(captured).into_iter().filter_map(pair).collect()
}

/// Whether a process could not tell them apart, the values of secrets aside.
fn alike(mine: &Given, theirs: &Given) -> bool {
    let text = |given: &Given| {
        given.value.as_ref().ok().and_then(|template| template.fill(|_| Some(SECRET.to_owned())))
    };
    match (text(mine), text(theirs)) {
        (Some(mine), Some(theirs)) => mine == theirs,
        (None, None) => mine.field.is_some() && mine.field == theirs.field,
        _ => false,
    }
}

/// Flags that all their readers have with one other value: it is the flag that differs.
fn changed_flags(pairs: &[Pair], others: &Profile) -> BTreeMap<String, String> {
    let mut changed = BTreeMap::new();
    for (flag, value) in &others.flags {
        let readers = pairs
            .iter()
            .filter(|pair| pair.theirs.given.get(flag).is_some_and(|given| given.by == Giver::Flag));
        let found: BTreeSet<Option<String>> = readers
            .map(|pair| {
                let given = pair.mine.given.get(flag)?;
                let template = given.value.as_ref().ok().filter(|template| !template.holds_secret())?;
                Some(template.to_string())
            })
            .collect();
        if let [Some(one)] = found.into_iter().collect::<Vec<_>>().as_slice()
            && one != value
        {
            changed.insert(flag.clone(), one.clone());
        }
    }
    changed
}

fn in_the_order_of(theirs: Option<&Json>, flags: Vec<String>) -> Json {
    let theirs = theirs.and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let known =
        theirs.iter().filter(|flag| flag.as_str().is_some_and(|flag| flags.iter().any(|one| one == flag)));
    Json::Array(known.cloned().collect())
}

/// The section of flags: no source has one, so it says what its readers were found with.
fn take_flags(tree: &mut Json, other: &Json, changed: &BTreeMap<String, String>) {
    let Some(theirs) = other.get("flags").and_then(Json::as_object) else { return };
    for (flag, value) in theirs {
        if !changed.contains_key(flag) {
            put(tree, &Path::of(["flags", flag]).0, value);
        }
    }
}
