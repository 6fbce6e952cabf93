//! Files of the neighbours, handed in where a profile is wanted.

use serde_saphyr::granit_parser::{self, Event, Parser};

use super::{
    problem::Problem,
    source::{Source, Span},
};
use crate::path::Path;

/// A whole Compose or Kubernetes file is answered with the line that makes a profile of it.
///
/// Only the keys at the top of the first document and one level below are looked at.
pub(crate) fn refuse(source: &Source, index: u16) -> Option<Problem> {
    let keys = first_keys(source)?;
    let top = |key: &str| keys.iter().find(|found| found.depth == 1 && found.key == key);
    let version = top("apiVersion").map(|found| found.value.as_str()).unwrap_or_default();
    if version.starts_with("prodmirror/") {
        return None;
    }
    let name = &source.name;
    let whole = Span { source: Some(index), start: 0, end: 1, line: 1, column: 1 };
    let manifest = ["kind", "items", "metadata"].iter().find_map(|key| top(key));
    if let (Some(_), Some(sign)) = (top("apiVersion"), manifest) {
        let kind = if sign.key == "kind" { sign.value.as_str() } else { "List" };
        let message = format!("this is a Kubernetes manifest ({kind}), not a profile");
        let hint = format!("make a profile of it: prodmirror capture files {name} -o prodmirror.yaml");
        return Some(Problem::error("kubernetes-file", &Path::root(), whole, message).hint(hint));
    }
    const COMPOSE: &[&str] = &[
        "build",
        "environment",
        "env_file",
        "depends_on",
        "container_name",
        "networks",
        "deploy",
        "healthcheck",
    ];
    let services = top("services").is_some() && version.is_empty();
    let sign = keys.iter().any(|found| found.depth == 3 && COMPOSE.contains(&found.key.as_str()));
    let own = ["name", "stores", "jobs", "flags"].iter().filter(|key| top(key).is_some()).count();
    let compose_only =
        ["version", "networks", "volumes", "configs", "x-common"].iter().any(|key| top(key).is_some());
    // An overlay is a part of a profile, so little in it is a sign.
    if index == 0 && services && (sign || compose_only || own == 0) {
        let hint = format!("make a profile of it: prodmirror capture compose {name} -o prodmirror.yaml");
        let problem =
            Problem::error("compose-file", &Path::root(), whole, "this is a Compose file, not a profile");
        return Some(problem.hint(hint));
    }
    None
}

struct Found {
    depth: usize,
    key: String,
    /// Its value, if that is a single one.
    value: String,
}

/// The keys of the first document down to the third level; nothing if it is no YAML.
fn first_keys(source: &Source) -> Option<Vec<Found>> {
    const ENOUGH: usize = 2_000;
    let text = std::str::from_utf8(source.bytes.get(..source.bytes.len().min(8 << 20))?).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let options = granit_parser::options! { emit_comments: false };
    let mut keys: Vec<Found> = Vec::new();
    // For each open collection: whether it is a map, and whether a key comes next.
    let mut open: Vec<(bool, bool)> = Vec::new();
    for event in Parser::new_from_str_with_options(text, options).take(ENOUGH * 4) {
        let Ok((event, _)) = event else { break };
        match event {
            Event::MappingStart(..) => {
                value_done(&mut open, &mut keys, None);
                open.push((true, true));
            }
            Event::SequenceStart(..) => {
                value_done(&mut open, &mut keys, None);
                open.push((false, false));
            }
            Event::MappingEnd | Event::SequenceEnd => {
                open.pop();
            }
            Event::Scalar(text, ..) => value_done(&mut open, &mut keys, Some(&text)),
            Event::Alias(_) => value_done(&mut open, &mut keys, None),
            Event::DocumentEnd => break,
            _ => {}
        }
        if keys.len() > ENOUGH || open.len() > 48 {
            break;
        }
    }
    Some(keys)
}

/// Notes a key, or the value of the last one.
fn value_done(open: &mut [(bool, bool)], keys: &mut Vec<Found>, text: Option<&str>) {
    let depth = open.len();
    let Some((true, key_next)) = open.last_mut() else { return };
    if *key_next {
        keys.push(Found { depth, key: text.unwrap_or_default().to_owned(), value: String::new() });
    } else if let (Some(found), Some(text)) = (keys.last_mut().filter(|found| found.depth == depth), text) {
        found.value = text.to_owned();
    }
    *key_next = !*key_next;
}
