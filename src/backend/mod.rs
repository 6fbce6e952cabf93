//! Where a mirror runs: the contracts that every back end keeps.
//!
//! [`Backend`] makes, looks at and removes. Beside it stand what else a place must have, each small and with a suite of
//! its own: [`Record`], the memory of its mirrors; [`Files`], in and out of containers; [`Images`]; [`Volumes`].

pub mod compose;
mod error;
mod foreign;
#[cfg(feature = "kubernetes")]
pub mod forwarder;
mod images;
mod inside;
#[cfg(feature = "kubernetes")]
pub mod kind;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;
mod lines;
mod logins;
mod object_name;
mod objects;
mod program;
mod progress;
mod questions;
mod record;
mod start;
pub mod tether;
mod volumes;

use std::{collections::BTreeMap, future::Future, pin::Pin};

pub use error::{BackendError, Result};
pub use foreign::{EngineSource, Foreign, compose_labels};
pub use images::{Brought, Here, Images};
pub use inside::{Exec, Files, LogLine, LogQuery, LogStream, PathKind, Sizes, TarReader, TarStream, Target};
#[cfg(feature = "kubernetes")]
pub use kubernetes::ClusterError;
pub use logins::DockerLogins;
pub use object_name::{FieldChange, ObjectDifference, ObjectName};
pub use objects::{Nodes, ObjectChange, Objects, Placing, Pulling};
pub use progress::{Progress, Report, Unheard};
pub use record::{Lease, LeaseKind, Listed, ListedKeeper, Record};
pub use start::{Part, Planned, Power, RunState, What};
pub use volumes::Volumes;

use crate::{
    name::Name,
    observed::Observed,
    plan::{BackendKind, Capabilities, Plan, capabilities::Options},
    profile::Image,
};

/// A place where mirrors run. Every method may be called again after any failure: what exists already is not
/// made twice, what is gone already is not an error.
pub trait Backend: Record + Files + Images {
    fn kind(&self) -> BackendKind;

    /// How this place takes a plan.
    fn form(&self) -> Form<'_>;

    /// Reads what the host can do and already has, and every lack of it. Makes nothing but the helper image.
    fn capabilities<'a>(&'a self, ask: &'a Ask) -> Later<'a, (Capabilities, Vec<Lack>)>;

    /// Stops or starts processes of a mirror that is there. Nothing is made and no state is lost: they go in the
    /// mirror's own order, each with its `pre_stop` and its grace. It is written into the mirror's record before it is
    /// done, so that whoever keeps the mirror leaves alone what was stopped.
    fn power<'a>(
        &'a self,
        mirror: &'a Name,
        part: &'a Part,
        power: Power,
        report: &'a dyn Report,
    ) -> Later<'a, ()>;

    /// Runs a command beside a container's main process, or in a fresh one; answers its exit code.
    ///
    /// A program that is not in the image answers 127, one that cannot be executed 126, as a shell does; an error
    /// means that nothing could be run.
    fn exec<'a>(&'a self, exec: Exec<'a>) -> Later<'a, i64>;

    /// The addresses published for this host, in the order of the gateway's doors.
    fn endpoint<'a>(&'a self, mirror: &'a Name) -> Later<'a, Vec<Endpoint>>;

    /// Reads everything in a scope once. `inside` also reads files in each running container.
    fn observe<'a>(&'a self, scope: &'a Scope, inside: bool) -> Later<'a, Observed>;

    /// What containers printed, in the order of time.
    fn logs<'a>(&'a self, mirror: &'a Name, query: LogQuery) -> Later<'a, LogStream>;

    /// Removes every object of the mirror, whoever holds its lease; what is cut off can be called again.
    fn destroy<'a>(&'a self, mirror: &'a Name, report: &'a dyn Report) -> Later<'a, Names>;

    /// Removes what commands in fresh containers left of themselves whose callers were killed, and answers it; with
    /// `dry_run` only names it. The mirror itself stays. A place that has no word of it leaves them to the mirror's end.
    fn clear_fresh<'a>(&'a self, _mirror: &'a Name, _dry_run: bool) -> Later<'a, Names> {
        Box::pin(async { Ok(Names::default()) })
    }
}

/// The form in which a place takes a plan: who keeps what was made is the difference.
pub enum Form<'a> {
    /// Container by container; a keeper of ours replaces what ends, and probes.
    Containers(&'a dyn Containers),
    /// As objects, which the place itself keeps as they are told to be.
    Objects(&'a dyn Objects),
}

/// A place that makes what it is told to make, and keeps nothing up by itself.
pub trait Containers: Send + Sync {
    /// Brings part of a plan into the wanted run state.
    fn start<'a>(&'a self, planned: Planned<'a>, report: &'a dyn Report) -> Later<'a, ()>;

    /// How state is kept here.
    fn volume(&self) -> &dyn Volumes;

    /// Whether a mirror of which state alone is left was kept once, as after a `down` that was cut off. An `up` that
    /// begins has made volumes too, but no record yet.
    fn was_kept<'a>(&'a self, plan: &'a Plan) -> Later<'a, bool>;
}

pub type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Values of the plan's secret variables, by variable name. Never printed, never written to a file.
#[derive(Clone, Default)]
pub struct SecretValues(pub BTreeMap<String, String>);

impl std::fmt::Debug for SecretValues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What `capabilities` is asked about.
#[derive(Clone, Debug)]
pub struct Ask {
    pub mirror: Name,
    pub owner: String,
    pub options: Options,
    /// Every image of the profile.
    pub images: Vec<Image>,
    /// The file to make the helper image from, or the reference given with `--helper-image`.
    pub helper: HelperSource,
    /// `--no-docker-socket` turns it off.
    pub socket: bool,
    /// Whether the profile sets a time zone anywhere: only then images are looked into for `/etc/localtime`.
    pub timezone: bool,
    /// A cluster where no mirror may be: the one that the profile was captured from.
    pub not_on: Option<String>,
    /// Whether tools that only building images needs are asked for as well; a launch does without.
    pub build_tools: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HelperSource {
    Reference(String),
    /// Static Linux executables, the first that fits the engine is taken.
    Files(Vec<std::path::PathBuf>),
}

/// A lack of the host, found before anything is made; `doctor` shows the same.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Lack {
    /// Stable, kebab-case: `engine-unreachable`, `compose-missing`, `image-missing`, `helper-missing` …
    pub code: String,
    pub message: String,
    pub hint: String,
    /// Whether a launch cannot succeed with it.
    pub fatal: bool,
}

/// One address of a mirror for this host.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Endpoint {
    pub service: Name,
    pub port: Name,
    pub protocol: String,
    pub address: std::net::SocketAddr,
}

/// Which mirrors are meant: all where nothing is said.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    pub mirror: Option<Name>,
    pub owner: Option<String>,
}

impl Scope {
    pub fn of(mirror: &Name) -> Self {
        Self { mirror: Some(mirror.clone()), owner: None }
    }
}

/// Objects by what they are, each by its name: what there is of a mirror, or what was removed.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Names {
    pub containers: Vec<String>,
    pub networks: Vec<String>,
    pub volumes: Vec<String>,
    pub clusters: Vec<String>,
    /// What has no list of its own: the objects of a namespace, `deployment/api`.
    pub objects: Vec<String>,
}

impl Names {
    pub fn extend(&mut self, others: Names) {
        let Names { containers, networks, volumes, clusters, objects } = others;
        self.containers.extend(containers);
        self.networks.extend(networks);
        self.volumes.extend(volumes);
        self.clusters.extend(clusters);
        self.objects.extend(objects);
    }
}
