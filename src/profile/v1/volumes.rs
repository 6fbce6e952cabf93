//! Volumes by their path in the container.

use indexmap::IndexMap;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value as Json, json};

use super::{
    closed::OneOf,
    collections::{AbsolutePath, MapOf, chosen, mark_choice},
    form::{Form, Reader, may, refuse_unknown},
    hole,
    record::record,
    scalars::{Absolute, Bool},
    spelled::Spelling,
};
use crate::name::Name;
use crate::path::Path;
use crate::profile::{Bytes, Medium, Volume, node::Node};

const CHOICE: &[&str] = &["empty", "claim", "shared", "host"];
const KEYS: &[&str] = &["empty", "claim", "shared", "host", "size", "read_only"];

/// What `empty` holds.
struct EmptyVolume {
    medium: Option<Medium>,
    size: Option<Bytes>,
}

record! {
    /// A volume that lives and dies with the replica.
    EmptyVolume {
        /// disk or memory; absent is disk.
        may medium: OneOf<Medium>,
        /// How much it may hold.
        may size: Spelling<Bytes>,
    }
}

/// Mount paths to volumes.
pub(crate) enum Volumes {}

impl Form for Volumes {
    type Value = IndexMap<String, Volume>;
    const HOLE: bool = false;

    fn lengthen(node: &mut Node) {
        MapOf::<AbsolutePath, Volume>::lengthen(node);
    }

    fn read(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<Self::Value> {
        MapOf::<AbsolutePath, Volume>::read(node, at, to)
    }

    fn write(value: &Self::Value) -> Json {
        MapOf::<AbsolutePath, Volume>::write(value)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        MapOf::<AbsolutePath, Volume>::schema(generator)
    }
}

/// `{empty: {medium, size}}`, `{claim: NAME, size}`, `{shared: NAME}`, `{host: /path, read_only}`, or `empty` alone.
impl Form for Volume {
    type Value = Self;

    fn lengthen(node: &mut Node) {
        if node.as_text() == Some("empty") {
            let mut long = Node::map(node.span);
            long.insert("empty", Node::map(node.span));
            *node = long;
        }
        mark_choice(node, CHOICE);
        let mut lengthen =
            |key: &str, lengthen: fn(&mut Node)| node.get_mut(key).into_iter().for_each(lengthen);
        lengthen("empty", EmptyVolume::lengthen);
        lengthen("host", hole::lengthen::<Absolute>);
        lengthen("size", hole::lengthen::<Spelling<Bytes>>);
        lengthen("read_only", hole::lengthen::<Bool>);
    }

    fn blank() -> Option<Self> {
        Some(Self::Empty { medium: Medium::Disk, size: None })
    }

    fn read(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<Self> {
        if node.as_map().is_none() {
            to.wanted(node, at, "`empty`, or a map of empty, claim, shared or host");
            return None;
        }
        refuse_unknown(node, KEYS, at, to);
        let (key, inner) = chosen(node, CHOICE, at, to)?;
        for (beside, belongs) in [("size", "claim"), ("read_only", "host")] {
            if let Some(stray) = node.get(beside).filter(|_| key != belongs) {
                let message = format!("`{beside}` stands beside `{belongs}` only");
                to.error("stray-key", &at.key(beside), stray.span, message);
            }
        }
        let below = at.key(key);
        Some(match key {
            "empty" => {
                let EmptyVolume { medium, size } = EmptyVolume::read(inner, &below, to)?;
                Self::Empty { medium: medium.unwrap_or(Medium::Disk), size }
            }
            "claim" => Self::Claim {
                name: Spelling::<Name>::read(inner, &below, to)?,
                size: may::<Spelling<Bytes>>(node, "size", at, to),
            },
            "shared" => Self::Shared { name: Spelling::<Name>::read(inner, &below, to)? },
            _ => Self::Host {
                path: hole::value::<Absolute>(inner, &below, to)?,
                read_only: may::<Bool>(node, "read_only", at, to).unwrap_or_default(),
            },
        })
    }

    fn write(value: &Self) -> Json {
        match value {
            Self::Empty { medium, size } => {
                json!({"empty": EmptyVolume::write(&EmptyVolume { medium: Some(*medium), size: *size })})
            }
            Self::Claim { name, size: None } => json!({"claim": name}),
            Self::Claim { name, size: Some(size) } => json!({"claim": name, "size": size}),
            Self::Shared { name } => json!({"shared": name}),
            Self::Host { path, read_only } => json!({"host": path, "read_only": read_only}),
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let name = Spelling::<Name>::schema(generator);
        let one = |key: &str, properties: Json| json!({"type": "object", "properties": properties, "required": [key], "additionalProperties": false});
        json_schema!({"anyOf": [
            {"const": "empty"},
            one("empty", json!({"empty": EmptyVolume::schema(generator)})),
            one("claim", json!({"claim": name, "size": hole::optional_schema::<Spelling<Bytes>>(generator)})),
            one("shared", json!({"shared": name})),
            one("host", json!({"host": hole::value_schema::<Absolute>(generator), "read_only": hole::optional_schema::<Bool>(generator)}))
        ]})
    }
}
