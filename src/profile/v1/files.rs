//! Files that are put into a container.

use base64::{Engine, engine::general_purpose::STANDARD};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::Value as Json;

use super::{
    collections::{AbsolutePath, MapOf, chosen, mark_choice},
    form::{Fields, Form, Object, Reader, Shape, Short},
    hole,
    record::record,
    scalars::{Absolute, Letters, Whole},
    spelled::Spelling,
};
use crate::name::Name;
use crate::path::Path;
use crate::profile::{
    File, FileContent, Mode,
    node::{Entry, Node},
    problem::Problem,
};
use indexmap::IndexMap;

record! {
    /// A file; a text alone is its content.
    File or ContentAlone {
        flat content: FileContent,
        /// The folder that is mounted as a whole, as when its path was written with `/` at the end.
        may directory: Absolute,
        /// Permission bits, `"0644"`.
        may mode: Spelling<Mode>,
        /// The owner's id.
        may user: Whole<u32>,
        /// The owning group's id.
        may group: Whole<u32>,
    }
}

/// `/etc/x: text`
pub(crate) enum ContentAlone {}

impl Short for ContentAlone {
    fn lengthen(node: &mut Node) {
        if node.is_single() {
            node.wrap("content");
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        hole::value_schema::<Letters>(generator)
    }
}

const CHOICE: &[&str] = &["content", "from", "secret"];

/// One of `content`, `from` and `secret`; beside `from` may stand what was
/// read, as text or in Base64, and then nothing is read again.
impl Fields for FileContent {
    type Record = Self;

    fn keys(keys: &mut Vec<&'static str>) {
        keys.extend(CHOICE);
        keys.push("base64");
    }

    fn lengthen_fields(node: &mut Node) {
        mark_choice(node, CHOICE);
        if let Some(content) = node.get_mut("content") {
            hole::lengthen::<Letters>(content);
        }
    }

