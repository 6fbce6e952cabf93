//! A failure as the contract prints it, and its exit code.

use prodmirror::{backend::BackendError, layers::LayersError, mirror::StoryError, plan};
#[cfg(feature = "kubernetes")]
use prodmirror::{backend::ClusterError, capture::redact::scrub, readers::kubeconfig::KubeconfigError};
use serde::Serialize;

/// The contract's exit codes.
pub mod exit {
    pub const NO: u8 = 1;
    pub const USAGE: u8 = 2;
    pub const INPUT: u8 = 3;
    pub const TOOL: u8 = 4;
    pub const NOT_READY: u8 = 5;
    pub const INCONCLUSIVE: u8 = 6;
    /// `run` and `exec`: a failure of ours, as `docker run` has it.
    pub const OURS: u8 = 125;
    pub const INTERRUPTED: u8 = 130;
}

/// The `Error` document.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Failure {
    /// Stable, kebab-case.
    pub code: String,
    pub exit: u8,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ordinal: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_answer: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log_tail: Vec<String>,
    /// Until when a failed mirror is kept (RFC 3339), `forever`, or absent when it was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifacts: Option<String>,
    /// What the process exits with where it differs from `exit` (`run` and `exec`).
    #[serde(skip)]
    pub process_exit: Option<u8>,
}

impl Failure {
    pub fn new(code: &str, exit: u8, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), exit, message: message.into(), ..Self::default() }
    }

    pub fn usage(code: &str, message: impl Into<String>) -> Self {
        Self::new(code, exit::USAGE, message)
    }

    pub fn input(code: &str, message: impl Into<String>) -> Self {
        Self::new(code, exit::INPUT, message)
    }

    pub fn tool(code: &str, message: impl Into<String>) -> Self {
        Self::new(code, exit::TOOL, message)
    }

    /// The answer to a feature that the contract names and this version lacks.
    pub fn later(what: &str) -> Self {
        Self::usage("not-in-this-version", format!("{what} is not in this version"))
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// `run` and `exec` keep the usual code in the document and exit with 125.
    pub fn into_run(mut self) -> Self {
        if self.process_exit.is_none() && self.exit != exit::INTERRUPTED {
            self.process_exit = Some(exit::OURS);
        }
        self
    }
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        let message = error.to_string();
        match error {
            BackendError::Unreachable { .. } => Self::tool("engine-unreachable", message)
                .hint("start Docker, or set DOCKER_HOST or a Docker context; `prodmirror doctor` shows what is missing"),
            BackendError::Engine { .. } => Self::tool("engine", message),
            BackendError::Command { .. } => Self::tool("command", message),
            BackendError::Image { .. } => Self::new("image", exit::NOT_READY, message)
                .hint("log in to its registry with `docker login`, or give the images with --image-archive DIR"),
            BackendError::NoTarget { .. } => {
                Self::usage("no-target", message).hint("`prodmirror status` lists what is there")
            }
            BackendError::Io { .. } => Self::tool("io", message),
            BackendError::NoHelper { .. } => Self::tool("helper-missing", message)
                .hint("set PRODMIRROR_HELPER to a static Linux build of prodmirror, or use --helper-image REF"),
            BackendError::SubnetTaken { .. } => Self::tool("subnet-taken", message)
                .hint("others make networks at the same time; try again"),
            BackendError::NoSocket { .. } => Self::usage("no-socket", message)
                .hint("take the mirror down, and up again without --no-docker-socket"),
            BackendError::Leased { .. } => {
                Self::tool("leased", message).hint("wait until it is done; its lease ends with its process")
            }
            #[cfg(feature = "kubernetes")]
            BackendError::Cluster(error) => error.into(),
        }
    }
}

#[cfg(feature = "kubernetes")]
impl From<KubeconfigError> for Failure {
    fn from(error: KubeconfigError) -> Self {
        // A parser's words may hold a piece of the file.
        let message = scrub(&error.to_string());
        match error {
            KubeconfigError::Unreadable { .. } => Self::input("kubeconfig", message),
            KubeconfigError::NoContext { .. } => Self::usage("no-context", message)
                .hint("KUBECONFIG names the files, else ~/.kube/config is read"),
            KubeconfigError::Unusable { .. } => Self::tool("cluster-unreachable", message),
        }
    }
}

