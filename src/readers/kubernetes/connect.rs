//! The connection to the cluster that is read.

use kube::Client;

use super::{
    super::kubeconfig::{Context, Kubeconfig, chain},
    Ask, ReadError,
};

/// The connection, and the namespace that is meant.
pub(super) async fn open(ask: &Ask) -> Result<(Client, String), ReadError> {
    let kubeconfig = Kubeconfig::Files(ask.kubeconfig.clone());
    let Context { mut config, namespace } = kubeconfig.context(&ask.context).await?;
    // Its own patience would hide calls from the journal, and hurry where the server asks for time.
    config.default_retry = false;
    let client = Client::try_from(config)
        .map_err(|error| ReadError::Unreachable { context: ask.context.clone(), why: chain(&error) })?;
    Ok((client, ask.namespace.clone().or(namespace).unwrap_or_else(|| "default".to_owned())))
}
