//! Forms of lists and maps.

use std::{hash::Hash, marker::PhantomData};

use indexmap::IndexMap;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::Value as Json;

use super::{
    form::{Form, Object, Reader, either},
    hole,
    scalars::Letters,
    spelled::NAME_PATTERN,
};
use crate::name::Name;
use crate::path::Path;
use crate::profile::{
    node::{Kind, Node},
    problem::Problem,
    source::Span,
    words,
};

/// A list; members that cannot be read are left out, the problem is said.
pub(crate) struct List<F>(PhantomData<F>);

impl<F: Form> Form for List<F> {
    type Value = Vec<F::Value>;

    fn lengthen(node: &mut Node) {
        if let Kind::List(items) = &mut node.kind {
            items.iter_mut().for_each(hole::lengthen::<F>);
        }
    }

    fn read(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<Self::Value> {
        let Kind::List(items) = &node.kind else {
            to.wanted(node, at, "a list");
            return None;
        };
        Some(
            items
                .iter()
                .enumerate()
                .filter_map(|(index, item)| hole::value::<F>(item, &at.index(index), to))
                .collect(),
        )
    }

    fn write(value: &Self::Value) -> Json {
        value.iter().map(F::write).collect()
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "array", "items": hole::value_schema::<F>(generator)})
    }

    fn blank() -> Option<Self::Value> {
        Some(Vec::new())
    }
}

/// The key of a map.
pub(crate) trait Key: Hash + Eq + Sized {
    const PATTERN: &'static str;
    fn read(text: &str, span: Span, at: &Path, to: &mut Reader<'_>) -> Option<Self>;
    fn as_text(&self) -> &str;
}

impl Key for Name {
    const PATTERN: &'static str = NAME_PATTERN;

    fn read(text: &str, span: Span, at: &Path, to: &mut Reader<'_>) -> Option<Self> {
        match Name::new(text) {
            Ok(name) => Some(name),
            Err(error) => {
                to.error("bad-name", at, span, error.to_string());
                None
            }
        }
    }

    fn as_text(&self) -> &str {
        self.as_str()
    }
}

impl Key for String {
    const PATTERN: &'static str = "^.";

    fn read(text: &str, span: Span, at: &Path, to: &mut Reader<'_>) -> Option<Self> {
        if text.is_empty() {
            to.error("bad-key", at, span, "a key cannot be empty");
            return None;
        }
        Some(text.to_owned())
    }

    fn as_text(&self) -> &str {
        self
    }
}

/// How the keys of a map are read, where the type alone does not say it.
pub(crate) trait Keys {
    type Key: Key;
    const PATTERN: &'static str;
    fn read(text: &str, span: Span, at: &Path, to: &mut Reader<'_>) -> Option<Self::Key>;
}

impl<K: Key> Keys for K {
    type Key = K;
    const PATTERN: &'static str = K::PATTERN;
    fn read(text: &str, span: Span, at: &Path, to: &mut Reader<'_>) -> Option<K> {
        K::read(text, span, at, to)
    }
}

/// Names of variables: what an environment can hold, `=` and NUL excepted.
pub(crate) enum Variable {}

impl Keys for Variable {
    type Key = String;
    const PATTERN: &'static str = "^[^=\\s]+$";

    fn read(text: &str, span: Span, at: &Path, to: &mut Reader<'_>) -> Option<String> {
        if text.is_empty() || text.chars().any(|c| c == '=' || c.is_whitespace()) {
            let message = format!("`{text}` is no name of a variable: it is empty, or holds `=` or a space");
            to.error("bad-variable", at, span, message);
            return None;
        }
        Some(text.to_owned())
    }
}

/// Paths inside a container.
pub(crate) enum AbsolutePath {}

impl Keys for AbsolutePath {
    type Key = String;
    const PATTERN: &'static str = "^/.";

    fn read(text: &str, span: Span, at: &Path, to: &mut Reader<'_>) -> Option<String> {
        if !text.starts_with('/') || text == "/" {
            let problem = Problem::error("relative-path", at, span, format!("`{text}` is no absolute path"));
            to.push(problem.hint("a path inside the container, `/etc/app.ini`"));
            return None;
        }
        if text.split('/').any(|part| part == ".." || part == ".") {
            to.error("bad-path", at, span, format!("`{text}` goes through `.` or `..`"));
            return None;
        }
        Some(text.to_owned())
    }
}

/// A map; entries that cannot be read are left out, the problem is said.
pub(crate) struct MapOf<K, F>(PhantomData<(K, F)>);

impl<K: Keys, F: Form> Form for MapOf<K, F> {
    type Value = IndexMap<K::Key, F::Value>;
    const HOLE: bool = false;

