//! The ready set: `ready.json` in the control volume, written by the keeper, watched by the other helpers.
//!
//! Written whole and renamed into place, so that a reader sees the old set or the new one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where helpers mount the control volume, and the file in it.
pub const CONTROL_DIR: &str = "/control";
pub const READY_FILE: &str = "ready.json";
/// The keeper's present view beside it: a `journal::KeeperStatus`, and how far of the journal it is true.
pub const STATUS_FILE: &str = "status.json";

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReadySet {
    /// Counts up with every write of one keeper's life.
    pub generation: u64,
    /// Service or store to its replicas, ready or not, in order of ordinal.
    pub services: BTreeMap<String, Vec<ReadyReplica>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadyReplica {
    pub ordinal: u32,
    /// On the mirror's internal network.
    pub address: std::net::IpAddr,
    pub ready: bool,
}
