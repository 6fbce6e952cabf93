//! The profile as text: blocks for what is long, one line for what is short, comments beside.

use std::fmt::Write;

use prodmirror::profile::yaml_scalar;

/// A value of the profile.
#[derive(Clone, Debug, PartialEq)]
pub enum Yaml {
    /// A text, quoted where a reader could take it for something else.
    Text(String),
    /// A number, a quantity or `true`: its letters are safe bare.
    Bare(String),
    List(Vec<Yaml>),
    Map(Vec<(String, Yaml)>),
}

impl Yaml {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub fn bare(text: impl std::fmt::Display) -> Self {
        Self::Bare(text.to_string())
    }

    pub fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::List(texts.into_iter().map(Self::text).collect())
    }

    pub fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    fn flow(&self) -> String {
        match self {
            Self::Text(text) => yaml_scalar(text),
            Self::Bare(text) => text.clone(),
            Self::List(items) => format!("[{}]", items.iter().map(Self::flow).collect::<Vec<_>>().join(", ")),
            Self::Map(entries) => {
                let entry = |(key, value): &(String, Self)| format!("{}: {}", yaml_scalar(key), value.flow());
                format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn is_long(&self) -> bool {
        matches!(self, Self::Map(entries) if !entries.is_empty())
            || matches!(self, Self::List(items) if !items.is_empty())
    }
}

/// One line holds no more than this, unless it cannot be broken.
const WIDE: usize = 100;

/// `key: value` at a depth, on one line where it fits. `env` and its like are blocks from two entries on.
pub fn entry(out: &mut String, depth: usize, key: &str, value: &Yaml) {
    let lead = format!("{}{}:", "  ".repeat(depth), yaml_scalar(key));
    let flow = value.flow();
    let several = matches!(value, Yaml::Map(entries) if entries.len() > 1) && BLOCKS.contains(&key);
    if !value.is_long() || lead.len() + 1 + flow.len() <= WIDE && !several {
        let _ = writeln!(out, "{lead} {flow}");
        return;
    }
    let _ = writeln!(out, "{lead}");
    match value {
        Yaml::Map(entries) => entries.iter().for_each(|(key, value)| entry(out, depth + 1, key, value)),
        Yaml::List(items) => {
            for item in items {
                let _ = writeln!(out, "{}- {}", "  ".repeat(depth + 1), item.flow());
            }
        }
        Yaml::Text(_) | Yaml::Bare(_) => {}
    }
}

const BLOCKS: [&str; 4] = ["env", "labels", "probes", "volumes"];

/// A comment; a line of the text that holds a line break would end it.
pub fn comment(out: &mut String, depth: usize, text: &str) {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let _ = writeln!(out, "{}# {line}", "  ".repeat(depth));
}
