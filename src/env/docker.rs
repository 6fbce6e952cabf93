//! `docker run --env-file`: a line is a variable, and everything after the first `=` is its value, quotes included.

use super::{ReadError, Value, remark};

/// Docker reads lines of up to this many bytes, their end included.
pub(super) const LONGEST: usize = 64 * 1024 - 1;

pub(super) fn read(text: &str) -> Result<Vec<(String, Value)>, ReadError> {
    let mut found = Vec::new();
    for (index, line) in text.split('\n').enumerate() {
        let number = index + 1;
        if line.len() > LONGEST {
            return Err(ReadError::at(number, "the line is longer than Docker reads (64 kB)"));
        }
        let line = line.strip_suffix('\r').unwrap_or(line).trim_start();
        if line.starts_with('#') {
            found.extend(remark::read(line, number)?);
            continue;
        }
        if line.is_empty() {
            continue;
        }
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name, Value::from(value)),
            None => (line, Value::Hole("Docker takes it from the shell that runs it".to_owned())),
        };
        if name.is_empty() {
            return Err(ReadError::at(number, "there is no name before the `=`"));
        }
        if name.contains(char::is_whitespace) {
            return Err(ReadError::at(number, format!("the name `{name}` holds white space")));
        }
        found.push((name.to_owned(), value));
    }
    Ok(found)
}

/// The line of a variable, or why there is none.
pub(super) fn write(name: &str, value: &str) -> Result<String, &'static str> {
    if name.starts_with('#') || name.contains(char::is_whitespace) {
        return Err("Docker's --env-file cannot hold such a name");
    }
    if name.starts_with(['{', '[', '\u{feff}']) {
        return Err(
            "a file that begins with such a name is taken for JSON, or for one with a byte order mark",
        );
    }
    if value.contains('\n') {
        return Err("Docker's --env-file cannot hold a line break");
    }
    if value.ends_with('\r') {
        return Err("Docker's --env-file cannot hold a carriage return at the end");
    }
    let line = format!("{name}={value}");
    if line.len() >= LONGEST {
        return Err("Docker's --env-file cannot hold a line of 64 kB");
    }
    Ok(line)
}
