//! The secrets that are known: by what name each goes, and where their values stand.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use indexmap::IndexMap;

use super::{
    entropy::is_random,
    shape::Form,
    within::{self, Found},
};
use crate::{
    capture::names::{plain, unique},
    env::{HashKey, Keyed},
    name::Name,
    profile::{Piece, Shape},
};

/// What is secret, by value where one was read. Nothing here is ever printed.
#[derive(Default)]
pub struct Secrets {
    by_value: BTreeMap<String, Known>,
    by_origin: BTreeMap<String, Name>,
    /// Values for which nothing can stand: they are written nowhere.
    kept_out: BTreeMap<String, &'static str>,
    /// Words that are values in the open too: `postgres` may be a password and a user.
    words: BTreeSet<String>,
    taken: BTreeSet<String>,
    /// In the order of their first use.
    declared: IndexMap<Name, Option<Shape>>,
}

/// What is known of secrets by the names that a profile gives them; nothing prints a value.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Values {
    read: BTreeMap<Name, String>,
    by_origin: BTreeMap<String, Name>,
    hashes: BTreeMap<Name, Keyed>,
}

impl Values {
    pub fn get(&self, name: &Name) -> Option<&str> {
        self.read.get(name).map(String::as_str)
    }

    /// The hash of a value that nobody handed on.
    pub fn hash(&self, name: &Name) -> Option<&Keyed> {
        self.hashes.get(name)
    }

    /// Whether neither a value nor a hash is known.
    pub fn is_empty(&self) -> bool {
        self.read.is_empty() && self.hashes.is_empty()
    }

    /// Of a capture that was saved, which kept hashes alone.
    pub fn of_hashes(hashes: BTreeMap<Name, Keyed>) -> Self {
        Self { hashes, ..Self::default() }
    }

    /// The hash of every secret whose value was read here, or by whoever hashed it.
    pub fn hashed(&self, key: &HashKey) -> BTreeMap<Name, Keyed> {
        let read = self.read.iter().map(|(name, value)| (name.clone(), key.hash(value)));
        self.hashes.clone().into_iter().chain(read).collect()
    }

    /// Gives the secret of an origin (`Secret/db/password`) its hash; answers its name in the profile.
    pub fn give(&mut self, origin: &str, hash: Keyed) -> Option<&Name> {
        let name = self.by_origin.get(origin)?;
        self.hashes.insert(name.clone(), hash);
        Some(name)
    }
}

impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.read.keys()).finish()
    }
}

/// What a value is called, and its name once something refers to it.
struct Known {
    wanted: String,
    shape: Option<Shape>,
    name: Option<Name>,
}

/// A shorter value may be part of any text.
const SHORTEST: usize = 4;
/// From here on a value that is a secret anywhere is no mere word elsewhere.
const LONG: usize = 12;
/// What stands for a value in messages.
pub const MASK: &str = "(secret)";

impl Secrets {
    /// A secret by its origin, whose value nobody read: the name it goes by.
    pub fn declare(&mut self, origin: &str, wanted: &str, shape: Option<Shape>) -> Name {
        if let Some(name) = self.by_origin.get(origin) {
            return name.clone();
        }
        let name = self.named(wanted, shape);
        self.by_origin.insert(origin.to_owned(), name.clone());
        name
    }

    /// A secret by its value, which may come to be referred to; equal values are one.
    pub fn know(&mut self, value: &str, wanted: &str, form: Form) {
        let shape = match form {
            Form::Shaped(shape) => Some(shape),
            Form::Opaque | Form::Meaning(_) => None,
        };
        let known = || Known { wanted: wanted.to_owned(), shape, name: None };
        self.by_value.entry(value.to_owned()).or_insert_with(known);
    }

    /// The name by which a value is referred to.
    pub fn learn(&mut self, value: &str, wanted: &str, form: Form) -> Name {
        self.know(value, wanted, form);
        self.refer(value).unwrap_or_else(|| self.named(wanted, None))
    }

    fn refer(&mut self, value: &str) -> Option<Name> {
        let known = self.by_value.get(value)?;
        if let Some(name) = &known.name {
            return Some(name.clone());
        }
        let (wanted, shape) = (known.wanted.clone(), known.shape);
        let name = self.named(&wanted, shape);
        self.by_value.get_mut(value)?.name = Some(name.clone());
        Some(name)
    }

    /// A secret whose value was read at its origin: both name it from now on.
    pub fn declare_value(&mut self, origin: &str, value: &str, wanted: &str, form: Form) -> Name {
        let name = self.learn(value, wanted, form);
        self.by_origin.insert(origin.to_owned(), name.clone());
        name
    }

    /// A value that is secret and for which nothing can stand.
    pub fn keep_out(&mut self, value: &str, what: &'static str) {
        self.kept_out.insert(value.to_owned(), what);
    }

    /// A word that stands in the open, so that it is no password wherever it occurs.
    pub fn word(&mut self, word: &str) {
        self.words.insert(word.to_owned());
    }

