//! Why a cluster did not do what it was asked.

use std::{future::Future, time::Duration};

use super::{ObjectName, Trouble, outage::RIDES_OUT, rights::Right};
use crate::readers::kubeconfig::{KubeconfigError, chain};

#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    #[error(transparent)]
    Kubeconfig(#[from] KubeconfigError),
    #[error("cannot reach the cluster of context `{context}`: {why}")]
    Unreachable { context: String, why: String },
    /// The API server or an admission rule of the cluster said no; the words are theirs.
    #[error("{object} is refused: {why}")]
    Refused { object: ObjectName, why: String },
    #[error("{what}: {why}")]
    Api { what: String, why: String },
    /// A launch was not given the value of a secret.
    #[error("{object}: there is no value for its key `{key}`")]
    NoValue { object: String, key: String },
    /// Nobody ever began an `up` of it here.
    #[error("there is no record of a mirror `{mirror}` on this cluster")]
    NoRecord { mirror: String },
    #[error("a cluster stops and starts all replicas of `{service}` or none: name the service alone")]
    OneReplica { service: String },
    #[error("missing rights in namespace `{namespace}`: {}", list(missing))]
    Rights { namespace: String, missing: Vec<Right> },
    #[error(
        "namespace `{namespace}` is there and is not mirror `{mirror}` of prodmirror's, so it is left alone"
    )]
    NotOurs { namespace: String, mirror: String },
    /// Something will not become ready, or did not in time.
    #[error("{0}")]
    Trouble(Box<Trouble>),
    /// What keeps a namespace from going: its conditions in the cluster's words, its objects with their finalizers.
    #[error("namespace `{namespace}` is not gone, and nothing of it went for {} s: {}", waited.as_secs(), left.join("; "))]
    NotGone { namespace: String, waited: Duration, left: Vec<String> },
}

pub type Result<T, E = ClusterError> = std::result::Result<T, E>;

fn list(rights: &[Right]) -> String {
    rights.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The client itself waits for an answer for ever.
pub(super) const LONGEST: Duration = Duration::from_secs(30);

/// One request, with a name for what it does and an end.
pub(super) async fn ask<T>(
    what: impl Into<String>,
    request: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T> {
    let what = what.into();
    match answer(&what, request).await? {
        Ok(answer) => Ok(answer),
        Err(error) => Err(refused(what, &error)),
    }
}

/// The same, where a no is looked at.
pub(super) async fn answer<T>(
    what: &str,
    request: impl Future<Output = Result<T, kube::Error>>,
) -> Result<Result<T, kube::Error>> {
    let late = || ClusterError::Api { what: what.to_owned(), why: "no answer in time".to_owned() };
    tokio::time::timeout(LONGEST + RIDES_OUT, request).await.map_err(|_| late())
}

pub(super) fn refused(what: impl Into<String>, error: &kube::Error) -> ClusterError {
    ClusterError::Api { what: what.into(), why: words(error) }
}

/// The API server's own words where it has some, else the whole chain: the client's alone say little.
pub(super) fn words(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return shortened(status.message.trim());
    }
    chain(error)
}

/// The beginning and the end of a long text: what may not be changed is answered with the whole object in between.
fn shortened(text: &str) -> String {
    const END: usize = 200;
    let letters = text.chars().count();
    if letters <= 3 * END {
        return text.to_owned();
    }
    let (first, last) = (text.chars().take(END), text.chars().skip(letters - END));
    format!("{} … {}", first.collect::<String>(), last.collect::<String>())
}

/// The HTTP status of an answer that says no.
pub(super) fn status(error: &kube::Error) -> Option<u16> {
    match error {
        kube::Error::Api(status) => Some(status.code),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_answer_keeps_its_beginning_and_its_end_letter_by_letter() {
        let long = format!("Job is invalid: {}: field is immutable", "ä{".repeat(2000));
        let short = shortened(&long);
        assert!(
            short.starts_with("Job is invalid: ä{") && short.ends_with("{: field is immutable"),
            "{short}"
        );
        assert_eq!(short.chars().count(), 403);
        assert_eq!(shortened("exceeded quota"), "exceeded quota");
    }
}
