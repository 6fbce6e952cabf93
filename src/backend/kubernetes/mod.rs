//! Mirrors in a namespace of a Kubernetes cluster, reached by a kubeconfig and a context that is named.
//!
//! Each part here does one thing to the cluster, and each can be called again after any failure: [`Cluster::apply`]
//! sends objects, [`Cluster::prune`] takes away what a plan no longer has, [`Cluster::settle`] waits until they are
//! what they should be, [`Cluster::mirrors`] lists, [`Cluster::destroy`] removes. What the objects are is decided
//! before.

mod apply;
mod connect;
mod destroy;
mod error;
mod exec;
mod host;
mod list;
mod logs;
mod names;
mod pods;
mod prune;
mod rights;
mod settle;
mod trouble;
mod watch;

use kube::Client;

pub use connect::Kubeconfig;
pub use error::{ClusterError, Result};
pub use exec::Run;
pub use host::{ClusterHost, ClusterNode};
pub use list::ListedMirror;
pub use names::ObjectName;
pub use pods::PodOf;
pub use rights::Right;
pub use settle::Wanted;
pub use trouble::{Code, Trouble};

/// Who applies objects: the field manager that the cluster writes down, and the value of [`MANAGED_BY`].
const MANAGER: &str = "prodmirror";

/// On everything that is made, besides the labels of ours.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The name of the mirror.
pub const MIRROR: &str = "prodmirror/mirror";
/// On pods, and on what belongs to one service alone.
pub const SERVICE: &str = "prodmirror/service";
/// Whose the mirror is, on its namespace: an annotation, as an owner holds letters that a label may not.
pub const OWNER: &str = "prodmirror/owner";

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
