//! A profile as a person would write it: short forms, one line for what is short, comments beside.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::{
    print::{is_lines, lines, yaml_scalar},
    short::shorten,
};
use crate::path::Path;

/// One line holds no more than this, unless it cannot be broken.
const WIDE: usize = 110;
/// Maps that stand as a block from two entries on.
const BLOCKS: [&str; 8] = ["env", "labels", "probes", "volumes", "files", "init", "sidecars", "flags"];
/// Maps of letters, where a number and a truth need no quotes.
const LETTERS: [&str; 3] = ["env", "flags", "settings"];
/// Parts of the document with an empty line before them.
const SECTIONS: [&str; 3] = ["services", "jobs", "stores"];

/// The text of a profile in its long form, in the order of its keys.
///
/// `comments` is asked for the whole (the root), which stands after `name`, and for each workload, where they stand
/// below it.
pub fn by_hand(tree: &Json, comments: &dyn Fn(&Path) -> Vec<String>) -> String {
    let mut out = String::new();
    for (key, value) in shorten(tree).as_object().into_iter().flatten() {
        let workloads = value.as_object().filter(|_| SECTIONS.contains(&key.as_str()));
        let Some(workloads) = workloads else {
            if !["apiVersion", "name", "captured"].contains(&key.as_str()) {
                out.push('\n');
            }
            entry(&mut out, 0, key, value);
            if key == "name" {
                comments(&Path::root()).iter().for_each(|line| comment(&mut out, 0, line));
            }
            continue;
        };
        let _ = writeln!(out, "\n{key}:");
        for (name, workload) in workloads {
            let _ = writeln!(out, "  {}:", yaml_scalar(name));
            for (key, value) in workload.as_object().into_iter().flatten() {
                entry(&mut out, 2, key, value);
            }
            let at = Path::of([key.as_str(), name.as_str()]);
            comments(&at).iter().for_each(|line| comment(&mut out, 2, line));
        }
    }
    out
}

/// A comment line; a line break within the text would end it.
pub fn comment(out: &mut String, depth: usize, text: &str) {
    let line: String = text.chars().map(|c| if c.is_control() || is_break(c) { ' ' } else { c }).collect();
    let _ = writeln!(out, "{}# {line}", "  ".repeat(depth));
}

/// What some readers of YAML take for the end of a line.
fn is_break(c: char) -> bool {
    matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// `key: value` at a depth, on one line where it fits.
fn entry(out: &mut String, depth: usize, key: &str, value: &Json) {
    let lead = format!("{}{}:", "  ".repeat(depth), yaml_scalar(key));
    let letters = LETTERS.contains(&key);
    if let Json::String(text) = value
        && is_lines(text)
    {
        out.push_str(&lead);
        out.push(' ');
        lines(out, text, depth + 1);
        return;
    }
    let flow = flow(value, letters);
    let several = value.as_object().is_some_and(|map| map.len() > 1) && BLOCKS.contains(&key);
    let fits = lead.chars().count() + 1 + flow.chars().count() <= WIDE;
    if !is_long(value) || fits && !several && !holds_lines(value) {
        let _ = writeln!(out, "{lead} {flow}");
        return;
    }
    let _ = writeln!(out, "{lead}");
    match value {
        Json::Object(map) => map.iter().for_each(|(key, value)| member(out, depth + 1, key, value, letters)),
        Json::Array(items) => items.iter().for_each(|value| item(out, depth + 1, value)),
        _ => {}
    }
}

fn member(out: &mut String, depth: usize, key: &str, value: &Json, letters: bool) {
    match value {
        Json::String(text) if letters && is_bare(text) => {
            let _ = writeln!(out, "{}{}: {text}", "  ".repeat(depth), yaml_scalar(key));
        }
        value => entry(out, depth, key, value),
    }
}

fn item(out: &mut String, depth: usize, value: &Json) {
    let lead = format!("{}- ", "  ".repeat(depth));
    match value {
        Json::String(text) if is_lines(text) => {
            out.push_str(&lead);
            lines(out, text, depth + 1);
        }
        value => {
            let _ = writeln!(out, "{lead}{}", flow(value, false));
        }
    }
}

fn flow(value: &Json, letters: bool) -> String {
    match value {
        Json::String(text) if letters && is_bare(text) => text.clone(),
        Json::String(text) => yaml_scalar(text),
        Json::Array(items) => {
            format!("[{}]", items.iter().map(|item| flow(item, false)).collect::<Vec<_>>().join(", "))
        }
        Json::Object(map) => {
            let entry = |(key, value): (&String, &Json)| {
                let inner = letters || LETTERS.contains(&key.as_str());
                format!("{}: {}", yaml_scalar(key), flow(value, inner))
            };
            format!("{{{}}}", map.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// Letters that a profile takes one by one, and that no reader writes in another way.
fn is_bare(text: &str) -> bool {
    let digits = !text.is_empty() && text.len() < 18 && text.bytes().all(|b| b.is_ascii_digit());
    digits || text == "true" || text == "false"
}

fn is_long(value: &Json) -> bool {
    match value {
        Json::Object(map) => !map.is_empty(),
        Json::Array(items) => !items.is_empty(),
        _ => false,
    }
}

/// Whether a text of several lines is in it, which reads best as lines.
fn holds_lines(value: &Json) -> bool {
    match value {
        Json::String(text) => is_lines(text),
        Json::Array(items) => items.iter().any(holds_lines),
        Json::Object(map) => map.values().any(holds_lines),
        _ => false,
    }
}
