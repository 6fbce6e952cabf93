//! Secrets compared without being known: where both sides know a hash, the trees get it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::references;
use crate::{
    capture::redact::Values,
    env::{HashKey, Keyed},
    name::Name,
    path::Path,
    profile::{Piece, Text},
};

/// The hashes of what a name stands for. It is several where one name of the other side stands for several of this.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hashes(BTreeMap<String, BTreeSet<Pair>>);

/// A key's id and a hash, in an order.
type Pair = (String, String);

impl Hashes {
    /// By the names that a captured profile has for its secrets.
    pub fn of(values: &Values, key: &HashKey) -> Self {
        let one =
            |(name, Keyed { key, hash }): (Name, Keyed)| (name.to_string(), BTreeSet::from([(key, hash)]));
        Self(values.hashed(key).into_iter().map(one).collect())
    }

    /// By the names of the other side; what it does not name keeps its own.
    pub(super) fn renamed(&self, named: &Renamed) -> Self {
        let taken: BTreeSet<&String> = named.values().flatten().collect();
        let mut renamed: BTreeMap<String, BTreeSet<Pair>> = BTreeMap::new();
        for (theirs, mine) in named {
            let known = mine.iter().filter_map(|name| self.0.get(name)).flatten().cloned();
            renamed.entry(theirs.clone()).or_default().extend(known);
        }
        for (name, hashes) in self.0.iter().filter(|(name, _)| !taken.contains(name)) {
            renamed.entry(name.clone()).or_insert_with(|| hashes.clone());
        }
        renamed.retain(|_, hashes| !hashes.is_empty());
        Self(renamed)
    }
}

/// Names of the other side, each with this side's for the same places.
pub(super) type Renamed = BTreeMap<String, BTreeSet<String>>;

/// Which secrets stand in the same place of the same text on both sides.
pub(super) fn met(mine: &Json, theirs: &Json) -> Renamed {
    let mut found = Renamed::new();
    walk(&Path::root(), mine, theirs, &mut found);
    found
}

fn walk(at: &Path, mine: &Json, theirs: &Json, found: &mut Renamed) {
    match (mine, theirs) {
        (Json::Object(mine), Json::Object(theirs)) => {
            for (key, value) in mine {
                if let Some(other) = theirs.get(key) {
                    walk(&at.key(key.as_str()), value, other, found);
                }
            }
        }
        (Json::Array(mine), Json::Array(theirs)) if mine.len() == theirs.len() => {
            for (index, (value, other)) in mine.iter().zip(theirs).enumerate() {
                walk(&at.index(index), value, other, found);
            }
        }
        (Json::String(mine), Json::String(theirs)) => {
            for (mine, theirs) in names(at, mine, theirs) {
                found.entry(theirs).or_default().insert(mine);
            }
        }
        _ => {}
    }
}

/// The secrets of two texts, if those are the same but for the names.
fn names(at: &Path, mine: &str, theirs: &str) -> Vec<(String, String)> {
    if references::names_a_secret(at) {
        return vec![(mine.to_owned(), theirs.to_owned())];
    }
    if !references::alike(mine, theirs) {
        return Vec::new();
    }
    let secrets = |text: &str| -> Vec<String> {
        let Ok((Text(pieces), _)) = Text::parse(text) else { return Vec::new() };
        let name = |piece: Piece| match piece {
            Piece::Secret(name) => Some(name.to_string()),
            _ => None,
        };
        pieces.into_iter().filter_map(name).collect()
    };
    secrets(mine).into_iter().zip(secrets(theirs)).collect()
}

/// Puts hashes in place of the secrets of two captures of which both have one; answers those that
/// were not compared, with the reason.
///
/// Both trees have the same names by now. It is for captures alone, whose secrets have values somewhere: a profile and a
/// mirror have secrets of their own.
pub fn by_hash(a: (&mut Json, &Hashes), b: (&mut Json, &Hashes)) -> Vec<(Path, String)> {
    let ((a, of_a), (b, of_b)) = (a, b);
    let (used, also) = (references::used(a), references::used(b));
    let mut unread = Vec::new();
    for name in used.intersection(&also) {
        let sides = (of_a.0.get(name), of_b.0.get(name));
        let Some((from, to)) = sides.0.zip(sides.1).and_then(|(a, b)| telling(a, b)) else {
            let whose = match sides {
                (None, Some(_)) => "the value of the first was not read",
                (Some(_), None) => "the value of the second was not read",
                _ => "the value of neither was read",
            };
            unread.push((Path::of([SECRETS, name]), whose.to_owned()));
            continue;
        };
        for (tree, (key, hash)) in [(&mut *a, from), (&mut *b, to)] {
            tree[SECRETS][name] = json!({"secret": format!("{key}:{hash}")});
        }
    }
    unread
}

