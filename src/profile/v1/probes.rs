//! Probes and hooks: what is asked of a container, and what is done in it.

use indexmap::IndexMap;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Value as Json, json};

use super::{
    closed::OneOf,
    collections::{Argv, MapOf, chosen, mark_choice},
    form::{Defined, Fields, Form, Named, Object, Reader, Shape, Short, refuse_unknown},
    hole,
    record::record,
    scalars::{Letters, Whole},
    spelled::Spelling,
};
use crate::path::Path;
use crate::profile::{
    Duration, Hook, PortRef, Probe, ProbeAction, Probes, Scheme,
    node::{Kind, Node},
};

record! {
    /// Kubernetes' three probes.
    Probes {
        /// Until it succeeds the other two wait.
        may startup: Probe,
        /// While it fails no client is sent here.
        may readiness: Probe,
        /// When it fails the container is replaced.
        may liveness: Probe,
    }
}

record! {
    /// One probe; numbers that are absent have Kubernetes' defaults.
    Probe {
        flat action: ProbeAction,
        /// How long to wait before the first one; absent is 0s.
        may initial_delay: Spelling<Duration>,
        /// How long from one to the next; absent is 10s.
        may period: Spelling<Duration>,
        /// How long an answer may take; absent is 1s.
        may timeout: Spelling<Duration>,
        /// How many must succeed in a row; absent is 1.
        may success_threshold: Whole<u32>,
        /// How many must fail in a row; absent is 3.
        may failure_threshold: Whole<u32>,
    }
}

struct Http {
    path: String,
    port: Option<PortRef>,
    scheme: Option<Scheme>,
    headers: IndexMap<String, String>,
}

record! {
    /// A GET that is answered with 200 to 399; a text alone is its path.
    Http or PathAlone {
        /// The path, with its query.
        must path: Letters,
        /// A port's name or number; absent is the only port.
        may port: Spelling<PortRef>,
        /// http or https; absent is http.
        may scheme: OneOf<Scheme>,
        /// Headers of the request.
        some headers: MapOf<String, Letters>,
    }
}

struct Tcp {
    port: Option<PortRef>,
}

record! {
    /// A connection that is accepted; a value alone is its port.
    Tcp or PortAlone {
        /// A port's name or number; absent is the only port.
        may port: Spelling<PortRef>,
    }
}

struct Grpc {
    port: Option<PortRef>,
    service: Option<String>,
}

record! {
    /// gRPC's health check; a value alone is its port.
    Grpc or PortAlone {
        /// A port's name or number; absent is the only port.
        may port: Spelling<PortRef>,
        /// The service that is asked for.
        may service: Letters,
    }
}

struct Exec {
    command: Vec<String>,
}

record! {
    /// A command in the container that ends with 0; a list alone is the command.
    Exec or CommandAlone {
        /// The command and its arguments; no shell reads them.
        must command: Argv,
    }
}

pub(crate) enum PathAlone {}

impl Short for PathAlone {
    fn lengthen(node: &mut Node) {
        if node.is_single() {
            node.wrap("path");
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        hole::value_schema::<Letters>(generator)
    }
}

pub(crate) enum PortAlone {}

impl Short for PortAlone {
    fn lengthen(node: &mut Node) {
        if node.is_single() {
            node.wrap("port");
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        hole::optional_schema::<Spelling<PortRef>>(generator)
    }
}

pub(crate) enum CommandAlone {}

impl Short for CommandAlone {
    fn lengthen(node: &mut Node) {
        // A line is no command; wrapped, `read` says so with the list to write.
        if node.is_single() || matches!(node.kind, Kind::List(_)) {
            node.wrap("command");
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        hole::value_schema::<Argv>(generator)
    }
}

const ACTIONS: &[&str] = &["http", "tcp", "grpc", "exec"];

impl Fields for ProbeAction {
    type Record = Self;

    fn keys(keys: &mut Vec<&'static str>) {
        keys.extend(ACTIONS);
    }

    fn lengthen_fields(node: &mut Node) {
        mark_choice(node, ACTIONS);
        lengthen_at::<Http>(node, "http");
        lengthen_at::<Tcp>(node, "tcp");
        lengthen_at::<Grpc>(node, "grpc");
        lengthen_at::<Exec>(node, "exec");
    }

