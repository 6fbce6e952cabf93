//! The top of the document: the stack as a whole, its platform and its network.

use indexmap::IndexMap;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value as Json, json};

use super::{
    closed::OneOf,
    collections::{List, Listed, MapOf, Variable},
    form::{Form, Reader, Short, refuse_unknown},
    hole,
    record::record,
    scalars::{Bool, Letters, Percent, Whole},
    spelled::Spelling,
};
use crate::name::Name;
use crate::path::Path;
use crate::profile::{
    Allow, Arch, Bytes, Captured, CgroupVersion, Duration, Egress, Expose, External, Job, Kubernetes, Link,
    Network, Platform, Profile, Service, Shape, Store, Swap, node::Node, problem::Problem, words,
};

record! {
    /// What production looks like.
    Profile {
        /// The stack's name; a mirror is called so where nothing else is said.
        must name: Spelling<Name>,
        /// Where a captured profile came from.
        may captured: Captured,
        /// The machines that production runs on.
        some platform: Platform,
        /// Feature flags, letter by letter; a workload names those that it reads.
        some flags: MapOf<Variable, Letters>,
        /// Secrets that are used below, and what a made-up value looks like.
        some secrets: Listed<MapOf<Name, SecretShape>>,
        /// Stateless workloads.
        some services: MapOf<Name, Service>,
        /// Workloads that run to their end.
        some jobs: MapOf<Name, Job>,
        /// Stateful workloads.
        some stores: MapOf<Name, Store>,
        /// Ways out, ways in, and how good the lines between are.
        some network: Network,
        /// What answers in place of the outside world, by host name.
        some externals: MapOf<String, External>,
        /// The application's own names for the endpoints.
        some endpoints: Endpoints,
        /// Scenarios, kept as written.
        some scenarios: MapOf<Name, AsWritten>,
        /// What must be allowed by name.
        some allow: List<OneOf<Allow>>,
        apart holes: IndexMap<Path, String>,
    }
}

record! {
    /// Where a captured profile came from.
    Captured {
        /// The source: docker, compose, kubernetes or files.
        must from: Letters,
        /// Of files, what they hold: docker, compose or kubernetes.
        may of: Letters,
        /// The context it was read with.
        may context: Letters,
        /// The cluster's identity, the UID of its namespace `kube-system`.
        may cluster: Letters,
        /// The namespace.
        may namespace: Letters,
        /// When, RFC 3339 in UTC.
        may at: Letters,
        /// What production has and a profile cannot hold: KIND/NAME to the reason.
        some unsupported: MapOf<String, Letters>,
    }
}

record! {
    /// The machines that production runs on.
    Platform {
        /// amd64 or arm64.
        may arch: OneOf<Arch>,
        /// The kernel's release.
        may kernel: Letters,
        /// The version of control groups: v1 or v2.
        may cgroup: OneOf<CgroupVersion>,
        /// Cores that a process sees.
        may cores: Whole<u32>,
        /// Memory of a machine.
        may memory: Spelling<Bytes>,
        /// `none`: limits hold without swap.
        may swap: OneOf<Swap>,
        /// The machines' time zone, which containers do not inherit.
        may timezone: Letters,
        /// The cluster, where production runs on one.
        some kubernetes: Kubernetes,
    }
}

record! {
    /// The cluster that production runs on.
    Kubernetes {
        /// The version of Kubernetes: `1.34`, or `1.34.4`.
        may version: Letters,
        /// How many nodes pods may come to.
        may nodes: Whole<u32>,
        /// The zones of the nodes, by turns.
        some zones: List<Letters>,
        /// The range of pods' addresses: `10.244.0.0/16`.
        may pods: Letters,
        /// The range of services' virtual addresses.
        may services: Letters,
        /// Feature gates that are set, on every component.
        some feature_gates: MapOf<String, Bool>,
    }
}

record! {
    /// Ways out, ways in, and how good the lines between are.
    Network {
        /// `denied`, or `{allow: [HOST, HOST:PORT, *.HOST, RANGE]}`; absent is denied.
        may egress: Egress,
        /// Lines between two workloads that are slow or lossy.
        some links: List<Link>,
        /// What is published on loopback; absent is every port.
        may expose: List<Expose>,
    }
}

record! {
    /// How good the line from one workload to another is.
    Link {
        /// The client.
        must from: Spelling<Name>,
        /// The server.
        must to: Spelling<Name>,
        /// How long a packet takes more.
        may latency: Spelling<Duration>,
        /// By how much that varies.
        may jitter: Spelling<Duration>,
        /// Percent of the packets that are lost.
        may loss: Percent,
        /// Bytes a second.
        may rate: Spelling<Bytes>,
    }
}

