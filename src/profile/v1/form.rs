//! How a value stands in a file: reading it, writing it, its short forms and its schema.
//!
//! A `Form` belongs to one version of the file format; the types it reads into
//! know nothing of it.

use std::{borrow::Cow, marker::PhantomData};

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value as Json;

use super::hole;
use crate::path::Path;
use crate::profile::{
    node::{Kind, Node},
    problem::{Gathering, Problem},
    source::Span,
    words,
};

pub(crate) type Object = serde_json::Map<String, Json>;

/// Reads the bytes of a `files.*.from`: the document's name and the path as written to bytes or the reason why not.
pub type ReadFile<'a> = dyn Fn(&str, &str) -> Result<Vec<u8>, String> + 'a;

/// What is gathered while a tree is read.
pub(crate) struct Reader<'a> {
    pub problems: Gathering,
    /// Values that could not be read when the profile was captured, with the reason.
    pub holes: IndexMap<Path, String>,
    /// Names of the sources, by their position.
    pub names: Vec<String>,
    pub files: &'a ReadFile<'a>,
}

impl<'a> Reader<'a> {
    pub fn new(problems: Gathering, names: Vec<String>, files: &'a ReadFile<'a>) -> Self {
        Self { problems, holes: IndexMap::new(), names, files }
    }

    pub fn error(&mut self, code: &'static str, at: &Path, span: Span, message: impl Into<String>) {
        self.problems.push(Problem::error(code, at, span, message));
    }

    pub fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// The value is of another kind than the field wants.
    pub fn wanted(&mut self, node: &Node, at: &Path, wanted: &str) {
        if matches!(node.kind, Kind::Null) {
            let problem =
                Problem::error("null", at, node.span, format!("nothing stands here; wanted {wanted}"));
            self.push(problem.hint("leave the key out, or write `\"\"` for an empty text"));
        } else {
            let message = format!("{} stands here; wanted {wanted}", node.what());
            let hint = words::shape(node, at);
            self.push(Problem::error("wrong-type", at, node.span, message).maybe_hint(hint));
        }
    }
}

/// A value in the file, in version 1 of the format.
pub(crate) trait Form {
    /// What it means inside.
    type Value;

    /// Whether `{hole: REASON}` may stand in its place; in a map of free keys that is an entry called `hole`.
    const HOLE: bool = true;

    /// Rewrites short forms into the long one; what it does not understand stays for `read` to refuse.
    fn lengthen(_node: &mut Node) {}

    /// Reads the long form; says what is wrong and answers nothing where it cannot.
    fn read(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<Self::Value>;

    /// Writes the long form.
    fn write(value: &Self::Value) -> Json;

    /// Both forms, as JSON Schema.
    fn schema(generator: &mut SchemaGenerator) -> Schema;

    /// What the types hold for a hole where something must stand; without it none may be there.
    fn blank() -> Option<Self::Value> {
        None
    }

    /// Stands in for a required value that is wrong, so that all else
    /// is still checked; the problem is said already, so it never leaves a load.
    fn stand_in() -> Option<Self::Value> {
        None
    }
}

/// The fields of a map; several of them may share one map in the file.
pub(crate) trait Fields {
    type Record;
    fn keys(keys: &mut Vec<&'static str>);
    fn lengthen_fields(node: &mut Node);
    fn read_fields(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<Self::Record>;
    fn write_fields(record: &Self::Record, object: &mut Object);
    fn schema_fields(shape: &mut Shape, generator: &mut SchemaGenerator);
}

/// Another way to write a record, shorter than the map.
pub(crate) trait Short {
    fn lengthen(node: &mut Node);
    fn schema(generator: &mut SchemaGenerator) -> Schema;
}

/// Properties of an object schema while it grows.
#[derive(Default)]
pub(crate) struct Shape {
    pub properties: Object,
    pub required: Vec<Json>,
    /// Sets of keys of which exactly one is written.
    pub one_of: Vec<&'static [&'static str]>,
    /// Sets of keys of which at least one is written.
    pub any_of: Vec<&'static [&'static str]>,
}

impl Shape {
    pub fn add(&mut self, key: &str, mut schema: Schema, doc: &str) {
        let doc = doc.trim();
        if !doc.is_empty() {
            schema.insert("description".to_owned(), doc.into());
        }
        self.properties.insert(key.to_owned(), schema.into());
    }

