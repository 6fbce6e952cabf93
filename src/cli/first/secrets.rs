//! Which values are secrets, and what they are called from then on.

use std::collections::{BTreeMap, BTreeSet};

use prodmirror::{
    name::Name,
    profile::{Piece, Text},
};
use regex::Regex;

use super::names::{plain, unique};

/// The secrets of a profile and, for their literal values, where they must not be written.
#[derive(Debug)]
pub struct Secrets {
    /// By value, or by `${VARIABLE}` where the value comes from outside.
    by_value: BTreeMap<String, String>,
    /// Words that are values elsewhere too: `postgres` may be a password and a user.
    words: BTreeSet<String>,
    taken: BTreeSet<String>,
    /// In the order of their first use.
    pub declared: Vec<String>,
    within: Regex,
}

/// Parts of names whose values are secrets.
const TELLING: [&str; 9] =
    ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "APIKEY", "API_KEY", "PRIVATE_KEY", "ACCESS_KEY", "CREDENTIAL"];
const ENDINGS: [&str; 3] = ["_PASS", "_PWD", "_KEY"];
/// Values that switch something and hide nothing.
const SWITCHES: [&str; 7] = ["", "true", "false", "yes", "no", "0", "1"];
/// A shorter value may be part of any text.
const SHORTEST: usize = 4;

impl Default for Secrets {
    fn default() -> Self {
        // The password of a URL, or of a connection string such as ADO.NET's.
        let within = r#"://[^/\s:@]*:([^/\s@]+)@|(?i:\b(?:password|passwd|pwd)=([^;&\s"']+))"#;
        Self {
            by_value: BTreeMap::new(),
            words: BTreeSet::new(),
            taken: BTreeSet::new(),
            declared: Vec::new(),
            within: Regex::new(within).expect("the pattern is a constant, and a test compiles it"),
        }
    }
}

/// Whether a variable's name says that its value is a secret.
pub fn is_telling(variable: &str) -> bool {
    let upper = variable.to_uppercase();
    let names_a_file = upper.ends_with("_FILE") || upper.ends_with("_PATH") || upper.ends_with("_DIR");
    !names_a_file
        && (TELLING.iter().any(|part| upper.contains(part)) || ENDINGS.iter().any(|end| upper.ends_with(end)))
}

impl Secrets {
    /// Declares a secret of the file's own `secrets`.
    pub fn declare(&mut self, theirs: &str) -> String {
        let key = format!("secrets.{theirs}");
        self.named(&key, theirs)
    }

    /// Remembers a word that stands in the open, so that it is no password wherever it occurs.
    pub fn word(&mut self, word: &str) {
        self.words.insert(word.to_owned());
    }

    /// The secret that a value is from now on; equal values are one secret.
    pub fn named(&mut self, value: &str, wanted: &str) -> String {
        if let Some(name) = self.by_value.get(value) {
            return name.clone();
        }
        let name = unique(&mut self.taken, &plain(wanted));
        self.by_value.insert(value.to_owned(), name.clone());
        self.declared.push(name.clone());
        name
    }

    /// The secret of a variable with a telling name, unless its value hides nothing.
    pub fn of_variable(&mut self, service: &str, variable: &str, value: &str) -> Option<String> {
        let hides = !SWITCHES.contains(&value.to_lowercase().as_str()) && !value.starts_with('/');
        (is_telling(variable) && hides).then(|| self.named(value, &wanted(service, variable)))
    }

    /// A text with the passwords within it, and those known from elsewhere, as references.
    pub fn replace(&mut self, service: &str, variable: &str, text: &str) -> (Text, Vec<String>) {
        let found: Vec<String> = self
            .within
            .captures_iter(text)
            .filter_map(|found| found.get(1).or(found.get(2)))
            .map(|found| found.as_str().to_owned())
            .collect();
        for value in &found {
            self.named(&decoded(value), &wanted(service, &format!("{variable}-password")));
        }
        let mut places: Vec<(usize, usize, String)> = Vec::new();
        for found in self.within.captures_iter(text).filter_map(|found| found.get(1).or(found.get(2))) {
            let name = self.by_value.get(&decoded(found.as_str())).cloned().unwrap_or_default();
            places.push((found.start(), found.end(), name));
        }
        for (value, name) in &self.by_value {
            for at in occurrences(text, value).filter(|_| self.is_telling_value(value)) {
                let end = at + value.len();
                if places.iter().all(|(from, to, _)| end <= *from || *to <= at) {
                    places.push((at, end, name.clone()));
                }
            }
        }
        places.sort();
        let names = places.iter().map(|(_, _, name)| name.clone()).collect();
        (pieces(text, &places), names)
    }

