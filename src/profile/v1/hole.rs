//! Holes: `{hole: REASON}` in the place of a value that could not be read.
//!
//! In the file a hole stands where a value would. Inside, the value is absent,
//! or blank where something must stand, and `Profile::holes` says so; writing
//! puts the hole back in its place.

use indexmap::IndexMap;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::Value as Json;

use super::form::{Defined, Form, Named, Object, Reader, either};
use crate::path::{Path, Segment};
use crate::profile::{
    node::{Kind, Node},
    schema,
};

pub(crate) const KEY: &str = "hole";

/// As `F::lengthen`, with a hole told from a map where one may stand.
pub(crate) fn lengthen<F: Form>(node: &mut Node) {
    if F::HOLE {
        dig(node);
    }
    F::lengthen(node);
}

/// Turns `{hole: REASON}` into the hole that it stands for.
pub(crate) fn dig(node: &mut Node) {
    let Some(map) = node.as_map().filter(|map| map.entries.len() == 1) else { return };
    if let Some(reason) = map.entries.get(KEY).and_then(|entry| entry.node.as_text()) {
        node.kind = Kind::Hole(reason.to_owned());
    }
}

/// Reads a value that must stand here: a hole is noted, and what is blank stands in.
pub(crate) fn value<F: Form>(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<F::Value> {
    match &node.kind {
        Kind::Hole(reason) => match F::blank() {
            Some(blank) => {
                to.holes.insert(at.clone(), reason.clone());
                Some(blank)
            }
            None => F::read(node, at, to),
        },
        _ => F::read(node, at, to),
    }
}

/// Reads a value that may be absent: a hole is noted, and nothing stands in.
pub(crate) fn optional<F: Form>(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<F::Value> {
    match &node.kind {
        Kind::Hole(reason) => {
            to.holes.insert(at.clone(), reason.clone());
            None
        }
        _ => F::read(node, at, to),
    }
}

/// The schema of a value that must stand where it stands: a field that is required, a member.
pub(crate) fn value_schema<F: Form>(generator: &mut SchemaGenerator) -> Schema {
    let schema = F::schema(generator);
    if F::HOLE && F::blank().is_some() { or_hole(schema, generator) } else { schema }
}

/// The schema of a field that may be absent.
pub(crate) fn optional_schema<F: Form>(generator: &mut SchemaGenerator) -> Schema {
    let schema = F::schema(generator);
    if F::HOLE { or_hole(schema, generator) } else { schema }
}

pub(crate) fn or_hole(schema: Schema, generator: &mut SchemaGenerator) -> Schema {
    either(schema, generator.subschema_for::<Named<Hole>>())
}

/// The definition in the schema.
pub(crate) struct Hole;

impl Defined for Hole {
    const NAME: &'static str = "Hole";

    fn define(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A value that could not be read; `up` refuses until it is given.",
            "type": "object",
            "properties": {KEY: {
                "description": "Why it could not be read.",
                "type": ["string", "number", "boolean"]
            }},
            "required": [KEY],
            "additionalProperties": false
        })
    }
}

/// Puts holes where they stand in a tree, each among its neighbours in the order of the types.
pub(crate) fn put_back(tree: &mut Object, holes: &IndexMap<Path, String>) {
    for (path, reason) in holes {
        let mut hole = Object::new();
        hole.insert(KEY.to_owned(), reason.as_str().into());
        put_key(tree, path, 0, hole.into());
    }
}

/// Puts a hole at the part of its path that begins at `depth`, which is a key of this map.
fn put_key(map: &mut Object, path: &Path, depth: usize, hole: Json) {
    let Some(Segment::Key(key)) = path.0.get(depth) else { return };
    let is_new = !map.contains_key(key);
    put(map.entry(key.as_str()).or_insert_with(|| Object::new().into()), path, depth + 1, hole);
    if is_new {
        in_order(map, &Path(path.0[..depth].to_vec()));
    }
}

fn put(at: &mut Json, path: &Path, depth: usize, hole: Json) {
    let Some(first) = path.0.get(depth) else {
        *at = hole;
        return;
    };
    match (first, &mut *at) {
        (Segment::Key(_), Json::Object(map)) => put_key(map, path, depth, hole),
        (Segment::Index(index), Json::Array(items)) => {
            if let Some(item) = items.get_mut(*index) {
                put(item, path, depth + 1, hole);
            }
        }
        (Segment::Member { field, value }, Json::Array(items)) => {
            let named = |item: &&mut Json| item.get(field).and_then(Json::as_str) == Some(value);
            if let Some(item) = items.iter_mut().find(named) {
                put(item, path, depth + 1, hole);
            }
        }
        _ => {}
    }
}

/// The keys of a record in the order of its fields; a map of free keys stays as it is.
fn in_order(map: &mut Object, path: &Path) {
    let order = schema::fields(path);
    let place = |key: &str| order.iter().position(|field| *field == key).unwrap_or(order.len());
    let mut entries: Vec<(String, Json)> = std::mem::take(map).into_iter().collect();
    entries.sort_by_key(|(key, _)| place(key));
    map.extend(entries);
}
