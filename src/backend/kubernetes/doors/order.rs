//! What the process that keeps doors open is told, and what it answers.

use serde::{Deserialize, Serialize};

use super::{Kept, Place};
use crate::{formats::doors::Door, readers::kubeconfig::Kubeconfig};

/// Its standard input, as JSON: it may hold a key to the cluster, which is for no file and no argument.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::backend) struct Order {
    pub(super) way: Kubeconfig,
    pub(super) context: String,
    pub(super) namespace: String,
    pub(super) uid: String,
    pub(super) doors: Vec<Door>,
    pub(super) place: Place,
}

/// The one line of its standard output.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::backend) enum Answer {
    Opened(Kept),
    Failed(String),
}
