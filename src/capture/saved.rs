//! The `Capture` document: what was captured as data, secrets by their hashes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{draft::Draft, redact::Values};
use crate::{
    env::{self, Keyed},
    name::Name,
};

/// A captured profile as it is written out.
#[derive(Debug, Serialize)]
pub struct Document<'a> {
    #[serde(flatten)]
    draft: &'a Draft,
    /// The hash of each secret of the profile whose value was read: `{"secret": "KEYID:HASH"}`.
    secrets: BTreeMap<Name, env::Value>,
}

impl<'a> Document<'a> {
    /// `hashes` are those of the draft's values.
    pub fn new(draft: &'a Draft, hashes: BTreeMap<Name, Keyed>) -> Self {
        let secret = |(name, hash)| (name, env::Value::Secret(Some(hash)));
        Self { draft, secrets: hashes.into_iter().map(secret).collect() }
    }
}

/// What is read of a document again.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// The profile in its long form.
    pub profile: Json,
    /// Its secrets, by hash.
    pub values: Values,
}

/// What is looked for in a document; the account and the notes told their reader.
#[derive(Deserialize)]
struct Read {
    profile: Json,
    /// Of an older one absent.
    #[serde(default)]
    secrets: BTreeMap<Name, env::Value>,
}

impl Saved {
    /// # Errors
    /// It is no `Capture` document, or a secret in it has no hash.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Read { profile, secrets } = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let hash = |(name, value): (Name, env::Value)| match value {
            env::Value::Secret(Some(hash)) => Ok((name, hash)),
            _ => Err(format!("the secret `{name}` has no `KEYID:HASH`")),
        };
        let hashes: Result<BTreeMap<Name, Keyed>, String> = secrets.into_iter().map(hash).collect();
        Ok(Self { profile, values: Values::of_hashes(hashes?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        capture::{draft::From, kubernetes, redact::Rules},
        env::HashKey,
    };

    #[test]
    fn a_document_is_read_back_with_the_hashes_and_without_a_value() {
        let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: web:1, \
                    env: [{name: DB_PASSWORD, value: letmein-77}]}]}\n";
        let documents = vec![kubernetes::Document {
            name: "pod.yaml".to_owned(),
            values: kubernetes::documents(text).unwrap(),
        }];
        let draft = kubernetes::draft(documents, &From::default(), &Rules::default()).unwrap();
        let key = HashKey::new(b"0123456789abcdef").unwrap();
        let written = serde_json::to_string(&Document::new(&draft, draft.values.hashed(&key))).unwrap();
        assert!(!written.contains("letmein"), "{written}");
        let saved = Saved::parse(&written).unwrap();
        assert_eq!(saved.profile, draft.profile);
        let name = Name::new(draft.profile["secrets"].as_object().unwrap().keys().next().unwrap()).unwrap();
        assert_eq!(saved.values.hash(&name), Some(&key.hash("letmein-77")));
        for bad in [
            "{}",
            r#"{"profile": {}, "secrets": {"a": "open"}}"#,
            r#"{"profile": {}, "secrets": {"A b": {"secret": "k:h"}}}"#,
        ] {
            assert!(Saved::parse(bad).is_err(), "{bad}");
        }
    }
}
