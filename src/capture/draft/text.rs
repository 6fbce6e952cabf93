//! A draft as the text of a profile: what is to be known stands beside what it is about.

use std::collections::BTreeSet;

use super::Draft;
use crate::{path::Path, profile::by_hand};

impl Draft {
    /// The profile with its notes as comments.
    pub fn text(&self) -> String {
        let there = |part: &Path| super::settle::get(&self.profile, &part.0).is_some();
        by_hand(&self.profile, &|at| {
            let beside = |part: &Option<Path>| match part.as_ref().filter(|part| there(part)) {
                Some(part) => part.starts_with(at) && !at.0.is_empty(),
                None => at.0.is_empty(),
            };
            // The same may be said by two inputs.
            let mut said = BTreeSet::new();
            let lines = self.notes.iter().filter(|note| beside(&note.beside)).map(super::Note::line);
            lines.filter(|line| said.insert(line.clone())).collect()
        })
    }
}
