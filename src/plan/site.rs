//! What every part of a plan looks at, and the two values that it comes from.

use std::{collections::BTreeMap, net::Ipv4Addr};

use super::{Capabilities, SecretPlan, order::Node, secrets};
use crate::{name::Name, profile::Profile};

pub(crate) struct Site<'a> {
    pub profile: &'a Profile,
    pub capabilities: &'a Capabilities,
    /// The Compose project; empty where there is none.
    pub project: String,
    /// Every secret with both of its variables, whether used or not.
    pub secrets: Vec<SecretPlan>,
    /// Fixed addresses, by the key of the pod that asked for one.
    pub addresses: BTreeMap<String, Ipv4Addr>,
    /// The variables that Kubernetes would tell of every service.
    pub service_links: Vec<(String, String)>,
}

impl<'a> Site<'a> {
    /// Without a project, addresses or service links: what only Compose needs.
    pub fn new(profile: &'a Profile, capabilities: &'a Capabilities, nodes: &[Node<'_>]) -> Self {
        Self {
            profile,
            capabilities,
            project: String::new(),
            secrets: secrets::of(profile, nodes),
            addresses: BTreeMap::new(),
            service_links: Vec::new(),
        }
    }

    pub fn secret(&self, name: &Name) -> Option<&SecretPlan> {
        self.secrets.iter().find(|plan| plan.secret == *name)
    }

    /// The full name of a volume.
    pub fn volume(&self, key: &str, purpose: &str) -> String {
        format!("{}_{key}.{purpose}", self.project)
    }
}
