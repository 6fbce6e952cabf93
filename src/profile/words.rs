//! Words of the neighbours, and the nearest of our own.

use super::{
    neighbours::{KEYS, VALUES},
    node::{Kind, Node},
};
use crate::path::Path;

/// The known word that a mistyped one is meant to be, if one is near.
pub(crate) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    // Nobody mistypes a word as long as this, and likeness costs the product of the lengths.
    if word.len() > 64 || known.len() > 500 {
        return None;
    }
    let word = word.to_ascii_lowercase().replace('-', "_");
    known
        .iter()
        .map(|key| (strsim::jaro_winkler(&word, &key.to_ascii_lowercase().replace('-', "_")), *key))
        .filter(|(likeness, _)| *likeness >= 0.84)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, key)| key)
}

/// The word of a closed set that was meant.
pub(crate) fn word(text: &str, known: &[&str]) -> Option<String> {
    let ours = VALUES.iter().find(|(theirs, ours)| *theirs == text && known.contains(ours));
    match ours {
        Some((_, ours)) => Some(format!("write `{ours}`")),
        None => nearest(text, known).map(|near| format!("did you mean `{near}`?")),
    }
}

/// The message and hint for a key that the map does not have.
pub(crate) fn unknown_key(
    key: &str,
    known: &[&'static str],
    _value: &Node,
    at: &Path,
) -> (String, Option<String>) {
    let message = format!("the key `{key}` is not known here");
    if key == super::v1::HOLE_KEY {
        let hint = "a hole stands alone, in place of a single value: `{hole: REASON}`";
        return (message, Some(hint.to_owned()));
    }
    if key == "like" {
        let hint = match at.key_at(0) {
            Some("jobs") => "`like` stands at the job itself",
            _ => "only a job takes `like`",
        };
        return (message, Some(hint.to_owned()));
    }
    if let Some((_, hint)) = KEYS.iter().find(|(word, hint)| *word == key && speaks_of(hint, known)) {
        return (message, Some((*hint).to_owned()));
    }
    let hint = match nearest(key, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => match KEYS.iter().find(|(word, _)| *word == key) {
            Some((_, hint)) => (*hint).to_owned(),
            None => format!("known are {}", known.join(", ")),
        },
    };
    (message, Some(hint))
}

/// Whether a hint's first word of ours is a key of this map, so that it fits here.
fn speaks_of(hint: &str, known: &[&str]) -> bool {
    let Some(quoted) = hint.split('`').nth(1) else { return true };
    let word = quoted.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
    !hint.starts_with("write") || known.contains(&word)
}

/// What to write instead of a value of the wrong kind.
pub(crate) fn shape(node: &Node, at: &Path) -> Option<String> {
    let key = at.0.iter().rev().find_map(|segment| match segment {
        crate::path::Segment::Key(key) => Some(key.as_str()),
        _ => None,
    })?;
    let first = match &node.kind {
        Kind::List(items) => items.first(),
        _ => None,
    };
    let text = first.and_then(Node::as_text).unwrap_or_default();
    Some(match (key, &node.kind) {
        ("env" | "flags" | "labels" | "sysctls", Kind::List(_)) => match text.split_once('=') {
            Some((name, value)) => format!("write a map, `{name}: \"{value}\"`"),
            None if key == "env" => "write a map, `NAME: value`".to_owned(),
            None => "write a map of names to values".to_owned(),
        },
        ("volumes", Kind::List(_)) => match text.split(':').collect::<Vec<_>>().as_slice() {
            [name, path, ..] if !name.starts_with(['.', '/']) => {
                format!("write a map, `{path}: {{claim: {name}}}`")
            }
            [host, path, ..] => {
                format!("write a map, `{path}: {{host: {host}}}`, or `files` for single files")
            }
            _ => "write a map, `/data: {claim: data}`".to_owned(),
        },
        ("ports", Kind::Scalar { text, .. }) => {
            let port = text.rsplit(':').next().unwrap_or(text).split('/').next().unwrap_or("8000");
            format!("write `ports: {{http: {port}}}`; ports of the host are chosen at launch")
        }
        ("needs" | "flags" | "groups" | "allow", Kind::Scalar { text, .. }) => format!("write `[{text}]`"),
        ("needs", Kind::Map(_)) => "write a list of names; it waits until each is ready".to_owned(),
        ("extra_hosts", Kind::List(_)) => "write a map, `NAME: ADDRESS`".to_owned(),
        ("services" | "stores" | "jobs" | "init" | "sidecars", Kind::List(_)) => {
            "write a map of names, `api: {image: …}`".to_owned()
        }
        ("restart", _) => "write `always`, `on-failure` or `never`".to_owned(),
        _ => return None,
    })
}

/// What to write instead of a value that is no such thing.
pub(crate) fn spelling(code: &str, text: &str) -> Option<String> {
    match code {
        "bad-duration" if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => {
            Some(format!("write `{text}s`"))
        }
        "bad-name" => {
            let near: String = text
                .to_ascii_lowercase()
                .chars()
                .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' })
                .collect();
            let near = near.trim_matches('-');
            crate::name::Name::new(near).ok().map(|name| format!("write `{name}`"))
        }
        "bad-quantity" => {
            let lower = text.to_ascii_lowercase();
            let units = [("kb", "k"), ("mb", "M"), ("gb", "G"), ("m", "M"), ("g", "Gi"), ("b", "")];
            let (unit, ours) = units.into_iter().find(|(unit, _)| lower.ends_with(unit))?;
            let number = text.get(..text.len() - unit.len())?.trim();
            number.parse::<super::Bytes>().ok().map(|_| format!("write `{number}{ours}`"))
        }
        _ => None,
    }
}

/// A command line as the list to write.
pub(crate) fn as_list(line: &str) -> String {
    let shell = line.contains(['|', '&', ';', '<', '>', '$', '`', '"', '\'', '*', '(', '\n']);
    let words: Vec<String> = if shell {
        vec!["sh".into(), "-c".into(), quoted(line)]
    } else {
        line.split_whitespace().map(quoted).collect()
    };
    format!("[{}]", words.join(", "))
}

fn quoted(word: &str) -> String {
    let plain = word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./=".contains(&b));
    if plain && !word.is_empty() { word.to_owned() } else { serde_json::Value::from(word).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_the_word() {
        let known = ["replicas", "resources", "image", "restart"];
        assert_eq!(nearest("replcas", &known), Some("replicas"));
        assert_eq!(nearest("Image", &known), Some("image"));
        assert_eq!(nearest("xyz", &known), None);
    }

    #[test]
    fn a_line_becomes_a_list() {
        assert_eq!(as_list("python manage.py migrate"), "[python, manage.py, migrate]");
        assert_eq!(as_list("a && b"), r#"[sh, -c, "a && b"]"#);
    }
}
