//! Whatever is changed in what is observed, the ledger tells no lie about it.

use serde_json::{Value as Json, json};

use super::stage::*;
use crate::{capture::reading::NO_WORD, ledger::Grade, observed::Observed};

/// Every value of a document that is neither a map nor a list, by its pointer; and every member of a list.
fn leaves(at: &str, value: &Json, found: &mut Vec<String>) {
    let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Json::Object(map) => {
            map.iter().for_each(|(key, value)| leaves(&format!("{at}/{}", escaped(key)), value, found));
        }
        Json::Array(items) => {
            found.push(at.to_owned());
            items
                .iter()
                .enumerate()
                .for_each(|(index, value)| leaves(&format!("{at}/{index}"), value, found));
        }
        _ => found.push(at.to_owned()),
    }
}

/// Another value of the same kind; `turn` chooses among several.
fn changed(value: &Json, turn: usize) -> Json {
    match value {
        Json::Null => Json::Null,
        Json::Bool(value) => json!(!value),
        Json::Number(number) => match (number.as_i64(), turn % 3) {
            (Some(number), 0) => json!(number.saturating_add(1)),
            (Some(_), 1) => json!(0),
            (Some(number), _) => json!(number.saturating_mul(2).saturating_add(3)),
            (None, _) => json!(0),
        },
        Json::String(text) => match turn % 4 {
            0 => json!(format!("{text}x")),
            1 => json!(""),
            // A digit of a number, a letter of a word.
            2 => json!(text.replacen(['1', 'a', 'o'], "2", 1)),
            _ => json!(text.lines().skip(1).collect::<Vec<_>>().join("\n")),
        },
        Json::Array(items) if turn.is_multiple_of(2) => items.iter().skip(1).cloned().collect(),
        Json::Array(items) => items.iter().chain(items.last()).cloned().collect(),
        Json::Object(_) => value.clone(),
    }
}

/// What is wrong with a ledger, whatever it was made of.
fn lies(stage: &Stage) -> Vec<String> {
    let mut lies = Vec::new();
    for entry in stage.judge().entries {
        let is_wanted = entry.live.is_some() && entry.live == entry.wanted;
        let lie = match entry.holds {
            Some(false) if is_wanted => "does not hold and shows what is wanted",
            Some(false) if entry.why.as_deref() == Some(NO_WORD) => "has no word for what it is",
            Some(true) if !is_wanted => "holds and shows something else",
            None if is_wanted => "is not known to hold and shows what is wanted",
            None if entry.live.is_some() && entry.grade == Grade::Enforced => {
                "is planned otherwise and enforced"
            }
            Some(_) if entry.read_from.is_none() => "was read nowhere",
            _ if entry.wanted.is_none() && entry.holds == Some(true) => "was asked for by nobody and holds",
            _ => continue,
        };
        lies.push(format!("{} {lie}: {:?} {:?}", entry.path, entry.wanted, entry.live));
    }
    let said = serde_json::to_string(&stage.judge()).unwrap();
    if said.contains("hidden-") {
        lies.push("a secret is told".to_owned());
    }
    lies
}

#[test]
fn no_ledger_of_a_faithful_mirror_lies() {
    for profile in PROFILES {
        assert_eq!(lies(&Stage::set(profile)), Vec::<String>::new(), "{profile}");
    }
}

/// Every leaf of what is observed in its turn, a part of them each time that a profile has many.
#[test]
fn no_ledger_lies_whatever_is_changed_behind_the_mirror() {
    for (profile, stride) in
        [("minimal.yaml", 5), ("everything.yaml", 53), ("shop.yaml", 31), ("oom.yaml", 5)]
    {
        let mut stage = Stage::set(profile);
        let observed = serde_json::to_value(&stage.observed).unwrap();
        let mut found = Vec::new();
        leaves("", &observed, &mut found);
        let mut tried = 0;
        for (turn, pointer) in found.iter().enumerate().step_by(stride) {
            let mut other = observed.clone();
            let leaf = other.pointer_mut(pointer).unwrap();
            *leaf = changed(leaf, turn / stride);
            // Not every text is an address.
            let Ok(other) = serde_json::from_value::<Observed>(other) else { continue };
            stage.observed = other;
            tried += 1;
            let lies = lies(&stage);
            assert!(lies.is_empty(), "{profile}: {pointer}: {lies:#?}");
        }
        assert!(tried > 40, "{profile}: {tried}");
    }
}
