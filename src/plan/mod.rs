//! The plan: every decision, taken once, from a profile and a back end's capabilities.
//!
//! `plan` is pure and total: no clock, no environment, no engine; the same two
//! values give the same bytes on any machine. Render, launch, seed and verify
//! only obey what stands here.

pub mod capabilities;

use indexmap::IndexMap;
use serde::Serialize;

pub use crate::formats::duties::PodKind;
use crate::{
    formats::{doors::Door, duties::Duties},
    labels::Kind,
    ledger::Wanted,
    name::Name,
    profile::{EngineKind, Image, Shape},
};
pub use capabilities::{BackendKind, Capabilities, Subnet};

/// The fully resolved list of what will be done.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    pub mirror: Name,
    pub owner: String,
    pub backend: BackendKind,
    /// The Compose project, `pm-MIRROR`; names of networks and volumes begin with it.
    pub project: String,
    pub networks: Networks,
    /// Secrets in the order of the profile, each with the variables through which the bundle takes it.
    pub secrets: Vec<SecretPlan>,
    pub volumes: Vec<VolumePlan>,
    /// Replicas in the order in which they start: stores, jobs and services by `needs`.
    pub pods: Vec<Pod>,
    pub stores: Vec<StorePlan>,
    pub gateway: GatewayPlan,
    pub keeper: ContainerPlan,
    pub steps: Vec<Step>,
    pub ledger: Vec<Wanted>,
    /// Where each value came from, for people: path to `file:line` or `--set`.
    pub origins: IndexMap<String, String>,
    /// Things to say before launching: substituted images, capped limits.
    pub notes: Vec<String>,
    /// Reasons why `up` must refuse before anything is made: snapshot seeds, holes, missing permissions.
    pub refusals: Vec<Refusal>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Refusal {
    /// Stable, kebab-case: `snapshot-seed`, `hole`, `not-allowed`, `image-missing`.
    pub code: String,
    pub path: String,
    pub message: String,
    /// What to type or paste.
    pub fill: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Networks {
    /// Internal: no route out of it.
    pub inside: NetworkPlan,
    /// An ordinary bridge that only the gateway joins, to publish ports.
    pub door: NetworkPlan,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NetworkPlan {
    pub name: String,
    pub internal: bool,
    pub subnet: Subnet,
    /// The part of the subnet from which the engine gives addresses; the rest is the plan's.
    pub range: Subnet,
    pub labels: IndexMap<String, String>,
}

/// One secret: where its value comes from, and the variables of the bundle that carry it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SecretPlan {
    pub secret: Name,
    /// `DB_PASSWORD`; in the keeper the same, so that a later `up` can read it back.
    pub variable: String,
    /// `DB_PASSWORD_URL`, percent-encoded, if some value holds it inside a URL.
    pub url_variable: Option<String>,
    /// How to make a value; a secret without a shape gets `hex:16`.
    #[serde(serialize_with = "shape_as_text")]
    pub shape: Shape,
}

fn shape_as_text<S: serde::Serializer>(shape: &Shape, s: S) -> Result<S::Ok, S::Error> {
    match shape {
        Shape::Hex(n) => s.collect_str(&format_args!("hex:{n}")),
        Shape::Base64(n) => s.collect_str(&format_args!("base64:{n}")),
        Shape::Letters(n) => s.collect_str(&format_args!("letters:{n}")),
        Shape::Uuid => s.serialize_str("uuid"),
        Shape::RsaPem => s.serialize_str("rsa-pem"),
    }
}

/// Text in which secrets stand as variables of the launching process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Template(pub Vec<TemplatePiece>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TemplatePiece {
    Literal(String),
    /// The name of a variable of [`SecretPlan`].
    Variable(String),
}

impl Template {
    pub fn literal(text: impl Into<String>) -> Self {
        Self(vec![TemplatePiece::Literal(text.into())])
    }

    /// The text with every variable filled in; `None` if one is unknown.
    pub fn fill(&self, value_of: impl Fn(&str) -> Option<String>) -> Option<String> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                TemplatePiece::Literal(literal) => text.push_str(literal),
                TemplatePiece::Variable(name) => text.push_str(&value_of(name)?),
            }
        }
        Some(text)
    }

    pub fn holds_secret(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, TemplatePiece::Variable(_)))
    }
}

/// One replica: a pause that owns the network namespace, and the containers in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pod {
    pub service: Name,
    pub kind: PodKind,
    pub ordinal: u32,
    /// Services, jobs and stores that must be ready (a job: finished with 0) before.
    pub needs: Vec<Name>,
    pub pause: ContainerPlan,
    /// In order; each must end with 0 before the next starts.
    pub init: Vec<ContainerPlan>,
    pub sidecars: Vec<ContainerPlan>,
    pub main: ContainerPlan,
    pub duties: Duties,
    /// A job with a schedule: made on demand, never by `up`.
    pub on_demand: bool,
}

