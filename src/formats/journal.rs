//! The keeper's journal: one JSON object a line, appended, on a labelled volume.
//!
//! A line that was cut off by a crash is the last one and is ignored on reading. A journal that grew long begins
//! with a line that stands for all that were before.
//! Journal and labels are a mirror's only memory.

use serde::{Deserialize, Serialize};

use super::duties::{Duties, Role};

/// Where the keeper mounts the journal volume, and the files in it.
pub const JOURNAL_DIR: &str = "/journal";
pub const JOURNAL_FILE: &str = "journal.jsonl";
/// Locked by whoever changes the journal, for as long as that takes.
pub const LOCK_FILE: &str = "journal.lock";
/// Locked by whoever holds the lease; free when its owner is gone.
pub const LEASE_FILE: &str = "lease";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// RFC 3339, UTC, with milliseconds.
    pub at: String,
    #[serde(flatten)]
    pub event: Event,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// What all lines before it added up to, in their place: the keeper's own form of its memory, and the
    /// journal's length at its end, counted from the first line that was ever written.
    Compacted {
        upto: u64,
        memory: serde_json::Value,
    },
    /// A keeper began to run; a second line tells of a restart.
    KeeperStarted {
        version: String,
    },
    /// An `up` began: its run, the profile's name, file and hash, and when the mirror expires (RFC 3339).
    UpBegun {
        run: String,
        profile: ProfileMark,
        expires: Option<String>,
    },
    UpDone {
        run: String,
    },
    /// An `up` failed and its mirror was kept until `expires`.
    UpFailed {
        run: String,
        code: String,
        message: String,
        expires: Option<String>,
    },
    DownBegun {
        run: String,
    },
    /// `stop` and `start` of the whole mirror, a service or one replica; the keeper leaves what is stopped alone.
    Stopped {
        service: Option<String>,
        ordinal: Option<u32>,
    },
    Started {
        service: Option<String>,
        ordinal: Option<u32>,
    },
    StoreSeeded {
        store: String,
        seed: Option<String>,
        hash: Option<String>,
        /// Of the seed's names, sizes and times: while it is the same, the hash need not be taken again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fingerprint: Option<String>,
        bytes: u64,
        count: Option<u64>,
        /// Keys whose time had passed before they were loaded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expired: Option<u64>,
        millis: u64,
    },
    /// The files of a store's seed were touched; what they hold is what was loaded.
    SeedTouched {
        store: String,
        fingerprint: String,
    },
    /// A store's state is thrown away, to be seeded anew.
    StoreCleared {
        store: String,
    },
    StoreReset {
        store: String,
        millis: u64,
    },
    /// A job ran to its end under the spec hash of its main container.
    JobFinished {
        job: String,
        spec: String,
        code: i64,
    },
    ContainerExited {
        service: String,
        ordinal: u32,
        container: String,
        role: Role,
        code: i64,
        oom_killed: bool,
        /// The engine's id of the container and the time of the end as the engine says it (RFC 3339):
        /// a keeper that restarts tells by the two which ends it has told already.
        id: String,
        finished: String,
    },
    /// A container was replaced; `count` is the number of restarts so far, `wait_millis` the back-off before it.
    ContainerRestarted {
        service: String,
        ordinal: u32,
        container: String,
        role: Role,
        count: u32,
        wait_millis: u64,
        why: String,
    },
    /// A probe's verdict changed.
    Probe {
        service: String,
        ordinal: u32,
        container: String,
        probe: ProbeKind,
        passed: bool,
        answer: String,
    },
    Ready {
        service: String,
        ordinal: u32,
        ready: bool,
    },
    Hook {
        service: String,
        ordinal: u32,
        container: String,
        hook: String,
        passed: bool,
        answer: String,
    },
    /// The pause was replaced and its members with it.
    ReplicaReplaced {
        service: String,
        ordinal: u32,
        why: String,
    },
    /// Where a replica stands, told by the launch to a keeper that has no engine's socket and cannot look.
    Placed {
        duties: Duties,
        address: std::net::IpAddr,
    },
    Expired,
    /// The holder of the lease of a `run` died.
    OwnerDied {
        run: String,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProfileMark {
    pub name: String,
    pub file: String,
    pub hash: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeKind {
    Startup,
    Readiness,
    Liveness,
}

/// Where the keeper keeps the log tail of each container that it replaced, one file `KEY.log`.
pub const PREVIOUS_DIR: &str = "previous";

/// What `prodmirror keeper status` prints: the journal read to its end, and the keeper's present view.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KeeperStatus {
    pub run: Option<String>,
    pub profile: Option<ProfileMark>,
    pub up: UpState,
    /// An `up` was done and no `down` began since: the mirror holds state that nobody gave up.
    #[serde(default)]
    pub was_up: bool,
    pub failure: Option<String>,
    pub expires: Option<String>,
    /// Whether someone holds the lease right now.
    pub leased: bool,
    /// Whether the whole mirror was stopped.
    pub stopped: bool,
    pub replicas: Vec<ReplicaStatus>,
    pub seeds: Vec<SeedStatus>,
    pub jobs: Vec<JobStatus>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpState {
    /// No `up` was ever begun.
    #[default]
    None,
    Begun,
    Done,
    Failed,
    DownBegun,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplicaStatus {
    pub service: String,
    pub ordinal: u32,
    pub ready: bool,
    /// All init containers ended with 0.
    pub initialized: bool,
    pub stopped: bool,
    pub containers: Vec<ContainerStatus>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContainerStatus {
    pub key: String,
    pub name: String,
    pub role: Role,
    pub running: bool,
    pub restarts: u32,
    /// How often it was started, the first time included.
    pub starts: u32,
    /// Waiting for its next start: the back-off, in milliseconds.
    pub waiting_millis: Option<u64>,
    pub last_exit: Option<LastExit>,
    /// The probe that keeps it from being ready, and its last answer.
    pub probe: Option<ProbeKind>,
    pub last_answer: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LastExit {
    pub at: String,
    pub code: i64,
    pub oom_killed: bool,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeedStatus {
    pub store: String,
    pub seed: Option<String>,
    pub hash: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    pub bytes: u64,
    /// Rows (PostgreSQL) or keys (Redis) counted after seeding.
    pub count: Option<u64>,
    /// Keys whose time had passed before they were loaded (Redis).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expired: Option<u64>,
    pub millis: u64,
    pub at: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobStatus {
    pub job: String,
    pub spec: String,
    pub code: i64,
}
