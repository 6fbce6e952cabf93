//! Secrets of variables, kept as keyed hashes. What is one is told as for a profile that is captured.

use super::{HashKey, Value};
use crate::capture::redact::Secrets;

/// What a person says of variables, by name; it comes before what their names and values tell.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub secret: Vec<String>,
    pub open: Vec<String>,
}

impl Rules {
    fn is_secret(&self, name: &str) -> bool {
        self.secret.iter().any(|rule| rule == name)
    }

    fn is_open(&self, name: &str) -> bool {
        self.open.iter().any(|rule| rule == name)
    }
}

/// How secrets are kept: under which key, and which they are by rule.
#[derive(Clone, Copy)]
pub struct Keeping<'a> {
    pub key: &'a HashKey,
    pub rules: &'a Rules,
}

/// What is secret of the variables of one process: the value of one is secret in all of them.
pub struct Concealing<'a> {
    keeping: Keeping<'a>,
    secrets: Secrets,
}

impl<'a> Concealing<'a> {
    pub fn of<'v>(variables: impl Iterator<Item = (&'v str, &'v str)> + Clone, keeping: Keeping<'a>) -> Self {
        let judged = variables.clone().filter(|(name, _)| !keeping.rules.is_open(name));
        let mut secrets = Secrets::of_variables(judged);
        for (name, value) in variables {
            if keeping.rules.is_secret(name) {
                secrets.know_variable(name, value);
            }
        }
        Self { keeping, secrets }
    }

    /// The value itself, or the hash of all of it where a part of it is secret.
    pub fn conceal(&self, name: &str, text: &str) -> Value {
        let Keeping { key, rules } = self.keeping;
        let is_secret =
            rules.is_secret(name) || !rules.is_open(name) && self.secrets.are_in_variable(name, text);
        match is_secret {
            true => Value::Secret(Some(key.hash(text))),
            false => Value::from(text),
        }
    }
}
