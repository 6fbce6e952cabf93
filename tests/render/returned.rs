//! A profile rendered for a cluster and captured from those files is the same profile, but for a list.

use std::collections::BTreeMap;

use prodmirror::{
    capture::{
        aligned::{Hashes, Teller, aligned},
        draft::From,
        kubernetes::{self, Document},
        redact::Rules,
    },
    diff,
    path::{Path, Segment},
    profile::{self, Profile},
    render::{self, Templates},
};

use serde_json::Value as Json;

use crate::{cluster, generate};

/// What a capture makes of a profile's manifests, in its long form.
fn returned(of: &Profile) -> Json {
    let plan = cluster::measured(of);
    let manifests = render::manifests(&plan, &Templates::embedded()).unwrap();
    let values = manifests.into_iter().map(|(_, manifest)| manifest).collect();
    let documents = vec![Document { name: "manifests".to_owned(), values }];
    let from = From { from: "files", ..From::default() };
    kubernetes::draft(documents, &from, &Rules::default()).unwrap().profile
}

/// What differs between a profile and what came back of it, and what could not be compared.
pub fn differences(wanted: &Json, back: &Json, teller: Teller) -> Vec<(Path, &'static str)> {
    let back = aligned(back, teller, &Hashes::default(), wanted).unwrap();
    let mut difference = diff::compare(wanted, &back.tree);
    difference.set_aside(&back.unread);
    let changes = difference.changes.iter().filter(|change| change.noise.is_none());
    let op = |op: diff::Op| match op {
        diff::Op::Add => "added",
        diff::Op::Remove => "lost",
        diff::Op::Change => "changed",
    };
    let changed = changes.map(|change| (change.path.clone(), op(change.op)));
    changed.chain(difference.incomparable.iter().map(|one| (one.path.clone(), "not comparable"))).collect()
}

/// The field that a path is in, of the workload or of one of its containers; names that somebody chose as `*`.
pub fn pattern(path: &Path) -> String {
    const NAMED: [&str; 6] = ["services", "jobs", "stores", "init", "sidecars", "secrets"];
    let mut words: Vec<&str> = Vec::new();
    for segment in &path.0 {
        let word = match segment {
            _ if words.last().is_some_and(|last| NAMED.contains(last)) => "*",
            Segment::Key(key) => key.as_str(),
            Segment::Index(_) | Segment::Member { .. } => break,
        };
        words.push(word);
        if words.len() > 2 && !NAMED.contains(&word) && word != "*" {
            break;
        }
    }
    words.join(".")
}

/// The first time a profile is spelled as a cluster spells it: what it has no words for is lost or put otherwise, and its
/// defaults are written out. From then on nothing may move any more.
#[test]
fn a_profile_comes_back_from_its_manifests_but_for_a_list_and_then_as_it_is() {
    let (mut first, mut again) = (BTreeMap::<String, usize>::new(), BTreeMap::<String, usize>::new());
    const PROFILES: u64 = 100;
    let mut twice = 0;
    for seed in 0..PROFILES {
        let of = generate::profile(seed);
        let once = returned(&of);
        for (path, how) in differences(&profile::tree(&of), &once, Teller::Kubernetes) {
            *first.entry(format!("{how:<15} {}", pattern(&path))).or_default() += 1;
        }
        let of = profile::from_tree(&once).unwrap();
        if !of.holes.is_empty() {
            continue;
        }
        twice += 1;
        for (path, how) in differences(&once, &returned(&of), Teller::Kubernetes) {
            *again.entry(format!("{how:<15} {}", pattern(&path))).or_default() += 1;
        }
    }
    assert!(twice > 10, "{twice} of {PROFILES} have no hole");
    let list = |found: &BTreeMap<String, usize>| found.keys().cloned().collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!("returned", list(&first));
    insta::assert_snapshot!("returned_again", list(&again));
}
