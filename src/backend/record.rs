//! The memory of the mirrors of a place, and who works on each.

use super::{Later, Names, Report, Scope, SecretValues};
use crate::{
    formats::journal::{Event, KeeperStatus},
    name::Name,
};

/// What a place knows of its mirrors. It lies where they run and nowhere else: whoever reaches the place reads the same,
/// from any machine, and it goes with its mirror.
///
/// On Compose the keeper's container holds it: journal and lease on its volume, secrets in its environment.
/// A cluster needs no keeper of ours: a namespace has a ConfigMap, a Lease and a Secret, and what a keeper would know
/// of replicas stands in the status of their pods.
pub trait Record: Send + Sync {
    /// Every mirror with at least one object in the scope, in order of name; nobody is asked for its state.
    fn list<'a>(&'a self, scope: &'a Scope) -> Later<'a, Vec<Listed>>;

    /// What is known of a mirror now, with all that was noted before the call; `None` where nobody ever kept it.
    fn says<'a>(&'a self, mirror: &'a Name) -> Later<'a, Option<KeeperStatus>>;

    /// The same, as cheaply as it can be had, for waiting: a moment old, and whether the lease is held is not asked.
    fn glance<'a>(&'a self, mirror: &'a Name) -> Later<'a, Option<KeeperStatus>>;

    /// Adds to the mirror's history; when a mirror will go is a part of it. That the place will not see to its end is
    /// told as a note.
    ///
    /// # Errors
    /// [`super::BackendError::NoTarget`] where nobody keeps the mirror.
    fn note<'a>(&'a self, mirror: &'a Name, event: &'a Event, report: &'a dyn Report) -> Later<'a, ()>;

    /// Keeps one document of any size in place of the one before. It must hold no secret.
    ///
    /// # Errors
    /// [`super::BackendError::NoTarget`] where nobody keeps the mirror.
    fn remember<'a>(&'a self, mirror: &'a Name, document: Vec<u8>) -> Later<'a, ()>;

    /// The document that was remembered last; `None` where there is none.
    fn recall<'a>(&'a self, mirror: &'a Name) -> Later<'a, Option<Vec<u8>>>;

    /// The values of the mirror's secrets by variable, as its keeper was made with them; none where nobody keeps it.
    fn secrets<'a>(&'a self, mirror: &'a Name) -> Later<'a, SecretValues>;

    /// Takes the lease, which one process at a time may hold; fails at once where another does.
    ///
    /// # Errors
    /// [`super::BackendError::Leased`] while another run holds it.
    fn lease<'a>(&'a self, mirror: &'a Name, run: &'a str, kind: LeaseKind) -> Later<'a, Box<dyn Lease>>;
}

/// Proof, held open, that the process behind a run still lives. Dropped without [`Lease::done`], as when the process is
/// killed, it tells that its owner died.
pub trait Lease: Send {
    /// Gives the lease back in order.
    fn done(self: Box<Self>) -> Later<'static, ()>;
}

/// What a lease is held for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseKind {
    Up,
    Run,
    Down,
}

impl LeaseKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Run => "run",
            Self::Down => "down",
        }
    }
}

/// One mirror as its objects tell it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listed {
    pub mirror: String,
    pub owner: String,
    /// Absent when it was never made or is gone.
    pub keeper: Option<ListedKeeper>,
    /// What there is of it, each list in order.
    pub names: Names,
    /// When the youngest object was made, in Unix seconds.
    pub youngest: i64,
}

/// Whoever keeps a mirror, as its labels tell it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListedKeeper {
    pub running: bool,
    /// `prodmirror.run`, `prodmirror.profile` and `prodmirror.expires` of its launch.
    pub run: Option<String>,
    pub profile: Option<String>,
    pub expires: Option<String>,
}
