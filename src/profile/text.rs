//! Text with references: `postgres://app:${secret:db-password}@${store:db.host}/x`.
//!
//! Only `${secret:…}`, `${store:…}` and `${service:…}` are references; `$${` is
//! a literal `${`, and every other `$` is itself.

use crate::name::Name;

/// A text in pieces; no two literals stand beside each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(pub Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Literal(String),
    Secret(Name),
    Store(Name, StoreField),
    Service(Name, ServiceField),
}

/// `${store:NAME.FIELD}`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreField {
    Url,
    Host,
    Port,
    User,
    Password,
    Database,
}

/// `${service:NAME.FIELD}`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServiceField {
    Url,
    Host,
    Port,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    #[error("`${{{0}` has no closing `}}`")]
    Unclosed(String),
    #[error("`${{{0}}}` names no secret, store or service")]
    BadName(String),
    #[error("`{field}` is no field of a {of}; known are {known}")]
    BadField { of: &'static str, field: String, known: &'static str },
}

/// Bytes between `${` and `}`.
const LONGEST: usize = 256;

/// Look-alikes of host variables that are answered of one text.
const MOST_ALIKE: usize = 20;

impl Text {
    pub fn literal(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self(Vec::new()) } else { Self(vec![Piece::Literal(text)]) }
    }

    /// The text, if it holds no reference.
    pub fn as_literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    pub fn secrets(&self) -> impl Iterator<Item = &Name> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Secret(name) => Some(name),
            _ => None,
        })
    }

    /// Reads references; also answers the host-variable look-alikes (`${TAG}`, kept as
    /// literal text), so that a check can warn about them.
    pub fn parse(text: &str) -> Result<(Self, Vec<String>), TextError> {
        let (mut pieces, mut literal, mut alike) = (Vec::new(), String::new(), Vec::new());
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            literal.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix("$${") {
                literal.push_str("${");
                rest = after;
                continue;
            }
            let Some(inner) = rest.strip_prefix("${") else {
                literal.push('$');
                rest = &rest[1..];
                continue;
            };
            let known = ["secret:", "store:", "service:"].iter().any(|kind| inner.starts_with(kind));
            // A reference is short; looking no further keeps a long text of `${` cheap.
            let may_be = known || inner.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
            let end = if !may_be { None } else { inner.bytes().take(LONGEST).position(|b| b == b'}') };
            if !known {
                if let Some(end) = end.filter(|end| alike.len() < MOST_ALIKE && is_variable(&inner[..*end])) {
                    alike.push(inner[..end].to_owned());
                }
                literal.push_str("${");
                rest = inner;
                continue;
            }
            let end = end.ok_or_else(|| TextError::Unclosed(inner.chars().take(40).collect()))?;
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(reference(&inner[..end])?);
            rest = &inner[end + 1..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok((Self(pieces), alike))
    }
}

fn is_variable(text: &str) -> bool {
    let name = text.split([':', '-', '?', '+']).next().unwrap_or_default();
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn reference(inner: &str) -> Result<Piece, TextError> {
    let bad = || TextError::BadName(inner.to_owned());
    let (kind, rest) = inner.split_once(':').ok_or_else(bad)?;
    if kind == "secret" {
        return Name::new(rest).map(Piece::Secret).map_err(|_| bad());
    }
    let (name, field) = rest.split_once('.').ok_or_else(bad)?;
    let name = Name::new(name).map_err(|_| bad())?;
    if kind == "store" {
        let field = match field {
            "url" => StoreField::Url,
            "host" => StoreField::Host,
            "port" => StoreField::Port,
            "user" => StoreField::User,
            "password" => StoreField::Password,
            "database" => StoreField::Database,
            _ => {
                return Err(TextError::BadField {
                    of: "store",
                    field: field.to_owned(),
                    known: "url, host, port, user, password, database",
                });
            }
        };
        return Ok(Piece::Store(name, field));
    }
    let field = match field {
        "url" => ServiceField::Url,
        "host" => ServiceField::Host,
        "port" => ServiceField::Port,
        _ => {
            return Err(TextError::BadField {
                of: "service",
                field: field.to_owned(),
                known: "url, host, port",
            });
        }
    };
    Ok(Piece::Service(name, field))
}

impl std::fmt::Display for Text {
    /// The text as a profile writes it; `parse` reads it back.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => f.write_str(&text.replace("${", "$${"))?,
                Piece::Secret(name) => write!(f, "${{secret:{name}}}")?,
                Piece::Store(name, field) => write!(f, "${{store:{name}.{}}}", field.as_str())?,
                Piece::Service(name, field) => write!(f, "${{service:{name}.{}}}", field.as_str())?,
            }
        }
        Ok(())
    }
}

impl StoreField {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::Host => "host",
            Self::Port => "port",
            Self::User => "user",
            Self::Password => "password",
            Self::Database => "database",
        }
    }
}

impl ServiceField {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::Host => "host",
            Self::Port => "port",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn references_and_dollars_are_told_apart() {
        let (text, alike) = Text::parse("a$b$$c$${x}${TAG}${secret:k}${store:db.url}$").unwrap();
        assert_eq!(alike, ["TAG"]);
        assert_eq!(
            text.0,
            [
                Piece::Literal("a$b$$c${x}${TAG}".into()),
                Piece::Secret(Name::new("k").unwrap()),
                Piece::Store(Name::new("db").unwrap(), StoreField::Url),
                Piece::Literal("$".into()),
            ]
        );
    }

    #[test]
    fn a_broken_reference_is_an_error() {
        for bad in ["${secret:a", "${secret:A B}", "${store:db}", "${store:db.pass}", "${service:x.user}"] {
            assert!(Text::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_reads_back(text in "[a${}:.]{0,24}|.{0,16}") {
            if let Ok((parsed, _)) = Text::parse(&text) {
                prop_assert_eq!(Text::parse(&parsed.to_string()).unwrap().0, parsed);
            }
        }
    }
}
