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
            let _ = report;
            let named: Vec<&str> =
                references.iter().map(String::as_str).filter(|one| !one.contains('@')).collect();
            self.kind.load(&self.name, &named).await
        })
    }
}