record! {
    /// A port that is published on loopback; a name alone is every port of that service.
    Expose or ServiceAlone {
        /// The service or store.
        must service: Spelling<Name>,
        /// The port's name; absent is every port.
        may port: Spelling<Name>,
    }
}

record! {
    /// What answers in place of a host outside.
    External {
        /// The port it answers on.
        may port: Whole<u16>,
        /// The HTTP status.
        may status: Whole<u16>,
        /// The body.
        may body: Letters,
        /// Headers of the answer.
        some headers: MapOf<String, Letters>,
    }
}

pub(crate) enum ServiceAlone {}

impl Short for ServiceAlone {
    fn lengthen(node: &mut Node) {
        if node.as_text().is_some() {
            node.wrap("service");
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        Spelling::<Name>::schema(generator)
    }
}

struct Secret {
    generate: Option<Shape>,
}

record! {
    /// A secret; its value is never in a profile.
    Secret {
        /// What a made-up value looks like: hex:N, base64:N, letters:N, uuid or rsa-pem.
        may generate: Spelling<Shape>,
    }
}

/// `{}` or `{generate: hex:32}`.
pub(crate) enum SecretShape {}

impl Form for SecretShape {
    type Value = Option<Shape>;

    fn lengthen(node: &mut Node) {
        Secret::lengthen(node);
    }

    fn read(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<Option<Shape>> {
        if node.as_text().is_some() {
            // The text is not shown: it may be the secret.
            let message = "a secret's value cannot stand in a profile";
            let problem = Problem::error("secret-value", at, node.span, message);
            to.push(problem.hint(
                "write `{}` or `{generate: hex:32}`, and give the value with --secret or --secrets-file",
            ));
            return None;
        }
        let Secret { generate } = Secret::read(node, at, to)?;
        Some(generate)
    }

    fn blank() -> Option<Option<Shape>> {
        Some(None)
    }

    fn write(value: &Option<Shape>) -> Json {
        Secret::write(&Secret { generate: *value })
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        Secret::schema(generator)
    }
}

struct EndpointNames {
    env: IndexMap<String, String>,
}

record! {
    /// The application's own names for the endpoints.
    EndpointNames {
        /// Variables: `DATABASE_URL: "{db.url}"`.
        some env: MapOf<Variable, Letters>,
    }
}

pub(crate) enum Endpoints {}

impl Form for Endpoints {
    type Value = IndexMap<String, String>;

    fn lengthen(node: &mut Node) {
        EndpointNames::lengthen(node);
    }

    fn read(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<Self::Value> {
        let EndpointNames { env } = EndpointNames::read(node, at, to)?;
        Some(env)
    }

    fn write(value: &Self::Value) -> Json {
        EndpointNames::write(&EndpointNames { env: value.clone() })
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        EndpointNames::schema(generator)
    }
}

const ALLOW: &[&str] = &["allow"];

/// `denied`, or `{allow: [..]}`.
impl Form for Egress {
    type Value = Self;

    fn lengthen(node: &mut Node) {
        if let Some(hosts) = node.get_mut("allow") {
            hole::lengthen::<List<Letters>>(hosts);
        }
    }

    fn read(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<Self> {
        match node.as_text() {
            Some("denied") => return Some(Self::Denied),
            Some(text) => {
                let message = format!("`{text}` is no rule for the ways out");
                let hint = words::nearest(text, &["denied"]).map(|word| format!("did you mean `{word}`?"));
                let hint =
                    hint.unwrap_or_else(|| "write `denied`, or `{allow: [api.example.com:443]}`".to_owned());
                to.push(Problem::error("unknown-word", at, node.span, message).hint(hint));
                return None;
            }
            None if node.as_map().is_none() => {
                to.wanted(node, at, "`denied` or `{allow: [..]}`");
                return None;
            }
            None => refuse_unknown(node, ALLOW, at, to),
        }
        super::form::must::<List<Letters>>(node, "allow", at, to).map(Self::Allowed)
    }

    fn write(value: &Self) -> Json {
        match value {
            Self::Denied => "denied".into(),
            Self::Allowed(hosts) => json!({"allow": hosts}),
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            {"const": "denied"},
            {
                "type": "object",
                "properties": {"allow": hole::value_schema::<List<Letters>>(generator)},
                "required": ["allow"],
                "additionalProperties": false
            }
        ]})
    }
}

/// Anything, kept as JSON would hold it.
pub(crate) enum AsWritten {}

impl Form for AsWritten {
    type Value = Json;
    const HOLE: bool = false;

    fn read(node: &Node, _: &Path, _: &mut Reader<'_>) -> Option<Json> {
        Some(node.to_json())
    }

    fn write(value: &Json) -> Json {
        value.clone()
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!(true)
    }
}
