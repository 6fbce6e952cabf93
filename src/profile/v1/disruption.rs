//! Budgets of disruption: how many replicas an eviction leaves alone.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value as Json, json};

use super::{
    collections::{chosen, mark_choice},
    form::{Defined, Form, Named, Reader, Shape, refuse_unknown},
    scalars::Letters,
};
use crate::path::Path;
use crate::profile::{Disruption, Portion, node::Node};

const MIN: &str = "min_available";
const MAX: &str = "max_unavailable";
const BOUNDS: &[&str] = &[MIN, MAX];

impl Form for Portion {
    type Value = Self;

    fn read(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<Self> {
        let text = Letters::read(node, at, to)?;
        match text.parse::<Self>() {
            Ok(portion) => Some(portion),
            Err(error) => {
                to.error("bad-portion", at, node.span, error.to_string());
                None
            }
        }
    }

    fn write(value: &Self) -> Json {
        json!(value)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            {"type": "integer", "minimum": 0, "maximum": i32::MAX},
            {"type": "string", "pattern": "^([0-9]+|0*([0-9]{1,2}|100)%)$"}
        ]})
    }
}

/// `{min_available: 2}` or `{max_unavailable: 25%}`.
impl Form for Disruption {
    type Value = Self;

    fn lengthen(node: &mut Node) {
        mark_choice(node, BOUNDS);
    }

    fn read(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<Self> {
        if node.as_map().is_none() {
            to.wanted(node, at, "`{min_available: 2}` or `{max_unavailable: 25%}`");
            return None;
        }
        refuse_unknown(node, BOUNDS, at, to);
        let (key, inner) = chosen(node, BOUNDS, at, to)?;
        let portion = Portion::read(inner, &at.key(key), to)?;
        Some(if key == MIN { Self::MinAvailable(portion) } else { Self::MaxUnavailable(portion) })
    }

    fn write(value: &Self) -> Json {
        match value {
            Self::MinAvailable(portion) => json!({MIN: portion}),
            Self::MaxUnavailable(portion) => json!({MAX: portion}),
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Named<Self>>()
    }
}

impl Defined for Disruption {
    const NAME: &'static str = "Disruption";

    fn define(generator: &mut SchemaGenerator) -> Schema {
        let mut shape = Shape::default();
        shape.add(MIN, Portion::schema(generator), "How many stay ready: a number, or a percentage.");
        shape.add(MAX, Portion::schema(generator), "How many are away at most: a number, or a percentage.");
        shape.one_of.push(BOUNDS);
        shape.finish("How many replicas an eviction leaves alone.")
    }
}
