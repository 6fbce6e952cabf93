//! The connection to the cluster that is read.

use kube::Client;

use super::{
    super::kubeconfig::{Context, Kubeconfig, chain},
    Ask, ReadError,
};

/// A cluster as a context leads to it.
pub(super) struct Connected {
    pub client: Client,
    /// The address of its API server.
    pub server: String,
    /// The one that is meant.
    pub namespace: String,
}

pub(super) async fn open(ask: &Ask) -> Result<Connected, ReadError> {
    let kubeconfig = Kubeconfig::Files(ask.kubeconfig.clone());
    let Context { mut config, namespace } = kubeconfig.context(&ask.context).await?;
    // Its own patience would hide calls from the journal, and hurry where the server asks for time.
    config.default_retry = false;
    let server = config.cluster_url.to_string();
    let client = Client::try_from(config)
        .map_err(|error| ReadError::Unreachable { context: ask.context.clone(), why: chain(&error) })?;
    let namespace = ask.namespace.clone().or(namespace).unwrap_or_else(|| "default".to_owned());
    Ok(Connected { client, server, namespace })
}
