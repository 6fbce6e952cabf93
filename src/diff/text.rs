//! A difference for a terminal.

use indexmap::IndexMap;
use serde_json::Value;

use super::{Change, Difference, likelihood};
use crate::path::Path;

/// Longer values are shown in part.
const WIDE: usize = 160;

/// The difference as text, grouped by service; noise only if asked.
///
/// `-` is what A has, `+` what B has. Nothing in a value reaches the terminal
/// as a control character. Empty for no difference at all.
pub fn text(difference: &Difference, noise: bool) -> String {
    let mut groups: IndexMap<String, String> = IndexMap::new();
    for change in difference.changes.iter().filter(|change| noise || change.noise.is_none()) {
        let (title, depth) = title(&change.path);
        groups.entry(title).or_default().push_str(&one(change, depth));
    }
    for unread in &difference.incomparable {
        let line = format!("  {}: {}\n", unread.path, plain(&unread.why));
        groups.entry("cannot be compared".to_owned()).or_default().push_str(&line);
    }
    for untold in &difference.untold {
        let line = format!("  {}: {}\n", untold.path, plain(&untold.why));
        groups.entry("not told by the source, and no difference".to_owned()).or_default().push_str(&line);
    }
    let groups: Vec<String> = groups.iter().map(|(title, lines)| format!("{title}\n{lines}\n")).collect();
    groups.concat() + &suspects(difference) + &summary(difference, noise)
}

fn one(change: &Change, depth: usize) -> String {
    let within = Path(change.path.0[depth.min(change.path.0.len())..].to_vec());
    let noise = change.noise.as_ref().map(|noise| format!(" ({noise})")).unwrap_or_default();
    let name = if within.0.is_empty() { "as a whole".to_owned() } else { within.to_string() };
    let mut text = format!("  {name}{noise}\n");
    for (sign, value) in [('-', &change.from), ('+', &change.to)] {
        if let Some(value) = value {
            text.push_str(&format!("    {sign} {}\n", shown(value)));
        }
    }
    text
}

/// The heading that a path stands under, and how many of its segments the heading says.
pub(super) fn title(path: &Path) -> (String, usize) {
    match (path.key_at(0), path.key_at(1)) {
        (Some("services"), Some(name)) => (format!("service {name}"), 2),
        (Some("jobs"), Some(name)) => (format!("job {name}"), 2),
        (Some("stores"), Some(name)) => (format!("store {name}"), 2),
        _ => ("profile".to_owned(), 0),
    }
}

/// A value on one line: a text as it is where that is unmistakable, else as JSON.
pub(crate) fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) if is_unmistakable(text) => text.clone(),
        Value::String(text) => Value::from(text.as_str()).to_string(),
        other => other.to_string(),
    };
    let length = text.chars().count();
    if length <= WIDE {
        return plain(&text);
    }
    let start: String = text.chars().take(WIDE).collect();
    format!("{}… ({length} characters)", plain(&start))
}

/// JSON leaves DEL, C1 controls and Unicode's direction marks as they are.
pub(crate) fn plain(text: &str) -> String {
    let escaped = |c: char| {
        let moves = matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        if c.is_control() || moves { c.escape_unicode().to_string() } else { c.to_string() }
    };
    text.chars().map(escaped).collect()
}

fn is_unmistakable(text: &str) -> bool {
    !text.is_empty() && text.trim() == text && !text.starts_with('"') && !text.chars().any(char::is_control)
}

/// The changes that a person looks at first, where some stand out.
fn suspects(difference: &Difference) -> String {
    let mut likely: Vec<(f64, &Change)> =
        difference.meaningful().filter_map(|change| Some((change.cause_prior?, change))).collect();
    let stands_out = |prior: f64| prior >= 0.25;
    likely.retain(|(prior, _)| stands_out(*prior));
    if likely.is_empty() || difference.meaningful().count() < 4 {
        return String::new();
    }
    likely.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let line = |(_, change): &(f64, &Change)| {
        let why = likelihood(change).map(|likelihood| likelihood.why).unwrap_or_default();
        format!("  {}  {why}\n", plain(&change.path.to_string()))
    };
    let lines: String = likely.iter().take(5).map(line).collect();
    format!("look at these first\n{lines}\n")
}

pub(super) fn summary(difference: &Difference, noise: bool) -> String {
    let all = difference.changes.len();
    let hidden = all - difference.meaningful().count();
    let unread = difference.incomparable.len();
    if all == 0 && unread == 0 {
        return String::new();
    }
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let mut parts = vec![count(all - hidden, "difference")];
    if hidden > 0 {
        parts.push(format!("{hidden} noise{}", if noise { "" } else { " (hidden; `--noise` shows it)" }));
    }
    if unread > 0 {
        parts.push(format!("{unread} not comparable"));
    }
    format!("{}\n", parts.join(", "))
}
