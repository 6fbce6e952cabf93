//! A map of the Compose file from which key after key is taken, so that what is left can be named.

use serde_json::{Map, Value};

/// One map and where it stands in the file.
#[derive(Debug)]
pub struct Taking {
    pub path: String,
    map: Map<String, Value>,
    /// What is said of it, in the order of saying.
    pub notes: Vec<String>,
}

impl Taking {
    /// Anything but a map is left as a whole.
    pub fn new(path: impl Into<String>, value: Value) -> Self {
        let path = path.into();
        match value {
            Value::Object(map) => Self { path, map, notes: Vec::new() },
            Value::Null => Self { path, map: Map::new(), notes: Vec::new() },
            _ => {
                let notes = vec![format!("not taken: {path}")];
                Self { path, map: Map::new(), notes }
            }
        }
    }

    /// The value of a key; a key without a value is not there.
    pub fn take(&mut self, key: &str) -> Option<Value> {
        self.map.shift_remove(key).filter(|value| !value.is_null())
    }

    pub fn peek(&self, key: &str) -> Option<&Value> {
        self.map.get(key)
    }

    /// A map below this one; its notes come back with `close`.
    pub fn inner(&mut self, key: &str) -> Option<Self> {
        let path = self.at(key);
        self.take(key).map(|value| Self::new(path, value))
    }

    /// Takes a scalar as text, whatever its type.
    pub fn scalar(&mut self, key: &str) -> Option<String> {
        let value = self.take(key)?;
        let read = scalar(&value);
        if read.is_none() {
            self.not_taken(key, "");
        }
        read
    }

    /// Takes a scalar that `read` understands; one that it does not is named.
    pub fn parsed<T>(&mut self, key: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let text = self.scalar(key)?;
        let parsed = read(&text);
        if parsed.is_none() {
            self.not_taken(key, "its value is not understood");
        }
        parsed
    }

    pub fn truth(&mut self, key: &str) -> Option<bool> {
        self.parsed(key, |text| text.parse().ok())
    }

    /// Takes a list of scalars, or one scalar alone.
    pub fn list(&mut self, key: &str) -> Vec<String> {
        match self.take(key) {
            None => Vec::new(),
            Some(Value::Array(items)) => {
                let read: Vec<_> = items.iter().filter_map(scalar).collect();
                if read.len() < items.len() {
                    self.not_taken(key, "a member of it is not understood");
                }
                read
            }
            Some(value) => scalar(&value).into_iter().collect(),
        }
    }

    /// Takes names and values, written as a map or as a list of `NAME=VALUE`; no value is `None`.
    pub fn pairs(&mut self, key: &str, separators: &[char]) -> Vec<(String, Option<String>)> {
        let Some(value) = self.take(key) else { return Vec::new() };
        match value {
            Value::Object(map) => map.into_iter().map(|(name, value)| (name, scalar(&value))).collect(),
            Value::Array(items) => items
                .iter()
                .filter_map(scalar)
                .map(|item| match item.split_once(separators) {
                    Some((name, value)) => (name.trim().to_owned(), Some(value.to_owned())),
                    None => (item, None),
                })
                .collect(),
            _ => {
                self.not_taken(key, "");
                Vec::new()
            }
        }
    }

    pub fn at(&self, key: &str) -> String {
        join(&self.path, key)
    }

    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    pub fn not_taken(&mut self, key: &str, why: &str) {
        let path = self.at(key);
        self.notes.push(left_out(&path, why));
    }

    /// Takes keys that a mirror has no use for, each with the reason.
    pub fn without(&mut self, keys: &[(&str, &str)]) {
        for (key, why) in keys {
            if self.take(key).is_some() {
                self.not_taken(key, why);
            }
        }
    }

    /// Names every key that nobody took, and gives back all that was said.
    pub fn close(mut self) -> Vec<String> {
        let rest: Vec<_> =
            self.map.iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key.clone()).collect();
        for key in rest {
            self.not_taken(&key, "");
        }
        self.notes
    }
}

pub fn left_out(path: &str, why: &str) -> String {
    match why {
        "" => format!("not taken: {path}"),
        why => format!("not taken: {path} ({why})"),
    }
}

pub fn join(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    }
}

/// A scalar's text. Numbers keep their letters.
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
