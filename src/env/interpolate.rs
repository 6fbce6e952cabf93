//! Compose's `$NAME` and `${NAME:-default}`, answered by the variables before and by nothing else.

use super::Value;

/// A text with its variables filled in; a hole where one of them is the shell's that runs Compose.
pub(super) fn text(text: &str, before: &[(String, Value)]) -> Result<Value, String> {
    let mut filler = Filler { before, hole: None };
    let filled = filler.fill(text, 0)?;
    Ok(match filler.hole {
        Some(why) => Value::Hole(why),
        None => Value::Text(filled),
    })
}

/// Defaults may hold variables with defaults, but not without end.
const DEPTH: u8 = 32;

struct Filler<'a> {
    before: &'a [(String, Value)],
    /// The first variable that is not known here.
    hole: Option<String>,
}

fn name_of(text: &str) -> &str {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    if starts { &text[..end] } else { "" }
}

impl Filler<'_> {
    fn fill(&mut self, text: &str, depth: u8) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            if let Some(after) = after.strip_prefix('$') {
                out.push('$');
                rest = after;
            } else if let Some(inner) = after.strip_prefix('{') {
                let (value, length) = self.braced(inner, depth)?;
                out.push_str(&value);
                rest = &inner[length..];
            } else {
                let name = name_of(after);
                if name.is_empty() {
                    out.push('$');
                } else {
                    out.push_str(&self.known(name).unwrap_or_default());
                }
                rest = &after[name.len()..];
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    /// What stands behind `${`, and how many bytes of it belong to it.
    fn braced(&mut self, inner: &str, depth: u8) -> Result<(String, usize), String> {
        let invalid =
            || format!("`${{{}` is no variable of Compose", inner.chars().take(40).collect::<String>());
        let name = name_of(inner);
        let after = &inner[name.len()..];
        if name.is_empty() || depth > DEPTH {
            return Err(invalid());
        }
        if after.starts_with('}') {
            return Ok((self.known(name).unwrap_or_default(), name.len() + 1));
        }
        let operator =
            [":?", ":-", ":+", "?", "-", "+"].into_iter().find(|operator| after.starts_with(operator));
        let operator = operator.ok_or_else(invalid)?;
        let begin = name.len() + operator.len();
        let end = closing(inner).ok_or_else(invalid)?;
        let word = inner.get(begin..end).ok_or_else(invalid)?;
        let value = self.value(name).map(|value| value.text().map(str::to_owned));
        let counts = match &value {
            Some(Some(text)) => !(operator.starts_with(':') && text.is_empty()),
            Some(None) => true,
            None => false,
        };
        let filled = match (operator.trim_start_matches(':'), counts) {
            ("-", false) | ("+", true) => self.fill(word, depth + 1)?,
            ("+", false) => value.flatten().unwrap_or_default(),
            ("?", false) => {
                self.hole
                    .get_or_insert_with(|| format!("Compose wants `{name}` from the shell that runs it"));
                String::new()
            }
            _ => self.known(name).unwrap_or_default(),
        };
        Ok((filled, end + 1))
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.before.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The value of a variable; one that is not known makes the whole a hole.
    fn known(&mut self, name: &str) -> Option<String> {
        let why = match self.value(name) {
            Some(Value::Text(text)) => return Some(text.clone()),
            Some(Value::Secret(_)) => format!("it holds the secret `{name}`"),
            Some(Value::Hole(why)) => format!("it holds `{name}`: {why}"),
            None => format!("Compose takes `{name}` from the shell that runs it"),
        };
        self.hole.get_or_insert(why);
        None
    }
}

/// Where the brace closes that `text` stands behind; braces in a line nest.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            '\n' => return None,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}
