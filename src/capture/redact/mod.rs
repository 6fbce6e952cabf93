//! What is secret of a captured profile, and the profile without it.
//!
//! A value is secret by its origin (the source says so), by its name, by its shape (keys, tokens, connection strings,
//! what only chance makes) or by rule. It becomes `${secret:NAME}` where a text holds references; equal values are one
//! secret. A value that nobody can make up is a hole. Where no reference can stand, the whole field goes.

mod entropy;
mod known;
mod shape;
mod telling;
mod tokens;
mod variables;
mod within;

use serde_json::{Value as Json, json};

pub use known::{MASK, Secrets, Values};
pub use shape::{Form, form};
pub use telling::is_telling;

use super::{
    draft::{Origins, steps, take_out},
    names::plain,
};
use crate::{
    path::{Path, Segment},
    profile::{Piece, Text},
};

/// What a person says of certain places of the profile; `*` stands for any one key.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub secret: Vec<Path>,
    pub open: Vec<Path>,
}

impl Rules {
    fn is_secret(&self, at: &Path) -> bool {
        self.secret.iter().any(|rule| rule.covers(at))
    }

    fn is_open(&self, at: &Path) -> bool {
        self.open.iter().any(|rule| rule.covers(at))
    }
}

/// Whether a value under this name is a secret as a whole, and what can stand for it.
pub fn judge(name: &str, value: &str) -> Option<Form> {
    let telling = is_telling(name) && telling::hides(value) && !telling::is_plain_cookie(name, value);
    let random = !telling::names_something_public(name) && entropy::is_random(value);
    let form = form(value);
    let by_shape = tokens::whole(value).is_some() || form == Form::Shaped(crate::profile::Shape::RsaPem);
    (telling || random || by_shape).then_some(form)
}

/// A text without what is secret of it, for people to read; nothing refers to what is left out.
pub fn masked(name: &str, text: &str) -> String {
    if judge(name, text).is_some() {
        return MASK.to_owned();
    }
    known::covered(text, within::find(name, text).into_iter().map(|found| found.at).collect())
}

/// A message of somebody else's without what looks like a secret.
pub fn scrub(text: &str) -> String {
    masked("", text)
}

/// Takes every secret out of the profile.
pub(super) fn redact(tree: &mut Json, secrets: &mut Secrets, origins: &Origins<'_>, rules: &Rules) {
    let texts = texts(tree);
    for text in &texts {
        remember_words(text, secrets, rules);
    }
    // A store's first: its name for a secret is the best one.
    let is_store = |text: &&Spot| text.at.key_at(0) == Some("stores");
    let (stores, others): (Vec<_>, Vec<_>) = texts.iter().partition(is_store);
    for text in stores.into_iter().chain(others) {
        learn(text, secrets, rules);
    }
    for text in &texts {
        hide(tree, text, secrets, origins, rules);
    }
    for at in secret_keys(tree, secrets) {
        for place in origins.of(&at) {
            place.left_out("its name holds a secret");
        }
        take_out(tree, &at);
    }
    for (name, shape) in secrets.declared() {
        let value = match shape {
            Some(shape) => json!({"generate": shape}),
            None => json!({}),
        };
        put(tree, &Path::of(["secrets", name.as_str()]), value);
    }
}

/// A text of the profile that a person or a source wrote.
struct Spot {
    at: Path,
    /// What says what it is: the last key of its path, or the option before a word of a command.
    name: String,
    text: String,
}

fn texts(tree: &Json) -> Vec<Spot> {
    const OURS: [&str; 6] = ["apiVersion", "name", "captured", "secrets", "platform", "allow"];
    let mut found = Vec::new();
    for (key, value) in tree.as_object().into_iter().flatten() {
        if !OURS.contains(&key.as_str()) {
            gather(&Path::root().key(key.as_str()), key, value, &mut found);
        }
    }
    found
}

fn gather(at: &Path, name: &str, value: &Json, to: &mut Vec<Spot>) {
    match value {
        Json::String(text) if !is_ours(at) => {
            to.push(Spot { at: at.clone(), name: name.to_owned(), text: text.clone() });
        }
        Json::Array(items) => {
            let mut before = "";
            for (index, item) in items.iter().enumerate() {
                gather(&at.index(index), before, item, to);
                before = item
                    .as_str()
                    .filter(|word| word.starts_with('-') && !word.contains('='))
                    .unwrap_or_default();
            }
        }
        Json::Object(map) => map.iter().for_each(|(key, item)| gather(&at.key(key.as_str()), key, item, to)),
        _ => {}
    }
}

