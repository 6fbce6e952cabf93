//! Names that are checked on the way in, so that no later stage has to doubt them.

use std::{borrow::Borrow, fmt, str::FromStr};

/// The name of a service, job, store, secret, port or mirror: `[a-z][a-z0-9-]{0,39}`.
///
/// The rule is the DNS label of RFC 1123 without a leading digit, cut at forty
/// characters so that names built from it stay below the 63 that Docker and
/// Kubernetes allow. A name never holds a dot; names that the project makes do,
/// so the two cannot clash.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no name: use a letter, then up to 39 of a-z, 0-9 and `-`, with no `-` at the end")]
pub struct NameError(pub String);

impl Name {
    pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
        let text = text.into();
        let mut bytes = text.bytes();
        let starts = bytes.next().is_some_and(|b| b.is_ascii_lowercase());
        let rest = bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if starts && rest && text.len() <= 40 && !text.ends_with('-') {
            Ok(Self(text))
        } else {
            Err(NameError(text))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as part of an environment variable: capitals, `-` becomes `_`.
    pub fn to_variable(&self) -> String {
        self.0.to_ascii_uppercase().replace('-', "_")
    }
}

impl FromStr for Name {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl serde::Serialize for Name {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Name {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_short_dns_label() {
        for good in ["a", "api", "db-2", &"x".repeat(40)] {
            assert!(Name::new(good).is_ok(), "{good}");
        }
        for bad in ["", "1a", "-a", "a-", "A", "a.b", "a_b", "ä", &"x".repeat(41)] {
            assert!(Name::new(bad).is_err(), "{bad}");
        }
    }
}
