//! The dotenv libraries' reading, as the one for Node.js has it, which most others follow.
//!
//! Quotes are `'`, `"` and a back quote; only `\n` and `\r` in double quotes are
//! escapes; nothing is interpolated.

use std::sync::LazyLock;

use regex::Regex;

use super::{ReadError, Value, remark};

static LINE: LazyLock<Regex> = LazyLock::new(|| {
    let line = r#"(?m)^\s*(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)(\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?\s*(?:#.*)?$"#;
    Regex::new(line).expect("the pattern is a constant, and a test compiles it")
});

pub(super) fn read(text: &str) -> Result<Vec<(String, Value)>, ReadError> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut found = Vec::new();
    let mut end = 0;
    for line in LINE.captures_iter(&text) {
        let (Some(whole), Some(name)) = (line.get(0), line.get(1)) else { continue };
        remarks(&text, end, whole.start(), &mut found)?;
        end = whole.end();
        let value = line.get(2).map(|value| value.as_str()).unwrap_or_default();
        found.push((name.as_str().to_owned(), Value::Text(unquoted(value.trim()))));
    }
    remarks(&text, end, text.len(), &mut found)?;
    Ok(found)
}

fn unquoted(value: &str) -> String {
    let quote = value.chars().next().filter(|c| matches!(c, '\'' | '"' | '`'));
    let inner = quote.and_then(|quote| value.get(1..)?.strip_suffix(quote)).unwrap_or(value);
    if quote == Some('"') { inner.replace("\\n", "\n").replace("\\r", "\r") } else { inner.to_owned() }
}

/// The lines between two variables: comments, and what the libraries pass over.
fn remarks(text: &str, from: usize, to: usize, found: &mut Vec<(String, Value)>) -> Result<(), ReadError> {
    let first = text[..from].matches('\n').count() + 1;
    for (index, line) in text[from..to].split('\n').enumerate() {
        match line.trim() {
            "" => {}
            comment if comment.starts_with('#') => found.extend(remark::read(comment, first + index)?),
            _ => return Err(ReadError::at(first + index, "this is neither a variable nor a comment")),
        }
    }
    Ok(())
}
