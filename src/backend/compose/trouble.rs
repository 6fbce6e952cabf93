//! The engine's errors in our words.

use bollard::errors::Error;

use super::super::{BackendError, Result};

/// Names what was being done when the engine refused.
pub(super) trait Doing<T> {
    fn doing(self, what: impl Into<String>) -> Result<T>;
    /// What is not there is answered with `None`.
    fn if_there(self, what: impl Into<String>) -> Result<Option<T>>;
}

impl<T> Doing<T> for Result<T, Error> {
    fn doing(self, what: impl Into<String>) -> Result<T> {
        self.map_err(|error| engine(what, &error))
    }

    fn if_there(self, what: impl Into<String>) -> Result<Option<T>> {
        match self {
            Ok(value) => Ok(Some(value)),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(engine(what, &error)),
        }
    }
}

pub(super) fn engine(what: impl Into<String>, error: &Error) -> BackendError {
    BackendError::Engine { what: what.into(), why: words(error) }
}

/// The message alone, without the client library's own preface.
pub(super) fn words(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => message.trim().to_owned(),
        Error::DockerStreamError { error } => error.trim().to_owned(),
        Error::RequestTimeoutError => "no answer in time".to_owned(),
        Error::SocketNotFoundError(path) => format!("there is no socket {path}"),
        other => chain(other),
    }
}

/// An error with its causes: a client error alone says only `client error (Connect)`.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

pub(super) fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

pub(super) fn is_gone(error: &Error) -> bool {
    status(error) == Some(404)
}

pub(super) fn is_conflict(error: &Error) -> bool {
    status(error) == Some(409)
}

/// Whether a network was refused for its addresses. The engine has no code for it: it says `Pool overlaps with other
/// one on this address space` where it sees it early, and `networks have overlapping IPv4` where the bridge does.
pub(super) fn is_overlap(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { message, .. }
        if message.contains("Pool overlaps") || message.contains("overlapping IPv4"))
}

pub(super) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> BackendError {
    let what = what.into();
    move |source| BackendError::Io { what, source }
}

/// Whether the engine refused because something still uses the thing.
pub(super) fn is_busy(error: &BackendError) -> bool {
    matches!(error, BackendError::Engine { why, .. } if why.contains("in use") || why.contains("active endpoints"))
}
