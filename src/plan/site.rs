//! What every part of a plan looks at, and the two values that it comes from.

use std::{collections::BTreeMap, net::Ipv4Addr};

use super::{Capabilities, Networks, SecretPlan};
use crate::{name::Name, profile::Profile};

pub(crate) struct Site<'a> {
    pub profile: &'a Profile,
    pub capabilities: &'a Capabilities,
    pub project: String,
    pub networks: Networks,
    /// Every secret with both of its variables, whether used or not.
    pub secrets: Vec<SecretPlan>,
    /// Fixed addresses, by the key of the pod that asked for one.
    pub addresses: BTreeMap<String, Ipv4Addr>,
    /// The variables that Kubernetes would tell of every service.
    pub service_links: Vec<(String, String)>,
}

impl Site<'_> {
    pub fn secret(&self, name: &Name) -> Option<&SecretPlan> {
        self.secrets.iter().find(|plan| plan.secret == *name)
    }

    /// The full name of a volume.
    pub fn volume(&self, key: &str, purpose: &str) -> String {
        format!("{}_{key}.{purpose}", self.project)
    }
}