/// What the profile itself has words for: images, engines, needs, quantities.
fn is_ours(at: &Path) -> bool {
    const FIELDS: [&str; 6] = ["image", "engine", "needs", "flags", "resources", "ports"];
    const KEYS: [&str; 7] = ["restart", "balancing", "protocol", "clock", "like", "hole", "field"];
    let last = at.0.iter().rev().find_map(key);
    let is_variable = at.0.iter().rev().nth(1).and_then(key).is_some_and(|key| key == "env");
    let in_workload = ["services", "jobs", "stores"].iter().any(|section| at.key_at(0) == Some(section));
    let is_name = at.key_at(2) == Some("files") && last == Some("secret");
    in_workload && (is_name || at.key_at(2).is_some_and(|key| FIELDS.contains(&key)))
        || !is_variable && last.is_some_and(|last| KEYS.contains(&last) || last == "image")
        || at.key_at(2) == Some("files") && last.is_some_and(|last| last == "secret" || last == "from")
}

fn key(segment: &Segment) -> Option<&str> {
    match segment {
        Segment::Key(key) => Some(key),
        Segment::Member { .. } | Segment::Index(_) => None,
    }
}

/// Whether references can stand in it.
fn refers(at: &Path) -> bool {
    let keys: Vec<&str> = at.0.iter().filter_map(key).collect();
    matches!(
        keys.as_slice(),
        [_, _, "env", _]
            | [_, _, "init" | "sidecars", _, "env", _]
            | ["stores", _, "database" | "user" | "password"]
    )
}

fn workload(at: &Path) -> &str {
    at.key_at(1).unwrap_or_default()
}

impl Spot {
    /// The letters that stand in it by themselves; references stand between them.
    fn literals(&self) -> Vec<String> {
        if !refers(&self.at) {
            return vec![self.text.clone()];
        }
        let Ok((Text(pieces), _)) = Text::parse(&self.text) else { return Vec::new() };
        let literal = |piece| match piece {
            Piece::Literal(text) => Some(text),
            Piece::Secret(_) | Piece::Store(..) | Piece::Service(..) => None,
        };
        pieces.into_iter().filter_map(literal).collect()
    }

    /// All of it, if no reference is in it.
    fn literal(&self) -> Option<String> {
        match refers(&self.at) {
            true => Text::parse(&self.text).ok()?.0.as_literal().map(str::to_owned),
            false => Some(self.text.clone()),
        }
    }

    /// What can stand for it, if it is a secret as a whole.
    fn whole(&self, value: &str, rules: &Rules) -> Option<Form> {
        match rules.is_secret(&self.at) {
            true => Some(form(value)),
            false => judge(&self.name, value),
        }
    }
}

/// A word that stands in the open is no password wherever it occurs.
fn remember_words(spot: &Spot, secrets: &mut Secrets, rules: &Rules) {
    secrets.word(workload(&spot.at));
    let Some(value) = spot.literal() else { return };
    if refers(&spot.at) && spot.whole(&value, rules).is_none() {
        secrets.open(&value);
    }
}

fn learn(spot: &Spot, secrets: &mut Secrets, rules: &Rules) {
    if rules.is_open(&spot.at) {
        return;
    }
    if let Some(value) = spot.literal()
        && let Some(form) = spot.whole(&value, rules)
    {
        remember(&value, form, &spot.name, &spot.at, secrets);
        return;
    }
    for literal in spot.literals() {
        for found in within::find(&spot.name, &literal) {
            remember(&found.value, found.form, &format!("{}-password", spot.name), &spot.at, secrets);
        }
    }
}

fn remember(value: &str, form: Form, name: &str, at: &Path, secrets: &mut Secrets) {
    match form {
        Form::Meaning(what) => secrets.keep_out(value, what),
        // Nothing refers to it from there.
        _ if !refers(at) => secrets.know(value, &named(workload(at), name), form),
        form => drop(secrets.learn(value, &named(workload(at), name), form)),
    }
}

