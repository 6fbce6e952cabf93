//! What a process may use: resources, ulimits, capabilities.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::Value as Json;

use super::{
    form::{Form, Reader, Short},
    hole,
    record::record,
    scalars::{Letters, Whole},
    spelled::Spelling,
};
use crate::path::Path;
use crate::profile::{Bytes, Cpu, Limits, Requests, Resources, Ulimit, node::Node, problem::Problem};

record! {
    /// What it may use, and what it asks for.
    Resources {
        /// What it may use at most.
        some limits: Limits,
        /// What is kept free for it.
        some requests: Requests,
    }
}

record! {
    Limits {
        /// Cores, `500m` or `2`.
        may cpu: Spelling<Cpu>,
        /// Bytes, `512Mi`.
        may memory: Spelling<Bytes>,
        /// Bytes on the container's own disk.
        may ephemeral_storage: Spelling<Bytes>,
    }
}

record! {
    Requests {
        /// Cores, `500m` or `2`.
        may cpu: Spelling<Cpu>,
        /// Bytes, `512Mi`.
        may memory: Spelling<Bytes>,
    }
}

record! {
    /// A soft and a hard limit; a number alone is both. -1 is no limit.
    Ulimit or BothAlike {
        /// The limit that holds until the process raises it.
        must soft: Whole<i64>,
        /// How far it may be raised.
        must hard: Whole<i64>,
    }
}

pub(crate) enum BothAlike {}

impl Short for BothAlike {
    fn lengthen(node: &mut Node) {
        if node.is_single() {
            let mut long = Node::map(node.span);
            long.insert("soft", node.clone());
            long.insert("hard", node.clone());
            *node = long;
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        hole::value_schema::<Whole<i64>>(generator)
    }
}

/// A capability's name in capitals, without `CAP_`; written either way.
pub(crate) enum Capability {}

impl Form for Capability {
    type Value = String;

    fn read(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<String> {
        let text = Letters::read(node, at, to)?;
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("CAP_").unwrap_or(&upper);
        if !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_' || b.is_ascii_digit())
        {
            return Some(name.to_owned());
        }
        let message = format!("`{text}` is no capability");
        to.push(
            Problem::error("bad-capability", at, node.span, message)
                .hint("write it like `NET_ADMIN`, or `ALL`"),
        );
        None
    }

    fn write(value: &String) -> Json {
        value.as_str().into()
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[A-Za-z0-9_]+$"})
    }
}
