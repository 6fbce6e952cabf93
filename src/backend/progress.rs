//! What happens while something long is done.

/// Hears what happens; the command line draws it.
pub trait Report: Send + Sync {
    fn event(&self, event: Progress);
}

/// Hears nothing.
pub struct Unheard;

impl Report for Unheard {
    fn event(&self, _: Progress) {}
}

#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    Begun {
        step: String,
        what: String,
    },
    /// `total` is absent where it is not known.
    Bytes {
        step: String,
        done: u64,
        total: Option<u64>,
    },
    /// What a wait is waiting for, in a few words.
    Waiting {
        step: String,
        what: String,
    },
    Done {
        step: String,
        millis: u64,
    },
    /// Something a person should know: a substituted image, a capped limit.
    Note(String),
}