    /// Whether a text that can hold no reference shows a secret's value.
    pub fn shows(&self, text: &str) -> bool {
        self.by_value
            .keys()
            .any(|value| self.is_telling_value(value) && occurrences(text, value).next().is_some())
    }

    fn is_telling_value(&self, value: &str) -> bool {
        value.len() >= SHORTEST
            && !self.words.contains(value)
            && !value.starts_with("${")
            && !value.starts_with("secrets.")
    }
}

/// `db` and `POSTGRES_PASSWORD` make `db-password`, `web` and `SECRET_KEY` make `web-secret-key`.
fn wanted(service: &str, variable: &str) -> String {
    let short =
        variable.trim_start_matches("POSTGRES_").trim_start_matches("MYSQL_").trim_start_matches("REDIS_");
    format!("{service}-{short}")
}

/// Where a value stands as a word of its own.
fn occurrences<'a>(text: &'a str, value: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(value).map(|(at, _)| at).filter(move |at| {
        let before = text[..*at].chars().next_back();
        let after = text[at + value.len()..].chars().next();
        !value.is_empty() && !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

fn pieces(text: &str, places: &[(usize, usize, String)]) -> Text {
    let mut pieces = Vec::new();
    let mut from = 0;
    for (start, end, name) in places {
        if *start > from {
            pieces.push(Piece::Literal(text[from..*start].to_owned()));
        }
        pieces.extend(Name::new(name.as_str()).ok().map(Piece::Secret));
        from = *end;
    }
    if from < text.len() {
        pieces.push(Piece::Literal(text[from..].to_owned()));
    }
    Text(pieces)
}

/// A URL's `%40` is `@`; what is no such code stays.
fn decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'%')
            .then(|| after.get(..2))
            .flatten()
            .and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = &after[2..];
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_urls_and_connection_strings_become_references() {
        let mut secrets = Secrets::default();
        let text = |secrets: &mut Secrets, text: &str| secrets.replace("web", "DSN", text).0.to_string();
        assert_eq!(
            text(&mut secrets, "postgres://app:p%40ss@db/x"),
            "postgres://app:${secret:web-dsn-password}@db/x"
        );
        assert_eq!(
            text(&mut secrets, "Server=db;Password=p@ss;Uid=a"),
            "Server=db;Password=${secret:web-dsn-password};Uid=a"
        );
        assert_eq!(text(&mut secrets, "redis://cache:6379/0"), "redis://cache:6379/0");
        assert_eq!(secrets.declared, ["web-dsn-password"]);
    }

    #[test]
    fn a_value_is_one_secret_wherever_it_stands() {
        let mut secrets = Secrets::default();
        assert_eq!(
            secrets.of_variable("db", "POSTGRES_PASSWORD", "hunter2!").as_deref(),
            Some("db-password")
        );
        assert_eq!(secrets.of_variable("web", "DB_PASSWD", "hunter2!").as_deref(), Some("db-password"));
        assert_eq!(
            secrets.replace("web", "ARGS", "-p hunter2! ${x}").0.to_string(),
            "-p ${secret:db-password} $${x}"
        );
        assert!(secrets.shows("login hunter2!") && !secrets.shows("login hunter2!x"));
    }

    #[test]
    fn words_that_stand_in_the_open_hide_nothing() {
        let mut secrets = Secrets::default();
        secrets.word("gitea");
        assert!(secrets.of_variable("db", "POSTGRES_PASSWORD", "gitea").is_some());
        assert!(!secrets.shows("su gitea"));
        for (variable, value) in
            [("ALLOW_EMPTY_PASSWORD", "yes"), ("PASSWORD_FILE", "x"), ("USER", "x"), ("A_KEY", "/x")]
        {
            assert_eq!(secrets.of_variable("db", variable, value), None, "{variable}");
        }
    }
}
