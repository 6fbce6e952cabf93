//! The keeper: one per mirror, its kubelet.
//!
//! It learns its duties from the labels of the mirror's pauses and what happens from
//! the engine's events; its memory is the journal. It probes, replaces what ended,
//! keeps the ready set, and removes the mirror when its time is over or its owner
//! died. It listens on nothing: what it is asked comes in as journal events.

mod act;
mod args;
mod ask;
mod backoff;
mod check;
mod compact;
mod engine;
mod files;
mod journal;
mod lease;
mod life;
mod member;
mod memory;
mod placed;
mod previous;
mod probe;
mod publish;
mod replica;
mod rounds;
mod run;
mod seen;
mod sweep;
mod watch;
mod world;

pub use args::main;
pub use ask::{Which, follow, note, recall, restart, start, status, stop};
pub use journal::Places;
pub use lease::{LeaseError, LeaseKind, hold as lease};
pub use run::{KeeperArgs, KeeperError, run};

/// The hooks' names in the journal.
pub const POST_START: &str = "post-start";
pub const PRE_STOP: &str = "pre-stop";