impl Pod {
    pub fn containers(&self) -> impl Iterator<Item = &ContainerPlan> {
        std::iter::once(&self.pause)
            .chain(&self.init)
            .chain(&self.sidecars)
            .chain(std::iter::once(&self.main))
    }
}

/// One container, as Compose and the engine will be told.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContainerPlan {
    /// The Compose key: `api.0` (pause), `api.0.main`, `api.0.SIDECAR`, `api.0.init.NAME`, `pm.gateway`, `pm.keeper`.
    pub key: String,
    pub kind: Kind,
    pub image: ImagePlan,
    pub entrypoint: Option<Vec<String>>,
    pub command: Option<Vec<String>>,
    /// Sorted by the profile; never holds the image's own variables.
    pub env: IndexMap<String, Template>,
    /// All labels, ours and the profile's, `prodmirror.spec` included.
    pub labels: IndexMap<String, String>,
    pub network: NetworkMode,
    pub mounts: Vec<Mount>,
    pub tmpfs: IndexMap<String, TmpfsPlan>,
    pub limits: LimitsPlan,
    pub ulimits: IndexMap<String, (i64, i64)>,
    pub sysctls: IndexMap<String, String>,
    pub cap_add: Vec<String>,
    pub cap_drop: Vec<String>,
    pub security_opt: Vec<String>,
    pub privileged: bool,
    pub host_pid: bool,
    pub read_only: bool,
    pub user: Option<String>,
    pub group_add: Vec<String>,
    pub working_dir: Option<String>,
    pub stop_signal: Option<String>,
    pub stop_grace_millis: u64,
    /// `always` for helpers; applications are restarted by the keeper.
    pub restart_always: bool,
    /// Ports of the container published on 127.0.0.1, host port chosen by the engine.
    pub publish: Vec<u16>,
    /// `linux/arm64` where the profile asks for it.
    pub platform: Option<String>,
    /// Only for a bare `docker compose up` of rendered files; our own launch waits by itself.
    pub depends_on: Vec<(String, Condition)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    ServiceStarted,
    ServiceCompletedSuccessfully,
}

/// The image of a container: what the profile names and what the engine gets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImagePlan {
    #[serde(serialize_with = "image_as_text")]
    pub written: Option<Image>,
    /// `name@sha256:…`, an image id for what was built here, or the helper's tag.
    pub reference: String,
    pub source: ImageSource,
}

