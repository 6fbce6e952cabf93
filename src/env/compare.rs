//! Two sources of variables side by side.

use serde::Serialize;

use super::{Environment, HashKey, Source, Value, Variable, likely, noise, suggest};
use crate::{
    diff::{Change, Op},
    ledger::Class,
    path::Path,
};

/// What two sources' variables differ in, what could not be told, and what one could do.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EnvDiff {
    /// The likeliest causes of another behaviour first, then by service and name.
    pub changes: Vec<EnvChange>,
    pub incomparable: Vec<Incomparable>,
    pub suggestions: Vec<suggest::Suggestion>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EnvChange {
    #[serde(flatten)]
    pub change: Change,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Why `cause_prior` is what it is.
    pub why: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Incomparable {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    pub why: String,
}

/// Services do not match up, and which there are on either side.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    #[error("`{origin}` has several services, {}; `{other}` has one process", services.join(", "))]
    Several { origin: String, services: Vec<String>, other: String },
}

impl EnvDiff {
    /// The changes that mean something: these decide exit codes.
    pub fn meaningful(&self) -> impl Iterator<Item = &EnvChange> {
        self.changes.iter().filter(|change| change.change.noise.is_none())
    }
}

/// Compares by service where both sides have services, else one process with one process.
///
/// `key` tells whether a plain value is the secret that the other side holds a hash of.
pub fn compare(
    a: &[Environment],
    b: &[Environment],
    known: &suggest::Known,
    key: Option<&HashKey>,
) -> Result<EnvDiff, CompareError> {
    let mut difference = EnvDiff::default();
    for (a, b) in pairs(a, b)? {
        one(a, b, key, &mut difference);
    }
    let rank = |change: &EnvChange| (change.change.cause_prior.unwrap_or_default() * 1000.0) as i64;
    // Stable: what is equally likely stays in the order of the sources.
    difference.changes.sort_by_key(|change| (change.change.noise.is_some(), -rank(change)));
    difference.suggestions = suggest::suggestions(&difference, a, b, known);
    Ok(difference)
}

type Pair<'a> = (Option<&'a Environment>, Option<&'a Environment>);

fn pairs<'a>(a: &'a [Environment], b: &'a [Environment]) -> Result<Vec<Pair<'a>>, CompareError> {
    if let ([a], [b]) = (a, b) {
        return Ok(vec![(Some(a), Some(b))]);
    }
    for (one, several) in [(a, b), (b, a)] {
        let [only] = one else { continue };
        match several.iter().find(|other| other.service.is_some() && other.service == only.service) {
            Some(_) => {}
            None if several.is_empty() => {}
            None => {
                return Err(CompareError::Several {
                    origin: several.first().map(|first| first.origin.clone()).unwrap_or_default(),
                    services: super::service_names(several),
                    other: only.origin.clone(),
                });
            }
        }
    }
    let find =
        |all: &'a [Environment], one: &Environment| all.iter().find(|other| other.service == one.service);
    let mut found: Vec<Pair<'a>> = a.iter().map(|a| (Some(a), find(b, a))).collect();
    found.extend(b.iter().filter(|b| find(a, b).is_none()).map(|b| (None, Some(b))));
    // One process against one of several: the others were not asked about.
    if a.len() == 1 || b.len() == 1 {
        found.retain(|(a, b)| a.is_some() && b.is_some());
    }
    Ok(found)
}

fn one(a: Option<&Environment>, b: Option<&Environment>, key: Option<&HashKey>, to: &mut EnvDiff) {
    let list = |side: Option<&'_ Environment>| side.map(|side| side.variables.clone()).unwrap_or_default();
    let (mine, theirs) = (list(a), list(b));
    let place = a.filter(|a| a.service.is_some()).or(b);
    let service = place.and_then(|place| place.service.clone());
    let mut add = |name: &str, from: Option<&Variable>, into: Option<&Variable>| {
        let op = match (from, into) {
            (None, _) => Op::Add,
            (_, None) => Op::Remove,
            _ => Op::Change,
        };
        to.changes.push(change(place, service.clone(), name, op, (from, into), key));
    };
    let mut unread = Vec::new();
    for from in &mine {
        match theirs.iter().find(|other| other.name == from.name) {
            None => add(&from.name, Some(from), None),
            Some(into) => match compared((from, a), (into, b), key) {
                Outcome::Same => {}
                Outcome::Differs => add(&from.name, Some(from), Some(into)),
                Outcome::Unknown(why) => {
                    unread.push(Incomparable { name: from.name.clone(), service: service.clone(), why });
                }
            },
        }
    }
    for into in theirs.iter().filter(|into| !mine.iter().any(|from| from.name == into.name)) {
        add(&into.name, None, Some(into));
    }
    to.incomparable.extend(unread);
}

