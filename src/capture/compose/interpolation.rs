//! Compose's variables in texts, answered by the `.env` beside the file and by no other environment.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::{capture::draft::steps, path::Path};

/// What a text becomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub parts: Vec<Part>,
    /// Variables and the values that were taken: of `.env`, else the default.
    pub defaults: Vec<(String, String)>,
}

/// Letters, or a variable without a value or a default: it leaves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Text(String),
    Missing(String),
}

/// The variables of a document, by the path of the text that holds them.
pub type Answers = BTreeMap<Path, Answer>;

/// Variables that are set.
pub type Set = BTreeMap<String, String>;

/// Replaces the variables in every text of a document, and answers which there were.
pub fn answer_all(value: &mut Json, set: &Set) -> Answers {
    let mut plain = value.clone();
    replace(&mut plain, set);
    let mut answers = Answers::new();
    gather(&Path::root(), value, &plain, set, &mut answers);
    *value = plain;
    answers
}

fn replace(value: &mut Json, set: &Set) {
    match value {
        Json::String(text) => *text = answer(text, set).text(),
        Json::Array(items) => items.iter_mut().for_each(|item| replace(item, set)),
        Json::Object(map) => map.values_mut().for_each(|item| replace(item, set)),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

/// Paths are those of the answered document.
fn gather(at: &Path, written: &Json, plain: &Json, set: &Set, answers: &mut Answers) {
    if let Json::String(text) = written {
        let answer = answer(text, set);
        if !answer.defaults.is_empty() || answer.missing().next().is_some() {
            answers.insert(at.clone(), answer);
        }
        return;
    }
    for ((segment, plain), (_, written)) in steps(plain).into_iter().zip(steps(written)) {
        gather(&at.push(segment), written, plain, set, answers);
    }
}

/// `$$` is `$`; `$A`, `${A}`, `${A:-default}`, `${A-default}`, `${A:?message}`, `${A?message}`,
/// `${A:+other}` and `${A+other}` (Compose specification, "Interpolation").
pub fn answer(text: &str, set: &Set) -> Answer {
    let mut answer = Answer::default();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        answer.push(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(after) = after.strip_prefix('$') {
            answer.push("$");
            rest = after;
        } else if let Some((inner, after)) = after.strip_prefix('{').and_then(closed) {
            braced(inner, set, &mut answer);
            rest = after;
        } else {
            let name = name_at(after);
            match name {
                "" => answer.push("$"),
                name => answer.take(name, set),
            }
            rest = &after[name.len()..];
        }
    }
    answer.push(rest);
    answer
}

impl Answer {
    pub fn text(&self) -> String {
        let text = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Missing(_) => String::new(),
        };
        self.parts.iter().map(text).collect()
    }

    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Missing(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    fn push(&mut self, text: &str) {
        match self.parts.last_mut() {
            _ if text.is_empty() => {}
            Some(Part::Text(last)) => last.push_str(text),
            _ => self.parts.push(Part::Text(text.to_owned())),
        }
    }

    fn take(&mut self, name: &str, set: &Set) {
        match set.get(name) {
            Some(value) => {
                self.push(value);
                self.defaults.push((name.to_owned(), value.clone()));
            }
            None => self.parts.push(Part::Missing(name.to_owned())),
        }
    }

    fn chose(&mut self, name: &str, below: Self) {
        self.defaults.push((name.to_owned(), below.text()));
        for part in below.parts {
            match part {
                Part::Text(text) => self.push(&text),
                missing => self.parts.push(missing),
            }
        }
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
            to.chose(name, answer(default, set));
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
            assert_eq!(answer.text(), wanted, "{text}");
            assert_eq!(answer.missing().collect::<Vec<_>>(), missing, "{text}");
        }
        assert_eq!(answer("${TAG:-1.2}", &set).defaults, [("TAG".to_owned(), "1.2".to_owned())]);
    }
}
