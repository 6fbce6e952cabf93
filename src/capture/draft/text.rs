//! A draft as the text of a profile: what is to be known stands beside what it is about.

use indexmap::IndexMap;

use super::{Draft, Note};
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
            lines(self.notes.iter().filter(|note| beside(&note.beside)))
        })
    }
}

/// One line for each message, with all the places that it is about.
fn lines<'a>(notes: impl Iterator<Item = &'a Note>) -> Vec<String> {
    let mut said: IndexMap<(bool, &str), Vec<String>> = IndexMap::new();
    for note in notes {
        let places = said.entry((note.left_out, note.message.as_str())).or_default();
        let place = note.place();
        // The same may be said by two inputs.
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let line = |((left_out, message), places): ((bool, &str), Vec<String>)| match left_out {
        true => format!("not taken: {} ({message})", places.join(", ")),
        false => format!("{}: {message}", places.join(", ")),
    };
    said.into_iter().map(line).collect()
}
