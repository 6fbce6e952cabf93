//! A judged difference as files that CI systems show.

mod junit;
mod sarif;

pub use junit::junit;
pub use sarif::sarif;

use super::{Change, Op, plain, shown};
use crate::path::Path;

/// What was compared.
#[derive(Clone, Copy, Debug)]
pub struct Compared<'a> {
    /// The profile, which says how it should be.
    pub against: &'a str,
    /// What really is.
    pub source: &'a str,
    /// Where the profile writes a path: file, line and column.
    pub place: &'a dyn Place,
}

/// Finds where a path of the profile is written.
pub trait Place: std::fmt::Debug {
    fn of(&self, path: &Path) -> Option<(String, u32, u32)>;
}

/// `services.api.replicas is 2, the profile says 3`
fn sentence(change: &Change) -> String {
    let text = |value: &Option<serde_json::Value>| value.as_ref().map(shown).unwrap_or_default();
    let path = plain(&change.path.to_string());
    match change.op {
        Op::Add => format!("{path} is {}, the profile has none", text(&change.to)),
        Op::Remove => format!("{path} is absent, the profile says {}", text(&change.from)),
        Op::Change => format!("{path} is {}, the profile says {}", text(&change.to), text(&change.from)),
    }
}

fn class(change: &Change) -> String {
    let class = serde_json::to_value(change.class).ok();
    class.and_then(|class| class.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
