//! Secrets by the names that the other profile gives them.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use crate::{
    path::Path,
    profile::{Piece, Text},
};

/// Where both sides have a secret in the same place of the same text, it goes by the other's name.
pub(super) fn spell(tree: &mut Json, other: &Json) {
    walk(&Path::root(), tree, other);
    let used = used(tree);
    let of = |tree: &Json| tree.get("secrets").and_then(Json::as_object).cloned().unwrap_or_default();
    // What the other declares is as it says there; what only this side has stays where something refers to it.
    let mut secrets: Map<String, Json> = of(other);
    for (name, value) in of(tree).into_iter().filter(|(name, _)| used.contains(name)) {
        secrets.entry(name).or_insert(value);
    }
    if let Some(map) = tree.as_object_mut() {
        map.shift_remove("secrets");
        if !secrets.is_empty() {
            map.insert("secrets".to_owned(), Json::Object(secrets));
        }
    }
}

fn walk(at: &Path, mine: &mut Json, theirs: &Json) {
    match (mine, theirs) {
        (Json::Object(mine), Json::Object(theirs)) => {
            for (key, value) in mine.iter_mut() {
                if let Some(other) = theirs.get(key) {
                    walk(&at.key(key.as_str()), value, other);
                }
            }
        }
        (Json::Array(mine), Json::Array(theirs)) if mine.len() == theirs.len() => {
            for (index, (value, other)) in mine.iter_mut().zip(theirs).enumerate() {
                walk(&at.index(index), value, other);
            }
        }
        (Json::String(mine), Json::String(theirs))
            if mine != theirs && (names_a_secret(at) || alike(mine, theirs)) =>
        {
            mine.clone_from(theirs);
        }
        _ => {}
    }
}

/// `files.PATH.secret` holds the name alone.
pub(super) fn names_a_secret(at: &Path) -> bool {
    at.key_at(0) != Some("secrets")
        && at.key_at(2) == Some("files")
        && at.key_at(at.0.len() - 1) == Some("secret")
}

/// Whether two texts are the same but for the names of their secrets.
pub(super) fn alike(mine: &str, theirs: &str) -> bool {
    let nameless = |text: &str| {
        let (Text(pieces), _) = Text::parse(text).ok()?;
        let nameless = |piece: Piece| match piece {
            Piece::Secret(_) => None,
            piece => Some(piece),
        };
        Some(pieces.into_iter().map(nameless).collect::<Vec<_>>())
    };
    matches!((nameless(mine), nameless(theirs)), (Some(mine), Some(theirs)) if mine == theirs && mine.contains(&None))
}

/// The secrets that a tree refers to.
pub(super) fn used(tree: &Json) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    gather(&Path::root(), tree, &mut used);
    used
}

fn gather(at: &Path, value: &Json, to: &mut BTreeSet<String>) {
    match value {
        Json::Object(map) => map.iter().for_each(|(key, value)| gather(&at.key(key.as_str()), value, to)),
        Json::Array(items) => items.iter().for_each(|value| gather(at, value, to)),
        Json::String(text) if names_a_secret(at) => drop(to.insert(text.clone())),
        Json::String(text) => {
            if let Ok((text, _)) = Text::parse(text) {
                to.extend(text.secrets().map(ToString::to_string));
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}
