//! The profile: what production looks like, in the one form that every later stage uses.
//!
//! These types know nothing of YAML. `v1` holds the form on disk, `load` reads
//! it, `check` finds what is wrong with it. A field that is `None` or an empty
//! map was not written: absent is never replaced by a default here, because
//! the ledger answers for every field that was written and for no other.

mod builder;
mod check;
mod foreign;
mod hand;
mod hole;
mod like;
mod load;
mod merge;
mod neighbours;
mod node;
mod parse;
mod pin;
mod print;
mod problem;
mod render;
mod schema;
mod set;
mod short;
mod source;
mod spelling;
mod v1;
mod words;
mod workload;

pub mod image;
mod images;
pub mod text;
pub mod units;

use indexmap::IndexMap;

pub use crate::{name::Name, path::Path};
pub use hand::by_hand;
pub use hole::hole;
pub use image::{Digest, Image, ImageRef};
pub use images::{image_paths, images, names_timezone};
pub use load::{Layers, Loaded, Origins, check, check_value, load};
pub use parse::{BUDGET, Budget};
pub use pin::{Pin, PinError, Pinnable, Unpinned, pin, pinnable};
pub use print::yaml_scalar;
pub use problem::{Problem, Problems, Severity};
pub use render::render;
pub use schema::schema;
pub use short::{lengthen, shorten};
pub use source::{Origin, Source, Span};
pub use text::{Piece, ServiceField, StoreField, Text};
pub use units::{Bytes, Cpu, Duration, Mode, Portion};
pub use v1::{ReadFile, VERSION, from_tree, print, tree};
pub use workload::{
    Autoscaling, Balancing, Capabilities, Container, Disruption, Dns, EngineKind, File, FileContent, Hook,
    Job, Limits, Medium, PodField, Port, PortRef, Probe, ProbeAction, Probes, Process, Protocol, Requests,
    Resources, Restart, Scheme, Seed, Service, Store, StoreClock, Tmpfs, Ulimit, Value, Volume, Workload,
};

#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    pub name: Name,
    pub captured: Option<Captured>,
    pub platform: Platform,
    pub flags: IndexMap<String, Scalar>,
    pub secrets: IndexMap<Name, Option<Shape>>,
    pub services: IndexMap<Name, Service>,
    pub jobs: IndexMap<Name, Job>,
    pub stores: IndexMap<Name, Store>,
    pub network: Network,
    pub externals: IndexMap<String, External>,
    /// Names of the application's own for the endpoints, `DATABASE_URL: "{db.url}"`.
    pub endpoints: IndexMap<String, String>,
    /// Scenarios are kept as written; they are carried out in a later version.
    pub scenarios: IndexMap<Name, serde_json::Value>,
    pub allow: Vec<Allow>,
    /// Values that could not be read, each with the reason; the fields above hold nothing there, or what is blank.
    pub holes: IndexMap<Path, String>,
}

/// Where a captured profile came from; describes no running thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Captured {
    pub from: String,
    /// Of files, what they hold.
    pub of: Option<String>,
    pub context: Option<String>,
    /// The UID of the cluster's `kube-system` namespace.
    pub cluster: Option<String>,
    pub namespace: Option<String>,
    /// RFC 3339, UTC.
    pub at: Option<String>,
    /// Objects that production has and a profile cannot hold: `kind/name` to the reason.
    pub unsupported: IndexMap<String, String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Platform {
    pub arch: Option<Arch>,
    pub kernel: Option<String>,
    pub cgroup: Option<CgroupVersion>,
    pub cores: Option<u32>,
    pub memory: Option<Bytes>,
    /// Only `none` is known: limits hold without swap.
    pub swap: Option<Swap>,
    pub timezone: Option<String>,
    pub kubernetes: Kubernetes,
}

/// The cluster that production runs on, where it does on one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kubernetes {
    /// `1.34`, or with the patch.
    pub version: Option<String>,
    /// Nodes that pods may come to.
    pub nodes: Option<u32>,
    /// Of the nodes, by turns.
    pub zones: Vec<String>,
    /// Addresses of pods: `10.244.0.0/16`.
    pub pods: Option<String>,
    /// Virtual addresses of services.
    pub services: Option<String>,
    pub feature_gates: IndexMap<String, bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arch {
    Amd64,
    Arm64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CgroupVersion {
    V1,
    V2,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Swap {
    None,
}

/// A scalar letter by letter as it was written: `4`, `0777`, `no`, `true`.
pub type Scalar = String;

/// What a generated secret looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// `hex:N`, N bytes printed as 2N digits.
    Hex(u16),
    /// `base64:N`, N bytes in standard Base64.
    Base64(u16),
    /// `letters:N`, N of a-z and A-Z.
    Letters(u16),
    Uuid,
    /// A 2048-bit RSA private key in PKCS#8 PEM.
    RsaPem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Allow {
    Privileged,
    HostNetwork,
    HostPid,
    HostPath,
    SameCluster,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network {
    pub egress: Option<Egress>,
    pub links: Vec<Link>,
    /// Absent: every port of every service and store is published on loopback.
    pub expose: Option<Vec<Expose>>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Egress {
    Denied,
    /// `host`, `host:port`, `*.host` or an address range.
    Allowed(Vec<String>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    pub from: Name,
    pub to: Name,
    pub latency: Option<Duration>,
    pub jitter: Option<Duration>,
    /// Percent.
    pub loss: Option<f64>,
    /// Bytes a second.
    pub rate: Option<Bytes>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Expose {
    pub service: Name,
    /// Absent: every port of the service.
    pub port: Option<Name>,
}

/// What answers in place of the outside world, by host name. Carried, not yet served.
#[derive(Clone, Debug, PartialEq)]
pub struct External {
    pub port: Option<u16>,
    pub status: Option<u16>,
    pub body: Option<String>,
    pub headers: IndexMap<String, String>,
}
