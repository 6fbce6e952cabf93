//! Compose's variables in texts, answered by the `.env` beside the file and by no other environment.

use std::collections::BTreeMap;

use serde_json::Value;

use super::taking::join;

/// What a text becomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub text: String,
    /// Variables without a default: they leave nothing.
    pub missing: Vec<String>,
    /// Variables and the values that were taken: of `.env`, else the default.
    pub defaults: Vec<(String, String)>,
}

/// The variables of a document, by the path of the text that holds them.
pub type Answers = BTreeMap<String, Answer>;

/// Variables that are set.
pub type Set = BTreeMap<String, String>;

/// Replaces the variables in every text of a document, and answers which there were.
pub fn answer_all(value: &mut Value, path: &str, set: &Set, answers: &mut Answers) {
    match value {
        Value::String(text) => {
            let answer = answer(text, set);
            text.clone_from(&answer.text);
            if !answer.missing.is_empty() || !answer.defaults.is_empty() {
                answers.insert(path.to_owned(), answer);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                answer_all(item, &format!("{path}[{index}]"), set, answers);
            }
        }
        Value::Object(map) => {
            for (key, item) in map.iter_mut() {
                answer_all(item, &join(path, key), set, answers);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `$$` is `$`; `$A`, `${A}`, `${A:-default}`, `${A-default}`, `${A:?message}`, `${A?message}`,
/// `${A:+other}` and `${A+other}` (Compose specification, "Interpolation").
pub fn answer(text: &str, set: &Set) -> Answer {
    let mut answer = Answer::default();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        answer.text.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(after) = after.strip_prefix('$') {
            answer.text.push('$');
            rest = after;
        } else if let Some((inner, after)) = after.strip_prefix('{').and_then(closed) {
            braced(inner, set, &mut answer);
            rest = after;
        } else {
            let name = name_at(after);
            match name {
                "" => answer.text.push('$'),
                name => answer.take(name, set),
            }
            rest = &after[name.len()..];
        }
    }
    answer.text.push_str(rest);
    answer
}

impl Answer {
    fn take(&mut self, name: &str, set: &Set) {
        match set.get(name) {
            Some(value) => self.chose(name, value.clone()),
            None => self.missing.push(name.to_owned()),
        }
    }

    fn chose(&mut self, name: &str, value: String) {
        self.text.push_str(&value);
        self.defaults.push((name.to_owned(), value));
    }
}

/// What stands before the closing brace, and behind it; braces within count.
fn closed(text: &str) -> Option<(&str, &str)> {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        if depth == 0 {
            return Some((&text[..at], &text[at + 1..]));
        }
    }
    None
}

fn braced(inner: &str, set: &Set, to: &mut Answer) {
    let name = name_at(inner);
    let rest = &inner[name.len()..];
    let (rest, empty_is_unset) = rest.strip_prefix(':').map_or((rest, false), |rest| (rest, true));
    let is_set = set.get(name).is_some_and(|value| !(empty_is_unset && value.is_empty()));
    match (rest.split_at_checked(1), is_set) {
        (Some(("-", default)), false) | (Some(("+", default)), true) => {
            let below = answer(default, set);
            to.missing.extend(below.missing);
            to.chose(name, below.text);
        }
        (Some(("+", _)), false) => {}
        _ => to.take(name, set),
    }
}

fn name_at(text: &str) -> &str {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    match text.starts_with(|c: char| c.is_ascii_digit()) {
        true => "",
        false => &text[..end],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_leaves_its_value_its_default_or_nothing() {
        let set = Set::from([("SET".to_owned(), "v".to_owned()), ("EMPTY".to_owned(), String::new())]);
        for (text, wanted, missing) in [
            ("plain $$HOME $(x) $1 5$", "plain $HOME $(x) $1 5$", &[][..]),
            ("${A:-x}-${B-y}", "x-y", &[]),
            ("${A}/$B", "/", &["A", "B"]),
            ("${A:?gone}${B+there}", "", &["A"]),
            ("${A:-${B:-z}}", "z", &[]),
            ("${A:-${B}}", "", &["B"]),
            ("${unclosed", "${unclosed", &[]),
            ("$SET ${SET} ${SET:-d} ${SET:+o} ${SET?m}", "v v v o v", &[]),
            ("[${EMPTY}] [${EMPTY:-d}] [${EMPTY-d}] [${EMPTY:+o}]", "[] [d] [] []", &[]),
        ] {
            let answer = answer(text, &set);
            assert_eq!(answer.text, wanted, "{text}");
            assert_eq!(answer.missing, missing, "{text}");
        }
        assert_eq!(answer("${TAG:-1.2}", &set).defaults, [("TAG".to_owned(), "1.2".to_owned())]);
    }
}
