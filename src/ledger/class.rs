//! The classes into which fields fall; the same words serve the ledger and the diff.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    Env,
    Flag,
    Secret,
    Image,
    Process,
    Security,
    Lifecycle,
    Job,
    Resources,
    Replicas,
    Probe,
    Network,
    File,
    Store,
    Scenario,
    Platform,
}