const SECRETS: &str = "secrets";

/// The pair that differs, if one does.
fn telling<'h>(a: &'h BTreeSet<Pair>, b: &'h BTreeSet<Pair>) -> Option<(&'h Pair, &'h Pair)> {
    let pairs = || a.iter().flat_map(|a| b.iter().map(move |b| (a, b)));
    pairs().find(|(a, b)| a.0 == b.0 && a != b).or_else(|| pairs().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(all: &[(&str, &str, &str)]) -> Hashes {
        let mut hashes = Hashes::default();
        for (name, key, hash) in all {
            hashes.0.entry((*name).to_owned()).or_default().insert(((*key).to_owned(), (*hash).to_owned()));
        }
        hashes
    }

    #[test]
    fn a_secret_is_known_by_the_others_name_wherever_both_have_it_in_one_place() {
        let mine = json!({
            "services": {"web": {"env": {"A": "x-${secret:one}", "B": "${secret:two}", "C": "y${secret:three}"},
                "files": {"/k": {"secret": "four"}}}},
        });
        let theirs = json!({
            "services": {"web": {"env": {"A": "x-${secret:key}", "B": "${secret:key}", "C": "z${secret:else}"},
                "files": {"/k": {"secret": "file"}}}},
        });
        let met = met(&mine, &theirs);
        let of = |name: &str| met.get(name).map(|names| names.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(of("key"), Some(vec!["one", "two"]));
        assert_eq!(of("file"), Some(vec!["four"]));
        assert_eq!(of("else"), None, "the texts around it differ");
        let renamed =
            hashes(&[("one", "k", "1"), ("two", "k", "2"), ("three", "k", "3"), ("four", "k", "4")])
                .renamed(&met);
        let wanted = hashes(&[("key", "k", "1"), ("key", "k", "2"), ("three", "k", "3"), ("file", "k", "4")]);
        assert_eq!(renamed, wanted);
    }

    #[test]
    fn equal_values_are_no_difference_and_what_one_side_alone_read_is_said() {
        let tree = || {
            json!({
                "secrets": {"same": {}, "other": {"hole": "x"}, "unread": {}, "foreign": {}},
                "services": {"web": {"env": {"A": "${secret:same}${secret:other}${secret:unread}${secret:foreign}"}}},
            })
        };
        let (mut a, mut b) = (tree(), tree());
        let of_a =
            hashes(&[("same", "k", "1"), ("other", "k", "1"), ("foreign", "k", "1"), ("unread", "k", "1")]);
        let of_b = hashes(&[("same", "k", "1"), ("other", "k", "2"), ("foreign", "m", "1")]);
        let unread = by_hash((&mut a, &of_a), (&mut b, &of_b));
        let difference = crate::diff::compare(&a, &b);
        let changed: Vec<String> = difference.changes.iter().map(|one| one.path.to_string()).collect();
        assert_eq!(changed, ["secrets.other"]);
        let doubted: Vec<String> = difference.incomparable.iter().map(|one| one.path.to_string()).collect();
        assert_eq!(doubted, ["secrets.foreign"]);
        assert_eq!(
            unread,
            [(Path::of(["secrets", "unread"]), "the value of the second was not read".to_owned())]
        );
    }

    #[test]
    fn of_several_values_under_one_name_the_one_that_differs_tells() {
        let tree = || json!({"secrets": {"key": {}}, "stores": {"db": {"password": "${secret:key}"}}});
        let mut trees = [tree(), tree()];
        let [a, b] = &mut trees;
        let of_b = hashes(&[("key", "k", "1"), ("key", "k", "2")]);
        by_hash((a, &hashes(&[("key", "k", "1")])), (b, &of_b));
        assert_eq!(b["secrets"]["key"], json!({"secret": "k:2"}));
    }

    #[test]
    fn what_neither_side_read_is_no_difference_and_not_taken_for_equal() {
        let tree = || json!({"secrets": {"key": {}}, "stores": {"db": {"password": "${secret:key}"}}});
        let (mut a, mut b) = (tree(), tree());
        let unread = by_hash((&mut a, &Hashes::default()), (&mut b, &Hashes::default()));
        assert_eq!(a, b);
        assert_eq!(unread[0].1, "the value of neither was read");
    }
}
