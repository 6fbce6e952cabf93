//! What a cluster is and can hold.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Namespace, Node};
use kube::{Api, ResourceExt as _, api::ListParams};

use super::{
    Cluster, Result,
    error::{answer, ask, refused, status},
};
use crate::{
    plan::{
        Capabilities,
        kubernetes::{ZONE, minor_version},
    },
    profile::{Bytes, Cpu},
};

/// A cluster as it is before anything is made.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterHost {
    /// The uid of its namespace `kube-system`, which nothing but a new cluster changes.
    pub uid: String,
    /// Of the API server, as it writes it: `v1.34.4`.
    pub version: String,
    /// Whether a metrics server is registered, without which no autoscaler acts.
    pub metrics: bool,
    /// In order of name.
    pub nodes: Vec<ClusterNode>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ClusterNode {
    pub name: String,
    /// As Go says it: `amd64`.
    pub arch: String,
    pub kernel: String,
    /// What processes see of it, as the API writes it: `4`, `24570996Ki`.
    pub cpu: String,
    pub memory: String,
    pub ready: bool,
    /// Whether ordinary pods may come: it is not cordoned, and no taint keeps them away.
    pub open: bool,
    /// As its label says.
    pub zone: Option<String>,
}

impl Cluster {
    /// Reads the version, the identity and the nodes. Needs the rights to get namespaces and to list nodes.
    pub async fn host(&self) -> Result<ClusterHost> {
        let (spaces, nodes) = (Api::<Namespace>::all(self.client.clone()), Api::all(self.client.clone()));
        let every = ListParams::default();
        let (version, groups, system, nodes) = tokio::try_join!(
            ask("version of the API server", self.client.apiserver_version()),
            ask("groups of the API", self.client.list_api_groups()),
            ask("namespace kube-system", spaces.get("kube-system")),
            ask("list of nodes", nodes.list(&every)),
        )?;
        let nodes = in_order(&nodes.items);
        let metrics = groups.groups.iter().any(|group| group.name == "metrics.k8s.io");
        Ok(ClusterHost {
            uid: system.uid().unwrap_or_default(),
            version: version.git_version,
            metrics,
            nodes,
        })
    }
}

/// In order of name.
fn in_order(nodes: &[Node]) -> Vec<ClusterNode> {
    let mut nodes: Vec<_> = nodes.iter().map(node).collect();
    nodes.sort_by(|one, other| one.name.cmp(&other.name));
    nodes
}

impl Cluster {
    /// The zones of the nodes that pods may come to, by name; nothing where this user may not list them.
    pub(super) async fn zones(&self) -> Result<Option<BTreeMap<String, Option<String>>>> {
        let nodes: Api<Node> = Api::all(self.client.clone());
        match answer("list of nodes", nodes.list(&ListParams::default())).await? {
            Ok(found) => {
                let open = in_order(&found.items).into_iter().filter(|node| node.open);
                Ok(Some(open.map(|node| (node.name, node.zone)).collect()))
            }
            Err(no) if matches!(status(&no), Some(401 | 403)) => Ok(None),
            Err(no) => Err(refused("list of nodes", &no)),
        }
    }
}

impl ClusterHost {
    /// Puts what the cluster says in the place of what is not known. Where the nodes that pods may come to differ in
    /// something, it stays unknown. What no API tells, as the version of cgroups, is left as it is.
    pub fn tell(&self, capabilities: &mut Capabilities) {
        let open: Vec<&ClusterNode> = self.nodes.iter().filter(|node| node.open).collect();
        let host = &mut capabilities.host;
        host.engine_version.clone_from(&self.version);
        host.arch = same(&open, |node| Some(node.arch.clone())).unwrap_or_default();
        host.kernel = same(&open, |node| Some(node.kernel.clone())).unwrap_or_default();
        let cores = |node: &ClusterNode| u32::try_from(node.cpu.parse::<Cpu>().ok()?.millis / 1000).ok();
        host.cores = same(&open, cores).unwrap_or_default();
        host.memory = same(&open, |node| Some(node.memory.parse::<Bytes>().ok()?.0)).unwrap_or_default();
        capabilities.cluster.version = minor_version(&self.version);
        capabilities.cluster.nodes = u32::try_from(open.len()).ok();
        capabilities.cluster.zones = open.iter().filter_map(|node| node.zone.clone()).collect();
        capabilities.cluster.metrics = self.metrics;
    }
}

/// What all nodes have alike; nothing where there is no node.
fn same<T: PartialEq>(nodes: &[&ClusterNode], of: impl Fn(&ClusterNode) -> Option<T>) -> Option<T> {
    let mut all = nodes.iter().map(|node| of(node));
    let first = all.next()??;
    all.all(|other| other.as_ref() == Some(&first)).then_some(first)
}

fn node(node: &Node) -> ClusterNode {
    let status = node.status.clone().unwrap_or_default();
    let spec = node.spec.clone().unwrap_or_default();
    let capacity = status.capacity.unwrap_or_default();
    let quantity = |name: &str| capacity.get(name).map(|amount| amount.0.clone()).unwrap_or_default();
    let info = status.node_info.unwrap_or_default();
    let taints = spec.taints.unwrap_or_default();
    ClusterNode {
        name: node.name_any(),
        arch: info.architecture,
        kernel: info.kernel_version,
        cpu: quantity("cpu"),
        memory: quantity("memory"),
        ready: status.conditions.unwrap_or_default().iter().any(|c| c.type_ == "Ready" && c.status == "True"),
        open: !spec.unschedulable.unwrap_or_default()
            && !taints.iter().any(|t| t.effect != "PreferNoSchedule"),
        zone: node.labels().get(ZONE).cloned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{name::Name, plan::BackendKind};

    fn node(name: &str, arch: &str, cpu: &str, open: bool) -> ClusterNode {
        ClusterNode {
            name: name.to_owned(),
            arch: arch.to_owned(),
            kernel: "6.18.1".to_owned(),
            cpu: cpu.to_owned(),
            memory: "2048Ki".to_owned(),
            ready: true,
            open,
            zone: open.then(|| "b".to_owned()),
        }
    }

    fn told(nodes: Vec<ClusterNode>) -> Capabilities {
        let mut capabilities =
            Capabilities::unknown(BackendKind::Kubernetes, Name::new("shop").unwrap(), "me@here".to_owned());
        let host =
            ClusterHost { uid: String::new(), version: "v1.34.4-gke.1".to_owned(), metrics: true, nodes };
        host.tell(&mut capabilities);
        capabilities
    }

    #[test]
    fn what_the_nodes_for_pods_have_alike_is_told_and_the_rest_stays_unknown() {
        let one = told(vec![
            node("a", "amd64", "4", true),
            node("b", "amd64", "4", true),
            node("c", "arm64", "2", false),
        ]);
        assert_eq!((one.host.arch.as_str(), one.host.cores, one.host.memory), ("amd64", 4, 2 << 20));
        assert_eq!((one.cluster.version.as_deref(), one.cluster.metrics), (Some("1.34"), true));
        let mixed = told(vec![node("a", "amd64", "4", true), node("b", "arm64", "8", true)]);
        assert_eq!((mixed.host.arch.as_str(), mixed.host.cores, mixed.host.memory), ("", 0, 2 << 20));
        assert_eq!(told(vec![]).host.kernel, "");
    }

    #[test]
    fn a_version_that_is_none_is_not_taken_for_one() {
        assert_eq!(minor_version("v1.34.4").as_deref(), Some("1.34"));
        assert_eq!((minor_version("v1"), minor_version("none"), minor_version("v1.x")), (None, None, None));
    }
}