fn change(
    place: Option<&Environment>,
    service: Option<String>,
    name: &str,
    op: Op,
    (from, to): (Option<&Variable>, Option<&Variable>),
    key: Option<&HashKey>,
) -> EnvChange {
    let sides = || from.into_iter().chain(to);
    let text = |side: Option<&'_ Variable>| side.and_then(|side| side.value.text().map(str::to_owned));
    let (before, after) = (text(from), text(to));
    let is_secret = sides().any(|side| matches!(side.value, Value::Secret(_)));
    let class = match () {
        () if sides().any(|side| side.source == Source::Flag) => Class::Flag,
        () if is_secret => Class::Secret,
        () => Class::Env,
    };
    let likelihood = match class {
        Class::Flag => likely::FLAG,
        Class::Secret => likely::SECRET,
        _ => likely::variable(name, before.as_deref(), after.as_deref()),
    };
    let path = match (class, &service) {
        (Class::Flag, _) => Path::of(["flags", name]),
        (_, Some(service)) => {
            Path::of([place.map_or("services", |place| place.section.as_str()), service, "env", name])
        }
        _ => Path::of(["env", name]),
    };
    let known = class == Class::Env && sides().all(|side| side.value.text().is_some());
    let links = sides().all(|side| side.source == Source::ServiceLink);
    let noise = match () {
        () if links => Some(noise::Noise::ServiceLink),
        () if known => noise::of(name, before.as_deref(), after.as_deref()),
        () => None,
    };
    // What is secret on one side is so on the other, whatever it looks like there.
    let json = |side: &Variable| match &side.value {
        Value::Text(text) if is_secret => {
            serde_json::to_value(Value::Secret(key.map(|key| key.hash(text)))).unwrap_or_default()
        }
        value => serde_json::to_value(value).unwrap_or_default(),
    };
    let change = Change {
        path,
        op,
        from: from.map(json),
        to: to.map(json),
        class,
        needs: Vec::new(),
        noise: noise.map(|noise| noise.as_str().to_owned()),
        cause_prior: Some(likelihood.prior),
    };
    EnvChange { change, name: name.to_owned(), service, why: likelihood.why }
}

enum Outcome {
    Same,
    Differs,
    Unknown(String),
}

/// A variable and the process that it was read of.
type Side<'a> = (&'a Variable, Option<&'a Environment>);

fn compared((a, of_a): Side<'_>, (b, of_b): Side<'_>, key: Option<&HashKey>) -> Outcome {
    let told = |same: bool| if same { Outcome::Same } else { Outcome::Differs };
    let (unread_a, unread_b) = (why_unread(a, of_a), why_unread(b, of_b));
    // The same text around the same secrets is the same, as far as a profile says; so is the same field. Of values that
    // are there it says nothing: under one name there may be two.
    let is_said = is_open(&a.value) && unread_a.is_none() || is_open(&b.value) && unread_b.is_none();
    if a.written.is_some() && a.written == b.written && is_said {
        return Outcome::Same;
    }
    let with_hash = |text: &str, hash: &super::Keyed| {
        key.filter(|key| key.id() == hash.key).map(|key| key.hash(text) == *hash)
    };
    match (&a.value, &b.value) {
        (Value::Hole(a), Value::Hole(b)) if a == b => Outcome::Unknown(format!("neither was read: {a}")),
        (Value::Hole(a), Value::Hole(b)) => Outcome::Unknown(format!("neither was read: {a}; {b}")),
        (Value::Hole(why), _) => Outcome::Unknown(format!("the first was not read: {why}")),
        (_, Value::Hole(why)) => Outcome::Unknown(format!("the second was not read: {why}")),
        (Value::Text(a), Value::Text(b)) => told(a == b),
        (Value::Secret(Some(a)), Value::Secret(Some(b))) if a.key == b.key => told(a.hash == b.hash),
        (Value::Secret(Some(a)), Value::Secret(Some(b))) => {
            Outcome::Unknown(format!("secrets were hashed under different keys, `{}` and `{}`", a.key, b.key))
        }
        (Value::Text(text), Value::Secret(Some(hash))) | (Value::Secret(Some(hash)), Value::Text(text)) => {
            match with_hash(text, hash) {
                Some(same) => told(same),
                None => Outcome::Unknown(
                    "one side is a secret that was hashed under another machine's key".to_owned(),
                ),
            }
        }
        // Whatever the secrets are, the text around them tells two values apart.
        _ if !may_be_equal(a, b) => Outcome::Differs,
        (one, other) => Outcome::Unknown(unvalued((one, unread_a), (other, unread_b))),
    }
}

/// Why a secret that has a value has no hash.
fn why_unread<'a>(variable: &Variable, of: Option<&'a Environment>) -> Option<&'a str> {
    of.filter(|_| variable.value == Value::Secret(None)).and_then(|of| of.unread.as_deref())
}

/// Whether some values of the secrets could make one text of what both say, or of what one says and the other is.
fn may_be_equal(a: &Variable, b: &Variable) -> bool {
    let ends = |side: &'_ Variable| match side.value.text() {
        Some(text) => Some((text.to_owned(), text.to_owned())),
        None => side.written.as_deref().map(around),
    };
    let (Some((head, tail)), Some((other_head, other_tail))) = (ends(a), ends(b)) else { return true };
    let heads = head.starts_with(&other_head) || other_head.starts_with(&head);
    heads && (tail.ends_with(&other_tail) || other_tail.ends_with(&tail))
}

/// What stands before the first secret of a text, and after the last.
fn around(written: &str) -> (String, String) {
    let head = written.find("${").map_or(written, |at| &written[..at]);
    let tail = written.rfind('}').map_or(written, |at| &written[at + 1..]);
    (head.to_owned(), tail.to_owned())
}

/// Which of two secrets has no hash, and why.
fn unvalued((a, unread_a): (&Value, Option<&str>), (b, unread_b): (&Value, Option<&str>)) -> String {
    let why = |value: &Value, unread: Option<&str>| match (value, unread) {
        (Value::Secret(None), Some(why)) => Some(format!("a secret that was not read: {why}")),
        (Value::Secret(None), None) => Some("a secret that has no value yet".to_owned()),
        _ => None,
    };
    match (why(a, unread_a), why(b, unread_b)) {
        (Some(a), Some(b)) if a == b => format!("each is {a}"),
        (Some(a), Some(b)) => format!("the first is {a}; the second is {b}"),
        (Some(a), None) => format!("the first is {a}"),
        (None, b) => format!("the second is {}", b.unwrap_or_default()),
    }
}

fn is_open(value: &Value) -> bool {
    matches!(value, Value::Secret(None) | Value::Hole(_))
}