/// What a secret is called: `db` and `POSTGRES_PASSWORD` make `db-password`, `web` and `WEB_KEY` make `web-key`.
pub fn named(workload: &str, name: &str) -> String {
    let own = ["POSTGRES_", "MYSQL_", "MARIADB_", "REDIS_", "MONGO_INITDB_"];
    let short = own.iter().find_map(|own| name.strip_prefix(own)).unwrap_or(name);
    if short.is_empty() {
        return format!("{workload}-secret");
    }
    let doubled = format!("{}-", plain(workload));
    let spelled = plain(short);
    format!("{workload}-{}", spelled.strip_prefix(&doubled).unwrap_or(&spelled))
}

/// Entries whose very name shows a secret, or is one.
fn secret_keys(tree: &Json, secrets: &Secrets) -> Vec<Path> {
    // What stands there is a name of somebody else's.
    const NAMED: [&str; 3] = ["extra_hosts", "labels", "env"];
    fn is_one(at: &Path, name: &str) -> bool {
        let is_named = at.0.last().and_then(key).is_some_and(|last| NAMED.contains(&last));
        is_named && (judge("", name).is_some() || !within::find("", name).is_empty())
    }
    fn gather(at: &Path, value: &Json, secrets: &Secrets, to: &mut Vec<Path>) {
        for (segment, value) in steps(value) {
            let below = at.push(segment.clone());
            match key(&segment).is_some_and(|key| secrets.shows(key) || is_one(at, key)) {
                true => to.push(below),
                false => gather(&below, value, secrets, to),
            }
        }
    }
    let mut found = Vec::new();
    gather(&Path::root(), tree, secrets, &mut found);
    found
}

const NO_REFERENCE: &str = "it holds a secret, and no reference can stand here";

/// Writes references, or a hole, in place of what is secret.
fn hide(tree: &mut Json, spot: &Spot, secrets: &mut Secrets, origins: &Origins<'_>, rules: &Rules) {
    let Spot { at, name, text } = spot;
    if rules.is_open(at) {
        return;
    }
    if !refers(at) {
        let is_secret = spot.whole(text, rules).is_some() || !within::find(name, text).is_empty();
        if is_secret || secrets.shows(text) {
            blank(tree, &field(at), NO_REFERENCE, origins);
        }
        return;
    }
    let Ok((Text(pieces), _)) = Text::parse(text) else { return };
    let mut out = Vec::new();
    for piece in pieces {
        let Piece::Literal(text) = piece else {
            out.push(piece);
            continue;
        };
        match secrets.replaced(name, &text, rules.is_secret(at)) {
            Ok(pieces) => out.extend(pieces),
            Err(what) => {
                return blank(
                    tree,
                    at,
                    &format!("it is secret, and nothing made up does for it: {what}"),
                    origins,
                );
            }
        }
    }
    let written = Text(out);
    if written.to_string() == *text {
        return;
    }
    let mut names: Vec<String> = written.secrets().map(|name| format!("`{name}`")).collect();
    names.dedup();
    for place in origins.of(at) {
        place.remark(format!("what is secret of it is {} now", names.join(", ")));
    }
    put(tree, at, Json::from(written.to_string()));
}

/// The field that goes as a whole when a part of it is secret.
fn field(at: &Path) -> Path {
    const WHOLE: [(&str, usize); 6] =
        [("probes", 2), ("files", 2), ("command", 1), ("entrypoint", 1), ("post_start", 1), ("pre_stop", 1)];
    let is = |word: &str, segment: &Segment| key(segment) == Some(word);
    let within = at.0.iter().skip(2);
    let found = WHOLE
        .iter()
        .find_map(|(word, steps)| Some(within.clone().position(|segment| is(word, segment))? + 2 + steps));
    Path(at.0[..found.unwrap_or(at.0.len()).min(at.0.len())].to_vec())
}

fn blank(tree: &mut Json, at: &Path, why: &str, origins: &Origins<'_>) {
    for place in origins.of(at) {
        place.hole();
    }
    put(tree, at, json!({ "hole": why }));
}

fn put(tree: &mut Json, path: &Path, value: Json) {
    let mut spot = tree;
    for segment in &path.0 {
        let next = match (segment, spot) {
            (Segment::Key(key), Json::Object(map)) => {
                Some(map.entry(key.as_str()).or_insert_with(|| json!({})))
            }
            (Segment::Index(index), Json::Array(items)) => items.get_mut(*index),
            (Segment::Member { field, value }, Json::Array(items)) => {
                items.iter_mut().find(|item| item.get(field).and_then(Json::as_str) == Some(value))
            }
            _ => None,
        };
        let Some(next) = next else { return };
        spot = next;
    }
    *spot = value;
}
