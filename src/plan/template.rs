//! Secrets, and text in which they stand as variables: no plan holds a value.

use serde::Serialize;

use crate::{name::Name, profile::Shape};

/// One secret: where its value comes from, and the variables of the bundle that carry it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SecretPlan {
    pub secret: Name,
    /// `DB_PASSWORD`; in the keeper the same, so that a later `up` can read it back.
    pub variable: String,
    /// `DB_PASSWORD_URL`, percent-encoded, if some value holds it inside a URL.
    pub url_variable: Option<String>,
    /// How to make a value; a secret without a shape gets `hex:16`.
    #[serde(serialize_with = "shape_as_text")]
    pub shape: Shape,
}

fn shape_as_text<S: serde::Serializer>(shape: &Shape, s: S) -> Result<S::Ok, S::Error> {
    match shape {
        Shape::Hex(n) => s.collect_str(&format_args!("hex:{n}")),
        Shape::Base64(n) => s.collect_str(&format_args!("base64:{n}")),
        Shape::Letters(n) => s.collect_str(&format_args!("letters:{n}")),
        Shape::Uuid => s.serialize_str("uuid"),
        Shape::RsaPem => s.serialize_str("rsa-pem"),
    }
}

/// Text in which secrets stand as variables of the launching process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Template(pub Vec<TemplatePiece>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TemplatePiece {
    Literal(String),
    /// The name of a variable of [`SecretPlan`].
    Variable(String),
}

impl Template {
    pub fn literal(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::default() } else { Self(vec![TemplatePiece::Literal(text)]) }
    }

    pub fn variable(name: impl Into<String>) -> Self {
        Self(vec![TemplatePiece::Variable(name.into())])
    }

    /// The text with every variable filled in; `None` if one is unknown.
    pub fn fill(&self, value_of: impl Fn(&str) -> Option<String>) -> Option<String> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                TemplatePiece::Literal(literal) => text.push_str(literal),
                TemplatePiece::Variable(name) => text.push_str(&value_of(name)?),
            }
        }
        Some(text)
    }

    pub fn holds_secret(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, TemplatePiece::Variable(_)))
    }
}

impl std::fmt::Display for Template {
    /// For people: secrets as `${NAME}`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            TemplatePiece::Literal(text) => f.write_str(text),
            TemplatePiece::Variable(name) => write!(f, "${{{name}}}"),
        })
    }
}
