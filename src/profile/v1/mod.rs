//! Version 1 of the profile's form on disk.
//!
//! Short forms become long ones first, on the tree of nodes, so that layers
//! are merged in one form; then the long form is read. `tree` writes it, and
//! `from_tree(tree(p)) == p`. When there is a version 2, it is a folder beside
//! this one with a `Form` trait of its own.

mod closed;
mod collections;
mod disruption;
mod env;
mod files;
pub(crate) mod form;
mod hole;
mod ports;
mod probes;
mod record;
mod resources;
pub(crate) mod scalars;
mod spelled;
mod store;
mod top;
mod volumes;
mod workload;

use serde_json::Value as Json;

pub use form::ReadFile;
pub(crate) use form::{Fields, Form, Reader};
pub(crate) use hole::KEY as HOLE_KEY;

use super::{
    Profile,
    node::{Kind, Node},
    print::yaml,
    problem::{Gathering, Problem, Problems},
};
use crate::path::Path;

/// The first line of every profile.
pub const VERSION: &str = "prodmirror/v1";

pub(crate) const VERSION_KEY: &str = "apiVersion";

/// The profile in its long form, keys in the order of the types.
pub fn tree(profile: &Profile) -> Json {
    let mut object = form::Object::new();
    object.insert(VERSION_KEY.to_owned(), VERSION.into());
    Profile::write_fields(profile, &mut object);
    if !profile.holes.is_empty() {
        hole::put_back(&mut object, &profile.holes);
    }
    object.into()
}

/// Reads what `tree` wrote, and any other spelling that a file may have.
///
/// Files that are named with `from` must carry what was read from them.
pub fn from_tree(value: &Json) -> Result<Profile, Problems> {
    let mut node = Node::from(value);
    let no_files = |_: &str, _: &str| Err("a tree is read without files".to_owned());
    let mut reader = Reader::new(Gathering::default(), Vec::new(), &no_files);
    lengthen(&mut node);
    let profile = read(&mut node, &mut reader);
    let problems = reader.problems.settle(&[]);
    match profile {
        Some(profile) if !problems.has_errors() => Ok(profile),
        _ => Err(problems),
    }
}

/// The profile as text in its long form; any YAML reader of version 1.1 or 1.2 reads it alike.
pub fn print(profile: &Profile) -> String {
    yaml(&tree(profile))
}

/// Brings every short form into its long one.
pub(crate) fn lengthen(node: &mut Node) {
    Profile::lengthen(node);
}

/// Says whether the document is of this version at all.
pub(crate) fn read_version(node: &Node, problems: &mut Gathering) {
    let at = Path::root().key(VERSION_KEY);
    let hint = format!("the first line is `{VERSION_KEY}: {VERSION}`");
    match node.get(VERSION_KEY) {
        None => {
            let problem =
                Problem::error("missing-version", &Path::root(), node.span, "`apiVersion` is missing");
            problems.push(problem.hint(hint));
        }
        Some(version) => match version.as_text() {
            Some(VERSION) => {}
            Some(text) => {
                let message = format!("`{text}` is no version of the profile's format that is known here");
                problems.push(Problem::error("unknown-version", &at, version.span, message).hint(hint));
            }
            None => {
                let problem = Problem::error("unknown-version", &at, version.span, "`apiVersion` is a text");
                problems.push(problem.hint(hint));
            }
        },
    }
}

/// Reads the long form; what could not be read is said and left out, or stood in for.
pub(crate) fn read(node: &mut Node, to: &mut Reader<'_>) -> Option<Profile> {
    let root = Path::root();
    read_version(node, &mut to.problems);
    let Kind::Map(map) = &mut node.kind else {
        to.wanted(node, &root, "a map that starts with `apiVersion: prodmirror/v1`");
        return None;
    };
    // The version is of the document, not of the profile; a copy without it would be as large again.
    let version = map.entries.shift_remove_full(VERSION_KEY);
    let profile = Profile::read(node, &root, to);
    if let (Some((at, key, entry)), Some(map)) = (version, node.as_map_mut()) {
        map.entries.shift_insert(at, key, entry);
    }
    let profile = profile?;
    Some(Profile { holes: std::mem::take(&mut to.holes), ..profile })
}
