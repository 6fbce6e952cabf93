//! What the keeper must do for one replica: the label `prodmirror.duties` of its pause container.
//!
//! The keeper has no file of its own to lose: it reads these labels through the
//! engine, so a keeper that restarts knows what the first one knew.

use serde::{Deserialize, Serialize};

use crate::name::Name;

/// One replica: its containers in the order in which they start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Duties {
    pub service: Name,
    pub ordinal: u32,
    pub kind: PodKind,
    /// What must be ready (a job: finished with 0) before the keeper starts it after a stop of the whole mirror.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Name>,
    pub containers: Vec<ContainerDuty>,
    /// Named ports, for the ready set.
    pub ports: Vec<(Name, u16)>,
    /// A job: how often a failed run is tried again.
    #[serde(default)]
    pub retries: u32,
    /// Files on tmpfs volumes that the pause holds: gone when every container that mounts them stopped at once,
    /// as when the engine restarts, and then to be put back before the others start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileDuty>,
}

/// One file, as the pause sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileDuty {
    /// Absolute, below [`SECRETS_DIR`]; see `plan::FilePlan::path` for the links around it.
    pub path: String,
    pub content: FileSource,
    pub mode: u32,
    pub user: u32,
    pub group: u32,
}

/// Where a pause mounts the tmpfs volume of its replica's secret files.
pub const SECRETS_DIR: &str = "/secrets";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileSource {
    /// A secret's variable; the keeper has its value as `PRODMIRROR_SECRET_<VARIABLE>`.
    Secret(String),
    /// A file that lies beside secret ones in the same folder, in standard Base64.
    Base64(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PodKind {
    Service,
    Store,
    Job,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContainerDuty {
    /// The Compose key, `api.0.main`; the container carries it as `com.docker.compose.service`.
    pub key: String,
    /// `main`, or the profile's name of the init container or sidecar.
    pub name: String,
    pub role: Role,
    pub restart: RestartRule,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup: Option<ProbeDuty>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness: Option<ProbeDuty>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness: Option<ProbeDuty>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_start: Option<HookDuty>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre_stop: Option<HookDuty>,
    /// Time between the stop signal and the kill, `pre_stop` included.
    pub grace_millis: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Init,
    Sidecar,
    Main,
}

/// Kubernetes' `restartPolicy`, for one container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestartRule {
    Always,
    OnFailure,
    Never,
}

/// A probe with every number decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeDuty {
    pub action: ProbeAct,
    pub initial_delay_millis: u64,
    pub period_millis: u64,
    pub timeout_millis: u64,
    pub success_threshold: u32,
    pub failure_threshold: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeAct {
    /// Success is a status from 200 to 399; redirects are not followed to other hosts.
    Http {
        https: bool,
        port: u16,
        path: String,
        headers: Vec<(String, String)>,
    },
    Tcp {
        port: u16,
    },
    Grpc {
        port: u16,
        service: Option<String>,
    },
    Exec {
        command: Vec<String>,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HookDuty {
    Exec { command: Vec<String> },
    Http { port: u16, path: String },
    Sleep { millis: u64 },
}
