//! Which way the arrows point: core never names world, world never names story, nothing in the
//! library names the command line, and what touches the outside stays where it belongs.
//!
//! The source is read as tokens, without comments, strings and tests; every path is resolved to
//! its beginning. The checker's own tests plant each violation in a few lines of text.

#![allow(clippy::print_stdout, reason = "a test says aloud what it cannot try")]
#![allow(clippy::unwrap_used)]

#[path = "arrows/paths.rs"]
mod paths;
#[path = "arrows/planted.rs"]
mod planted;
#[path = "arrows/rules.rs"]
mod rules;
#[path = "arrows/tokens.rs"]
mod tokens;

use std::{
    fs,
    path::{Path, PathBuf},
};

use rules::Violation;

/// At most this many lines a file; at 400 look for the second subject.
const LINES: usize = 400;

/// Every source file below `src`, its path relative to it with `/`, in order.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    let name = |path: &Path| path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
    files.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

fn report(violations: &[Violation]) -> String {
    violations.iter().map(|violation| format!("\n  src/{violation}")).collect()
}

#[test]
fn no_part_names_what_lies_above_it() {
    let found = rules::arrows(&sources());
    assert!(found.is_empty(), "{} arrows point the wrong way:{}", found.len(), report(&found));
}

#[test]
fn what_touches_the_outside_stays_where_it_belongs() {
    let found = rules::reach(&sources());
    assert!(found.is_empty(), "{} reach too far:{}", found.len(), report(&found));
}

#[test]
fn no_source_file_holds_more_than_one_subject() {
    let long: Vec<_> = sources()
        .iter()
        .map(|(name, text)| (text.lines().count(), name.clone()))
        .filter(|(lines, _)| *lines > LINES)
        .collect();
    assert!(long.is_empty(), "longer than {LINES} lines: {long:?}");
}

/// A part that is in no layer is held by no rule: whoever adds one says where it stands.
#[test]
fn every_part_stands_in_a_layer() {
    let found = rules::homeless(&sources());
    assert!(found.is_empty(), "in no layer of tests/arrows/rules.rs: {found:?}");
}
