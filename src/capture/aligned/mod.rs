//! A captured profile beside another one, so that only real differences are left between them.
//!
//! What means the same is spelled as the other spells it: a feature flag is a mere variable where it was captured, a
//! store's URL a text, a secret has the name that capture gave it. What no source of this kind can tell (a seed, an
//! allowance) is taken as the other has it, and said.

mod defaults;
mod images;
mod ports;
mod references;
mod secrets;
mod untold;
mod variables;
mod version;

use serde_json::Value as Json;

pub use secrets::{Hashes, by_hash};
pub use untold::Teller;

use super::tree::{get, put, remove};
use crate::{
    diff::Untold,
    path::{Path, Segment},
    profile::{Problems, from_tree},
};

/// A captured profile in the words of another.
#[derive(Clone, Debug, PartialEq)]
pub struct Aligned {
    /// The profile in its long form.
    pub tree: Json,
    /// What stands on both sides and was read on one alone, with the reason.
    pub unread: Vec<(Path, String)>,
    /// What the other has and no source of this kind can tell.
    pub untold: Vec<Untold>,
    /// What is known of its secrets, by the other's names for them.
    pub hashes: Hashes,
}

/// Both trees are profiles in their long form; `teller` is what the captured one was read from, `hashes` what is known
/// of its secrets by its own names for them.
///
/// # Errors
/// One of the trees is no profile.
pub fn aligned(captured: &Json, teller: Teller, hashes: &Hashes, other: &Json) -> Result<Aligned, Problems> {
    let (profile, theirs) = (from_tree(captured)?, from_tree(other)?);
    let hashes = hashes.renamed(&secrets::met(captured, other));
    let mut tree = captured.clone();
    let unread = images::unread(&tree, other);
    variables::spell(&mut tree, &profile, other, &theirs);
    ports::spell(&mut tree, other);
    references::spell(&mut tree, other);
    version::spell(&mut tree, other);
    let unasked = defaults::spell(&mut tree, teller, other);
    let untold = untold::fill(&mut tree, teller, other).into_iter().chain(unasked).collect();
    Ok(Aligned { tree, unread, untold, hashes })
}

/// Where a pattern leads to in the other tree, and to nothing in this one.
pub fn absent(tree: &Json, other: &Json, pattern: &Path) -> Vec<Path> {
    matches(other, pattern).into_iter().filter(|at| get(tree, &at.0).is_none()).collect()
}

/// Where a pattern leads to in a tree, `*` standing for any one key.
fn matches(tree: &Json, pattern: &Path) -> Vec<Path> {
    let mut found = vec![(Path::root(), tree)];
    for segment in &pattern.0 {
        found = found
            .into_iter()
            .flat_map(|(at, value)| -> Vec<(Path, &Json)> {
                match (segment, value) {
                    (Segment::Key(star), Json::Object(map)) if star == "*" => {
                        map.iter().map(|(key, value)| (at.key(key.as_str()), value)).collect()
                    }
                    (Segment::Key(key), Json::Object(map)) => {
                        map.get(key).map(|value| (at.key(key.as_str()), value)).into_iter().collect()
                    }
                    _ => Vec::new(),
                }
            })
            .collect();
    }
    found.into_iter().map(|(at, _)| at).collect()
}

/// The patterns of a table, `services.*.probes`.
fn pattern(text: &str) -> Path {
    text.parse().expect("the tables hold paths, as their test says")
}

/// Whether a path may be filled: of a workload only where that was captured.
fn has_its_workload(tree: &Json, at: &Path) -> bool {
    let is_workload = matches!(at.key_at(0), Some("services" | "jobs" | "stores"));
    !is_workload || get(tree, &at.0[..at.0.len().min(2)]).is_some()
}

#[cfg(test)]
mod tests;