    pub fn finish(self, doc: &str) -> Schema {
        let mut object = Object::new();
        if !doc.trim().is_empty() {
            object.insert("description".into(), doc.trim().into());
        }
        object.insert("type".into(), "object".into());
        object.insert("properties".into(), self.properties.into());
        object.insert("additionalProperties".into(), false.into());
        if !self.required.is_empty() {
            object.insert("required".into(), self.required.into());
        }
        let choice = |word: &str, keys: &&[&str]| {
            let each: Vec<Json> = keys.iter().map(|key| serde_json::json!({"required": [key]})).collect();
            serde_json::json!({word: each})
        };
        let one = self.one_of.iter().map(|keys| choice("oneOf", keys));
        let choices: Vec<Json> = one.chain(self.any_of.iter().map(|keys| choice("anyOf", keys))).collect();
        if !choices.is_empty() {
            object.insert("allOf".into(), choices.into());
        }
        object.into()
    }
}

/// Gives a form a name among the schema's definitions.
pub(crate) struct Named<T>(PhantomData<T>);

/// A form with a definition of its own in the schema.
pub(crate) trait Defined {
    const NAME: &'static str;
    fn define(generator: &mut SchemaGenerator) -> Schema;
}

impl<T: Defined> JsonSchema for Named<T> {
    fn schema_name() -> Cow<'static, str> {
        T::NAME.into()
    }

    fn schema_id() -> Cow<'static, str> {
        format!("prodmirror/v1/{}", T::NAME).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::define(generator)
    }
}

/// Says which keys of a map are not known.
pub(crate) fn refuse_unknown(node: &Node, known: &[&'static str], at: &Path, to: &mut Reader<'_>) {
    let Some(map) = node.as_map() else { return };
    for (key, entry) in &map.entries {
        if to.problems.is_full() {
            return;
        }
        if !known.contains(&key.as_str()) {
            let (message, hint) = words::unknown_key(key, known, &entry.node, at);
            to.push(
                Problem::error("unknown-key", &at.key(key.as_str()), entry.key, message).maybe_hint(hint),
            );
        }
    }
}

pub(crate) fn missing(node: &Node, key: &str, at: &Path, to: &mut Reader<'_>) {
    to.push(Problem::error("missing-key", at, node.span, format!("`{key}` is missing")));
}

/// Reads a map whose keys are those of the record and no others.
pub(crate) fn read_record<F: Fields>(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<F::Record> {
    let mut keys = Vec::new();
    F::keys(&mut keys);
    if node.as_map().is_none() {
        to.wanted(node, at, &a_map_of(&keys));
        return None;
    }
    refuse_unknown(node, &keys, at, to);
    F::read_fields(node, at, to)
}

pub(crate) fn write_record<F: Fields>(record: &F::Record) -> Json {
    let mut object = Object::new();
    F::write_fields(record, &mut object);
    object.into()
}

pub(crate) fn must<F: Form>(node: &Node, key: &str, at: &Path, to: &mut Reader<'_>) -> Option<F::Value> {
    match node.get(key) {
        Some(value) => hole::value::<F>(value, &at.key(key), to),
        None => {
            missing(node, key, at, to);
            None
        }
    }
    .or_else(F::stand_in)
}

pub(crate) fn may<F: Form>(node: &Node, key: &str, at: &Path, to: &mut Reader<'_>) -> Option<F::Value> {
    hole::optional::<F>(node.get(key)?, &at.key(key), to)
}

/// A schema of which one side fits.
pub(crate) fn either(short: Schema, long: Schema) -> Schema {
    let description = long.get("description").cloned();
    let mut schema = schemars::json_schema!({"anyOf": [short, long]});
    if let Some(description) = description {
        schema.insert("description".to_owned(), description);
    }
    schema
}

fn a_map_of(keys: &[&str]) -> String {
    match keys {
        [] => "a map".to_owned(),
        keys if keys.len() <= 6 => format!("a map of {}", keys.join(", ")),
        keys => format!("a map of {} and others", keys[..5].join(", ")),
    }
}
