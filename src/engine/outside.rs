//! One question to a store of production, which is read and never written: a command for its own container, run with
//! the container's own variables, so that no password is among its words.

use crate::{observed::StoreFacts, profile::EngineKind};

use super::{postgres, redis};

/// The program and its words.
pub fn question(engine: EngineKind) -> Vec<&'static str> {
    match engine {
        EngineKind::Postgres => vec!["sh", "-c", postgres::OUTSIDE, "sh", postgres::CHANGED],
        EngineKind::Redis => {
            let words = ["sh", "-c", redis::OUTSIDE, "sh"].into_iter();
            words.chain(redis::DEFAULTS.iter().map(|(name, _)| *name)).collect()
        }
    }
}

/// What it told: its version, and the settings that are not the engine's own defaults.
///
/// # Errors
/// What it said in place of an answer.
pub fn answer(engine: EngineKind, stdout: &[u8]) -> Result<StoreFacts, String> {
    let text = String::from_utf8_lossy(stdout);
    let facts = match engine {
        EngineKind::Postgres => postgres::told(&text),
        EngineKind::Redis => redis::told(&text),
    };
    match facts.version {
        Some(_) => Ok(facts),
        None => Err(text.lines().next().unwrap_or("nothing").to_owned()),
    }
}
