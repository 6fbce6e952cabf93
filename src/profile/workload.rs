//! Services, jobs and stores: what runs, and what it is given.

use indexmap::IndexMap;
use serde::Serialize;

use super::{Bytes, Cpu, Duration, Image, Mode, Name, Portion, Scalar, Text};

/// A stateless workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    pub run: Workload,
    pub replicas: Option<u32>,
    pub autoscaling: Option<Autoscaling>,
    pub disruption: Option<Disruption>,
    /// Whether replicas have a stable identity (`api-0`), as a StatefulSet's have.
    pub stateful: Option<bool>,
    pub balancing: Option<Balancing>,
}

/// A workload that runs to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub run: Workload,
    /// A cron line: such a job runs on demand only.
    pub schedule: Option<String>,
    /// How often a failed run is tried again, Kubernetes' `backoffLimit`; absent is 0 here.
    pub retries: Option<u32>,
}

/// A stateful workload: an engine, an image and a seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Store {
    pub engine: EngineKind,
    /// What the store shares with services: image, env, resources, probes, user and so on.
    pub run: Workload,
    pub replicas: Option<u32>,
    pub disruption: Option<Disruption>,
    pub database: Option<Text>,
    pub user: Option<Text>,
    pub password: Option<Text>,
    pub settings: IndexMap<String, Scalar>,
    pub seed: Option<Seed>,
    pub clock: Option<StoreClock>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EngineKind {
    Postgres,
    Redis,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seed {
    /// A file or a folder, relative to the profile's own folder.
    Path(String),
    /// `snapshot:NAME` or an id.
    Snapshot(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreClock {
    Wall,
    Pinned,
    Shifted,
}

/// What services, jobs and stores have in common: one pod's worth of containers.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    pub image: Image,
    pub process: Process,
    /// Names of the flags (top level) that the workload reads as variables.
    pub flags: Vec<String>,
    pub needs: Vec<Name>,
    pub init: IndexMap<Name, Container>,
    pub sidecars: IndexMap<Name, Container>,
    pub files: IndexMap<String, File>,
    /// Mount path to volume; a container of its own may mount fewer.
    pub volumes: IndexMap<String, Volume>,
    pub ports: IndexMap<Name, Port>,
    pub probes: Probes,
    pub labels: IndexMap<String, String>,
    pub hostname: Option<String>,
    pub extra_hosts: IndexMap<String, String>,
    pub dns: Option<Dns>,
    pub timezone: Option<String>,
    pub restart: Option<Restart>,
    pub stop_signal: Option<String>,
    pub stop_grace_period: Option<Duration>,
    pub post_start: Option<Hook>,
    pub pre_stop: Option<Hook>,
    pub enable_service_links: Option<bool>,
    pub service_account: Option<String>,
    pub fs_group: Option<u32>,
    pub host_network: Option<bool>,
    pub host_pid: Option<bool>,
}

/// An init container or a sidecar: a container beside the main one.
#[derive(Clone, Debug, PartialEq)]
pub struct Container {
    /// Absent: the workload's own image.
    pub image: Option<Image>,
    pub process: Process,
    pub probes: Probes,
    /// Shared volumes (by the workload's mount path) this container does not mount are none: it mounts all.
    pub post_start: Option<Hook>,
    pub pre_stop: Option<Hook>,
}

/// One process and the walls around it: what a single container is given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Process {
    pub entrypoint: Option<Vec<String>>,
    pub command: Option<Vec<String>>,
    pub env: IndexMap<String, Value>,
    pub working_dir: Option<String>,
    /// `UID`, `UID:GID` or names of the image.
    pub user: Option<String>,
    pub groups: Vec<String>,
    pub resources: Resources,
    pub read_only: Option<bool>,
    pub tmpfs: IndexMap<String, Tmpfs>,
    pub shm_size: Option<Bytes>,
    pub capabilities: Capabilities,
    pub no_new_privileges: Option<bool>,
    /// `runtime/default`, `unconfined`, or a file beside the profile.
    pub seccomp: Option<String>,
    pub privileged: Option<bool>,
    pub ulimits: IndexMap<String, Ulimit>,
    pub sysctls: IndexMap<String, Scalar>,
    pub pids: Option<u32>,
}

/// The value of a variable.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(Text),
    /// Kubernetes' downward API.
    Field(PodField),
    /// Could not be read when the profile was captured; `Profile::holes` has the reason.
    Hole,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PodField {
    /// `pod.name`
    PodName,
    /// `pod.address`
    PodAddress,
    /// `node.name`
    NodeName,
    /// `limits.cpu`, in whole cores rounded up, as Kubernetes' divisor 1
    LimitsCpu,
    /// `limits.memory`, in bytes
    LimitsMemory,
    /// `requests.cpu`
    RequestsCpu,
    /// `requests.memory`
    RequestsMemory,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resources {
    pub limits: Limits,
    pub requests: Requests,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    pub cpu: Option<Cpu>,
    pub memory: Option<Bytes>,
    pub ephemeral_storage: Option<Bytes>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Requests {
    pub cpu: Option<Cpu>,
    pub memory: Option<Bytes>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Capabilities {
    /// Without the prefix `CAP_`, in capitals.
    pub add: Vec<String>,
    pub drop: Vec<String>,
}

/// Equal numbers are written short, `nofile: 1024`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ulimit {
    pub soft: i64,
    pub hard: i64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tmpfs {
    pub size: Option<Bytes>,
    pub mode: Option<Mode>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct File {
    pub content: FileContent,
    /// The folder that is mounted as a whole, without a slash at its end; absent: the file alone is.
    pub directory: Option<String>,
    pub mode: Option<Mode>,
    pub user: Option<u32>,
    pub group: Option<u32>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FileContent {
    /// Literal: nothing in it is a reference.
    Inline(String),
    /// Read beside the profile when it was loaded; the bytes are part of the profile.
    From {
        path: String,
        bytes: Vec<u8>,
    },
    Secret(Name),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Volume {
    /// Lives and dies with the replica.
    Empty {
        medium: Medium,
        size: Option<Bytes>,
    },
    /// Outlives the replica; the claim's name is per ordinal for stateful services.
    Claim {
        name: Name,
        size: Option<Bytes>,
    },
    /// One volume for all containers of all replicas that name it.
    Shared {
        name: Name,
    },
    Host {
        path: String,
        read_only: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    Disk,
    Memory,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    pub port: u16,
    pub protocol: Protocol,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    Tcp,
    Udp,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Probes {
    pub startup: Option<Probe>,
    pub readiness: Option<Probe>,
    pub liveness: Option<Probe>,
}

/// One probe with Kubernetes' numbers; those that are absent have Kubernetes' defaults
/// (delay 0 s, period 10 s, time-out 1 s, success 1, failure 3).
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    pub action: ProbeAction,
    pub initial_delay: Option<Duration>,
    pub period: Option<Duration>,
    pub timeout: Option<Duration>,
    pub success_threshold: Option<u32>,
    pub failure_threshold: Option<u32>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ProbeAction {
    Http { path: String, port: Option<PortRef>, scheme: Option<Scheme>, headers: IndexMap<String, String> },
    Tcp { port: Option<PortRef> },
    Grpc { port: Option<PortRef>, service: Option<String> },
    Exec { command: Vec<String> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
}

/// A port by name or by number; absent is the only port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortRef {
    Name(Name),
    Number(u16),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Hook {
    Exec { command: Vec<String> },
    Http { path: String, port: Option<PortRef> },
    Sleep(Duration),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dns {
    pub servers: Vec<String>,
    pub search: Vec<String>,
    pub ndots: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Restart {
    Always,
    OnFailure,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Balancing {
    ClusterIp,
    Headless,
    Dns,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Autoscaling {
    pub min: u32,
    pub max: u32,
    /// Percent of the requested CPU.
    pub target_cpu: Option<u32>,
}

/// How many replicas an eviction leaves alone, Kubernetes' PodDisruptionBudget: a bound by one of its two words, counted
/// of the replicas that are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disruption {
    /// So many stay ready.
    MinAvailable(Portion),
    /// So many are away at once at most.
    MaxUnavailable(Portion),
}

impl Disruption {
    /// How many of so many ready replicas may be evicted at once.
    pub fn allows(self, replicas: u32) -> u32 {
        match self {
            Self::MinAvailable(bound) => replicas.saturating_sub(bound.of(replicas)),
            Self::MaxUnavailable(bound) => bound.of(replicas).min(replicas),
        }
    }
}
