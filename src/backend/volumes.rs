//! How state is kept and copied.

use std::collections::BTreeMap;

use super::Later;

/// Volumes by full name. Copying is the first form; clones in constant time come behind the same words.
pub trait Volumes: Send + Sync {
    /// Makes an empty volume, or leaves the mirror's own of that name as it is.
    ///
    /// # Errors
    /// When a volume of that name belongs to someone else.
    fn make<'a>(&'a self, name: &'a str, labels: &'a BTreeMap<String, String>) -> Later<'a, ()>;
    /// Whether a volume of that name is there.
    fn has<'a>(&'a self, name: &'a str) -> Later<'a, bool>;
    /// A volume with the content of `source`, which no process may change meanwhile. Answers the bytes copied.
    fn clone_of<'a>(
        &'a self,
        source: &'a str,
        name: &'a str,
        labels: &'a BTreeMap<String, String>,
    ) -> Later<'a, u64>;
    /// Puts the content of `frozen` in place of what `name` holds; neither may be in use. Answers the bytes copied.
    fn restore<'a>(&'a self, frozen: &'a str, name: &'a str) -> Later<'a, u64>;
    /// What is gone already is no error.
    fn remove<'a>(&'a self, name: &'a str) -> Later<'a, ()>;
}
