//! What a place is asked to bring into which state, container by container.

use std::collections::BTreeMap;

use super::SecretValues;
use crate::{name::Name, observed::Container, plan::Plan};

/// Something of a plan, and the state in which it shall be.
pub struct Planned<'a> {
    pub plan: &'a Plan,
    pub secrets: &'a SecretValues,
    /// Labels of the keeper alone (run, profile, expiry).
    pub launch_labels: &'a BTreeMap<String, String>,
    pub what: What<'a>,
    pub state: RunState,
}

pub enum What<'a> {
    /// What keeps the mirror apart from others and from the outside.
    Networks,
    Volumes,
    /// Whoever keeps the mirror, and its record with the secrets' values: the first thing of a mirror that can be
    /// found again, so that a launch that is cut off is noticed.
    Keeper,
    /// Fill these volumes with their files.
    Files(&'a [String]),
    /// Containers by key, in any order; the back end groups them.
    Containers(&'a [String]),
    /// What was observed and the plan does not have, with all that is its own; the state is `Absent`.
    Orphans(&'a [Container]),
}

/// The state in which something of the plan shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    Running,
    Stopped,
    /// Running, with every process halted where it is (cgroup freezer); `Running` lets them go on.
    Frozen,
    /// A new container from the same plan, and running.
    Fresh,
    /// Removed, its own volumes kept.
    Absent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    Stop,
    Start,
    Restart,
}

/// The whole mirror, a service, or one replica.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    pub service: Option<Name>,
    pub ordinal: Option<u32>,
}
