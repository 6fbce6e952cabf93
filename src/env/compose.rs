//! Compose's `.env` and `env_file`, read as compose-go reads them.

use super::{ReadError, Value, interpolate, remark};

/// White space within a line, as compose-go has it.
fn is_blank(c: char) -> bool {
    matches!(c, '\t' | '\u{b}' | '\u{c}' | '\r' | ' ' | '\u{85}' | '\u{a0}')
}

pub(super) fn read(text: &str) -> Result<Vec<(String, Value)>, ReadError> {
    let mut reader = Reader { rest: text, line: 1, found: Vec::new() };
    while reader.find_statement()? {
        reader.statement()?;
    }
    Ok(reader.found)
}

struct Reader<'a> {
    rest: &'a str,
    /// From 1, of what `rest` begins with.
    line: usize,
    found: Vec<(String, Value)>,
}

impl<'a> Reader<'a> {
    fn skip(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    /// Skips blanks and comments; whether something follows.
    fn find_statement(&mut self) -> Result<bool, ReadError> {
        loop {
            self.skip(self.rest.len() - self.rest.trim_start().len());
            if !self.rest.starts_with('#') {
                return Ok(!self.rest.is_empty());
            }
            let line = self.line;
            let comment = self.skip(self.rest.find('\n').unwrap_or(self.rest.len()));
            self.found.extend(remark::read(comment, line)?);
        }
    }

    fn statement(&mut self) -> Result<(), ReadError> {
        if let Some(after) = self.rest.strip_prefix("export").filter(|after| after.starts_with(is_blank)) {
            self.skip(self.rest.len() - after.trim_start_matches(is_blank).len());
        }
        let line = self.line;
        let end = self.rest.find(['=', ':', '\n']).unwrap_or(self.rest.len());
        let name = self.rest[..end].trim_end();
        let bad = |c: &char| !(c.is_alphanumeric() || is_blank(*c) || "_.-[]".contains(*c));
        if let Some(c) = name.chars().find(bad) {
            return Err(ReadError::at(line, format!("{c:?} cannot stand in the name of a variable")));
        }
        if name.contains(char::is_whitespace) {
            return Err(ReadError::at(line, "the name of a variable cannot hold a space"));
        }
        let inherited = !self.rest[end..].starts_with(['=', ':']);
        let name = name.to_owned();
        self.skip((end + 1).min(self.rest.len()));
        let value = if inherited {
            Value::Hole("Compose takes it from the shell that runs it".to_owned())
        } else {
            self.skip(self.rest.len() - self.rest.trim_start_matches(is_blank).len());
            self.value()?
        };
        self.found.push((name, value));
        Ok(())
    }

    fn value(&mut self) -> Result<Value, ReadError> {
        let line = self.line;
        let quote = self.rest.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let Some(quote) = quote else {
            let whole = self.skip(self.rest.find('\n').unwrap_or(self.rest.len()));
            let text = whole.split(" #").next().unwrap_or_default().trim_end();
            return interpolate::text(text, &self.found).map_err(|why| ReadError::at(line, why));
        };
        let (inner, length) = quoted(self.rest, quote)
            .ok_or_else(|| ReadError::at(line, format!("a value begins with {quote} and nothing ends it")))?;
        self.skip(length);
        if quote == '\'' {
            return Ok(Value::Text(inner));
        }
        interpolate::text(&escapes(&inner), &self.found).map_err(|why| ReadError::at(line, why))
    }
}

/// The text between quotes, and how many bytes it took; an escaped quote loses its backslash, nothing else does.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut inner = String::new();
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match (c, escaped) {
            (c, false) if c == quote => return Some((inner, at + 1)),
            ('\\', false) => escaped = true,
            (c, true) => {
                if c != quote {
                    inner.push('\\');
                }
                inner.push(c);
                escaped = false;
            }
            (c, false) => inner.push(c),
        }
    }
    None
}

/// The escapes of a value in double quotes; those that compose-go does not know stay as they are.
fn escapes(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let Some(c) = after.chars().next() else {
            out.push('\\');
            return out;
        };
        let mut taken = c.len_utf8();
        match c {
            'a' => out.push('\u{7}'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'v' => out.push('\u{b}'),
            '"' | '\\' => out.push(c),
            // The dollar stays one through the interpolation that follows.
            '$' => out.push_str("$$"),
            '0' => {
                let digits: String = after[1..].chars().take(3).take_while(char::is_ascii_digit).collect();
                taken += digits.len();
                match u8::from_str_radix(&digits, 8).ok().filter(|_| digits.len() == 3) {
                    Some(byte) => out.push(char::from(byte)),
                    None => out.push_str(&format!("\\{digits}")),
                }
            }
            _ => {
                out.push('\\');
                taken = 0;
            }
        }
        rest = &after[taken..];
    }
    out.push_str(rest);
    out
}

/// A value in double quotes that reads back whatever it holds.
pub(super) fn double_quoted(value: &str) -> String {
    let mut out = String::from("\"");
    for c in value.chars() {
        match c {
            '"' | '\\' | '$' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}
