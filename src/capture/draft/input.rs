//! One document that is read, and what is said of each of its leaves.

use std::{cell::RefCell, collections::BTreeSet, ops::Range};

use serde_json::Value as Json;

use super::{
    account::{Account, Note},
    taking::Taking,
};
use crate::path::{Path, Segment};

/// A document of any kind as one tree of values.
///
/// What a reader takes of it, and what it says of it, is written down here; a leaf that nobody says a word
/// of is a note in the end, so no reader can lose one in silence.
pub struct Input {
    name: String,
    tree: Json,
    root: Branch,
    said: RefCell<Said>,
}

/// The leaves at and below a value, by their number in the order of the document.
#[derive(Debug, Default)]
pub(super) struct Branch {
    pub leaves: Range<usize>,
    pub below: Vec<Branch>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Open,
    Used,
    Noted,
    Hole,
}

#[derive(Default)]
struct Said {
    fates: Vec<Fate>,
    notes: Vec<(Range<usize>, Note)>,
    /// Which part of the profile some leaves became.
    became: Vec<(Range<usize>, Path)>,
}

/// Values may be secret, so they are not shown.
impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Of what no reader knew.
const UNKNOWN: &str = "a profile has no field for it";

impl Input {
    /// `name` is what notes call it: a file, a container.
    pub fn new(name: impl Into<String>, tree: Json) -> Self {
        let mut next = 0;
        let root = branch(&tree, &mut next);
        let said = Said { fates: vec![Fate::Open; next], ..Said::default() };
        Self { name: name.into(), tree, root, said: RefCell::new(said) }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The document as a whole.
    pub fn top(&self) -> Taking<'_> {
        Taking::new(self, Path::root(), &self.tree, &self.root)
    }

    pub(super) fn mark(&self, leaves: &Range<usize>, fate: Fate) {
        let mut said = self.said.borrow_mut();
        for old in &mut said.fates[leaves.clone()] {
            *old = match (*old, fate) {
                // What was said against a leaf outweighs that it was also of use.
                (Fate::Noted | Fate::Hole, Fate::Used) => *old,
                (_, fate) => fate,
            };
        }
    }

    pub(super) fn note(&self, leaves: &Range<usize>, path: &Path, message: String, left_out: bool) {
        let note = Note { path: path.clone(), source: self.name.clone(), message, left_out, beside: None };
        let mut said = self.said.borrow_mut();
        if !said.notes.iter().any(|(_, known)| *known == note) {
            said.notes.push((leaves.clone(), note));
        }
    }

    pub(super) fn became(&self, leaves: &Range<usize>, part: Path) {
        self.said.borrow_mut().became.push((leaves.clone(), part));
    }

    /// Whether nothing was said of any of these leaves.
    pub(super) fn is_open(&self, leaves: &Range<usize>) -> bool {
        self.said.borrow().fates[leaves.clone()].iter().all(|fate| *fate == Fate::Open)
    }

    /// Notes every leaf that nobody took, and answers what became of all.
    pub fn close(&self) -> (Account, Vec<Note>) {
        self.rest(&Path::root(), &self.tree, &self.root);
        let said = self.said.borrow();
        let count = |fate| said.fates.iter().filter(|found| **found == fate).count();
        let account = Account {
            leaves: said.fates.len(),
            used: count(Fate::Used),
            noted: count(Fate::Noted),
            holes: count(Fate::Hole),
        };
        let mut notes = said.notes.clone();
        notes.sort_by_key(|(leaves, _)| leaves.start);
        let notes = notes.into_iter().map(|(leaves, note)| Note { beside: said.part(&leaves), ..note });
        (account, notes.collect())
    }

    /// One note for the whole of what is left: the highest value of which nothing was taken.
    fn rest(&self, path: &Path, value: &Json, at: &Branch) {
        if at.below.is_empty() {
            if self.is_open(&at.leaves) {
                self.leave(path, value, at);
            }
            return;
        }
        if self.is_open(&at.leaves) && !path.0.is_empty() {
            self.leave(path, value, at);
            return;
        }
        for ((segment, value), at) in steps(value).into_iter().zip(&at.below) {
            self.rest(&path.push(segment), value, at);
        }
    }

