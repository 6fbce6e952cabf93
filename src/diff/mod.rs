//! Differences between two profiles that can be applied: `apply(a, diff(a, b)) == b`.
//!
//! Both are trees as [`crate::profile::tree`] writes them, in the long form.
//! Two trees are the same ([`equal`]) whatever the order of their maps and of
//! their named lists; every other list is one leaf, and its order counts. What
//! is added comes last, in the order of B.

mod allow;
mod apply;
mod likelihood;
mod needs;
mod noise;
mod page;
pub mod report;
mod shape;
mod text;
mod tree;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use allow::{Allowance, BadAllowances, Judged, allowances, judge};
pub use apply::{ApplyError, apply};
pub use likelihood::likelihood;
pub use noise::Noise;
pub use page::page;
pub use text::text;
pub(crate) use text::{plain, shown};
pub use tree::equal;
pub(crate) use tree::walk;

use crate::{
    ledger::Class,
    path::{Path, Segment},
    profile,
};

/// One difference, from A to B.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    pub path: Path,
    pub op: Op,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
    pub class: Class,
    /// Changes that must be applied too, by path, for the result to be a valid profile. Two services that
    /// are added and name each other need each other.
    pub needs: Vec<Path>,
    /// The class of noise ([`Noise`]), where the difference means nothing.
    pub noise: Option<String>,
    /// How often such a change is the cause of a bug; `null` where nothing is known.
    pub cause_prior: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Op {
    Add,
    Remove,
    Change,
}

/// What two sources differ in, and what could not be told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    pub changes: Vec<Change>,
    pub incomparable: Vec<Incomparable>,
    /// What one side has and no source of the other's kind can tell: no difference, and no doubt either.
    #[serde(default)]
    pub untold: Vec<Untold>,
}

/// A value that is there on both sides and was read on one at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incomparable {
    pub path: Path,
    pub why: String,
}

/// A value of one side that no source of the other side's kind can tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Untold {
    pub path: Path,
    pub why: String,
}

impl Difference {
    /// Takes out changes where a side could not be what it should: these differ for a known reason, and tell nothing.
    pub fn set_aside(&mut self, departures: &[(Path, String)]) {
        for (path, why) in departures {
            let before = self.changes.len();
            self.changes.retain(|change| !change.path.starts_with(path));
            if self.changes.len() < before {
                self.incomparable.push(Incomparable { path: path.clone(), why: why.clone() });
            }
        }
    }

    /// Keeps what concerns one service, job or store.
    pub fn only(&mut self, service: &str) {
        let concerns = |path: &Path| {
            matches!(path.key_at(0), Some("services" | "jobs" | "stores")) && path.key_at(1) == Some(service)
        };
        self.changes.retain(|change| concerns(&change.path));
        self.incomparable.retain(|one| concerns(&one.path));
        self.untold.retain(|one| concerns(&one.path));
    }

    /// The changes that mean something: these decide exit codes.
    pub fn meaningful(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.noise.is_none())
    }
}

/// Everything that turns A into B, in the order of A, then of B; values that could not be read included.
pub fn diff(a: &Value, b: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    walk(&Path::root(), Some(a), Some(b), &mut |path, from, to| {
        let op = match (from, to) {
            (None, _) => Op::Add,
            (_, None) => Op::Remove,
            _ => Op::Change,
        };
        let mut change = Change {
            path: path.clone(),
            op,
            from: from.cloned(),
            to: to.cloned(),
            class: Class::of(path),
            needs: Vec::new(),
            noise: noise::of(path, from, to).map(|noise| noise.as_str().to_owned()),
            cause_prior: None,
        };
        change.cause_prior = likelihood(&change).map(|likelihood| likelihood.prior);
        changes.push(change);
    });
    needs::fill(&mut changes, a, b);
    changes
}

/// As [`diff`], with what cannot be compared told apart: holes, and secrets hashed under different keys.
pub fn compare(a: &Value, b: &Value) -> Difference {
    let mut incomparable = Vec::new();
    unread(&Path::root(), a, b, &mut incomparable);
    let mut changes = diff(a, b);
    changes.retain(|change| !incomparable.iter().any(|unread| change.path.starts_with(&unread.path)));
    Difference { changes, incomparable, untold: Vec::new() }
}

/// Walks what both sides have.
fn unread(path: &Path, a: &Value, b: &Value, found: &mut Vec<Incomparable>) {
    if let Some(why) = why_incomparable(path, a, b) {
        found.push(Incomparable { path: path.clone(), why });
        return;
    }
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, a) in a {
                if let Some(b) = b.get(key) {
                    unread(&path.key(key.as_str()), a, b, found);
                }
            }
        }
        (Value::Array(_), Value::Array(_)) => {
            let (Some(a), Some(b)) = (tree::named(a), tree::named(b)) else { return };
            for (name, a) in a {
                if let Some((_, b)) = b.iter().find(|(other, _)| *other == name) {
                    unread(
                        &path.push(Segment::Member { field: "name".to_owned(), value: name.to_owned() }),
                        a,
                        b,
                        found,
                    );
                }
            }
        }
        _ => {}
    }
}

fn why_incomparable(path: &Path, a: &Value, b: &Value) -> Option<String> {
    let only = |value: &Value, key: &str| {
        let object = value.as_object().filter(|object| object.len() == 1)?;
        object.get(key)?.as_str().map(str::to_owned)
    };
    match (profile::hole(path, a), profile::hole(path, b)) {
        (Some(a), Some(b)) if a == b => return Some(format!("neither was read: {a}")),
        (Some(a), Some(b)) => return Some(format!("neither was read: {a}; {b}")),
        (Some(reason), None) => return Some(format!("the first was not read: {reason}")),
        (None, Some(reason)) => return Some(format!("the second was not read: {reason}")),
        (None, None) => {}
    }
    // `KEYID:HASH`; the name of a secret holds no colon.
    let (a, b) = (only(a, "secret")?, only(b, "secret")?);
    let (a, b) = (a.split_once(':')?.0, b.split_once(':')?.0);
    (a != b).then(|| format!("secrets were hashed under different keys, `{a}` and `{b}`"))
}
