//! Why a back end could not do what it was asked.

#[cfg(feature = "kubernetes")]
use super::kubernetes::{ClusterError, Code};
use crate::name::Name;

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
    #[error(
        "the keeper of `{mirror}` has no socket of the engine's, so it can neither stop nor start anything"
    )]
    NoSocket { mirror: Name },
    #[cfg(feature = "kubernetes")]
    #[error(transparent)]
    Cluster(#[from] ClusterError),
}

impl BackendError {
    /// Whether something will never be ready, as opposed to not having become so in time.
    pub fn is_final(&self) -> bool {
        match self {
            #[cfg(feature = "kubernetes")]
            Self::Cluster(ClusterError::Trouble(trouble)) => trouble.code != Code::Timeout,
            _ => false,
        }
    }
}

pub type Result<T, E = BackendError> = std::result::Result<T, E>;
