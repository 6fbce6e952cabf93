//! One pod, as a cluster will be told.

use std::net::IpAddr;

use indexmap::IndexMap;
use serde::Serialize;

use crate::{
    formats::duties::{ProbeAct, Role},
    plan::ImagePlan,
    profile::{Bytes, Cpu, PodField, Protocol},
};

/// What every replica of a workload is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PodSpec {
    /// Ours, without the seal, and the profile's.
    pub labels: IndexMap<String, String>,
    /// The profile's labels that Kubernetes takes for none, and `prodmirror/inputs`.
    pub annotations: IndexMap<String, String>,
    pub service_account: Option<String>,
    pub automount_token: bool,
    pub enable_service_links: bool,
    pub host_network: bool,
    pub host_pid: bool,
    pub hostname: Option<String>,
    /// Address to names.
    pub host_aliases: IndexMap<IpAddr, Vec<String>>,
    pub dns: DnsSpec,
    /// The nodes' architecture, `arm64`.
    pub arch: Option<String>,
    pub restart: RestartPolicy,
    pub grace_seconds: u64,
    pub fs_group: Option<u32>,
    pub groups: Vec<u32>,
    pub sysctls: IndexMap<String, String>,
    pub volumes: IndexMap<String, VolumeSource>,
    /// In order; each must end with 0 before the next starts.
    pub init: Vec<ContainerSpec>,
    /// Started after `init` and before the main container, and restarted whatever becomes of that.
    pub sidecars: Vec<ContainerSpec>,
    pub main: ContainerSpec,
    /// A job with a schedule: made on demand, never by `up`.
    pub on_demand: bool,
}

impl PodSpec {
    pub fn containers(&self) -> impl Iterator<Item = &ContainerSpec> {
        self.init.iter().chain(&self.sidecars).chain(std::iter::once(&self.main))
    }
}

/// What is added to the cluster's own resolver.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DnsSpec {
    pub servers: Vec<IpAddr>,
    pub searches: Vec<String>,
    pub ndots: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum RestartPolicy {
    Always,
    OnFailure,
    Never,
}

impl RestartPolicy {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::OnFailure => "OnFailure",
            Self::Never => "Never",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum VolumeSource {
    Empty { memory: bool, size: Option<Bytes> },
    Claim { name: String },
    Host { path: String },
    Files { from: Vec<Projection> },
}

/// Files of one ConfigMap or Secret.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Projection {
    pub source: ProjectionSource,
    pub items: Vec<ProjectionItem>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProjectionSource {
    ConfigMap(String),
    Secret(String),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProjectionItem {
    pub key: String,
    /// Below where the volume is mounted.
    pub path: String,
    /// Permission bits.
    pub mode: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContainerSpec {
    pub name: String,
    pub role: Role,
    pub image: ImagePlan,
    pub pull: PullPolicy,
    pub entrypoint: Option<Vec<String>>,
    pub command: Option<Vec<String>>,
    /// Never holds the image's own variables.
    pub env: IndexMap<String, EnvSource>,
    pub working_dir: Option<String>,
    pub ports: Vec<ContainerPort>,
    pub mounts: Vec<PodMount>,
    pub limits: Quantities,
    pub requests: Quantities,
    pub walls: Walls,
    pub startup: Option<ProbeSpec>,
    pub readiness: Option<ProbeSpec>,
    pub liveness: Option<ProbeSpec>,
    pub post_start: Option<HookSpec>,
    pub pre_stop: Option<HookSpec>,
}

impl ContainerSpec {
    /// Whether a variable comes from a Secret.
    pub fn is_secret(&self, variable: &str) -> bool {
        matches!(self.env.get(variable), Some(EnvSource::Secret { .. }))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum PullPolicy {
    /// From a registry, by digest or tag.
    IfNotPresent,
    /// Brought to the nodes by the launch: no registry has it, and none may be asked.
    Never,
}

impl PullPolicy {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EnvSource {
    /// As the process shall see it.
    Text(String),
    /// A key of a Secret of ours.
    Secret { name: String, key: String },
    #[serde(serialize_with = "field_as_text")]
    Field(PodField),
}

fn field_as_text<S: serde::Serializer>(field: &PodField, s: S) -> Result<S::Ok, S::Error> {
    s.collect_str(&format_args!("{field:?}"))
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContainerPort {
    /// Absent where the profile's name is none for Kubernetes.
    pub name: Option<String>,
    pub port: u16,
    #[serde(serialize_with = "super::objects::protocol_as_text")]
    pub protocol: Protocol,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PodMount {
    /// The name of a volume or of a claim of the pod's own.
    pub volume: String,
    pub target: String,
    /// One file or folder of the volume.
    pub subpath: Option<String>,
    pub read_only: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Quantities {
    pub cpu: Option<Cpu>,
    pub memory: Option<Bytes>,
    pub ephemeral_storage: Option<Bytes>,
}

impl Quantities {
    /// As Kubernetes names them.
    pub fn pairs(&self) -> impl Iterator<Item = (&'static str, String)> {
        let Self { cpu, memory, ephemeral_storage } = self;
        let storage = ephemeral_storage.map(|bytes| ("ephemeral-storage", bytes.to_string()));
        let cpu = cpu.map(|cpu| ("cpu", cpu.to_string()));
        cpu.into_iter().chain(memory.map(|bytes| ("memory", bytes.to_string()))).chain(storage)
    }
}

/// The walls around one container.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Walls {
    pub user: Option<u32>,
    pub group: Option<u32>,
    pub read_only: bool,
    pub privileged: bool,
    /// `Some(false)` forbids a process to gain rights.
    pub privilege_escalation: Option<bool>,
    pub seccomp: Option<Seccomp>,
    pub cap_add: Vec<String>,
    pub cap_drop: Vec<String>,
}

impl Walls {
    /// Whether the user is said, and is not root.
    pub fn is_non_root(&self) -> bool {
        self.user.is_some_and(|user| user != 0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Seccomp {
    RuntimeDefault,
    Unconfined,
}

impl Seccomp {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RuntimeDefault => "RuntimeDefault",
            Self::Unconfined => "Unconfined",
        }
    }
}

/// A probe in Kubernetes' whole seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProbeSpec {
    pub action: ProbeAct,
    pub initial_delay_seconds: u64,
    pub period_seconds: u64,
    pub timeout_seconds: u64,
    pub success_threshold: u32,
    pub failure_threshold: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HookSpec {
    Exec { command: Vec<String> },
    Http { port: u16, path: String },
    Sleep { seconds: u64 },
}