    fn lengthen(node: &mut Node) {
        if let Some(map) = node.as_map_mut() {
            map.entries.values_mut().for_each(|entry| hole::lengthen::<F>(&mut entry.node));
        }
    }

    fn read(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<Self::Value> {
        let Some(map) = node.as_map() else {
            to.wanted(node, at, "a map");
            return None;
        };
        let mut read = IndexMap::with_capacity(map.entries.len());
        for (text, entry) in &map.entries {
            let at = at.key(text.as_str());
            let key = K::read(text, entry.key, &at, to);
            let value = hole::value::<F>(&entry.node, &at, to);
            if let (Some(key), Some(value)) = (key, value) {
                read.insert(key, value);
            }
        }
        Some(read)
    }

    fn write(value: &Self::Value) -> Json {
        let object: Object =
            value.iter().map(|(key, value)| (key.as_text().to_owned(), F::write(value))).collect();
        object.into()
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "propertyNames": {"pattern": K::PATTERN},
            "additionalProperties": hole::value_schema::<F>(generator)
        })
    }
}

/// Turns a list of names into a map of names to nothing: `[a, b]` is `{a: {}, b: {}}`.
pub(crate) fn list_to_map(node: &mut Node) {
    let Kind::List(items) = &node.kind else { return };
    if !items.iter().all(|item| item.as_text().is_some()) {
        return;
    }
    let mut map = Node::map(node.span);
    for item in items {
        let Some(text) = item.as_text() else { return };
        if map.get(text).is_some() {
            // A name twice in a list stays a list, for `read` to refuse.
            return;
        }
        map.insert(text, Node::map(item.span));
    }
    *node = map;
}

/// A map that may be written as a list of its keys.
pub(crate) struct Listed<M>(PhantomData<M>);

impl<M: Form> Form for Listed<M> {
    type Value = M::Value;
    const HOLE: bool = M::HOLE;

    fn lengthen(node: &mut Node) {
        list_to_map(node);
        M::lengthen(node);
    }

    fn read(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<Self::Value> {
        M::read(node, at, to)
    }

    fn write(value: &Self::Value) -> Json {
        M::write(value)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let short = json_schema!({"type": "array", "items": {"type": "string"}, "uniqueItems": true});
        either(short, M::schema(generator))
    }
}

/// A command in OCI's meaning: a list, never a line for a shell.
pub(crate) enum Argv {}

impl Form for Argv {
    type Value = Vec<String>;

    fn read(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<Vec<String>> {
        let Some(line) = node.as_text() else { return List::<Letters>::read(node, at, to) };
        let problem =
            Problem::error("command-line", at, node.span, "a command is a list of words, not one line");
        to.push(problem.hint(format!("write `{}`", words::as_list(line))));
        None
    }

    fn write(value: &Vec<String>) -> Json {
        List::<Letters>::write(value)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        List::<Letters>::schema(generator)
    }

    fn lengthen(node: &mut Node) {
        List::<Letters>::lengthen(node);
    }

    fn blank() -> Option<Vec<String>> {
        Some(Vec::new())
    }
}

/// The one key of a closed set that a map holds, with its value.
pub(crate) fn chosen<'n>(
    node: &'n Node,
    keys: &[&'static str],
    at: &Path,
    to: &mut Reader<'_>,
) -> Option<(&'static str, &'n Node)> {
    let mut found = keys.iter().filter_map(|key| Some((*key, node.get(key)?)));
    let first = found.next();
    match (first, found.next()) {
        (None, _) => {
            to.error("missing-key", at, node.span, format!("one of {} is missing", keys.join(", ")));
            None
        }
        (Some((one, _)), Some((other, second))) => {
            let message = format!("`{one}` and `{other}` exclude each other");
            to.error("two-of-one", &at.key(other), second.span, message);
            None
        }
        (first, None) => first,
    }
}

/// Marks a map of which one key is chosen, so that an overlay can choose another.
pub(crate) fn mark_choice(node: &mut Node, keys: &'static [&'static str]) {
    if let Some(map) = node.as_map_mut() {
        map.choice = keys;
    }
}
