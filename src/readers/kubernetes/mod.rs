//! A live cluster, as documents: lists of what the role `view` may read, asked for slowly and written down call by call.
//!
//! Nothing is written or watched, and nothing executed but by [`Inside`], which a switch of its own asks for. A list
//! that is refused is told by its name, and the rest is read.

mod calls;
mod connect;
mod inside;
mod lists;
mod one;
mod reading;
mod rights;
pub mod spool;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

pub use calls::Call;
use calls::Calls;
use connect::Connected;
pub use inside::{Inside, Unanswered};
pub use lists::{List, Missing};
pub use one::Target;
use reading::Reading;
pub use rights::{Wider, rights};
pub use spool::Token;
use spool::{Scope, Spool, SpoolError};

use super::kubeconfig::KubeconfigError;
use crate::{
    capture::kubernetes::Document,
    env::{HashKey, Keyed},
};

/// What is read, and by which way.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// As `KUBECONFIG` names them, or `~/.kube/config`; the first has its way.
    pub kubeconfig: Vec<PathBuf>,
    /// It must be named: the current one is never used.
    pub context: String,
    /// Absent: the context's own, else `default`.
    pub namespace: Option<String>,
    /// Of workloads, Pods and what leads to them; what they are configured with is read whole.
    pub selector: Option<String>,
    /// One workload with what it names; absent: all of the namespace.
    pub target: Option<Target>,
    pub nodes: bool,
    /// Secrets are read under this key: their names and keys are kept, and a hash of each value.
    pub hash_key: Option<HashKey>,
}

/// What a cluster answered.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub namespace: String,
    /// The UID of the cluster's namespace `kube-system`, if that may be read.
    pub cluster: Option<String>,
    /// One a list; without `managedFields`, which say who wrote a field and nothing of it.
    pub documents: Vec<Document>,
    /// Hashes of the values of Secrets, by `Secret/NAME/KEY`.
    pub hashes: BTreeMap<String, Keyed>,
    /// What was not read, and why.
    pub missing: Vec<Missing>,
    /// When the run before began whose answers are among these, RFC 3339 in UTC.
    pub begun: Option<String>,
    /// Why answers could not be kept for a later run, where that was asked for.
    pub unkept: Option<String>,
}

/// Whether answers are kept in the folder of a user's state, for a run after one that was cut off.
#[derive(Clone, Debug)]
pub enum Keep<'a> {
    Nothing,
    /// `now` is RFC 3339 in UTC.
    From {
        state: &'a Path,
        token: Token,
        now: String,
    },
    /// Goes on with the capture that the token is of.
    On {
        state: &'a Path,
        token: Token,
    },
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Kubeconfig(#[from] KubeconfigError),
    #[error("cannot reach the cluster of context `{context}`: {why}")]
    Unreachable { context: String, why: String },
    #[error("the cluster of context `{context}` does not know who asks: {why}")]
    Unknown { context: String, why: String },
    #[error("nothing could be read in namespace `{namespace}`: {}", missing.join("; "))]
    Nothing { namespace: String, missing: Vec<String> },
    #[error("there is no {kind} `{name}` in namespace `{namespace}`")]
    NoObject { kind: String, name: String, namespace: String },
    #[error("{what}: {why}")]
    Failed { what: String, why: String },
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

/// Reads one namespace, or one workload of it; every call is told to `journal` when it was answered.
///
/// # Errors
/// The cluster cannot be reached or does not know the caller, none of the lists may be read, one of them failed again
/// and again, the workload is not there, or there is no capture to go on with. What was read before it failed is kept
/// where that was asked for.
pub async fn read(
    ask: &Ask,
    keep: Keep<'_>,
    journal: &mut (dyn FnMut(&Call) + Send),
) -> Result<Answer, ReadError> {
    let Connected { client, server, namespace } = connect::open(ask).await?;
    let scope = Scope {
        server,
        context: ask.context.clone(),
        namespace: namespace.clone(),
        selector: ask.selector.clone().unwrap_or_default(),
    };
    let spool = match keep {
        Keep::Nothing => None,
        Keep::From { state, token, now } => Some(Spool::begin(state, token, scope, &now)?),
        Keep::On { state, token } => Some(Spool::resume(state, token, &scope)?),
    };
    let mut reading = Reading::new(ask, Calls::new(client, &ask.context, spool, journal), namespace);
    match whole(&mut reading, ask).await {
        Ok(()) => reading.finish(),
        Err(error) => {
            reading.cut_off();
            Err(error)
        }
    }
}

async fn whole(reading: &mut Reading<'_>, ask: &Ask) -> Result<(), ReadError> {
    match &ask.target {
        Some(target) => one::read(reading, target).await?,
        None => {
            let wanted: Vec<&List> = lists::wanted(ask.wider()).collect();
            for list in &wanted {
                reading.list(list, &list.selected_by(ask)).await?;
            }
            if reading.refused() == wanted.len() {
                return Err(reading.nothing());
            }
        }
    }
    reading.identity().await
}

impl Ask {
    fn wider(&self) -> Wider {
        Wider { nodes: self.nodes, secrets: self.hash_key.is_some(), exec: false }
    }
}
