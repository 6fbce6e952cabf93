//! A place in an input from which key after key is taken.

use serde_json::Value as Json;

use super::input::{Branch, Fate, Input, says_nothing, steps};
use crate::path::Path;

/// One value of an input and where it stands. Looking at it says nothing; taking it does.
#[derive(Clone)]
pub struct Taking<'s> {
    input: &'s Input,
    path: Path,
    value: &'s Json,
    at: &'s Branch,
}

/// A name with a value, of a map or of a list of `NAME=VALUE`.
pub struct Pair<'s> {
    pub name: String,
    /// Absent: only the name stands there.
    pub value: Option<String>,
    pub at: Taking<'s>,
}

impl std::fmt::Debug for Taking<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.input.name(), self.path)
    }
}

impl<'s> Taking<'s> {
    pub(super) fn new(input: &'s Input, path: Path, value: &'s Json, at: &'s Branch) -> Self {
        Self { input, path, value, at }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The value, which is not taken by looking at it.
    pub fn value(&self) -> &'s Json {
        self.value
    }

    /// The value of a key; a key without a value is not there.
    pub fn get(&self, key: &str) -> Option<Self> {
        let map = self.value.as_object()?;
        let position = map.keys().position(|known| known == key)?;
        let value = map.get(key).filter(|value| !value.is_null())?;
        Some(Self::new(self.input, self.path.key(key), value, self.at.below.get(position)?))
    }

    /// The value below several keys.
    pub fn find(&self, keys: &[&str]) -> Option<Self> {
        keys.iter().try_fold(self.clone(), |at, key| at.get(key))
    }

    /// The members of a list below a key; anything else is left out.
    pub fn members(&self, key: &str) -> Vec<Self> {
        let Some(at) = self.get(key) else { return Vec::new() };
        if !at.value.is_array() {
            at.left_out("a list is wanted here");
        }
        at.items()
    }

    /// The entries of a map below a key; anything else is left out.
    pub fn fields(&self, key: &str) -> Vec<(&'s str, Self)> {
        let Some(at) = self.get(key) else { return Vec::new() };
        if !at.value.is_object() {
            at.left_out("a map is wanted here");
        }
        at.entries()
    }

    /// The members of a list; of anything else none.
    pub fn items(&self) -> Vec<Self> {
        if !self.value.is_array() {
            return Vec::new();
        }
        self.below().collect()
    }

    /// The entries of a map, those without a value too; of anything else none.
    pub fn entries(&self) -> Vec<(&'s str, Self)> {
        let Some(map) = self.value.as_object() else { return Vec::new() };
        map.keys().map(String::as_str).zip(self.below()).collect()
    }

    fn below(&self) -> impl Iterator<Item = Self> {
        let step = |((segment, value), at)| Self::new(self.input, self.path.push(segment), value, at);
        steps(self.value).into_iter().zip(&self.at.below).map(step)
    }

    /// It stands in the profile, or says what is so without being said.
    pub fn used(&self) {
        self.input.mark(&self.at.leaves, Fate::Used);
    }

    /// It is no part of the profile, for a reason in words. The reason shows no value.
    pub fn left_out(&self, why: impl Into<String>) {
        self.input.mark(&self.at.leaves, Fate::Noted);
        self.input.note(&self.at.leaves, &self.path, why.into(), true);
    }

    /// It stands in the profile as a hole.
    pub fn hole(&self) {
        self.input.mark(&self.at.leaves, Fate::Hole);
    }

    /// Something to know of it, whatever becomes of it.
    pub fn remark(&self, message: impl Into<String>) {
        self.input.note(&self.at.leaves, &self.path, message.into(), false);
    }

    /// The part of the profile that this became: notes of it stand there.
    pub fn became(&self, part: Path) {
        self.input.became(&self.at.leaves, part);
    }

    /// Whether nothing was said of it yet.
    pub fn is_open(&self) -> bool {
        self.input.is_open(&self.at.leaves)
    }

    /// Its own letters, taken; anything but a scalar is left out.
    pub fn letters(&self) -> Option<String> {
        let read = scalar(self.value);
        match read.is_some() {
            true => self.used(),
            false => self.left_out("a single value is wanted here"),
        }
        read
    }

    /// Takes a scalar as text, whatever its type.
    pub fn scalar(&self, key: &str) -> Option<String> {
        self.get(key)?.letters()
    }

    /// Takes a scalar that `read` understands; one that it does not is left out.
    pub fn parsed<T>(&self, key: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let at = self.get(key)?;
        let parsed = read(&at.letters()?);
        if parsed.is_none() {
            at.left_out("its value is not understood");
        }
        parsed
    }

    pub fn truth(&self, key: &str) -> Option<bool> {
        self.parsed(key, |text| text.parse().ok())
    }

    /// Takes a list of scalars, or one scalar alone.
    pub fn list(&self, key: &str) -> Vec<String> {
        let Some(at) = self.get(key) else { return Vec::new() };
        match at.value.is_array() {
            true => at.items().iter().filter_map(Self::letters).collect(),
            false => at.letters().into_iter().collect(),
        }
    }

    /// Takes names and values, written as a map or as a list of `NAME=VALUE`.
    pub fn pairs(&self, key: &str, separators: &[char]) -> Vec<Pair<'s>> {
        let Some(at) = self.get(key) else { return Vec::new() };
        if at.value.is_object() {
            let pair = |(name, at): (&str, Self)| {
                let value = if at.value.is_null() { None } else { Some(at.letters()?) };
                at.used();
                Some(Pair { name: name.to_owned(), value, at })
            };
            return at.entries().into_iter().filter_map(pair).collect();
        }
        if !at.value.is_array() {
            at.left_out("a map or a list is wanted here");
        }
        let pair = |at: Self| {
            let text = at.letters()?;
            Some(match text.split_once(separators) {
                Some((name, value)) => {
                    Pair { name: name.trim().to_owned(), value: Some(value.to_owned()), at }
                }
                None => Pair { name: text, value: None, at },
            })
        };
        at.items().into_iter().filter_map(pair).collect()
    }

    /// Leaves out keys of which nothing was taken, each for its reason.
    pub fn without(&self, keys: &[(&str, &str)]) {
        for (key, why) in keys {
            match self.get(key).filter(Self::is_open) {
                Some(at) if says_nothing(at.value) => at.used(),
                Some(at) => at.left_out(*why),
                None => {}
            }
        }
    }
}

/// A scalar's letters. Numbers keep theirs.
pub fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(truth) => Some(truth.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}
