//! How long a launch waits, and what it says when that was in vain.

use std::{
    fmt,
    time::{Duration, Instant},
};

/// The code of what could still have come about.
pub const TIMEOUT: &str = "timeout";

/// Why something never became ready.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NotReady {
    /// Stable, kebab-case: `timeout`, `crash-loop`, `job-failed`, `init-failed`.
    pub code: String,
    pub message: String,
    pub service: Option<String>,
    pub ordinal: Option<u32>,
    pub probe: Option<String>,
    pub last_answer: Option<String>,
    pub log_tail: Vec<String>,
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// One deadline for a whole launch.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    at: Instant,
    pub span: Duration,
}

impl Deadline {
    pub fn after(span: Duration) -> Self {
        Self { at: Instant::now() + span, span }
    }

    pub fn is_over(&self) -> bool {
        Instant::now() >= self.at
    }

    /// What is left of it.
    pub fn left(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }
}