    /// A whole value that stands in the open; a long one that is a secret elsewhere was copied from there.
    pub fn open(&mut self, value: &str) {
        if value.len() < LONG {
            self.word(value);
        }
    }

    /// Secrets by name, with their shapes.
    pub fn declared(&self) -> impl Iterator<Item = (&Name, Option<String>)> {
        self.declared.iter().map(|(name, shape)| (name, shape.map(spelled)))
    }

    /// The values that something refers to by a name.
    pub fn values(&self) -> Values {
        let named = |(value, known): (&String, &Known)| Some((known.name.clone()?, value.clone()));
        let read = self.by_value.iter().filter_map(named).collect();
        Values { read, by_origin: self.by_origin.clone(), hashes: BTreeMap::new() }
    }

    fn named(&mut self, wanted: &str, shape: Option<Shape>) -> Name {
        let text = unique(&mut self.taken, &plain(wanted));
        let name = Name::new(text).expect("`unique` makes names, as its test says");
        self.declared.insert(name.clone(), shape);
        name
    }

    /// A text with references in place of what is secret of it, or what it is that nothing can stand for.
    pub(super) fn replaced(
        &mut self,
        name: &str,
        text: &str,
        by_rule: bool,
    ) -> Result<Vec<Piece>, &'static str> {
        let whole = by_rule || super::judge(name, text).is_some() || !self.words.contains(text);
        if whole && let Some(secret) = self.refer(text) {
            return Ok(vec![Piece::Secret(secret)]);
        }
        if let Some((_, what)) = self.kept_out.iter().find(|(value, _)| text.contains(value.as_str())) {
            return Err(what);
        }
        let mut places: Vec<(usize, usize, String)> = Vec::new();
        for Found { at, value, form } in within::find(name, text) {
            match form {
                Form::Meaning(what) if !self.by_value.contains_key(&value) => return Err(what),
                _ => places.push((at.start, at.end, value)),
            }
        }
        for value in self.by_value.keys() {
            for at in self.occurrences(text, value) {
                let end = at + value.len();
                if places.iter().all(|(from, to, _)| end <= *from || *to <= at) {
                    places.push((at, end, value.clone()));
                }
            }
        }
        places.sort();
        let mut named = Vec::new();
        for (from, to, value) in places {
            // `learn` has seen every text before.
            named.push((from, to, self.refer(&value).ok_or("a value that is not known")?));
        }
        Ok(pieces(text, &named))
    }

    /// Whether a text shows a value that is known to be secret.
    pub fn shows(&self, text: &str) -> bool {
        self.by_value.keys().any(|value| self.occurrences(text, value).next().is_some())
            || self.kept_out.keys().any(|value| text.contains(value.as_str()))
    }

    /// A message of ours without any value that is secret or only chance makes.
    pub fn scrubbed(&self, text: &str) -> String {
        let mut places = within::tokens_and_chance(text);
        for value in self.by_value.keys().chain(self.kept_out.keys()) {
            places.extend(self.occurrences(text, value).map(|at| at..at + value.len()));
        }
        covered(text, places)
    }

    /// Where a value stands as a word of its own; weak ones between spaces, quotes and separators only.
    fn occurrences<'a>(&self, text: &'a str, value: &'a str) -> impl Iterator<Item = usize> + 'a {
        let searched = value.len() >= SHORTEST && !self.words.contains(value);
        let weak = value.len() < LONG && value.bytes().all(|b| b.is_ascii_lowercase()) && !is_random(value);
        let is_word = move |c: char| c.is_alphanumeric() || c == '_' || weak && "-./".contains(c);
        let starts = value.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        let ends = value.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        text.match_indices(value).map(|(at, _)| at).filter(move |at| {
            let before = text[..*at].chars().next_back();
            let after = text[at + value.len()..].chars().next();
            searched && !(starts && before.is_some_and(is_word)) && !(ends && after.is_some_and(is_word))
        })
    }
}

/// The text with a mask in each place.
pub(super) fn covered(text: &str, mut places: Vec<Range<usize>>) -> String {
    places.sort_by_key(|at| at.start);
    let mut out = String::new();
    let mut from = 0;
    for Range { start, end } in places {
        if start >= from {
            out.push_str(&text[from..start]);
            out.push_str(MASK);
        }
        from = from.max(end);
    }
    out.push_str(&text[from.min(text.len())..]);
    out
}

fn spelled(shape: Shape) -> String {
    match shape {
        Shape::Hex(bytes) => format!("hex:{bytes}"),
        Shape::Base64(bytes) => format!("base64:{bytes}"),
        Shape::Letters(count) => format!("letters:{count}"),
        Shape::Uuid => "uuid".to_owned(),
        Shape::RsaPem => "rsa-pem".to_owned(),
    }
}

fn pieces(text: &str, places: &[(usize, usize, Name)]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for (start, end, name) in places {
        if *start > from {
            pieces.push(Piece::Literal(text[from..*start].to_owned()));
        }
        pieces.push(Piece::Secret(name.clone()));
        from = *end;
    }
    if from < text.len() {
        pieces.push(Piece::Literal(text[from..].to_owned()));
    }
    pieces
}
