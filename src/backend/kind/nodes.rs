//! The nodes of a cluster, as containers of the engine.

use super::{ClusterName, Kind, Result};

/// By it kind knows its own containers: the label says the cluster's name.
pub const CLUSTER: &str = "io.x-k8s.kind.cluster";
/// kubeadm leaves it on the control plane: whoever may use the engine may all.
const ADMIN: &str = "/etc/kubernetes/admin.conf";
/// How long nodes that were started, or made, may take: beside other clusters on few cores two minutes were not enough.
const READY_WITHIN: &str = "300s";
/// A moment more, so that it is `kubectl` that tells which node is not ready.
const ANSWERS_WITHIN: &str = "310s";
/// A line for each node: whether it is ready, and what keeps pods away from it.
const NODES: &str =
    r#"{range .items[*]}{.status.conditions[?(@.type=="Ready")].status} {.spec.taints[*].key}{"\n"}{end}"#;
/// What the control plane keeps pods away with from a node that was not ready, until it has noticed that it is:
/// <https://kubernetes.io/docs/reference/labels-annotations-taints/#node-kubernetes-io-not-ready>.
const UNNOTICED: &str = "node.kubernetes.io/(not-ready|unreachable)";

impl Kind {
    /// The containers of the nodes that pods may come to: the control plane takes them only where it is alone.
    pub(super) async fn nodes_for_pods(&self, name: &ClusterName) -> Result<Vec<String>> {
        let mut nodes = self.containers(name, &[]).await?;
        if nodes.len() > 1 {
            nodes.retain(|node| *node != name.control_plane());
        }
        Ok(nodes)
    }

    /// Starts the nodes that are stopped, as all are after a restart of the machine, and answers how many nodes there are.
    pub(super) async fn wake(&self, name: &ClusterName) -> Result<usize> {
        let asleep = self.containers(name, &["status=exited", "status=created"]);
        let (asleep, all) = tokio::try_join!(asleep, self.containers(name, &[]))?;
        for node in &asleep {
            self.docker(&[&"start", node]).await?;
        }
        Ok(all.len())
    }

    /// Waits until so many nodes are there, and each is ready and known to be.
    pub(super) async fn until_ready(&self, name: &ClusterName, nodes: usize) -> Result<()> {
        // kind waits for the control plane alone, and a pod that finds no node is told as one that will never run. A node
        // that has joined is known a moment later. Of a cluster that stood there before one question tells all.
        let script = format!(
            "export KUBECONFIG={ADMIN}; \
             ready() {{ [ $(kubectl get nodes --output jsonpath='{NODES}' 2>/dev/null \
             | grep ^True | grep -vcE '{UNNOTICED}') -ge {nodes} ]; }}; \
             ready && exit; \
             until kubectl get --raw /readyz >/dev/null 2>&1; do sleep 1; done; \
             until [ $(kubectl get nodes --output name | wc -l) -ge {nodes} ]; do sleep 1; done; \
             kubectl wait --for=condition=Ready node --all --timeout={READY_WITHIN} || exit; \
             echo waiting until the control plane lets pods come to every node; \
             until ready; do sleep 0.2; done"
        );
        let words: [&(dyn AsRef<std::ffi::OsStr> + Sync); 7] =
            [&"exec", &name.control_plane(), &"timeout", &ANSWERS_WITHIN, &"sh", &"-c", &script];
        self.docker(&words).await.map(|_| ())
    }

    /// The namespaces of mirrors in a cluster, whoever's they are.
    pub(super) async fn namespaces(&self, name: &ClusterName) -> Result<Vec<String>> {
        use crate::labels::kubernetes::{MANAGED_BY, MANAGER, MIRROR};
        let ours = format!("{MANAGED_BY}={MANAGER},{MIRROR}");
        let words: [&(dyn AsRef<std::ffi::OsStr> + Sync); 11] = [
            &"exec",
            &name.control_plane(),
            &"kubectl",
            &"--kubeconfig",
            &ADMIN,
            &"get",
            &"namespaces",
            &"--selector",
            &ours,
            &"--output",
            &"jsonpath={.items[*].metadata.name}",
        ];
        let printed = self.docker(&words).await?;
        Ok(printed.split_whitespace().map(str::to_owned).collect())
    }

    async fn containers(&self, name: &ClusterName, filters: &[&str]) -> Result<Vec<String>> {
        let mut words =
            vec!["ps".to_owned(), "--all".to_owned(), "--format".to_owned(), "{{.Names}}".to_owned()];
        let cluster = format!("label={CLUSTER}={name}");
        for filter in std::iter::once(cluster.as_str()).chain(filters.iter().copied()) {
            words.extend(["--filter".to_owned(), filter.to_owned()]);
        }
        let printed = self.docker.run(&words, &Default::default()).await?;
        let mut names: Vec<_> = printed.lines().map(str::to_owned).collect();
        names.sort();
        Ok(names)
    }
}
