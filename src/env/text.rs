//! A difference of variables for a terminal.

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::{EnvChange, EnvDiff};
use crate::diff::{Op, plain, shown};

/// Suggestions beyond these are counted.
const MOST: usize = 10;

/// The difference as text, the likeliest causes first; noise only if asked.
///
/// `-` is what A has, `+` what B has. Nothing in a value reaches the terminal as
/// a control character. Empty for no difference at all.
pub fn text(difference: &EnvDiff, noise: bool) -> String {
    let mut groups: IndexMap<String, String> = IndexMap::new();
    for change in difference.changes.iter().filter(|change| noise || change.change.noise.is_none()) {
        let title = match &change.service {
            Some(service) => format!("service {service}"),
            None => "variables".to_owned(),
        };
        groups.entry(title).or_default().push_str(&one(change));
    }
    for unread in &difference.incomparable {
        let service = unread.service.as_ref().map(|service| format!("{service}: ")).unwrap_or_default();
        let line = format!("  {service}{}: {}\n", unread.name, plain(&unread.why));
        groups.entry("cannot be compared".to_owned()).or_default().push_str(&line);
    }
    let mut lines: String =
        difference.suggestions.iter().take(MOST).map(|one| format!("  {}\n", plain(&one.message))).collect();
    let more = difference.suggestions.len().saturating_sub(MOST);
    if more > 0 {
        lines.push_str(&format!("  … and {more} more, which `--format json` tells\n"));
    }
    if !lines.is_empty() {
        groups.insert("what to do, the likeliest cause first".to_owned(), lines);
    }
    let groups: Vec<String> = groups.iter().map(|(title, lines)| format!("{title}\n{lines}\n")).collect();
    groups.concat() + &summary(difference, noise)
}

fn one(change: &EnvChange) -> String {
    let what = match (&change.change.noise, change.change.op) {
        (Some(noise), _) => format!("({noise})"),
        (None, Op::Add) => format!("only in B: {}", change.why),
        (None, Op::Remove) => format!("only in A: {}", change.why),
        (None, Op::Change) => change.why.to_owned(),
    };
    let mut text = format!("  {}  {what}\n", plain(&change.name));
    for (sign, value) in [('-', &change.change.from), ('+', &change.change.to)] {
        if let Some(value) = value {
            text.push_str(&format!("    {sign} {}\n", in_words(value)));
        }
    }
    text
}

fn in_words(value: &Json) -> String {
    match (value["secret"].as_str(), value["hole"].as_str()) {
        (Some(""), _) => "a secret that has no value yet".to_owned(),
        (Some(hash), _) => format!("a secret ({})", plain(hash)),
        (_, Some(why)) => format!("not read: {}", plain(why)),
        _ => shown(value),
    }
}

fn summary(difference: &EnvDiff, noise: bool) -> String {
    let all = difference.changes.len();
    let hidden = all - difference.meaningful().count();
    let unread = difference.incomparable.len();
    if all == 0 && unread == 0 {
        return String::new();
    }
    let different = all - hidden;
    let mut parts = vec![format!(
        "{different} variable{} differ{}",
        if different == 1 { "" } else { "s" },
        if different == 1 { "s" } else { "" }
    )];
    if hidden > 0 {
        parts.push(format!("{hidden} noise{}", if noise { "" } else { " (hidden; `--noise` shows it)" }));
    }
    if unread > 0 {
        parts.push(format!("{unread} not comparable"));
    }
    format!("{}\n", parts.join(", "))
}
