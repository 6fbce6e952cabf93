//! Options that several commands share, each written once.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use prodmirror::plan::BackendKind;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    #[default]
    Text,
    Json,
    /// `endpoints` alone: variables for a shell.
    #[value(hide = true)]
    Env,
    /// `env-dump` alone, as its text.
    #[value(hide = true)]
    Dotenv,
    /// `env-dump` alone: `environment:` of a Compose file.
    #[value(hide = true)]
    Compose,
    /// `env-dump` alone: `export` lines.
    #[value(hide = true)]
    Shell,
    /// `env-dump` alone: for `docker run --env-file`.
    #[value(hide = true)]
    Docker,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum BackendOption {
    #[default]
    Compose,
    Kind,
    Kubernetes,
}

impl BackendOption {
    /// What kind of cluster is meant; `None` is Compose.
    pub fn cluster(self) -> Option<BackendKind> {
        match self {
            Self::Compose => None,
            Self::Kind => Some(BackendKind::Kind),
            Self::Kubernetes => Some(BackendKind::Kubernetes),
        }
    }
}

/// How a command talks; every command has these.
#[derive(Clone, Debug, Args)]
pub struct Talk {
    /// What stdout holds: text for people, or one JSON document
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        env = "PRODMIRROR_FORMAT",
        hide_env = true,
        help_heading = "Output"
    )]
    pub format: Format,
    /// When to use colour; NO_COLOR is honoured
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        env = "PRODMIRROR_COLOR",
        hide_env = true,
        help_heading = "Output"
    )]
    pub color: Color,
    /// Say more; twice for the calls to the engine
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Output")]
    pub verbose: u8,
    /// Say only what went wrong
    #[arg(short, long, global = true, env = "PRODMIRROR_QUIET", hide_env = true, help_heading = "Output")]
    pub quiet: bool,
}

/// Which profile, and what is laid over it.
#[derive(Clone, Debug, Default, Args)]
pub struct ProfileArgs {
    /// The profile; default: prodmirror.yaml here or in a parent folder
    #[arg(value_name = "PROFILE")]
    pub profile: Option<PathBuf>,
    /// The profile, then overlays, merged by key in this order
    #[arg(short = 'f', long = "file", value_name = "FILE", env = "PRODMIRROR_FILE", hide_env = true)]
    pub files: Vec<PathBuf>,
    /// Set one value: services.api.replicas=3
    #[arg(long, value_name = "PATH=VALUE", env = "PRODMIRROR_SET", hide_env = true)]
    pub set: Vec<String>,
    /// Remove one value
    #[arg(long, value_name = "PATH", env = "PRODMIRROR_UNSET", hide_env = true)]
    pub unset: Vec<String>,
    /// Accept images without a digest; the ledger says so
    #[arg(long, env = "PRODMIRROR_ALLOW_UNPINNED", hide_env = true)]
    pub allow_unpinned: bool,
}

/// What changes a plan besides the profile.
#[derive(Clone, Debug, Default, Args)]
pub struct PlanArgs {
    /// Where the mirror runs
    #[arg(long, value_enum, default_value_t, env = "PRODMIRROR_BACKEND", hide_env = true)]
    pub backend: BackendOption,
    /// The cluster for --backend kubernetes; the current context is never used
    #[arg(long, value_name = "CONTEXT", env = "PRODMIRROR_CONTEXT", hide_env = true)]
    pub context: Option<String>,
    /// With --backend kind: a cluster for this mirror alone
    #[arg(long, env = "PRODMIRROR_FRESH_CLUSTER", hide_env = true)]
    pub fresh_cluster: bool,
    /// The mirror's name; default: the profile's
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Put a scenario on top of the seeds
    #[arg(long, value_name = "SCENARIO", env = "PRODMIRROR_SCENARIO", hide_env = true)]
    pub scenario: Vec<String>,
    /// Use another image for a service: api=local:shop-api:dev
    #[arg(long = "image", value_name = "SERVICE=REF", env = "PRODMIRROR_IMAGE", hide_env = true)]
    pub images: Vec<String>,
    /// Publish all ports of a service, besides what the profile exposes
    #[arg(long, value_name = "SERVICE", env = "PRODMIRROR_EXPOSE", hide_env = true)]
    pub expose: Vec<String>,
    /// Start the keeper without the engine's socket: no restarts, no liveness, no expiry
    #[arg(long, env = "PRODMIRROR_NO_DOCKER_SOCKET", hide_env = true)]
    pub no_docker_socket: bool,
    /// Take the helpers from this image instead of this program
    #[arg(long, value_name = "REF", env = "PRODMIRROR_HELPER_IMAGE", hide_env = true)]
    pub helper_image: Option<String>,
}

/// Where the values of secrets come from.
#[derive(Clone, Debug, Default, Args)]
pub struct SecretArgs {
    /// A secret's value: NAME=@FILE, NAME=env:VAR, or NAME=- for standard input
    #[arg(long = "secret", value_name = "NAME=SOURCE", env = "PRODMIRROR_SECRET", hide_env = true)]
    pub secrets: Vec<String>,
    /// Values of secrets, one NAME=VALUE a line
    #[arg(long, value_name = "FILE", env = "PRODMIRROR_SECRETS_FILE", hide_env = true)]
    pub secrets_file: Option<PathBuf>,
}

/// How a launch goes.
#[derive(Clone, Debug, Default, Args)]
pub struct LaunchArgs {
    #[command(flatten)]
    pub secrets: SecretArgs,
    /// How long to wait until all is ready, once images and seeds are in place
    #[arg(long, value_name = "TIME", default_value = "120s", env = "PRODMIRROR_TIMEOUT", hide_env = true)]
    pub timeout: String,
    /// Remove the mirror by itself after this time
    #[arg(long, value_name = "TIME", env = "PRODMIRROR_TTL", hide_env = true)]
    pub ttl: Option<String>,
    /// How long a failed mirror is kept: a time, never or forever
    #[arg(long, value_name = "TIME", default_value = "30m", env = "PRODMIRROR_KEEP", hide_env = true)]
    pub keep: String,
    /// Fail (exit 1) unless WHAT, a class or a path, is kept at least this well: enforced:env
    #[arg(long, value_name = "GRADE:WHAT", env = "PRODMIRROR_REQUIRE", hide_env = true)]
    pub require: Vec<String>,
    /// Take missing images from here: an OCI layout, or files of docker save
    #[arg(long, value_name = "DIR", env = "PRODMIRROR_IMAGE_ARCHIVE", hide_env = true)]
    pub image_archive: Option<PathBuf>,
    /// Take the name even if its mirror came from another profile or owner
    #[arg(long)]
    pub replace: bool,
}

/// On which cluster a mirror is.
#[derive(Clone, Debug, Default, Args)]
pub struct PlaceArgs {
    /// Look on the cluster of this Kubernetes context; default: this engine and its Kind clusters
    #[arg(long, value_name = "CONTEXT", env = "PRODMIRROR_CONTEXT", hide_env = true)]
    pub context: Option<String>,
}

/// A mirror by name.
#[derive(Clone, Debug, Default, Args)]
pub struct NameArg {
    /// A mirror's name, a profile's path, or `.`; default: the profile here, else the only mirror
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    #[command(flatten)]
    pub place: PlaceArgs,
}
