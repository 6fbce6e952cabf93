//! Every name that a mirror puts on the outside world.

pub const MIRROR: &str = "prodmirror.mirror";
pub const OWNER: &str = "prodmirror.owner";
pub const KIND: &str = "prodmirror.kind";
pub const SERVICE: &str = "prodmirror.service";
pub const ORDINAL: &str = "prodmirror.ordinal";
/// The container's name in its replica: `main`, or an init container's or sidecar's.
pub const CONTAINER: &str = "prodmirror.container";
/// SHA-256 of the object's own plan.
pub const SPEC: &str = "prodmirror.spec";
/// JSON of [`crate::formats::duties::Duties`], on pause containers.
pub const DUTIES: &str = "prodmirror.duties";

/// On a store's main container: its engine, `postgres` or `redis`.
pub const ENGINE: &str = "prodmirror.engine";

/// Labels of the keeper alone, set at launch.
pub const RUN: &str = "prodmirror.run";
pub const PROFILE: &str = "prodmirror.profile";
pub const EXPIRES: &str = "prodmirror.expires";

/// The prefix that a profile's own labels may not have.
pub const PREFIX: &str = "prodmirror.";

/// On images built here: the public image whose role they play, `docker.io/library/postgres`.
pub const ROLE: &str = "prodmirror.role";
/// On every image that is made here, `built` or `helper`: `make clean` removes them by it.
pub const IMAGE: &str = "prodmirror.image";
/// On the helper image.
pub const HELPER: &str = "prodmirror.helper";

/// Compose's own, which it must find on a container that it shall take for its own.
pub const COMPOSE_PROJECT: &str = "com.docker.compose.project";
pub const COMPOSE_SERVICE: &str = "com.docker.compose.service";

/// The value of [`KIND`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Service,
    Store,
    Job,
    Pause,
    Gateway,
    Keeper,
    Init,
    Sidecar,
    Files,
    Registry,
    Network,
    Volume,
    /// What removes a mirror when its time is over.
    Expiry,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Store => "store",
            Self::Job => "job",
            Self::Pause => "pause",
            Self::Gateway => "gateway",
            Self::Keeper => "keeper",
            Self::Init => "init",
            Self::Sidecar => "sidecar",
            Self::Files => "files",
            Self::Registry => "registry",
            Self::Network => "network",
            Self::Volume => "volume",
            Self::Expiry => "expiry",
        }
    }
}

/// The same on a Kubernetes cluster.
pub mod kubernetes {
    pub const MIRROR: &str = "prodmirror/mirror";
    /// A label's value holds no `@`: the label has [`owner`], and an annotation of the same name the whole.
    pub const OWNER: &str = "prodmirror/owner";
    pub const KIND: &str = "prodmirror/kind";
    pub const SERVICE: &str = "prodmirror/service";
    pub const SPEC: &str = "prodmirror/spec";
    /// On a store's pods: its engine, `postgres` or `redis`.
    pub const ENGINE: &str = "prodmirror/engine";
    /// Annotation of workloads: which come first, from 2 on.
    pub const STAGE: &str = "prodmirror/stage";
    /// Annotation of workloads that were stopped: how many replicas they had.
    pub const REPLICAS: &str = "prodmirror/replicas";
    /// Annotation of a pod that is for one command: the process that waits for it.
    pub const HOLDER: &str = "prodmirror/holder";
    /// Annotation of a secret that is one of the profile's: the variable that stands for it in templates.
    pub const VARIABLE: &str = "prodmirror/variable";
    /// Annotation of pods: the hash of what they were given and do not see change.
    pub const INPUTS: &str = "prodmirror/inputs";
    /// Annotation of a workload's pods: when they were replaced because a secret had another value.
    pub const RENEWED: &str = "prodmirror/renewed";
    /// The prefix that a profile's own labels may not have.
    pub const PREFIX: &str = "prodmirror/";
    pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
    pub const MANAGER: &str = "prodmirror";
    pub const POD_SECURITY: &str = "pod-security.kubernetes.io/enforce";

    /// An owner as a label's value: sixteen digits of its hash.
    pub fn owner(owner: &str) -> String {
        crate::digest::spec(&owner)
    }
}
