//! Values of variables: a text with references, or a field of the pod.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value as Json, json};

use super::{
    closed::OneOf,
    form::{Form, Reader, must, refuse_unknown},
    hole,
    scalars::Referring,
};
use crate::path::Path;
use crate::profile::{PodField, Value, node::Node};

const FIELD: &[&str] = &["field"];

/// `4`, `${secret:NAME}` or `{field: pod.name}`.
pub(crate) enum Variables {}

impl Form for Variables {
    type Value = Value;

    fn read(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<Value> {
        if node.as_text().is_some() {
            return Referring::read(node, at, to).map(Value::Text);
        }
        if node.as_map().is_none() {
            to.wanted(node, at, "a text, `{field: …}` or `{hole: …}`");
            return None;
        }
        refuse_unknown(node, FIELD, at, to);
        must::<OneOf<PodField>>(node, "field", at, to).map(Value::Field)
    }

    fn write(value: &Value) -> Json {
        match value {
            Value::Text(text) => Referring::write(text),
            Value::Field(field) => json!({"field": OneOf::<PodField>::write(field)}),
            // The profile knows the reason, and puts it here.
            Value::Hole => json!({hole::KEY: ""}),
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
            }
        ]})
    }

    fn blank() -> Option<Value> {
        Some(Value::Hole)
    }
}
