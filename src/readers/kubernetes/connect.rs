//! Which cluster is meant, and the connection to it.

use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};

use super::{Ask, ReadError};

/// The connection, and the namespace that is meant.
pub(super) async fn open(ask: &Ask) -> Result<(Client, String), ReadError> {
    let read = read(ask)?;
    let Some(context) = read.contexts.iter().find(|known| known.name == ask.context) else {
        let known = read.contexts.into_iter().map(|known| known.name).collect();
        return Err(ReadError::NoContext { context: ask.context.clone(), known });
    };
    let own = context.context.as_ref().and_then(|context| context.namespace.clone());
    let namespace = ask.namespace.clone().or(own).unwrap_or_else(|| "default".to_owned());
    let unreachable = |why: String| ReadError::Unreachable { context: ask.context.clone(), why };
    let options = KubeConfigOptions { context: Some(ask.context.clone()), ..KubeConfigOptions::default() };
    let mut config = Config::from_custom_kubeconfig(read, &options)
        .await
        .map_err(|error| unreachable(error.to_string()))?;
    // Its own patience would hide calls from the journal, and hurry where the server asks for time.
    config.default_retry = false;
    let client = Client::try_from(config).map_err(|error| unreachable(error.to_string()))?;
    Ok((client, namespace))
}

/// A file that is not there is passed over, as `kubectl` does.
fn read(ask: &Ask) -> Result<Kubeconfig, ReadError> {
    let mut all = Kubeconfig::default();
    for file in ask.kubeconfig.iter().filter(|file| file.exists()) {
        let bad = |error: kube::config::KubeconfigError| ReadError::Kubeconfig {
            file: file.clone(),
            why: error.to_string(),
        };
        let next = Kubeconfig::read_from(file).map_err(bad)?;
        all = all.merge(next).map_err(bad)?;
    }
    Ok(all)
}
