//! The `environment:` of a Compose file, as a map or as a list.

use serde_json::Value as Json;

use super::{ReadError, Value, interpolate, remark};
use crate::render;

/// Reads a document whose only key is `environment`.
pub(super) fn read(text: &str) -> Result<Vec<(String, Value)>, ReadError> {
    let json: Json = serde_yaml::from_str(text).map_err(|error| {
        // The parser counts one more line where the text ends too soon, and breaks lines at more characters than we do.
        let last = text.lines().count().max(1);
        let line = error.location().map_or(1, |at| at.line()).clamp(1, last);
        ReadError::at(line, format!("this is no YAML: {error}"))
    })?;
    let mut found = remarks(text)?;
    let shell = || Value::Hole("Compose takes it from the shell that runs it".to_owned());
    let mut add = |name: &str, value: Option<&str>| -> Result<(), ReadError> {
        let value = match value {
            Some(text) => {
                interpolate::text(text, &[]).map_err(|why| ReadError::at(1, format!("`{name}`: {why}")))?
            }
            None => shell(),
        };
        found.push((name.to_owned(), value));
        Ok(())
    };
    match &json["environment"] {
        Json::Object(map) => {
            for (name, value) in map {
                match value {
                    Json::String(text) => add(name, Some(text))?,
                    Json::Number(_) | Json::Bool(_) => add(name, Some(&value.to_string()))?,
                    Json::Null => add(name, None)?,
                    Json::Array(_) | Json::Object(_) => {
                        return Err(ReadError::at(1, format!("`{name}` is neither a text nor a number")));
                    }
                }
            }
        }
        Json::Array(items) => {
            for item in items {
                let line = item
                    .as_str()
                    .ok_or_else(|| ReadError::at(1, "a member of `environment` is not `NAME=value`"))?;
                match line.split_once('=') {
                    Some((name, value)) => add(name, Some(value))?,
                    None => add(line, None)?,
                }
            }
        }
        Json::Null => {}
        _ => return Err(ReadError::at(1, "`environment` is neither a map nor a list")),
    }
    Ok(found)
}

/// Our remarks stand two blanks deep. A value that goes over lines is never written by us, so none can hold one.
fn remarks(text: &str) -> Result<Vec<(String, Value)>, ReadError> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(line) = line.strip_prefix("  ").filter(|line| line.starts_with('#')) {
            found.extend(remark::read(line, index + 1)?);
        }
    }
    Ok(found)
}

pub(super) fn write(name: &str, value: &str) -> Result<String, &'static str> {
    if name.contains('=') || name.chars().any(char::is_control) {
        return Err("Compose cannot hold such a name");
    }
    Ok(format!("  {}: {}", render::escape::key(name), render::escape::quoted(&value.replace('$', "$$"))))
}
