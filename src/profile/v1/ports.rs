//! Ports: a map of names to numbers, or a list of `{name, port, protocol}`.

use indexmap::IndexMap;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::Value as Json;

use super::{
    closed::OneOf,
    collections::List,
    form::{Form, Reader, Short, either},
    hole,
    record::record,
    scalars::Whole,
    spelled::Spelling,
};
use crate::name::Name;
use crate::path::Path;
use crate::profile::{
    Port, Protocol,
    node::{Kind, Node},
};

struct PortMember {
    name: Name,
    port: u16,
    protocol: Option<Protocol>,
}

record! {
    /// A port that the workload listens on.
    PortMember {
        /// The name that probes, links and addresses use.
        must name: Spelling<Name>,
        /// Its number.
        must port: Whole<u16>,
        /// tcp or udp; absent is tcp.
        may protocol: OneOf<Protocol>,
    }
}

/// The value in the map form: a number, or `{port, protocol}`.
struct PortValue {
    port: u16,
    protocol: Option<Protocol>,
}

record! {
    /// A port that the workload listens on.
    PortValue or NumberAlone {
        /// Its number.
        must port: Whole<u16>,
        /// tcp or udp; absent is tcp.
        may protocol: OneOf<Protocol>,
    }
}

enum NumberAlone {}

impl Short for NumberAlone {
    fn lengthen(node: &mut Node) {
        if node.is_single() {
            node.wrap("port");
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        hole::value_schema::<Whole<u16>>(generator)
    }
}

pub(crate) enum Ports {}

impl Form for Ports {
    type Value = IndexMap<Name, Port>;
    const HOLE: bool = false;

    fn lengthen(node: &mut Node) {
        let span = node.span;
        let Some(map) = node.as_map_mut() else { return List::<PortMember>::lengthen(node) };
        let members = std::mem::take(&mut map.entries).into_iter().map(|(name, entry)| {
            let mut member = Node::map(entry.key);
            member.insert("name", Node::quoted(name, entry.key));
            let mut value = entry.node;
            hole::lengthen::<PortValue>(&mut value);
            match value.kind {
                Kind::Map(inner) => {
                    if let Some(member) = member.as_map_mut() {
                        // `name` inside the value would hide the key.
                        member.entries.extend(inner.entries.into_iter().filter(|(key, _)| key != "name"));
                    }
                }
                kind => member.insert("port", Node { span: value.span, kind }),
            }
            member
        });
        *node = Node::list(members.collect(), span);
    }

    fn read(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<Self::Value> {
        let Kind::List(items) = &node.kind else {
            to.wanted(node, at, "a map of names to numbers, or a list of `{name, port, protocol}`");
            return None;
        };
        let mut ports = IndexMap::new();
        for (index, item) in items.iter().enumerate() {
            let at = match item.member_name() {
                Some(name) if node.is_named_list() => at.member("name", name),
                _ => at.index(index),
            };
            let Some(PortMember { name, port, protocol }) = PortMember::read(item, &at, to) else { continue };
            if port == 0 && !to.holes.contains_key(&at.key("port")) {
                let span = item.get("port").unwrap_or(item).span;
                to.error("bad-port", &at.key("port"), span, "0 is no port: use 1 to 65535");
                continue;
            }
            let port = Port { port, protocol: protocol.unwrap_or(Protocol::Tcp) };
            if ports.insert(name.clone(), port).is_some() {
                to.error(
                    "duplicate-name",
                    &at,
                    item.span,
                    format!("the name `{name}` is given to two ports"),
                );
            }
        }
        Some(ports)
    }

    fn write(value: &Self::Value) -> Json {
        let member = |(name, Port { port, protocol }): (&Name, &Port)| {
            PortMember::write(&PortMember { name: name.clone(), port: *port, protocol: Some(*protocol) })
        };
        value.iter().map(member).collect()
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let short = json_schema!({
            "type": "object",
            "propertyNames": {"pattern": super::spelled::NAME_PATTERN},
            "additionalProperties": PortValue::schema(generator)
        });
        either(short, List::<PortMember>::schema(generator))
    }
}
