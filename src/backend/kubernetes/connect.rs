//! The connection to a cluster.

use kube::Client;

use super::{Cluster, ClusterError, Result, apply::Resources, error, outage};
use crate::readers::kubeconfig::{Context, Kubeconfig};

impl Cluster {
    /// Opens the connection by a context that must be named. From then on an API server that is away for a moment is
    /// waited for.
    ///
    /// # Errors
    /// [`ClusterError::Kubeconfig`]; [`ClusterError::Unreachable`] where nobody answers.
    pub async fn connect(kubeconfig: &Kubeconfig, context: &str) -> Result<Self> {
        let Context { config, namespace: _ } = kubeconfig.context(context).await?;
        let unreachable = |why: String| ClusterError::Unreachable { context: context.to_owned(), why };
        let client = Client::try_from(config).map_err(|error| unreachable(error::words(&error)))?;
        let client = outage::riding(client).await.map_err(|error| unreachable(error.to_string()))?;
        Ok(Self { client, context: context.to_owned(), resources: Resources::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_cluster_that_does_not_answer_is_named_by_its_context() {
        let nobody = "apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\n\
            users: [{name: u, user: {}}]\ncontexts: [{name: test, context: {cluster: c, user: u}}]\n";
        let error = Cluster::connect(&Kubeconfig::Text(nobody.to_owned()), "test").await.unwrap_err();
        assert!(error.to_string().starts_with("cannot reach the cluster of context `test`: "), "{error}");
    }
}
