//! Mirrors in a namespace of a Kubernetes cluster, reached by a kubeconfig and a context that is named.
//!
//! Each part here does one thing to the cluster, and each can be called again after any failure: [`Cluster::apply`]
//! sends objects, [`Cluster::prune`] takes away what a plan no longer has, [`Cluster::settle`] waits until they are
//! what they should be, [`Cluster::mirrors`] lists, [`Cluster::destroy`] removes; [`Cluster::run`],
//! [`Cluster::logs`] and [`Cluster::forward`] reach into pods. What the objects are is decided before: a [`Launch`] carries a plan's steps out,
//! and [`Cluster::preview`] says what it would change. [`Doors`] keep a mirror's ports open on this host.

mod apply;
mod bounds;
mod connect;
mod destroy;
pub(in crate::backend) mod doors;
mod error;
mod exec;
mod expiry;
mod follow;
mod forward;
mod fresh;
mod given;
mod holder;
mod host;
mod inside;
mod launch;
mod lease;
mod list;
mod logs;
mod look;
mod mirrors;
mod names;
mod objects;
mod observe;
mod outage;
mod pages;
mod pods;
mod power;
mod preview;
mod prune;
mod pull_secret;
mod record;
mod refill;
mod rights;
mod secrets;
mod settle;
mod trouble;
mod watch;

use kube::Client;

pub use doors::Doors;
pub use error::{ClusterError, Result};
pub use exec::Run;
pub use forward::Forward;
pub use host::{ClusterHost, ClusterNode};
pub use launch::Launch;
pub use list::ListedMirror;
pub use mirrors::{Mirrors, Pulled, Settings};
pub use names::ObjectName;
pub use pods::PodOf;
pub use rights::Right;
pub use settle::Wanted;
pub use trouble::{Code, Trouble};

/// By them everything of a mirror's is found again, [`MANAGER`] being the field manager as well. The whole owner stands
/// in an annotation of the namespace: a label may not hold all its letters.
use crate::labels::kubernetes::{MANAGED_BY, MANAGER, MIRROR, OWNER, SERVICE};

/// One cluster, spoken to as one user.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    context: String,
    resources: apply::Resources,
}

impl Cluster {
    /// The context by which it was reached.
    pub fn context(&self) -> &str {
        &self.context
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("context", &self.context).finish_non_exhaustive()
    }
}
