//! The JSON Schema (2020-12) of the form on disk.

use std::{borrow::Cow, sync::OnceLock};

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde_json::Value as Json;

use super::{
    Profile,
    node::Node,
    source::Span,
    v1::{VERSION, VERSION_KEY, form},
};
use crate::path::{Path, Segment};

/// The schema of a whole document; it accepts what `check` accepts.
pub fn schema() -> Json {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema: Json = generator.into_root_schema_for::<Document>().into();
    allow_like(&mut schema);
    schema
}

/// A profile with its first line.
struct Document;

impl JsonSchema for Document {
    fn schema_name() -> Cow<'static, str> {
        "prodmirror profile".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut shape = form::Shape::default();
        let version = json_schema!({"const": VERSION});
        shape.add(VERSION_KEY, version, "The version of this format.");
        shape.required.push(VERSION_KEY.into());
        <Profile as form::Fields>::schema_fields(&mut shape, generator);
        shape.finish("What production looks like: services, jobs, stores, and what is between them.")
    }
}

/// A job has an image of its own, or one by `like`; the types know `like` no more.
fn allow_like(schema: &mut Json) {
    let Some(job) = schema.pointer_mut("/$defs/Job") else { return };
    job["properties"]["like"] = serde_json::json!({
        "type": "string",
        "description": "A service or job whose image, env, flags, files, user and resources are taken over."
    });
    job["anyOf"] = serde_json::json!([{"required": ["image"]}, {"required": ["like"]}]);
    if let Some(object) = job.as_object_mut() {
        object.shift_remove("required");
    }
}

/// Whether a field takes this value as a text, letter by letter; an unknown field does.
///
/// Where a field has a short form too (`http: /x` or `http: {path: /x}`), a
/// value in braces is the long one, but for variables and files: there a text
/// in braces is a text.
pub(crate) fn takes_text(schema: &Json, path: &Path, value: &str) -> bool {
    let found = at(schema, path);
    let of_text = |segment: &Segment| matches!(segment, Segment::Key(key) if key == "env" || key == "files");
    let free = path.0.iter().rev().take(2).any(of_text);
    let braced = (value.starts_with('{') && found.iter().any(|each| is(each, "object")))
        || (value.starts_with('[') && found.iter().any(|each| is(each, "array")));
    let single = |each: &&Json| {
        each["const"] == value
            || each.get("enum").is_some()
            || ["string", "number", "integer", "boolean"].into_iter().any(|name| is(each, name))
    };
    found.is_empty() || (found.iter().any(single) && (free || !braced))
}

/// The schema, made once.
fn types() -> &'static Json {
    static TYPES: OnceLock<Json> = OnceLock::new();
    TYPES.get_or_init(schema)
}

/// The fields of the record at a path, in the order of the types; none for a map of free keys.
pub(crate) fn fields(path: &Path) -> Vec<&'static str> {
    let found = at(types(), path);
    let records = found.into_iter().filter_map(|each| each["properties"].as_object());
    // A field in several forms: the long one has the most.
    records.max_by_key(|fields| fields.len()).into_iter().flatten().map(|(key, _)| key.as_str()).collect()
}

/// Whether any key may stand in the map at a path.
pub(crate) fn is_free(path: &Path) -> bool {
    let free = |each: &&Json| {
        **each == Json::Bool(true)
            || each["additionalProperties"].is_object()
            || each["patternProperties"].is_object()
    };
    path.key_at(0) == Some("scenarios") || at(types(), path).iter().any(free)
}

/// What `--set PATH=` means: an empty text, list or map, by the type of the field.
pub(crate) fn empty(schema: &Json, path: &Path, span: Span) -> Node {
    let found = at(schema, path);
    let has = |name: &str| found.iter().any(|each| is(each, name));
    match (has("string"), has("array"), has("object")) {
        (false, true, _) => Node::list(Vec::new(), span),
        (false, false, true) => Node::map(span),
        _ => Node::quoted("", span),
    }
}

/// The schemas that a value at a path may follow.
fn at<'s>(schema: &'s Json, path: &Path) -> Vec<&'s Json> {
    let mut found = vec![schema];
    for segment in &path.0 {
        found = found.into_iter().flat_map(|each| step(schema, each, segment)).collect();
    }
    found.into_iter().flat_map(|each| variants(schema, each)).collect()
}

fn is(schema: &Json, name: &str) -> bool {
    let types = &schema["type"];
    types == name || types.as_array().is_some_and(|all| all.iter().any(|each| each == name))
}

/// Where the schema defines what a hole is.
const HOLE: &str = "#/$defs/Hole";

/// A schema behind its reference, or each of its alternatives; that it may be a hole is none.
fn variants<'s>(root: &'s Json, schema: &'s Json) -> Vec<&'s Json> {
    if schema["$ref"] == HOLE {
        return Vec::new();
    }
    if let Some(reference) = schema["$ref"].as_str().and_then(|text| text.strip_prefix('#')) {
        return root.pointer(reference).map(|target| variants(root, target)).unwrap_or_default();
    }
    match schema["anyOf"].as_array().filter(|_| schema.get("properties").is_none()) {
        Some(all) => all.iter().flat_map(|each| variants(root, each)).collect(),
        None => vec![schema],
    }
}

fn step<'s>(root: &'s Json, schema: &'s Json, segment: &Segment) -> Vec<&'s Json> {
    let into = |each: &'s Json| match segment {
        Segment::Key(key) => {
            let patterns = each["patternProperties"].as_object().and_then(|all| all.values().next());
            each["properties"]
                .get(key)
                .or(patterns)
                .or_else(|| each.get("additionalProperties").filter(|more| !more.is_boolean()))
        }
        Segment::Member { .. } | Segment::Index(_) => each.get("items"),
    };
    variants(root, schema).into_iter().filter_map(into).collect()
}
