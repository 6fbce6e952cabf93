//! `apply(a, diff(a, b)) == b`, for profiles and for any tree.

use std::collections::BTreeSet;

use prodmirror::{
    diff::{Change, apply, compare, diff, equal},
    path::Path,
    profile::{self, Layers, Source, from_tree, tree},
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::generate;

fn read_file(_: &str, path: &str) -> Result<Vec<u8>, String> {
    Ok(format!("the file {path}").into_bytes())
}

/// The tree of an example.
pub fn example(name: &str) -> Value {
    let file = format!("{}/profiles/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    let documents = [Source::new(name, std::fs::read(file).unwrap())];
    let layers =
        Layers { documents: &documents, set: &[], unset: &[], allow_unpinned: true, read_file: &read_file };
    tree(&profile::load(&layers).unwrap().profile)
}

/// What `check` has against a tree.
fn errors(tree: &Value) -> Vec<String> {
    let profile = match from_tree(tree) {
        Ok(profile) => profile,
        Err(problems) => return vec![format!("{problems:?}")],
    };
    let documents = [Source::new("tree", profile::print(&profile))];
    let layers =
        Layers { documents: &documents, set: &[], unset: &[], allow_unpinned: true, read_file: &read_file };
    let problems = profile::check(&layers);
    problems
        .iter()
        .filter(|problem| problem.is_error())
        .map(|problem| format!("{}: {}", problem.path, problem.message))
        .collect()
}

/// A change with all that it needs, directly or not, in the order of the difference.
fn closure(changes: &[Change], path: &Path) -> Vec<Change> {
    let mut wanted = BTreeSet::from([path.clone()]);
    loop {
        let more: Vec<Path> =
            changes.iter().filter(|c| wanted.contains(&c.path)).flat_map(|c| c.needs.clone()).collect();
        let before = wanted.len();
        wanted.extend(more);
        if wanted.len() == before {
            return changes.iter().filter(|c| wanted.contains(&c.path)).cloned().collect();
        }
    }
}

/// Two profiles that share much: the second takes some of the difference between two drawn ones.
fn related(seed: u64) -> (Value, Value) {
    let (a, b) = (tree(&generate::profile(seed)), tree(&generate::profile(seed ^ 0x5eed)));
    let some: Vec<Change> = diff(&a, &b)
        .into_iter()
        .enumerate()
        .filter(|(at, _)| (seed >> (at % 61)) & 1 == 0)
        .map(|(_, c)| c)
        .collect();
    let mixed = apply(&a, &some).unwrap();
    (a, mixed)
}

#[test]
fn a_difference_of_generated_profiles_leads_from_one_to_the_other() {
    for seed in 0..300 {
        let (a, b) = (generate::profile(seed), generate::profile(seed + 1));
        let changes = diff(&tree(&a), &tree(&b));
        let applied = apply(&tree(&a), &changes).unwrap();
        assert!(equal(&applied, &tree(&b)), "seed {seed}");
        assert_eq!(from_tree(&applied).unwrap(), b, "seed {seed}");
        assert_eq!(diff(&tree(&b), &applied), [], "seed {seed}");
        let (a, b) = related(seed);
        assert!(equal(&apply(&a, &diff(&a, &b)).unwrap(), &b), "seed {seed}");
    }
}

#[test]
fn a_profile_does_not_differ_from_itself_whatever_the_order_of_its_maps() {
    fn turned(value: &Value) -> Value {
        match value {
            Value::Object(map) => map.iter().rev().map(|(key, value)| (key.clone(), turned(value))).collect(),
            Value::Array(list) => list.iter().map(turned).collect(),
            other => other.clone(),
        }
    }
    for seed in 0..100 {
        let a = tree(&generate::profile(seed));
        assert_eq!(diff(&a, &turned(&a)), [], "seed {seed}");
    }
}

#[test]
fn each_change_with_what_it_needs_leaves_a_valid_profile() {
    let mut pairs = vec![
        (example("shop"), example("shop-dev")),
        (example("shop-dev"), example("shop")),
        (example("everything"), example("shop")),
        (example("shop"), example("everything")),
        (example("minimal"), example("everything")),
        (example("oom"), example("oom-dev")),
        (example("connections-dev"), example("connections")),
    ];
    pairs.extend((0..6).map(|seed| (tree(&generate::profile(seed)), tree(&generate::profile(seed + 1000)))));
    let mut bad = Vec::new();
    for (number, (a, b)) in pairs.iter().enumerate() {
        let changes = diff(a, b);
        for change in &changes {
            let partial = apply(a, &closure(&changes, &change.path)).unwrap();
            let errors = errors(&partial);
            if !errors.is_empty() {
                bad.push(
                    format!("pair {number}, {}: {errors:?}", change.path)
                        .chars()
                        .take(400)
                        .collect::<String>(),
                );
            }
        }
    }
    assert!(bad.is_empty(), "{} changes: {:#?}", bad.len(), &bad[..bad.len().min(40)]);
}

#[test]
fn changes_survive_json() {
    for seed in 0..50 {
        let (a, b) = (tree(&generate::profile(seed)), tree(&generate::profile(seed + 1)));
        let difference = compare(&a, &b);
        let json = serde_json::to_string(&difference).unwrap();
        assert_eq!(serde_json::from_str::<prodmirror::diff::Difference>(&json).unwrap(), difference);
    }
}

/// Any JSON, rich in the words of the grammar so that its rules meet.
fn any_tree() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "services",
        "flags",
        "env",
        "ports",
        "name",
        "resources",
        "limits",
        "probes",
        "readiness",
        "http",
        "a",
        "",
        "a.b",
        "ulimits",
        "hole",
        "init",
        "tmpfs",
        "captured",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..3).prop_map(Value::from),
        word.clone().prop_map(Value::from),
        Just(json!({})),
        Just(json!([])),
    ];
    leaf.prop_recursive(6, 48, 5, move |inner| {
        let map = prop::collection::vec((word.clone(), inner.clone()), 0..5);
        let object = |pairs: Vec<(&str, Value)>| {
            Value::Object(
                pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>(),
            )
        };
        let member =
            (0..4u8, inner.clone()).prop_map(|(name, value)| json!({"name": name.to_string(), "v": value}));
        prop_oneof![
            4 => map.prop_map(object),
            1 => prop::collection::vec(inner, 0..4).prop_map(Value::Array),
            2 => prop::collection::vec(member, 0..4).prop_map(Value::Array),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_tree_leads_to_any_other(a in any_tree(), b in any_tree()) {
        let changes = diff(&a, &b);
        let applied = apply(&a, &changes);
        prop_assert!(applied.is_ok(), "{applied:?}\n{changes:#?}");
        let applied = applied.unwrap();
        prop_assert!(equal(&applied, &b), "{applied}\n{changes:#?}");
        prop_assert_eq!(changes.is_empty(), equal(&a, &b));
    }

    #[test]
    fn a_tree_and_what_became_of_it_are_led_back(a in any_tree(), b in any_tree()) {
        let some: Vec<Change> = diff(&a, &b).into_iter().step_by(2).collect();
        if let Ok(mixed) = apply(&a, &some) {
            prop_assert!(equal(&apply(&mixed, &diff(&mixed, &a)).unwrap(), &a));
        }
    }
}