#[cfg(feature = "kubernetes")]
impl From<ClusterError> for Failure {
    fn from(error: ClusterError) -> Self {
        let message = error.to_string();
        match error {
            ClusterError::Kubeconfig(error) => error.into(),
            ClusterError::Unreachable { .. } => Self::tool("cluster-unreachable", message),
            ClusterError::Refused { .. } => Self::tool("refused", message),
            ClusterError::Api { .. } => Self::tool("cluster", message),
            ClusterError::NoValue { .. } => Self::tool("secret", message),
            ClusterError::NoRecord { .. } => Self::usage("no-mirror", message)
                .hint("`prodmirror status` lists the mirrors, `prodmirror up` makes one"),
            ClusterError::OneReplica { .. } => Self::usage("one-replica", message),
            ClusterError::Rights { .. } => Self::tool("rights", message),
            ClusterError::NotOurs { .. } => {
                Self::usage("name-taken", message).hint("choose another name with --name")
            }
            ClusterError::NotGone { .. } => Self::tool("not-gone", message),
            ClusterError::Trouble(trouble) => {
                let mut failure = Self::new(trouble.code.as_str(), exit::NOT_READY, message);
                failure.service = trouble.service.map(|service| service.to_string());
                failure.log_tail = trouble.log_tail;
                if trouble.events.is_empty() { failure } else { failure.hint(trouble.events.join("\n")) }
            }
        }
    }
}

impl From<LayersError> for Failure {
    fn from(error: LayersError) -> Self {
        let message = error.to_string();
        match error {
            LayersError::Io { .. } => Self::input("unreadable", message),
            LayersError::Bad { .. } => Self::input("bad-image-archive", message),
            LayersError::TooMuch { .. } => Self::input("image-too-large", message),
            LayersError::NoSuch { .. } => Self::usage("no-image", message),
            LayersError::Several { .. } => Self::usage("which-image", message).hint(
                "name one behind the file as in `images.tar#NAME`, or a platform with --platform linux/arm64",
            ),
        }
    }
}

impl Failure {
    /// A file that could not be written.
    pub fn unwritten(file: &std::path::Path, error: &std::io::Error) -> Self {
        Self::tool("io", format!("{}: {error}", file.display()))
    }
}

impl From<StoryError> for Failure {
    fn from(error: StoryError) -> Self {
        let message = error.to_string();
        match error {
            StoryError::Backend(error) => error.into(),
            StoryError::Lacks(lacks) => {
                let hints: Vec<_> =
                    lacks.iter().map(|lack| format!("{}: {}", lack.code, lack.hint)).collect();
                Self::tool("host", message).hint(hints.join("\n"))
            }
            StoryError::Refused(refusals) => {
                let others = refusals.iter().filter(|refusal| refusal.code != "hole");
                let mut fill: Vec<_> = others.filter_map(|refusal| refusal.fill.clone()).collect();
                fill.extend(plan::to_fill(&refusals).map(|block| block.trim_end().to_owned()));
                let code = refusals.first().map_or("refused", |refusal| refusal.code.as_str());
                let mut failure = Self::usage(code, message);
                failure.path = refusals.first().map(|refusal| refusal.path.clone());
                if fill.is_empty() { failure } else { failure.hint(fill.join("\n")) }
            }
            StoryError::NotReady(why) => {
                let mut failure = Self::new(&why.code, exit::NOT_READY, message);
                failure.service = why.service;
                failure.ordinal = why.ordinal;
                failure.probe = why.probe;
                failure.last_answer = why.last_answer;
                failure.log_tail = why.log_tail;
                failure
            }
            StoryError::Taken { .. } => Self::usage("name-taken", message)
                .hint("choose another name with --name, or take this one with --replace"),
            StoryError::NoMirror { .. } => Self::usage("no-mirror", message)
                .hint("`prodmirror status` lists the mirrors, `prodmirror up` makes one"),
            StoryError::Seed { .. } => Self::input("seed", message),
            StoryError::SeedCut { .. } => {
                Self::tool("seed", message).hint("the same `prodmirror up` again begins the seeding anew")
            }
            StoryError::SecretShape { .. } => Self::tool("secret", message),
            StoryError::Memory { .. } => Self::tool("memory", message).hint("give the profile with -f FILE"),
            StoryError::Render(_) => Self::tool("render", message),
            StoryError::NoSeedCopy { .. } => {
                Self::usage("no-seed-copy", message).hint("take the mirror down and up again to seed it anew")
            }
            StoryError::HashKey { .. } => Self::input("hash-key", message),
            StoryError::NotThere { .. } => Self::usage("no-such-store", message),
            StoryError::Require(_) => Self::usage("require", message).hint(
                "write GRADE:WHAT, with WHAT a class (env, resources, …) or a path, `*` for any one key",
            ),
        }
    }
}
