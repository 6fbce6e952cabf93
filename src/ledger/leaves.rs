//! Leaves: the values of a profile's long form that the ledger answers for, each with its row.

use serde_json::Value;

use super::table::{self, Row};
use crate::{
    path::{Path, Segment},
    profile,
};

/// Parts of a profile that describe no running thing.
const SILENT: [&str; 7] = ["apiVersion", "name", "captured", "secrets", "endpoints", "allow", "scenarios"];

/// One value with the row that says what becomes of it; without a row it is dropped, and a test keeps that from
/// happening.
pub(crate) struct Leaf<'a> {
    pub path: Path,
    pub value: &'a Value,
    pub row: Option<&'static Row>,
}

/// Every leaf in the order of the profile.
pub(crate) fn leaves(tree: &Value) -> Vec<Leaf<'_>> {
    let mut found = Vec::new();
    let unsupported = tree.get("captured").and_then(|captured| captured.get("unsupported"));
    if let Some(unsupported) = unsupported {
        walk(&Path::of(["captured", "unsupported"]), unsupported, &mut found);
    }
    for (key, value) in tree.as_object().into_iter().flatten() {
        if !SILENT.contains(&key.as_str()) {
            walk(&Path::root().key(key.as_str()), value, &mut found);
        }
    }
    found
}

fn walk<'a>(path: &Path, value: &'a Value, found: &mut Vec<Leaf<'a>>) {
    let row = table::row(path);
    if row.is_some_and(|row| row.whole) {
        found.push(Leaf { path: path.clone(), value, row });
        return;
    }
    match value {
        hole if profile::hole(path, hole).is_some() => found.push(Leaf { path: path.clone(), value, row }),
        Value::Object(object) if !object.is_empty() => {
            for (key, value) in object {
                walk(&path.key(key.as_str()), value, found);
            }
        }
        Value::Array(items) if items.iter().enumerate().any(|(at, item)| has_members(path, at, item)) => {
            for (index, item) in items.iter().enumerate() {
                walk(&member(path, index, item), item, found);
            }
        }
        // An empty map asks for nothing, unless its field says otherwise (`grpc: {}`).
        Value::Object(_) if row.is_none() => {}
        _ => found.push(Leaf { path: path.clone(), value, row }),
    }
}

/// Whether a list's member has leaves of its own.
fn has_members(list: &Path, index: usize, item: &Value) -> bool {
    item.is_array() || item.is_object() && profile::hole(&list.index(index), item).is_none()
}

/// Members of a list of ports are known by their name, others by their place.
fn member(path: &Path, index: usize, item: &Value) -> Path {
    match item.get("name").and_then(Value::as_str) {
        Some(name) => path.member("name", name),
        None => path.index(index),
    }
}

/// A path in the words of the table: `services.api.sidecars.log.env.A` is `run.env.A`, what only stores have begins
/// with `store`.
pub(crate) fn relative(path: &Path) -> (Option<&'static str>, &[Segment]) {
    let segments = &path.0;
    let of = path.key_at(0).unwrap_or_default();
    if !matches!(of, "services" | "jobs" | "stores") || segments.len() < 3 {
        return (None, segments);
    }
    let in_container = matches!(path.key_at(2), Some("init" | "sidecars")) && segments.len() > 4;
    let rest = &segments[if in_container { 4 } else { 2 }..];
    let first = match &rest[0] {
        Segment::Key(key) => key.as_str(),
        Segment::Member { .. } | Segment::Index(_) => "",
    };
    let only_stores = ["engine", "database", "user", "password", "settings", "seed", "clock"];
    let scope = if of == "stores" && !in_container && only_stores.contains(&first) { "store" } else { "run" };
    (Some(scope), rest)
}
