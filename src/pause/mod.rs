//! The pause: one per replica, owner of its network namespace.
//!
//! It does nothing but stay, so that the containers that share its namespace may
//! come and go, and it leaves when told. One thread, no runtime: there is one of
//! these for every replica of every mirror.

pub mod attempt;

use std::{io, process::ExitCode};

use rustix::process::{WaitOptions, waitpid};
use signal_hook::{
    consts::{SIGCHLD, SIGINT, SIGQUIT, SIGTERM},
    iterator::Signals,
};

use crate::log;

#[derive(Debug, thiserror::Error)]
pub enum PauseError {
    #[error("`pause` takes no argument, not `{0}`")]
    Usage(String),
    #[error("cannot wait for signals: {0}")]
    Signals(#[from] io::Error),
}

/// It has none yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PauseArgs;

impl PauseArgs {
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, PauseError> {
        words.next().map_or(Ok(Self), |word| Err(PauseError::Usage(word)))
    }
}

/// The program: exit code 0 when told to leave, 2 on a wrong argument, 4 when signals cannot be received.
///
/// `pause try ADDRESS` is [`attempt::main`].
pub fn main(words: impl Iterator<Item = String>) -> ExitCode {
    let mut words = words.peekable();
    if words.next_if(|word| word == "try").is_some() {
        return attempt::main(words);
    }
    match PauseArgs::parse(words).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error("pause ends", &[("why", &error)]);
            ExitCode::from(if matches!(error, PauseError::Usage(_)) { 2 } else { 4 })
        }
    }
}

/// Stays until SIGTERM, SIGINT or SIGQUIT.
///
/// As the first process of its container it gets no default action for signals,
/// and every orphan becomes its child: it must handle the ones and reap the others.
pub fn run(_: PauseArgs) -> Result<(), PauseError> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGQUIT, SIGCHLD])?;
    // A child may have ended before the handler stood.
    reap();
    for signal in signals.forever() {
        if signal != SIGCHLD {
            break;
        }
        reap();
    }
    Ok(())
}

/// Several children may stand behind one signal.
fn reap() {
    while let Ok(Some(_)) = waitpid(None, WaitOptions::NOHANG) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_is_refused_by_name() {
        let refused = PauseArgs::parse(["--fast".to_owned()].into_iter());
        assert_eq!(refused.unwrap_err().to_string(), "`pause` takes no argument, not `--fast`");
    }
}
