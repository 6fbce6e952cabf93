//! Differences between two profiles that can be applied: `apply(a, diff(a, b)) == b`.

use serde::{Deserialize, Serialize};

use crate::{ledger::Class, path::Path};

/// One difference, from A to B.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    pub path: Path,
    pub op: Op,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<serde_json::Value>,
    pub class: Class,
    /// Changes that must be applied before this one, by path.
    pub needs: Vec<Path>,
    /// The class of noise, where the difference means nothing.
    pub noise: Option<String>,
    /// How often such a change is the cause of a bug; `null` where nothing is known.
    pub cause_prior: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Op {
    Add,
    Remove,
    Change,
}
