//! What a reader makes of its inputs, and what is left of it once secrets are out: a profile, its holes, what is to
//! be known, and an account of every leaf.
//!
//! A reader fills a [`Sketch`]: it takes from its inputs, and may write a secret's value where the source has one.
//! `finish` takes the secrets out, takes out what `check` refuses, and closes the account. Only a [`Draft`] is printed.

mod account;
mod input;
mod origins;
mod seal;
mod settle;
mod taking;
#[cfg(test)]
mod tests;
mod text;

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

pub use account::{Account, Note};
pub use input::Input;
pub(crate) use input::steps;
pub use origins::Origins;
pub use seal::{is_unedited, sealed};
pub(super) use settle::take_out;
pub use taking::{Pair, Taking, scalar};

use super::{
    aligned::Teller,
    redact::{Rules, Secrets, Values, redact},
};
use crate::{
    path::{Path, Segment},
    profile::{Problems, VERSION, from_tree, lengthen, tree},
};

/// A profile on its way, secrets and all.
pub struct Sketch<'s> {
    tree: Json,
    /// What the parts of the profile were taken from.
    pub origins: Origins<'s>,
    /// What is known to be secret before the profile is looked through.
    pub secrets: Secrets,
}

/// Where a captured profile came from, its `captured` field.
#[derive(Clone, Debug, Default)]
pub struct From {
    /// docker, compose, kubernetes or files.
    pub from: &'static str,
    /// Of files, what they hold.
    pub of: Option<Teller>,
    pub context: Option<String>,
    /// The UID of the cluster's namespace `kube-system`.
    pub cluster: Option<String>,
    pub namespace: Option<String>,
    /// RFC 3339, UTC; the caller has the clock.
    pub at: Option<String>,
}

/// A captured profile: the `Capture` document.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Draft {
    /// The profile in its long form.
    pub profile: Json,
    pub holes: Vec<Hole>,
    pub notes: Vec<Note>,
    pub account: Account,
    /// What the secrets of the profile were where it was captured, to be hashed and never printed.
    #[serde(skip)]
    pub values: Values,
}

/// A value that could not be read and that nobody can make up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hole {
    pub path: Path,
    pub reason: String,
    /// What to give `up` for it.
    pub fill: String,
}

impl<'s> Sketch<'s> {
    /// `name` is the stack's, as a profile spells names.
    pub fn new(name: &str, from: &From) -> Self {
        let mut captured = Map::new();
        captured.insert("from".to_owned(), from.from.into());
        if let Some(of) = from.of {
            captured.insert("of".to_owned(), of.as_str().into());
        }
        let rest = [
            ("context", &from.context),
            ("cluster", &from.cluster),
            ("namespace", &from.namespace),
            ("at", &from.at),
        ];
        captured.extend(
            rest.into_iter().filter_map(|(key, value)| Some((key.to_owned(), Json::from(value.clone()?)))),
        );
        let tree = json!({"apiVersion": VERSION, "name": name, "captured": captured});
        Self { tree, origins: Origins::default(), secrets: Secrets::default() }
    }

    /// Writes a value, in any spelling that a profile may have. Its maps above are made.
    pub fn put(&mut self, at: &Path, value: impl Into<Json>) {
        let mut spot = &mut self.tree;
        for segment in &at.0 {
            let Segment::Key(key) = segment else { return };
            if !spot.is_object() {
                *spot = json!({});
            }
            let Json::Object(map) = spot else { return };
            spot = map.entry(key.as_str()).or_insert_with(|| json!({}));
        }
        *spot = value.into();
    }

    /// Writes a value that stands at a place of the input, which is used then.
    pub fn take(&mut self, at: &Path, value: impl Into<Json>, from: &Taking<'s>) {
        from.used();
        self.origins.add(at.clone(), from.clone());
        self.put(at, value);
    }

    /// Writes a hole in place of a value.
    pub fn hole(&mut self, at: &Path, reason: impl Into<String>, from: Option<&Taking<'s>>) {
        if let Some(from) = from {
            from.hole();
            self.origins.add(at.clone(), from.clone());
        }
        self.put(at, json!({"hole": reason.into()}));
    }

    /// The profile as it stands.
    pub fn get(&self, at: &Path) -> Option<&Json> {
        settle::get(&self.tree, &at.0)
    }

    /// Takes secrets out and what `check` refuses, and closes the account of the inputs.
    ///
    /// # Errors
    /// What `check` still refuses when nothing is left to take out.
    pub fn finish(self, inputs: &[Input], rules: &Rules) -> Result<Draft, Problems> {
        let Self { tree, origins, mut secrets } = self;
        let mut tree = lengthen(&tree);
        redact(&mut tree, &mut secrets, &origins, rules);
        let profile = settle::settle(&mut tree, &origins)?;
        let mut account = Account::default();
        let mut notes = Vec::new();
        for input in inputs {
            let (of, said) = input.close();
            account += of;
            notes.extend(said);
        }
        for note in &mut notes {
            note.message = secrets.scrubbed(&note.message);
            for segment in &mut note.path.0 {
                if let Segment::Key(key) | Segment::Member { value: key, .. } = segment {
                    *key = secrets.scrubbed(key);
                }
            }
        }
        let holes = holes(&profile);
        Ok(Draft { profile, holes, notes, account, values: secrets.values() })
    }
}

/// Every `{hole: REASON}` of a profile in its long form.
fn holes(tree: &Json) -> Vec<Hole> {
    let mut found = Vec::new();
    gather(&Path::root(), tree, &mut found);
    found
}

fn gather(at: &Path, value: &Json, to: &mut Vec<Hole>) {
    if let Some(reason) = hole_reason(value) {
        let fill = match (at.key_at(0), at.key_at(1)) {
            (Some("secrets"), Some(name)) => format!("--secret {name}=@FILE"),
            _ => format!("--set {at}=…"),
        };
        to.push(Hole { path: at.clone(), reason: reason.to_owned(), fill });
        return;
    }
    for (segment, value) in steps(value) {
        gather(&at.push(segment), value, to);
    }
}

/// The reason, if the value is a hole.
pub(crate) fn hole_reason(value: &Json) -> Option<&str> {
    let map = value.as_object().filter(|map| map.len() == 1)?;
    map.get("hole")?.as_str()
}

/// The profile in its long form, if it can be read.
fn long(value: &Json) -> Result<Json, Problems> {
    from_tree(value).map(|profile| tree(&profile))
}
