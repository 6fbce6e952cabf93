//! A document as a tree in which every value knows where it was written.
//!
//! Scalars keep their letters: what `4`, `0777` or `no` means is for the field
//! that reads it, and a variable takes it letter by letter.

use indexmap::IndexMap;

use super::source::Span;
use crate::path::{Path, Segment};

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub span: Span,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// `null`, `~`, or nothing after the colon.
    Null,
    Scalar {
        text: String,
        style: Style,
    },
    List(Vec<Node>),
    Map(Map),
    /// `{hole: REASON}` where a value may be one; `lengthen` tells it from a map.
    Hole(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// May be a number or a boolean where one is wanted.
    Plain,
    /// In quotes or as a block: text.
    Quoted,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Map {
    pub entries: IndexMap<String, Entry>,
    /// Of these keys a map holds one: an overlay that writes another one replaces it.
    pub choice: &'static [&'static str],
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub key: Span,
    pub node: Node,
}

impl Node {
    pub fn plain(text: impl Into<String>, span: Span) -> Self {
        Self { span, kind: Kind::Scalar { text: text.into(), style: Style::Plain } }
    }

    pub fn quoted(text: impl Into<String>, span: Span) -> Self {
        Self { span, kind: Kind::Scalar { text: text.into(), style: Style::Quoted } }
    }

    pub fn map(span: Span) -> Self {
        Self { span, kind: Kind::Map(Map::default()) }
    }

    pub fn list(items: Vec<Node>, span: Span) -> Self {
        Self { span, kind: Kind::List(items) }
    }

    /// `{KEY: SELF}` at the same place: how most short forms become long ones.
    pub fn wrap(&mut self, key: &str) {
        let inner = std::mem::replace(self, Self::map(self.span));
        self.insert(key, inner);
    }

    /// Adds to a map; on anything else it does nothing.
    pub fn insert(&mut self, key: &str, node: Node) {
        if let Kind::Map(map) = &mut self.kind {
            map.entries.insert(key.to_owned(), Entry { key: node.span, node });
        }
    }

    pub fn as_map(&self) -> Option<&Map> {
        match &self.kind {
            Kind::Map(map) => Some(map),
            _ => None,
        }
    }

    pub fn as_map_mut(&mut self) -> Option<&mut Map> {
        match &mut self.kind {
            Kind::Map(map) => Some(map),
            _ => None,
        }
    }

    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// A value that is no collection, or that could not be read: what a short form takes.
    pub fn is_single(&self) -> bool {
        matches!(self.kind, Kind::Scalar { .. } | Kind::Hole(_))
    }

