//! The nodes of one cluster, which have their images from this host's engine.

use super::{ClusterName, Kind};
use crate::backend::{Later, Nodes, Report};

/// The nodes of a cluster.
#[derive(Clone, Debug)]
pub struct NodesOf {
    pub kind: Kind,
    pub name: ClusterName,
}

impl Nodes for NodesOf {
    fn supply<'a>(&'a self, references: &'a [String], report: &'a dyn Report) -> Later<'a, ()> {
        Box::pin(async move {
            let named: Vec<&str> = references.iter().map(String::as_str).collect();
            // What is not on this host the nodes pull, and a pod tells why it could not be had.
            self.kind.bring(&self.name, &named, report).await.map(|_| ())
        })
    }
}
