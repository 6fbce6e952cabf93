//! Text of any dialect to variables.

use indexmap::IndexMap;

use super::{Dialect, Value, bash, compose, docker, dotenv, mapping, object};

/// Where a file of variables cannot be read, and why. It never repeats a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ReadError {
    /// From 1.
    pub line: usize,
    pub message: String,
    pub hint: Option<String>,
}

impl ReadError {
    pub(super) fn at(line: usize, message: impl Into<String>) -> Self {
        Self { line, message: message.into(), hint: None }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// The variables of a file: JSON or a Compose `environment:` where it is one, else lines of the dialect.
///
/// A name that comes again has the last value, as every consumer has it.
pub fn read(text: &str, dialect: Dialect) -> Result<IndexMap<String, Value>, ReadError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(at) = text.find('\0') {
        let line = text[..at].matches('\n').count() + 1;
        return Err(ReadError::at(line, "a NUL byte: no variable can hold one, so this is no text"));
    }
    let found = match first_line(text) {
        line if line.starts_with(['{', '[']) => object::read(text)?,
        line if matches!(line.trim_end(), "environment:" | "environment: {}") => mapping::read(text)?,
        _ => match dialect {
            Dialect::Compose => compose::read(text)?,
            Dialect::Docker => docker::read(text)?,
            Dialect::Dotenv => dotenv::read(text)?,
            Dialect::Shell => bash::read(text)?,
        },
    };
    let mut variables = IndexMap::new();
    for (name, value) in found {
        variables.insert(name, value);
    }
    Ok(variables)
}

/// The first line that says something.
fn first_line(text: &str) -> &str {
    let says = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    text.lines().find(says).unwrap_or_default()
}