    pub fn get(&self, key: &str) -> Option<&Node> {
        Some(&self.as_map()?.entries.get(key)?.node)
    }

    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        Some(&mut self.as_map_mut()?.entries.get_mut(key)?.node)
    }

    /// What stands here, for messages.
    pub fn what(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "nothing",
            Kind::Scalar { .. } => "a single value",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
            Kind::Hole(_) => "a hole",
        }
    }

    /// The name by which a list knows this member, if it has one.
    pub fn member_name(&self) -> Option<&str> {
        self.get("name")?.as_text()
    }

    /// Whether a list's members are told apart by their names.
    pub fn is_named_list(&self) -> bool {
        matches!(&self.kind, Kind::List(items) if !items.is_empty() && items.iter().all(|i| i.member_name().is_some()))
    }

    pub fn step(&self, segment: &Segment) -> Option<&Node> {
        match (segment, &self.kind) {
            (Segment::Key(key), Kind::Map(_)) => self.get(key),
            (Segment::Index(index), Kind::List(items)) => items.get(*index),
            (Segment::Member { field, value }, Kind::List(items)) => {
                items.iter().find(|item| item.get(field).and_then(Node::as_text) == Some(value))
            }
            _ => None,
        }
    }

    /// Values and bytes of text within, as the budget counts them.
    pub fn cost(&self) -> (usize, usize) {
        let sum = |parts: &mut dyn Iterator<Item = (usize, usize)>| {
            parts.fold((1, 0), |(nodes, text), (n, t)| (nodes + n, text + t))
        };
        match &self.kind {
            Kind::Null => (1, 0),
            Kind::Scalar { text, .. } | Kind::Hole(text) => (1, text.len()),
            Kind::List(items) => sum(&mut items.iter().map(Self::cost)),
            Kind::Map(map) => sum(&mut map.entries.iter().map(|(key, entry)| {
                let (nodes, text) = entry.node.cost();
                (nodes + 1, text + key.len())
            })),
        }
    }

    /// The place of a path: of its value, or of the nearest thing above it that is written.
    pub fn locate(&self, path: &Path) -> Span {
        let mut node = self;
        for segment in &path.0 {
            match node.step(segment) {
                Some(next) => node = next,
                None => break,
            }
        }
        node.span
    }

    /// The place of the last key of a path, else as `locate`.
    pub fn locate_key(&self, path: &Path) -> Span {
        if let Some((Segment::Key(key), above)) = path.0.split_last() {
            let mut node = Some(self);
            for segment in above {
                node = node.and_then(|n| n.step(segment));
            }
            if let Some(entry) = node.and_then(Node::as_map).and_then(|map| map.entries.get(key)) {
                return entry.key;
            }
        }
        self.locate(path)
    }

    /// Every leaf in order, empty maps and lists included.
    pub fn leaves<'a>(&'a self, at: &Path, visit: &mut dyn FnMut(Path, &'a Node)) {
        match &self.kind {
            Kind::Map(map) if !map.entries.is_empty() => {
                for (key, entry) in &map.entries {
                    entry.node.leaves(&at.key(key.as_str()), visit);
                }
            }
            Kind::List(items) if !items.is_empty() => {
                let named = self.is_named_list();
                for (index, item) in items.iter().enumerate() {
                    let at = match item.member_name() {
                        Some(name) if named => at.member("name", name),
                        _ => at.index(index),
                    };
                    item.leaves(&at, visit);
                }
            }
            _ => visit(at.clone(), self),
        }
    }
}

impl From<&serde_json::Value> for Node {
    fn from(value: &serde_json::Value) -> Self {
        let span = Span::default();
        match value {
            serde_json::Value::Null => Self { span, kind: Kind::Null },
            serde_json::Value::Bool(value) => Self::plain(value.to_string(), span),
            serde_json::Value::Number(number) => Self::plain(number.to_string(), span),
            serde_json::Value::String(text) => Self::quoted(text.as_str(), span),
            serde_json::Value::Array(items) => Self::list(items.iter().map(Self::from).collect(), span),
            serde_json::Value::Object(object) => {
                let mut map = Self::map(span);
                for (key, value) in object {
                    map.insert(key, value.into());
                }
                map
            }
        }
    }
}

impl Node {
    /// The value as JSON would hold it: a plain scalar that JSON knows is that
    /// value, anything else (`0777`, `no`, `1e400`) is its letters.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.kind {
            Kind::Null => serde_json::Value::Null,
            Kind::Scalar { text, style } => match (style, text.as_str()) {
                (Style::Plain, "true") => true.into(),
                (Style::Plain, "false") => false.into(),
                (Style::Plain, number) => match number.parse::<serde_json::Number>() {
                    Ok(parsed) if parsed.to_string() == number => serde_json::Value::Number(parsed),
                    _ => text.as_str().into(),
                },
                (Style::Quoted, text) => text.into(),
            },
            Kind::List(items) => items.iter().map(Self::to_json).collect(),
            Kind::Map(map) => {
                map.entries.iter().map(|(key, entry)| (key.clone(), entry.node.to_json())).collect()
            }
            Kind::Hole(reason) => serde_json::json!({"hole": reason}),
        }
    }
}
