//! The story of a mirror, told with the nouns of the core and the verbs of the world:
//! up, verify, reset, stop and start, down, gc.

mod admit;
mod anew;
mod artifacts;
mod containers;
mod document;
mod drawn;
mod hash_key;
mod inside;
mod live;
mod memory;
mod objects;
mod power;
mod preflight;
mod ready;
mod removal;
mod reset;
mod rsa;
mod secrets;
mod seed;
mod shape;
mod underway;
mod up;
mod verify;

pub use artifacts::{keep as keep_artifacts, redacted};
pub use document::{Credentials, EndpointRow, MirrorDocument, ServiceRow, Timing, endpoint_rows};
pub use drawn::Drawn;
pub use hash_key::hash_key;
pub use inside::Inside;
pub use live::{LiveTree, live_tree};
pub use memory::{Memory, recall};
pub use power::power;
pub use preflight::Source;
pub use ready::NotReady;
pub use removal::{GcRule, abandon, down, garbage, gc};
pub use reset::{ResetRequest, ResetRow, reset};
pub use secrets::{GivenSecrets, values as secret_values};
pub use shape::{generate as generate_secret, short_id};
pub use up::{Failed as UpFailed, Says, Up, UpRequest, expiry, up};
pub use verify::{exists, verify};

use crate::{
    backend::{BackendError, Lack},
    name::Name,
    plan::Refusal,
};

#[derive(Debug, thiserror::Error)]
pub enum StoryError {
    #[error(transparent)]
    Backend(#[from] BackendError),
    #[error("this host lacks what the mirror needs:\n{}", lines(.0, |lack| &lack.message))]
    Lacks(Vec<Lack>),
    #[error("refused before anything was made:\n{}", lines(.0, |refusal| &refusal.message))]
    Refused(Vec<Refusal>),
    #[error("{0}")]
    NotReady(Box<NotReady>),
    #[error("the mirror `{mirror}` is there already, {why}")]
    Taken { mirror: Name, why: String },
    #[error("there is no mirror `{mirror}`")]
    NoMirror { mirror: Name },
    #[error("store `{store}`: {why}")]
    Seed { store: Name, why: String },
    /// The way into the store's container broke, or the container went: nothing is known against the seed.
    #[error("store `{store}`: its seeding was cut off: {why}")]
    SeedCut { store: Name, why: String },
    #[error("secret `{secret}`: {why}")]
    SecretShape { secret: Name, why: String },
    #[error("what the keeper of `{mirror}` remembers of its profile cannot be read: {why}")]
    Memory { mirror: Name, why: String },
    #[error("the bundle cannot be rendered: {0}")]
    Render(String),
    #[error("store `{store}` has no copy from after its seeding")]
    NoSeedCopy { store: Name },
    #[error("mirror `{mirror}` has no store `{store}`")]
    NotThere { mirror: Name, store: String },
    #[error("the key for hashes of secrets, {}: {why}", file.display())]
    HashKey { file: std::path::PathBuf, why: String },
    #[error("{0}")]
    Require(String),
}

pub type Result<T, E = StoryError> = std::result::Result<T, E>;

fn lines<T>(items: &[T], text: impl Fn(&T) -> &String) -> String {
    items.iter().map(|item| format!("  - {}", text(item))).collect::<Vec<_>>().join("\n")
}
