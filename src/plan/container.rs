//! One container, as Compose and the engine will be told.

use indexmap::IndexMap;
use serde::Serialize;

use super::Template;
use crate::{
    labels::Kind,
    profile::{Image, Tmpfs},
};

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

impl Mount {
    /// Where it stands in the container.
    pub fn target(&self) -> &str {
        match self {
            Self::Volume { target, .. } | Self::Bind { target, .. } => target,
        }
    }

    /// The volume of ours that it is, by full name.
    pub fn volume(&self) -> Option<&str> {
        match self {
            Self::Volume { volume, .. } => Some(volume),
            Self::Bind { .. } => None,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TmpfsPlan {
    pub size: Option<u64>,
    pub mode: Option<u32>,
}

impl TmpfsPlan {
    pub(crate) fn of(tmpfs: &Tmpfs) -> Self {
        Self { size: tmpfs.size.map(|size| size.0), mode: tmpfs.mode.map(|mode| mode.0) }
    }
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