    fn read_fields(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<Self> {
        if let Some(from) = node.get("from") {
            return read_from(from, node, at, to);
        }
        if let Some(stray) = node.get("base64") {
            to.error("stray-key", &at.key("base64"), stray.span, "`base64` stands beside `from` only");
        }
        let (key, inner) = chosen(node, CHOICE, at, to)?;
        let at = at.key(key);
        match key {
            "secret" => Spelling::<Name>::read(inner, &at, to).map(Self::Secret),
            _ => hole::value::<Letters>(inner, &at, to).map(Self::Inline),
        }
    }

    fn write_fields(record: &Self, object: &mut Object) {
        match record {
            Self::Inline(text) => {
                object.insert("content".into(), text.as_str().into());
            }
            Self::From { path, bytes } => {
                object.insert("from".into(), path.as_str().into());
                match std::str::from_utf8(bytes) {
                    Ok(text) if !text.contains('\0') => object.insert("content".into(), text.into()),
                    _ => object.insert("base64".into(), STANDARD.encode(bytes).into()),
                };
            }
            Self::Secret(name) => {
                object.insert("secret".into(), name.as_str().into());
            }
        }
    }

    fn schema_fields(shape: &mut Shape, generator: &mut SchemaGenerator) {
        shape.add(
            "content",
            hole::value_schema::<Letters>(generator),
            "The content as it is; nothing in it is a reference.",
        );
        shape.add("from", Letters::schema(generator), "A file to read, relative to the profile.");
        shape.add("secret", Spelling::<Name>::schema(generator), "The secret that is the content.");
        shape.add(
            "base64",
            json_schema!({"type": "string"}),
            "Beside `from`: what was read, if it is no text.",
        );
        shape.any_of.push(CHOICE);
    }
}

fn read_from(from: &Node, node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<FileContent> {
    let path = Letters::read(from, &at.key("from"), to)?;
    if let Some(secret) = node.get("secret") {
        to.error("two-of-one", &at.key("secret"), secret.span, "`from` and `secret` exclude each other");
        return None;
    }
    let bytes = match (node.get("content"), node.get("base64")) {
        (Some(text), None) => Letters::read(text, &at.key("content"), to)?.into_bytes(),
        (None, Some(text)) => {
            let letters = Letters::read(text, &at.key("base64"), to)?;
            match STANDARD.decode(&letters) {
                Ok(bytes) => bytes,
                Err(error) => {
                    to.error(
                        "bad-base64",
                        &at.key("base64"),
                        text.span,
                        format!("this is no Base64: {error}"),
                    );
                    return None;
                }
            }
        }
        (Some(_), Some(second)) => {
            let message = "`content` and `base64` exclude each other";
            to.error("two-of-one", &at.key("base64"), second.span, message);
            return None;
        }
        (None, None) => {
            let document = from.span.source.and_then(|index| to.names.get(usize::from(index)));
            match (to.files)(document.map_or("", String::as_str), &path) {
                Ok(bytes) => bytes,
                Err(why) => {
                    let message = format!("cannot read `{path}`: {why}");
                    let problem = Problem::error("file-unreadable", &at.key("from"), from.span, message);
                    to.push(problem.hint("the path is relative to the folder of the file that names it"));
                    return None;
                }
            }
        }
    };
    Some(FileContent::From { path, bytes })
}

/// Paths to files; a path that ends in `/` holds a map of names to files.
pub(crate) enum Files {}

impl Form for Files {
    type Value = IndexMap<String, File>;
    const HOLE: bool = false;

    fn lengthen(node: &mut Node) {
        if let Some(map) = node.as_map_mut() {
            let mut flat: IndexMap<String, Entry> = IndexMap::new();
            for (path, entry) in std::mem::take(&mut map.entries) {
                for (path, entry) in spread(path, entry) {
                    // Written twice: kept under a key that `read` refuses.
                    let path = if flat.contains_key(&path) { format!("{path}/") } else { path };
                    flat.insert(path, entry);
                }
            }
            map.entries = flat;
        }
        MapOf::<AbsolutePath, File>::lengthen(node);
    }

    fn read(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<Self::Value> {
        let slashed =
            node.as_map().into_iter().flat_map(|map| &map.entries).filter(|(path, _)| path.ends_with('/'));
        for (path, entry) in slashed {
            let message =
                format!("`{path}` is a folder without files, or holds one that is written elsewhere too");
            let problem = Problem::error("bad-path", &at.key(path.as_str()), entry.key, message);
            to.push(problem.hint("a path that ends in `/` takes a map of names to files"));
        }
        MapOf::<AbsolutePath, File>::read(node, at, to)
    }

    fn write(value: &Self::Value) -> Json {
        MapOf::<AbsolutePath, File>::write(value)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let file = File::schema(generator);
        let folder = json_schema!({
            "type": "object",
            "propertyNames": {"pattern": "^[^/]"},
            "additionalProperties": file,
            "minProperties": 1
        });
        json_schema!({
            "type": "object",
            "patternProperties": {"^/(.*[^/])$": file, "^/(.*/)?$": folder},
            "additionalProperties": false
        })
    }
}

/// A folder's files under their own paths, each with the folder noted; any other entry as it is.
fn spread(path: String, entry: Entry) -> Vec<(String, Entry)> {
    let directory = path.trim_end_matches('/');
    let spreads = path.ends_with('/') && !directory.is_empty();
    match entry.node.as_map() {
        Some(files) if spreads && !files.entries.is_empty() => files
            .entries
            .iter()
            .map(|(name, file)| {
                let mut file = file.clone();
                hole::dig(&mut file.node);
                ContentAlone::lengthen(&mut file.node);
                if file.node.get("directory").is_none() {
                    file.node.insert("directory", Node::quoted(directory, entry.key));
                }
                (format!("{directory}/{name}"), file)
            })
            .collect(),
        _ => vec![(path, entry)],
    }
}
