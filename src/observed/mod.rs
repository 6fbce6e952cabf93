//! What really runs, read once, as plain data.

mod cluster;
pub mod inspect;

use std::{collections::BTreeMap, net::IpAddr};

use serde::{Deserialize, Serialize};

pub use cluster::{ClusterObserved, InContainer, Kept, OpenDoor, Variable};

use crate::formats::journal::KeeperStatus;

/// Everything of one mirror that an engine holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    pub containers: Vec<Container>,
    pub networks: Vec<Network>,
    pub volumes: Vec<Volume>,
    /// Images by the id that containers name.
    pub images: BTreeMap<String, crate::plan::capabilities::ImageFacts>,
    /// Absent when the keeper is gone or did not answer.
    pub keeper: Option<KeeperStatus>,
    /// Stores by name, as the engines answered.
    pub stores: BTreeMap<String, StoreFacts>,
    /// What a try to leave the mirror came to, if one was made.
    pub egress: Option<EgressTry>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Container {
    pub id: String,
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub created: String,
    pub state: State,
    /// What the container was created from, as given.
    pub image_reference: String,
    /// The id it resolved to.
    pub image_id: String,
    /// The digest of the descriptor that the container was made from (containerd image store).
    pub image_descriptor: Option<String>,
    pub entrypoint: Option<Vec<String>>,
    pub command: Option<Vec<String>>,
    /// `NAME=value`, the image's own included.
    pub env: Vec<String>,
    /// Variables that it has and whose values the question does not tell: those of Secrets, what a pod knows of itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub untold: Vec<String>,
    pub working_dir: String,
    pub user: String,
    pub hostname: String,
    pub stop_signal: Option<String>,
    pub stop_timeout_seconds: Option<i64>,
    /// What the engine itself asks of its health, the image's own included.
    pub health: Option<HealthCheck>,
    /// `80/tcp`, the image's own included.
    pub exposed: Vec<String>,
    pub host: HostSide,
    pub mounts: Vec<Mount>,
    /// Network name to address and aliases.
    pub networks: BTreeMap<String, Attachment>,
    /// `20001/tcp` to host port on loopback.
    pub published: BTreeMap<String, (String, u16)>,
    /// Read inside, in one call; absent if it does not run or has no shell.
    pub inside: Option<Inside>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// `created`, `running`, `paused`, `restarting`, `removing`, `exited`, `dead`.
    pub status: String,
    pub exit_code: i64,
    pub oom_killed: bool,
    pub error: String,
    pub started: String,
    pub finished: String,
    pub pid: i64,
}

/// The engine's `HostConfig`, less what we never set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HostSide {
    pub nano_cpus: i64,
    pub cpu_quota: i64,
    pub cpu_period: i64,
    pub cpu_shares: i64,
    pub cpuset: String,
    pub memory: i64,
    pub memory_swap: i64,
    pub memory_reservation: i64,
    pub pids_limit: i64,
    pub shm_size: i64,
    pub network_mode: String,
    pub restart_policy: String,
    pub read_only: bool,
    pub privileged: bool,
    pub pid_mode: String,
    pub cap_add: Vec<String>,
    pub cap_drop: Vec<String>,
    pub security_opt: Vec<String>,
    pub group_add: Vec<String>,
    pub extra_hosts: Vec<String>,
    pub dns: Vec<String>,
    pub dns_search: Vec<String>,
    pub dns_options: Vec<String>,
    pub sysctls: BTreeMap<String, String>,
    pub tmpfs: BTreeMap<String, String>,
    pub ulimits: BTreeMap<String, (i64, i64)>,
    pub storage_opt: BTreeMap<String, String>,
}

/// Numbers that are 0 were not given: the engine has 30 s, 30 s and 3.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// `[CMD, …]`, `[CMD-SHELL, line]` or `[NONE]`.
    pub test: Vec<String>,
    pub interval_nanos: i64,
    pub timeout_nanos: i64,
    pub retries: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Mount {
    /// `volume`, `bind`, `tmpfs`.
    pub kind: String,
    /// The volume's name, or the host's path.
    pub source: String,
    pub target: String,
    pub read_only: bool,
    pub subpath: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    pub address: Option<IpAddr>,
    pub aliases: Vec<String>,
}

/// Files of the running container: the raw text of each, by path.
///
/// Both versions' cgroup files are asked for; those that do not exist are absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Inside {
    pub files: BTreeMap<String, String>,
    /// `nproc`, `date +%Z%z`, `TZ=UTC date +%Z%z` and the like, by the command.
    pub answers: BTreeMap<String, String>,
    /// Mounted files of ours: path to (sha256, octal mode, user, group).
    pub checksums: BTreeMap<String, FileFacts>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FileFacts {
    /// Absent where the container's user may not read the file.
    pub sha256: Option<String>,
    pub mode: u32,
    pub user: u32,
    pub group: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Network {
    pub id: String,
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub internal: bool,
    pub subnets: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Volume {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub options: BTreeMap<String, String>,
}

/// What a store's own engine says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoreFacts {
    pub version: Option<String>,
    /// Whether a login over the network with the profile's user, password and database worked.
    pub login: Option<bool>,
    pub database: Option<String>,
    pub user: Option<String>,
    pub settings: BTreeMap<String, String>,
    /// Rows or keys, counted now.
    pub count: Option<u64>,
    /// Keys that had expired before they were loaded (Redis).
    pub expired: Option<u64>,
    /// Why something could not be read.
    pub error: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EgressTry {
    /// The address outside that was tried, from inside a replica.
    pub address: String,
    pub refused: bool,
    pub answer: String,
}
