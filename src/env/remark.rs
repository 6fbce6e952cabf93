//! What a comment can say of a variable that has no value to write: `#secret NAME=KEYID:HASH`, `#hole NAME=why`.

use super::{ReadError, Value};

const SECRET: &str = "#secret ";
const HOLE: &str = "#hole ";

/// The line for a value that cannot be written itself.
pub(super) fn write(name: &str, value: &Value) -> Option<String> {
    match value {
        Value::Text(_) => None,
        Value::Secret(Some(hash)) => Some(format!("{SECRET}{name}={hash}")),
        Value::Secret(None) => Some(format!("{SECRET}{name}=")),
        Value::Hole(why) => {
            let why: String = why.chars().map(|c| if is_unprintable(c) { ' ' } else { c }).collect();
            Some(format!("{HOLE}{name}={}", why.trim()))
        }
    }
}

/// Whether a comment can hold a name.
pub(super) fn holds(name: &str) -> bool {
    !name.contains(|c: char| c.is_whitespace() || is_unprintable(c))
}

/// What YAML has nowhere, not even in a comment.
fn is_unprintable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Reads a comment; any other says nothing.
pub(super) fn read(line: &str, number: usize) -> Result<Option<(String, Value)>, ReadError> {
    let line = line.trim_end_matches('\r');
    let entry = |rest: &str| {
        let (name, value) = rest.split_once('=')?;
        let plain = !name.is_empty() && !name.contains(char::is_whitespace);
        plain.then(|| (name.to_owned(), value.to_owned()))
    };
    if let Some((name, hash)) = line.strip_prefix(SECRET).and_then(entry) {
        let hash = match hash.trim() {
            "" => None,
            hash => {
                Some(hash.parse().map_err(|why| ReadError::at(number, format!("`{SECRET}{name}=…` {why}")))?)
            }
        };
        return Ok(Some((name, Value::Secret(hash))));
    }
    Ok(line.strip_prefix(HOLE).and_then(entry).map(|(name, why)| (name, Value::Hole(why))))
}
