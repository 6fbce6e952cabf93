//! Kubeconfig: which cluster a context means, for whoever asks one.
//!
//! A context must be named: the current one is never used, for it may be production.

use std::path::PathBuf;

use kube::{
    Config,
    config::{KubeConfigOptions, Kubeconfig as Read},
};
use serde::{Deserialize, Serialize};

/// Where clusters, users and contexts are written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Kubeconfig {
    /// The files of `KUBECONFIG`, of which the first has its way, or `~/.kube/config`. One that is not there is
    /// passed over, as `kubectl` does.
    Files(Vec<PathBuf>),
    /// A document that is kept nowhere, as of a cluster that we made.
    Text(String),
}

/// What a context leads to.
pub struct Context {
    pub config: Config,
    /// The context's own, if it names one.
    pub namespace: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum KubeconfigError {
    #[error("kubeconfig {}: {why}", file.display())]
    Unreadable { file: PathBuf, why: String },
    #[error("the kubeconfig has no context `{context}`; it has {}", or_none(known))]
    NoContext { context: String, known: Vec<String> },
    /// Its certificates, keys or address are of no use.
    #[error("cannot reach the cluster of context `{context}`: {why}")]
    Unusable { context: String, why: String },
}

fn or_none(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

impl Kubeconfig {
    /// The same for a process that works in another folder.
    ///
    /// # Errors
    /// Where this process's own folder is gone.
    pub fn absolute(&self) -> std::io::Result<Self> {
        match self {
            Self::Files(files) => {
                files.iter().map(std::path::absolute).collect::<Result<_, _>>().map(Self::Files)
            }
            Self::Text(text) => Ok(Self::Text(text.clone())),
        }
    }

    /// # Errors
    /// A file cannot be read, there is no such context (with those that there are), or it is of no use.
    pub async fn context(&self, name: &str) -> Result<Context, KubeconfigError> {
        let read = self.read()?;
        let Some(context) = read.contexts.iter().find(|known| known.name == name) else {
            let known = read.contexts.into_iter().map(|known| known.name).collect();
            return Err(KubeconfigError::NoContext { context: name.to_owned(), known });
        };
        let namespace = context.context.as_ref().and_then(|context| context.namespace.clone());
        let options = KubeConfigOptions { context: Some(name.to_owned()), ..KubeConfigOptions::default() };
        let config = Config::from_custom_kubeconfig(read, &options).await.map_err(|error| {
            KubeconfigError::Unusable { context: name.to_owned(), why: error.to_string() }
        })?;
        Ok(Context { config, namespace })
    }

    fn read(&self) -> Result<Read, KubeconfigError> {
        let bad = |file: PathBuf| {
            move |error: kube::config::KubeconfigError| KubeconfigError::Unreadable {
                file,
                why: error.to_string(),
            }
        };
        match self {
            Self::Text(text) => Read::from_yaml(text).map_err(bad("of the cluster".into())),
            Self::Files(files) => {
                let mut all = Read::default();
                for file in files.iter().filter(|file| file.exists()) {
                    let next = Read::read_from(file).map_err(bad(file.clone()))?;
                    all = all.merge(next).map_err(bad(file.clone()))?;
                }
                Ok(all)
            }
        }
    }
}

/// The whole chain of an error of the client, whose own words say little.
pub fn chain(error: &kube::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "apiVersion: v1\nkind: Config\ncurrent-context: prod\n\
        clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\nusers: [{name: u, user: {}}]\n\
        contexts: [{name: prod, context: {cluster: c, user: u}}, {name: test, context: {cluster: c, user: u, namespace: n}}]\n";

    /// Why there is no such context.
    async fn refused(kubeconfig: Kubeconfig, context: &str) -> String {
        kubeconfig.context(context).await.err().unwrap().to_string()
    }

    #[tokio::test]
    async fn a_context_that_is_not_there_is_answered_with_those_that_are() {
        let said = refused(Kubeconfig::Text(TWO.to_owned()), "").await;
        assert_eq!(said, "the kubeconfig has no context ``; it has prod, test");
        let said = refused(Kubeconfig::Files(Vec::new()), "prod").await;
        assert_eq!(said, "the kubeconfig has no context `prod`; it has none");
    }

    #[tokio::test]
    async fn the_context_that_is_named_is_taken_and_not_the_current_one() {
        let context = Kubeconfig::Text(TWO.to_owned()).context("test").await.unwrap();
        assert_eq!(context.namespace.as_deref(), Some("n"));
        assert_eq!(context.config.cluster_url.port_u16(), Some(1));
    }

    #[tokio::test]
    async fn files_that_are_not_there_are_passed_over_and_the_first_that_is_has_its_way() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("first"), folder.path().join("second"));
        std::fs::write(&first, TWO).unwrap();
        std::fs::write(&second, TWO.replace("name: test", "name: other")).unwrap();
        let said = refused(Kubeconfig::Files(vec![folder.path().join("none"), first, second]), "none").await;
        assert!(said.ends_with("it has prod, test, other"), "{said}");
    }

    #[tokio::test]
    async fn a_file_that_is_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        std::fs::write(&file, "contexts: 7\n").unwrap();
        let said = refused(Kubeconfig::Files(vec![file.clone()]), "prod").await;
        assert!(said.starts_with(&format!("kubeconfig {}: ", file.display())), "{said}");
    }
}
