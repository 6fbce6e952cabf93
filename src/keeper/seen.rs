//! What is in the engine, as plain data: what the state machine looks at.

use std::net::IpAddr;

/// The state machine has no clock: time is passed in.
pub use crate::formats::course::Millis;

/// One replica as it is right now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplicaSeen {
    pub pause: Option<PauseSeen>,
    /// In the order of the duties; `None`: there is no such container.
    pub containers: Vec<Option<ContainerSeen>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PauseSeen {
    pub id: String,
    pub running: bool,
    /// When its namespace began: containers that began before it are in an older one.
    pub started: Millis,
    /// On the mirror's internal network; absent while it is down.
    pub address: Option<IpAddr>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ContainerSeen {
    pub id: String,
    pub run: Run,
    /// `None`: it never ran.
    pub started: Option<Millis>,
    /// The id of the pause whose namespace it joins; empty if it has one of its own.
    pub joins: String,
    /// The hash of its plan.
    pub spec: String,
    /// Someone else is replacing it: an older container of the same key still stands.
    pub doubled: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Run {
    Created,
    Running,
    Exited(Exit),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Exit {
    pub code: i64,
    pub oom_killed: bool,
    pub at: Millis,
    /// The same time as the engine writes it.
    pub finished: String,
}

impl ContainerSeen {
    pub fn running(&self) -> bool {
        self.run == Run::Running
    }

    pub fn exit(&self) -> Option<&Exit> {
        match &self.run {
            Run::Exited(exit) => Some(exit),
            Run::Created | Run::Running => None,
        }
    }
}

/// The reason of an end in Kubernetes' words.
pub fn reason(code: i64, oom_killed: bool) -> &'static str {
    match (oom_killed, code) {
        (true, _) => "OOMKilled",
        (false, 0) => "Completed",
        (false, _) => "Error",
    }
}
