//! A shell's list of variables: `export NAME='value'` and what quoting it knows. No command is ever run.

use super::{ReadError, Value, remark};

pub(super) fn read(text: &str) -> Result<Vec<(String, Value)>, ReadError> {
    let mut reader = Reader { rest: text, line: 1, found: Vec::new() };
    loop {
        reader.rest = reader.eat(|c| c.is_ascii_whitespace() || c == ';').1;
        if reader.rest.is_empty() {
            return Ok(reader.found);
        }
        if reader.rest.starts_with('#') {
            let line = reader.line;
            let (comment, rest) = reader.eat(|c| c != '\n');
            reader.rest = rest;
            reader.found.extend(remark::read(comment, line)?);
        } else {
            reader.statement()?;
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    found: Vec<(String, Value)>,
}

/// A word of the shell as far as it is known.
struct Word {
    text: String,
    hole: Option<String>,
}

pub(super) fn is_name(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

impl<'a> Reader<'a> {
    /// What the predicate takes from the front, and what is left; lines are counted.
    fn eat(&mut self, takes: impl Fn(char) -> bool) -> (&'a str, &'a str) {
        let end = self.rest.find(|c| !takes(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.line += taken.matches('\n').count();
        (taken, rest)
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        self.line += usize::from(c == '\n');
        Some(c)
    }

    fn refuse(&self, what: &str) -> ReadError {
        ReadError::at(self.line, format!("{what}: this file is a program for a shell, not a list of variables"))
            .hint("let the shell tell them, and read those: env -i bash -c 'set -a; . ./FILE; env' > plain.env, with --dialect docker")
    }

    fn statement(&mut self) -> Result<(), ReadError> {
        let mut declared = false;
        for keyword in ["export", "declare -x", "typeset -x"] {
            let after = self.rest.strip_prefix(keyword);
            if let Some(after) = after.filter(|after| after.starts_with([' ', '\t'])) {
                self.rest = after.trim_start_matches([' ', '\t']);
                declared = true;
                break;
            }
        }
        loop {
            self.assignment(declared)?;
            self.rest = self.rest.trim_start_matches([' ', '\t']);
            match self.rest.chars().next() {
                None | Some('\n' | '\r' | ';' | '#') => return Ok(()),
                _ => {}
            }
        }
    }

    fn assignment(&mut self, declared: bool) -> Result<(), ReadError> {
        let end =
            self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        if !is_name(name) {
            let line = self.rest.lines().next().unwrap_or_default();
            return Err(self.refuse(&format!("`{}`", line.chars().take(40).collect::<String>())));
        }
        if let Some(rest) = rest.strip_prefix('=') {
            self.rest = rest;
            let word = self.word()?;
            let value = word.hole.map_or(Value::Text(word.text), Value::Hole);
            self.found.push((name.to_owned(), value));
            return Ok(());
        }
        if !declared || !(rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_whitespace() || c == ';'))
        {
            return Err(self.refuse(&format!("`{name}`")));
        }
        self.rest = rest;
        if !self.found.iter().any(|(known, _)| known == name) {
            let why = "the shell exports what it has by that name".to_owned();
            self.found.push((name.to_owned(), Value::Hole(why)));
        }
        Ok(())
    }

    fn word(&mut self) -> Result<Word, ReadError> {
        let mut word = Word { text: String::new(), hole: None };
        if self.rest.starts_with('~') {
            return Err(self.refuse("`~`"));
        }
        while let Some(c) = self.rest.chars().next() {
            match c {
                '\'' => {
                    self.next();
                    self.until_quote(&mut word)?;
                }
                '"' => {
                    self.next();
                    self.double(&mut word)?;
                }
                '\\' => {
                    self.next();
                    match self.next() {
                        Some('\n') | None => {}
                        Some(c) => word.text.push(c),
                    }
                }
                '$' if self.rest.starts_with("$'") => {
                    self.next();
                    self.next();
                    self.ansi(&mut word)?;
                }
                '$' => self.dollar(&mut word)?,
                ' ' | '\t' | '\n' | '\r' | ';' => break,
                '`' | '(' | ')' | '<' | '>' | '|' | '&' => return Err(self.refuse(&format!("`{c}`"))),
                _ => {
                    self.next();
                    word.text.push(c);
                }
            }
        }
        Ok(word)
    }

    fn unended(&self, quote: &str) -> ReadError {
        ReadError::at(self.line, format!("nothing ends the {quote} that begins before"))
    }

    fn until_quote(&mut self, word: &mut Word) -> Result<(), ReadError> {
        loop {
            match self.next().ok_or_else(|| self.unended("'"))? {
                '\'' => return Ok(()),
                c => word.text.push(c),
            }
        }
    }

    fn double(&mut self, word: &mut Word) -> Result<(), ReadError> {
        loop {
            match self.rest.chars().next().ok_or_else(|| self.unended("\""))? {
                '$' => {
                    self.dollar(word)?;
                    continue;
                }
                '`' => return Err(self.refuse("a back quote")),
                _ => {}
            }
            match self.next() {
                Some('"') => return Ok(()),
                Some('\\') => match self.next() {
                    Some('\n') => {}
                    Some(c) if "$`\"\\".contains(c) => word.text.push(c),
                    Some(c) => word.text.extend(['\\', c]),
                    None => return Err(self.unended("\"")),
                },
                Some(c) => word.text.push(c),
                None => return Err(self.unended("\"")),
            }
        }
    }

    /// `$'…'`
    fn ansi(&mut self, word: &mut Word) -> Result<(), ReadError> {
        loop {
            match self.next().ok_or_else(|| self.unended("'"))? {
                '\'' => return Ok(()),
                '\\' => {
                    let c = self.next().ok_or_else(|| self.unended("'"))?;
                    let plain = match c {
                        'n' => '\n',
                        't' => '\t',
                        'r' => '\r',
                        'a' => '\u{7}',
                        'b' => '\u{8}',
                        'e' | 'E' => '\u{1b}',
                        'f' => '\u{c}',
                        'v' => '\u{b}',
                        '\\' | '\'' | '"' | '?' => c,
                        _ => return Err(self.refuse(&format!("the escape `\\{c}`"))),
                    };
                    word.text.push(plain);
                }
                c => word.text.push(c),
            }
        }
    }

    /// `$NAME` or `${NAME}`, answered by what stands before.
    fn dollar(&mut self, word: &mut Word) -> Result<(), ReadError> {
        let after = &self.rest[1..];
        let (name, length) = match after.strip_prefix('{') {
            Some(inner) => {
                let end = inner.find('}').ok_or_else(|| self.unended("`${`"))?;
                (&inner[..end], end + 2)
            }
            None => {
                let end =
                    after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(after.len());
                (&after[..end], end)
            }
        };
        if name.is_empty() && !after.starts_with(|c: char| "({!@*#?-$".contains(c)) {
            word.text.push('$');
            self.rest = after;
            return Ok(());
        }
        if !is_name(name) {
            return Err(self.refuse(&format!("`${}`", after.chars().take(20).collect::<String>())));
        }
        let known = self.found.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value);
        match known {
            Some(Value::Text(text)) => word.text.push_str(text),
            Some(Value::Secret(_)) => word.hole = Some(format!("it holds the secret `{name}`")),
            Some(Value::Hole(why)) => word.hole = Some(format!("it holds `{name}`: {why}")),
            None => word.hole = Some(format!("the shell fills in `{name}`")),
        }
        self.rest = &after[length..];
        Ok(())
    }
}

/// Names that bash keeps for itself: it refuses to set them, or gives them values of its own.
const KEPT: [&str; 21] = [
    "UID",
    "EUID",
    "PPID",
    "BASHOPTS",
    "SHELLOPTS",
    "BASH_VERSINFO",
    "RANDOM",
    "SRANDOM",
    "SECONDS",
    "LINENO",
    "EPOCHSECONDS",
    "EPOCHREALTIME",
    "BASHPID",
    "BASH_COMMAND",
    "FUNCNAME",
    "GROUPS",
    "DIRSTACK",
    "HISTCMD",
    "BASH_ARGV0",
    "BASH_SUBSHELL",
    "_",
];

pub(super) fn write(name: &str, value: &str) -> Result<String, &'static str> {
    if !is_name(name) {
        return Err("a shell cannot hold such a name");
    }
    if KEPT.contains(&name) {
        return Err("bash keeps that name for itself");
    }
    Ok(format!("export {name}={}", word(value)))
}

/// A word for any shell of POSIX.
pub(super) fn word(value: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_./:@%+,-".contains(&b);
    if !value.is_empty() && value.bytes().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', "'\\''"))
}