    fn read_fields(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<Self> {
        let (key, inner) = chosen(node, ACTIONS, at, to)?;
        let at = at.key(key);
        Some(match key {
            "http" => {
                let Http { path, port, scheme, headers } = Http::read(inner, &at, to)?;
                Self::Http { path, port, scheme, headers }
            }
            "tcp" => {
                let Tcp { port } = Tcp::read(inner, &at, to)?;
                Self::Tcp { port }
            }
            "grpc" => {
                let Grpc { port, service } = Grpc::read(inner, &at, to)?;
                Self::Grpc { port, service }
            }
            _ => {
                let Exec { command } = Exec::read(inner, &at, to)?;
                Self::Exec { command }
            }
        })
    }

    fn write_fields(record: &Self, object: &mut Object) {
        let (key, value) = match record.clone() {
            Self::Http { path, port, scheme, headers } => {
                ("http", Http::write(&Http { path, port, scheme, headers }))
            }
            Self::Tcp { port } => ("tcp", Tcp::write(&Tcp { port })),
            Self::Grpc { port, service } => ("grpc", Grpc::write(&Grpc { port, service })),
            Self::Exec { command } => ("exec", Exec::write(&Exec { command })),
        };
        object.insert(key.to_owned(), value);
    }

    fn schema_fields(shape: &mut Shape, generator: &mut SchemaGenerator) {
        shape.add("http", Http::schema(generator), "A GET that is answered with 200 to 399.");
        shape.add("tcp", Tcp::schema(generator), "A connection that is accepted.");
        shape.add("grpc", Grpc::schema(generator), "gRPC's health check.");
        shape.add("exec", Exec::schema(generator), "A command in the container that ends with 0.");
        shape.one_of.push(ACTIONS);
    }
}

fn lengthen_at<F: Form>(node: &mut Node, key: &str) {
    if let Some(inner) = node.get_mut(key) {
        hole::lengthen::<F>(inner);
    }
}

struct HookHttp {
    path: String,
    port: Option<PortRef>,
}

record! {
    /// A GET; a text alone is its path.
    HookHttp or PathAlone {
        /// The path, with its query.
        must path: Letters,
        /// A port's name or number; absent is the only port.
        may port: Spelling<PortRef>,
    }
}

const HOOKS: &[&str] = &["exec", "http", "sleep"];

/// `{exec: [..]}`, `{http: {path, port}}` or `{sleep: 2s}`.
pub(crate) enum Hooked {}

impl Form for Hooked {
    type Value = Hook;

    fn lengthen(node: &mut Node) {
        mark_choice(node, HOOKS);
        lengthen_at::<Exec>(node, "exec");
        lengthen_at::<HookHttp>(node, "http");
    }

    fn read(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<Hook> {
        if node.as_map().is_none() {
            to.wanted(node, at, "`{exec: [..]}`, `{http: {path, port}}` or `{sleep: 2s}`");
            return None;
        }
        refuse_unknown(node, HOOKS, at, to);
        let (key, inner) = chosen(node, HOOKS, at, to)?;
        let at = at.key(key);
        Some(match key {
            "exec" => {
                let Exec { command } = Exec::read(inner, &at, to)?;
                Hook::Exec { command }
            }
            "http" => {
                let HookHttp { path, port } = HookHttp::read(inner, &at, to)?;
                Hook::Http { path, port }
            }
            _ => Hook::Sleep(Spelling::<Duration>::read(inner, &at, to)?),
        })
    }

    fn write(value: &Hook) -> Json {
        match value.clone() {
            Hook::Exec { command } => json!({"exec": Exec::write(&Exec { command })}),
            Hook::Http { path, port } => json!({"http": HookHttp::write(&HookHttp { path, port })}),
            Hook::Sleep(duration) => json!({"sleep": duration}),
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Named<Self>>()
    }
}

impl Defined for Hooked {
    const NAME: &'static str = "Hook";

    fn define(generator: &mut SchemaGenerator) -> Schema {
        let mut shape = Shape::default();
        shape.add("exec", Exec::schema(generator), "A command in the container.");
        shape.add("http", HookHttp::schema(generator), "A GET to the container.");
        shape.add("sleep", Spelling::<Duration>::schema(generator), "Nothing, for a while.");
        shape.one_of.push(HOOKS);
        shape.finish("What is done after the start or before the stop.")
    }
}