    fn leave(&self, path: &Path, value: &Json, at: &Branch) {
        if says_nothing(value) {
            self.mark(&at.leaves, Fate::Used);
        } else {
            self.mark(&at.leaves, Fate::Noted);
            self.note(&at.leaves, path, UNKNOWN.to_owned(), true);
        }
    }
}

impl Said {
    /// The innermost part that holds all of these leaves.
    fn part(&self, leaves: &Range<usize>) -> Option<Path> {
        let holds = self.became.iter().filter(|(of, _)| of.start <= leaves.start && leaves.end <= of.end);
        holds.min_by_key(|(of, _)| of.len()).map(|(_, part)| part.clone())
    }
}

/// Nothing but nulls and what is empty: it asks for nothing.
pub(super) fn says_nothing(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Array(items) => items.iter().all(says_nothing),
        Json::Object(map) => map.values().all(says_nothing),
        Json::Bool(_) | Json::Number(_) | Json::String(_) => false,
    }
}

fn branch(value: &Json, next: &mut usize) -> Branch {
    let start = *next;
    let below: Vec<Branch> = match value {
        Json::Array(items) => items.iter().map(|item| branch(item, next)).collect(),
        Json::Object(map) => map.values().map(|item| branch(item, next)).collect(),
        _ => Vec::new(),
    };
    if below.is_empty() {
        *next += 1;
    }
    Branch { leaves: start..*next, below }
}

/// The values right below one, as a path names them: members of a list by their names where those differ.
pub fn steps(value: &Json) -> Vec<(Segment, &Json)> {
    match value {
        Json::Object(map) => map.iter().map(|(key, value)| (Segment::Key(key.clone()), value)).collect(),
        Json::Array(items) => {
            let names: Vec<Option<&str>> = items.iter().map(|item| item.get("name")?.as_str()).collect();
            let distinct: BTreeSet<&str> = names.iter().flatten().copied().collect();
            let named = !items.is_empty() && distinct.len() == items.len();
            let step = |(index, item): (usize, _)| {
                let name: Option<&str> = names.get(index).copied().flatten();
                let segment = match name.filter(|_| named) {
                    Some(name) => Segment::Member { field: "name".to_owned(), value: name.to_owned() },
                    None => Segment::Index(index),
                };
                (segment, item)
            };
            items.iter().enumerate().map(step).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_leaf_has_a_fate_and_what_nobody_took_is_noted_once() {
        let input = Input::new(
            "file",
            json!({"a": 1, "b": {"c": "x", "d": []}, "e": {"f": [1, 2], "g": 3}, "h": null,
                   "l": [{"name": "p", "x": 1}, {"name": "q", "x": 2}]}),
        );
        let top = input.top();
        assert_eq!(top.scalar("a").as_deref(), Some("1"));
        let b = top.get("b").unwrap();
        b.became(Path::of(["services", "b"]));
        b.get("c").unwrap().hole();
        for item in top.get("l").unwrap().items().iter().take(1) {
            item.used();
        }
        let (account, notes) = input.close();
        assert_eq!(account, Account { leaves: 11, used: 5, noted: 5, holes: 1 });
        let lines: Vec<_> = notes.iter().map(Note::line).collect();
        assert_eq!(
            lines,
            [
                "not taken: e (a profile has no field for it)",
                "not taken: l[name=q] (a profile has no field for it)"
            ]
        );
    }

    #[test]
    fn a_note_outweighs_a_use_and_stands_beside_what_it_is_about() {
        let input = Input::new("file", json!({"s": {"web": {"image": "a", "x": {"y": 1}}}}));
        let web = input.top().get("s").unwrap().get("web").unwrap();
        web.became(Path::of(["services", "web"]));
        web.used();
        web.get("x").unwrap().left_out("not here");
        web.used();
        web.get("image").unwrap().remark("by its tag");
        let (account, notes) = input.close();
        assert_eq!(account, Account { leaves: 2, used: 1, noted: 1, holes: 0 });
        let shown: Vec<_> = notes.iter().map(|note| (note.line(), note.beside.clone())).collect();
        let beside = Some(Path::of(["services", "web"]));
        assert_eq!(
            shown,
            [
                ("s.web.image: by its tag".to_owned(), beside.clone()),
                ("not taken: s.web.x (not here)".to_owned(), beside)
            ]
        );
    }
}
