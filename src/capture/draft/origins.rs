//! Where each part of a profile was taken from.

use std::collections::BTreeMap;

use super::taking::Taking;
use crate::path::Path;

/// Places of the inputs by the path in the profile that they became.
#[derive(Debug, Default)]
pub struct Origins<'s>(BTreeMap<Path, Vec<Taking<'s>>>);

impl<'s> Origins<'s> {
    pub fn add(&mut self, part: Path, at: Taking<'s>) {
        self.0.entry(part).or_default().push(at);
    }

    /// All of a part: what it and what is in it were taken from, else what is around it.
    pub fn of(&self, part: &Path) -> Vec<Taking<'s>> {
        let within: Vec<_> = self
            .0
            .range(part.clone()..)
            .take_while(|(path, _)| path.starts_with(part))
            .flat_map(|(_, places)| places.iter().cloned())
            .collect();
        if !within.is_empty() {
            return within;
        }
        let mut above = part.clone();
        while above.0.pop().is_some() {
            if let Some(places) = self.0.get(&above) {
                return places.clone();
            }
        }
        Vec::new()
    }
}
