//! What really runs of a mirror on a cluster.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{EgressTry, Inside, StoreFacts};
use crate::formats::journal::SeedStatus;

/// Everything of one mirror that a cluster holds, and what its containers tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClusterObserved {
    /// Objects as the API server holds them, by kind (`Deployment`) and name: everything in the mirror's namespace,
    /// whoever made it, and the nodes. Of Secrets nothing but what `secrets` tells.
    pub objects: BTreeMap<String, BTreeMap<String, Json>>,
    /// The nodes that pods may come to, with the zone of each; absent where they may not be listed.
    #[serde(default)]
    pub nodes: Option<BTreeMap<String, Option<String>>>,
    /// How many processes a pod has at most, as the kubelet of each node under one is configured; below 1 is no limit.
    /// Empty where nobody limits them.
    #[serde(default)]
    pub pids: BTreeMap<String, i64>,
    /// The keys of each Secret, and whether each value is the wanted one.
    pub secrets: BTreeMap<String, BTreeMap<String, Kept>>,
    /// Kinds that could not be listed, with the cluster's words.
    pub unlisted: BTreeMap<String, String>,
    /// By pod and container, as far as one was asked and answered.
    pub inside: BTreeMap<String, BTreeMap<String, InContainer>>,
    /// Stores by name, as the engines answered.
    pub stores: BTreeMap<String, StoreFacts>,
    /// What was loaded into the stores, by the mirror's record; absent where nobody looked into it.
    pub seeds: Option<Vec<SeedStatus>>,
    /// Ports of this host that lead into the mirror, as who holds them says; absent where nobody was asked.
    pub doors: Option<Vec<OpenDoor>>,
    /// What a try to leave the mirror came to, if one was made.
    pub egress: Option<EgressTry>,
}

impl ClusterObserved {
    pub fn object(&self, kind: &str, name: &str) -> Option<&Json> {
        self.objects.get(kind)?.get(name)
    }

    /// The objects of a kind in order of name.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = (&str, &Json)> {
        self.objects.get(kind).into_iter().flatten().map(|(name, object)| (name.as_str(), object))
    }
}

/// What became of a value that stands for a secret, by comparison: the value itself is kept nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kept {
    /// It is the wanted one.
    Wanted,
    Other,
    /// Nothing says what it should be: the plan has no such key, or the secret's value is not known here.
    Unknown,
}

/// What one running container told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InContainer {
    /// Without the variables of the first process.
    pub inside: Inside,
    /// The variables of the first process; absent where the container's user may not read them.
    pub environ: Option<BTreeMap<String, Variable>>,
}

/// A variable of a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variable {
    Text(String),
    /// The pod takes it from a Secret.
    Secret(Kept),
}

/// One port of this host that leads to a port of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenDoor {
    pub service: String,
    pub port: u16,
    pub address: std::net::SocketAddr,
}
