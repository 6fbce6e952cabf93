//! Values of variables: a text with references, a field of the pod, or a hole.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value as Json, json};

use super::{
    closed::OneOf,
    collections::{chosen, mark_choice},
    form::{Form, Reader, refuse_unknown},
    scalars::{Letters, Referring},
};
use crate::path::Path;
use crate::profile::{PodField, Value, node::Node};

const CHOICE: &[&str] = &["field", "hole"];

/// `4`, `${secret:NAME}`, `{field: pod.name}` or `{hole: REASON}`.
pub(crate) enum Variables {}

impl Form for Variables {
    type Value = Value;

    fn lengthen(node: &mut Node) {
        mark_choice(node, CHOICE);
    }

    fn read(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<Value> {
        if node.as_text().is_some() {
            return Referring::read(node, at, to).map(Value::Text);
        }
        if node.as_map().is_none() {
            to.wanted(node, at, "a text, `{field: …}` or `{hole: …}`");
            return None;
        }
        refuse_unknown(node, CHOICE, at, to);
        let (key, inner) = chosen(node, CHOICE, at, to)?;
        let at = at.key(key);
        match key {
            "field" => OneOf::<PodField>::read(inner, &at, to).map(Value::Field),
            _ => Letters::read(inner, &at, to).map(Value::Hole),
        }
    }

    fn write(value: &Value) -> Json {
        match value {
            Value::Text(text) => Referring::write(text),
            Value::Field(field) => json!({"field": OneOf::<PodField>::write(field)}),
            Value::Hole(reason) => json!({"hole": reason}),
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            Referring::schema(generator),
            {
                "type": "object",
                "properties": {"field": OneOf::<PodField>::schema(generator)},
                "required": ["field"],
                "additionalProperties": false
            },
            {
                "type": "object",
                "properties": {"hole": Letters::schema(generator)},
                "required": ["hole"],
                "additionalProperties": false
            }
        ]})
    }
}
