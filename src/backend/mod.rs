//! Where a mirror runs: the contract that every back end keeps.

pub mod compose;

use std::{collections::BTreeMap, future::Future, pin::Pin};

use bytes::Bytes;
use futures_util::Stream;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    name::Name,
    observed::Observed,
    plan::{Capabilities, Plan, capabilities::Options},
    profile::Image,
};

/// Values of the plan's secret variables, by variable name. Never printed, never written to a file.
#[derive(Clone, Default)]
pub struct SecretValues(pub BTreeMap<String, String>);

impl std::fmt::Debug for SecretValues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What happens while something long is done; the command line draws it.
pub trait Report: Send + Sync {
    fn event(&self, event: Progress);
}

#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    Begun {
        step: String,
        what: String,
    },
    /// `total` is absent where it is not known.
    Bytes {
        step: String,
        done: u64,
        total: Option<u64>,
    },
    /// What a wait is waiting for, in a few words.
    Waiting {
        step: String,
        what: String,
    },
    Done {
        step: String,
        millis: u64,
    },
    /// Something a person should know: a substituted image, a capped limit.
    Note(String),
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

/// The state in which a container of the plan shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    Running,
    Stopped,
    /// Running, with every process halted where it is (cgroup freezer); `Running` lets them go on.
    Frozen,
    /// A new container from the same plan, and running.
    Fresh,
    /// Removed, its own volumes kept.
    Absent,
}

/// What to bring into which state.
pub struct Start<'a> {
    pub plan: &'a Plan,
    pub secrets: &'a SecretValues,
    /// Labels of the keeper alone (run, profile, expiry).
    pub launch_labels: &'a BTreeMap<String, String>,
    pub what: What<'a>,
    pub state: RunState,
}

pub enum What<'a> {
    /// Images that are not here: pulled, else taken from the archive folder.
    Images {
        archive: Option<&'a std::path::Path>,
    },
    Networks,
    Volumes,
    Keeper,
    /// Fill these volumes with their files.
    Files(&'a [String]),
    /// Containers by Compose key, in any order; the back end groups them.
    Containers(&'a [String]),
}

/// A container of a mirror, as a person names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub mirror: Name,
    pub service: Name,
    /// The first replica where absent.
    pub ordinal: Option<u32>,
    /// `main` where absent.
    pub container: Option<String>,
}

pub struct Exec<'a> {
    pub target: &'a Target,
    pub argv: &'a [String],
    pub env: &'a [(String, String)],
    pub user: Option<&'a str>,
    pub tty: bool,
    /// Columns and rows of the caller's terminal.
    pub size: Option<(u16, u16)>,
    pub stdin: Option<Pin<Box<dyn AsyncRead + Send>>>,
    pub stdout: Pin<Box<dyn AsyncWrite + Send>>,
    pub stderr: Pin<Box<dyn AsyncWrite + Send>>,
    /// A new container of the same image with the entrypoint replaced, removed afterwards.
    pub fresh: bool,
}

/// One address of a mirror for this host.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Endpoint {
    pub service: Name,
    pub port: Name,
    pub protocol: String,
    pub address: std::net::SocketAddr,
}

#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    pub service: Option<Name>,
    pub ordinal: Option<u32>,
    pub container: Option<String>,
    pub follow: bool,
    /// Unix seconds.
    pub since: Option<i64>,
    pub tail: Option<u32>,
    /// The container that was replaced last.
    pub previous: bool,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct LogLine {
    pub at: String,
    pub service: String,
    pub ordinal: u32,
    pub container: String,
    pub stream: String,
    #[serde(serialize_with = "lossy")]
    pub line: Bytes,
}

fn lossy<S: serde::Serializer>(bytes: &Bytes, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(&String::from_utf8_lossy(bytes))
}

/// What `destroy` shall remove, or `observe` look at.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    pub mirror: Option<Name>,
    pub owner: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Removed {
    pub containers: Vec<String>,
    pub networks: Vec<String>,
    pub volumes: Vec<String>,
    pub clusters: Vec<String>,
    pub objects: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// The engine cannot be reached; `hint` says how to start it.
    #[error("cannot reach the Docker engine at {address}: {why}")]
    Unreachable { address: String, why: String },
    #[error("{what}: {why}")]
    Engine { what: String, why: String },
    /// A process that we started failed; the command can be pasted.
    #[error("`{command}` ended with {status}\n{output}")]
    Command { command: String, status: String, output: String },
    #[error("image {image} is not here: {why}")]
    Image { image: String, why: String },
    #[error("there is no {what} in mirror `{mirror}`")]
    NoTarget { mirror: Name, what: String },
    #[error("{what}: {source}")]
    Io {
        what: String,
        #[source]
        source: std::io::Error,
    },
    #[error("no static Linux executable for {arch} to make the helper image from")]
    NoHelper { arch: String },
    /// Another network took the planned addresses after the host was read.
    #[error("network {network}: its addresses {subnet} were taken in between: {why}")]
    SubnetTaken { network: String, subnet: String, why: String },
    #[error("the lease of mirror `{mirror}` is held by another run")]
    Leased { mirror: Name },
}

pub type Result<T, E = BackendError> = std::result::Result<T, E>;

/// A place where mirrors run. Every method may be called again after any failure: what exists already is not
/// made twice, what is gone already is not an error.
pub trait Backend: Send + Sync {
    /// Reads what the host can do and already has, and every lack of it. Makes nothing but the helper image.
    fn capabilities(&self, ask: &Ask) -> impl Future<Output = Result<(Capabilities, Vec<Lack>)>> + Send;

    /// Brings part of a plan into the wanted run state.
    fn start(&self, start: Start<'_>, report: &dyn Report) -> impl Future<Output = Result<()>> + Send;

    /// Runs a command beside a container's main process, or in a fresh one; answers its exit code.
    fn exec(&self, exec: Exec<'_>) -> impl Future<Output = Result<i64>> + Send;

    /// The addresses published for this host, in the order of the gateway's doors.
    fn endpoint(&self, mirror: &Name) -> impl Future<Output = Result<Vec<Endpoint>>> + Send;

    /// Reads everything in a scope once. `inside` also reads files in each running container.
    fn observe(&self, scope: &Scope, inside: bool) -> impl Future<Output = Result<Observed>> + Send;

    fn logs(
        &self,
        mirror: &Name,
        query: LogQuery,
    ) -> impl Future<Output = Result<Pin<Box<dyn Stream<Item = Result<LogLine>> + Send>>>> + Send;

    /// The seam for state: make, clone, freeze and remove volumes.
    fn volume(&self) -> &dyn Volumes;

    /// Removes every object of the mirror: containers first, then networks and volumes.
    fn destroy(&self, mirror: &Name, report: &dyn Report) -> impl Future<Output = Result<Removed>> + Send;
}

/// How state is kept and copied. Copying is the first form; clones in constant time come behind the same words.
pub trait Volumes: Send + Sync {
    fn make<'a>(&'a self, name: &'a str, labels: &'a BTreeMap<String, String>) -> Later<'a, ()>;
    /// A new volume with the same content; the source must not be in use.
    fn clone_of<'a>(
        &'a self,
        source: &'a str,
        name: &'a str,
        labels: &'a BTreeMap<String, String>,
    ) -> Later<'a, u64>;
    /// Puts the content of `frozen` in place of what `name` holds; neither may be in use. Answers the bytes copied.
    fn restore<'a>(&'a self, frozen: &'a str, name: &'a str) -> Later<'a, u64>;
    fn remove<'a>(&'a self, name: &'a str) -> Later<'a, ()>;
}

pub type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;
