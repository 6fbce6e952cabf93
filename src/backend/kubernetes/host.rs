//! What a cluster is and can hold.

use k8s_openapi::api::core::v1::{Namespace, Node};
use kube::{Api, ResourceExt as _, api::ListParams};

use super::{Cluster, Result, error::ask};

/// A cluster as it is before anything is made.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterHost {
    /// The uid of its namespace `kube-system`, which nothing but a new cluster changes.
    pub uid: String,
    /// Of the API server, as it writes it: `v1.34.4`.
    pub version: String,
    /// In order of name.
    pub nodes: Vec<ClusterNode>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ClusterNode {
    pub name: String,
    /// As Go says it: `amd64`.
    pub arch: String,
    /// What pods can have of it, as the API writes it: `3920m`, `24Gi`.
    pub cpu: String,
    pub memory: String,
    pub ready: bool,
    /// Whether ordinary pods may come: it is not cordoned, and no taint keeps them away.
    pub open: bool,
}

impl Cluster {
    /// Reads the version, the identity and the nodes. Needs the rights to get namespaces and to list nodes.
    pub async fn host(&self) -> Result<ClusterHost> {
        let (spaces, nodes) = (Api::<Namespace>::all(self.client.clone()), Api::all(self.client.clone()));
        let every = ListParams::default();
        let (version, system, nodes) = tokio::try_join!(
            ask("version of the API server", self.client.apiserver_version()),
            ask("namespace kube-system", spaces.get("kube-system")),
            ask("list of nodes", nodes.list(&every)),
        )?;
        let mut nodes: Vec<_> = nodes.items.iter().map(node).collect();
        nodes.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(ClusterHost { uid: system.uid().unwrap_or_default(), version: version.git_version, nodes })
    }
}

fn node(node: &Node) -> ClusterNode {
    let status = node.status.clone().unwrap_or_default();
    let spec = node.spec.clone().unwrap_or_default();
    let allocatable = status.allocatable.unwrap_or_default();
    let quantity = |name: &str| allocatable.get(name).map(|amount| amount.0.clone()).unwrap_or_default();
    let taints = spec.taints.unwrap_or_default();
    ClusterNode {
        name: node.name_any(),
        arch: status.node_info.map(|info| info.architecture).unwrap_or_default(),
        cpu: quantity("cpu"),
        memory: quantity("memory"),
        ready: status.conditions.unwrap_or_default().iter().any(|c| c.type_ == "Ready" && c.status == "True"),
        open: !spec.unschedulable.unwrap_or_default()
            && !taints.iter().any(|t| t.effect != "PreferNoSchedule"),
    }
}
