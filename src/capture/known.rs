//! Values of secrets as far as they are known: to compare with, never to show.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::plan::{SecretPlan, Template, url_encode};

/// By variable, those in the form of a URL included.
pub(super) struct Known(BTreeMap<String, String>);

impl Known {
    pub fn new(plans: &[SecretPlan], secrets: &BTreeMap<String, String>) -> Self {
        let mut secrets = secrets.clone();
        for secret in plans {
            let plain = secrets.get(&secret.variable).map(|value| url_encode(value));
            if let (Some(variable), Some(value)) = (&secret.url_variable, plain) {
                secrets.entry(variable.clone()).or_insert(value);
            }
        }
        Self(secrets)
    }

    /// The text with its secrets filled in; `None` while one is unknown.
    pub fn fill(&self, template: &Template) -> Option<String> {
        template.fill(|name| self.0.get(name).cloned())
    }

    pub fn get(&self, variable: &str) -> Option<&str> {
        self.0.get(variable).map(String::as_str)
    }

    /// A text that was read, without any value of a secret.
    pub fn masked(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let mut values: Vec<&String> = self.0.values().filter(|value| !value.is_empty()).collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        for value in values.into_iter().filter(|value| text.contains(value.as_str())).collect::<Vec<_>>() {
            // A short value is a part of too many texts to be cut out of them: then nothing is shown.
            text = if value.len() < 4 { MASK.to_owned() } else { text.replace(value.as_str(), MASK) };
        }
        text
    }

    pub fn without_secrets(&self, value: Json) -> Json {
        match value {
            Json::String(text) => self.masked(&text).into(),
            Json::Array(items) => items.into_iter().map(|item| self.without_secrets(item)).collect(),
            Json::Object(object) => {
                object.into_iter().map(|(key, value)| (key, self.without_secrets(value))).collect()
            }
            plain => plain,
        }
    }
}

/// What stands in the place of a secret's value.
pub(super) const MASK: &str = "***";