fn image_as_text<S: serde::Serializer>(image: &Option<Image>, s: S) -> Result<S::Ok, S::Error> {
    match image {
        Some(image) => s.collect_str(image),
        None => s.serialize_none(),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageSource {
    /// By digest.
    Digest,
    /// By tag, with `--allow-unpinned`.
    Tag,
    /// `local:NAME:TAG`, by image id.
    Local,
    /// The build of the same role, because no registry is in reach.
    Role,
    Helper,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkMode {
    /// A namespace of its own on the mirror's networks: pauses and helpers.
    Own(OwnNetwork),
    /// The namespace of the pause with this key.
    Of(String),
    Host,
    None,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct OwnNetwork {
    pub aliases: Vec<String>,
    pub hostname: Option<String>,
    pub extra_hosts: IndexMap<String, String>,
    pub dns_servers: Vec<String>,
    pub dns_search: Vec<String>,
    pub dns_options: Vec<String>,
    /// A fixed address on the inside network, where something must know it beforehand.
    pub address: Option<std::net::Ipv4Addr>,
    /// Whether the container joins the door network as well (the gateway).
    pub door: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mount {
    /// A volume of ours by full name; `subpath` mounts one file or folder of it. `copy`: an empty volume first
    /// takes what the image has at the target, as a `VOLUME` of an image does; a Kubernetes volume hides it.
    Volume {
        volume: String,
        target: String,
        read_only: bool,
        subpath: Option<String>,
        copy: bool,
    },
    Bind {
        source: String,
        target: String,
        read_only: bool,
    },
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TmpfsPlan {
    pub size: Option<u64>,
    pub mode: Option<u32>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LimitsPlan {
    pub cpu_millis: Option<u64>,
    /// Memory, and memory with swap, which is the same: no swap.
    pub memory: Option<u64>,
    pub memory_reservation: Option<u64>,
    pub cpu_shares: Option<u64>,
    pub cpuset: Option<String>,
    pub pids: Option<u32>,
    pub shm_size: Option<u64>,
    /// Writable layer, where the storage driver has a quota.
    pub storage: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VolumePlan {
    /// Full name, `pm-shop_db.0.data`.
    pub name: String,
    pub role: VolumeRole,
    pub labels: IndexMap<String, String>,
    /// A tmpfs volume (local driver) with this size, `None` for the default half of memory.
    pub memory: Option<Option<u64>>,
    /// What the volume is filled with before it is mounted.
    pub files: Vec<FilePlan>,
    /// `fs_group`: the group that owns the volume's root.
    pub group: Option<u32>,
    /// Permission bits of the volume's root, `0o777` where Kubernetes makes it so; absent: the engine's `0755`.
    pub mode: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum VolumeRole {
    /// The data of a store.
    Store(Name),
    /// A replica's own, from `empty` or to cover a `VOLUME` of the image.
    Replica,
    Claim,
    Shared,
    Files,
    /// tmpfs, filled through the pause that holds it mounted.
    SecretFiles,
    Control,
    Journal,
}

/// One file of a filled volume.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FilePlan {
    /// `ROOT/REST`: `ROOT` is a folder of the volume and `REST` the file's path in it.
    ///
    /// As Kubernetes does it, the file is written to `ROOT/..NEW/REST`, then `ROOT/..data` is renamed over to point
    /// to `..NEW`, and the first part of `REST` is a link into `..data`. Mounts name `ROOT` (a whole folder) or
    /// `ROOT/..data/REST` (one file).
    pub path: String,
    pub content: FileBytes,
    pub mode: u32,
    pub user: u32,
    pub group: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileBytes {
    #[serde(serialize_with = "bytes_as_hash")]
    Inline(Vec<u8>),
    /// The variable of a [`SecretPlan`].
    Secret(String),
    /// Text whose variables stand as quoted strings of the Redis configuration.
    Quoted(Template),
}

impl FileBytes {
    /// The content with every variable filled in; `None` if one is unknown.
    pub fn fill(&self, value_of: impl Fn(&str) -> Option<String>) -> Option<Vec<u8>> {
        match self {
            Self::Inline(bytes) => Some(bytes.clone()),
            Self::Secret(variable) => value_of(variable).map(String::into_bytes),
            Self::Quoted(template) => {
                template.fill(|name| value_of(name).map(|v| quoted(&v))).map(String::into_bytes)
            }
        }
    }
}

/// A value as one word of the Redis configuration: between double quotes, control characters in hexadecimal.
fn quoted(value: &str) -> String {
    let mut text = String::from("\"");
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            c if c.is_ascii_control() => text.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

/// A plan prints the hash of a file, not the file.
fn bytes_as_hash<S: serde::Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
    s.collect_str(&crate::digest::sha256(bytes))
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StorePlan {
    pub store: Name,
    #[serde(serialize_with = "engine_as_text")]
    pub engine: EngineKind,
    /// The Compose key of the main container.
    pub container: String,
    pub volume: String,
    pub port: u16,
    pub database: Option<Template>,
    pub user: Option<Template>,
    pub password: Option<Template>,
    pub settings: IndexMap<String, String>,
    /// A file or folder, relative to the profile; absent is empty.
    pub seed: Option<String>,
}

fn engine_as_text<S: serde::Serializer>(engine: &EngineKind, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(engine.as_str())
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GatewayPlan {
    pub container: ContainerPlan,
    pub doors: Vec<Door>,
}

/// One step; `needs` are ids of earlier steps.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    pub id: String,
    pub does: Does,
    pub needs: Vec<String>,
}

/// What a step does. The order of the list in a plan is an order in which they can be done.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Does {
    Networks,
    Volumes,
    Keeper,
    /// Start the gateway and the pause of every replica, in one call: names and addresses stand, and tmpfs
    /// volumes are held, before the first process runs.
    Pauses {
        pods: Vec<(Name, u32)>,
    },
    /// Fill the volumes with files, and give their roots owner and mode, by name.
    Files {
        volumes: Vec<String>,
    },
    /// Start the replicas `(service, ordinal)` of one wave: their init containers, then the others.
    Start {
        wave: u32,
        pods: Vec<(Name, u32)>,
    },
    /// Wait until the store answers, load its seed (none: nothing), set its roles, keep a copy for `reset`.
    Seed {
        store: Name,
    },
    /// Wait until the services, jobs and stores are ready, jobs finished.
    Ready {
        services: Vec<Name>,
    },
    Verify,
}

impl EngineKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
        }
    }
}
