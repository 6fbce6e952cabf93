//! Which cluster is meant, and the connection to it.

use std::path::PathBuf;

use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig as Read},
};

use super::{Cluster, ClusterError, Result, apply::Resources, error};

/// Where clusters, users and contexts are written.
#[derive(Clone, Debug)]
pub enum Kubeconfig {
    /// The files of `KUBECONFIG`, of which the first has its way, or `~/.kube/config`. One that is not there is
    /// passed over, as `kubectl` does.
    Files(Vec<PathBuf>),
    /// A document that is kept nowhere, as of a cluster that we made.
    Text(String),
}

impl Cluster {
    /// Opens the connection by a context that must be named: the current one is never used.
    ///
    /// # Errors
    /// [`ClusterError::NoContext`] with those that there are; [`ClusterError::Unreachable`] where nobody answers.
    pub async fn connect(kubeconfig: &Kubeconfig, context: &str) -> Result<Self> {
        let read = kubeconfig.read()?;
        if !read.contexts.iter().any(|known| known.name == context) {
            let known = read.contexts.into_iter().map(|known| known.name).collect();
            return Err(ClusterError::NoContext { context: context.to_owned(), known });
        }
        let unreachable = |why: String| ClusterError::Unreachable { context: context.to_owned(), why };
        let options = KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
        let config = Config::from_custom_kubeconfig(read, &options)
            .await
            .map_err(|error| unreachable(error.to_string()))?;
        let client = Client::try_from(config).map_err(|error| unreachable(error::words(&error)))?;
        let hello = error::ask("version of the API server", client.apiserver_version()).await;
        hello.map_err(|error| unreachable(error.to_string()))?;
        Ok(Self { client, context: context.to_owned(), resources: Resources::default() })
    }
}

impl Kubeconfig {
    fn read(&self) -> Result<Read> {
        let bad = |file: &PathBuf| {
            let file = file.clone();
            move |error: kube::config::KubeconfigError| ClusterError::Kubeconfig {
                file,
                why: error.to_string(),
            }
        };
        match self {
            Self::Text(text) => Read::from_yaml(text).map_err(bad(&PathBuf::from("of the cluster"))),
            Self::Files(files) => {
                let mut all = Read::default();
                for file in files.iter().filter(|file| file.exists()) {
                    let next = Read::read_from(file).map_err(bad(file))?;
                    all = all.merge(next).map_err(bad(file))?;
                }
                Ok(all)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "apiVersion: v1\nkind: Config\ncurrent-context: prod\n\
        clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\nusers: [{name: u, user: {}}]\n\
        contexts: [{name: prod, context: {cluster: c, user: u}}, {name: test, context: {cluster: c, user: u}}]\n";

    #[tokio::test]
    async fn a_context_that_is_not_there_is_answered_with_those_that_are() {
        let error = Cluster::connect(&Kubeconfig::Text(TWO.to_owned()), "").await.unwrap_err();
        assert_eq!(error.to_string(), "the kubeconfig has no context ``; it has prod, test");
    }

    #[tokio::test]
    async fn files_that_are_not_there_are_passed_over_and_the_first_that_is_has_its_way() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("first"), folder.path().join("second"));
        std::fs::write(&first, TWO).unwrap();
        std::fs::write(&second, TWO.replace("name: test", "name: other")).unwrap();
        let files = Kubeconfig::Files(vec![folder.path().join("none"), first, second]);
        let error = Cluster::connect(&files, "none").await.unwrap_err();
        assert!(error.to_string().ends_with("it has prod, test, other"), "{error}");
    }

    #[tokio::test]
    async fn a_cluster_that_does_not_answer_is_named_by_its_context() {
        let error = Cluster::connect(&Kubeconfig::Text(TWO.to_owned()), "test").await.unwrap_err();
        assert!(error.to_string().starts_with("cannot reach the cluster of context `test`: "), "{error}");
    }
}
