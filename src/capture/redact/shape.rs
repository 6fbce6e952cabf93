//! What another value must look like to do for a secret.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value as Json;

use crate::profile::Shape;

/// How a value of a secret can be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One of this shape does.
    Shaped(Shape),
    /// Any word does.
    Opaque,
    /// It means something to whoever reads it: nothing made up does.
    Meaning(&'static str),
}

/// Fewer characters are no digits of a key: `beef`, `123456`.
const FEWEST: usize = 16;

pub fn form(value: &str) -> Form {
    if let Some(what) = armour(value) {
        return what;
    }
    if is_uuid(value) {
        return Form::Shaped(Shape::Uuid);
    }
    let length = |length: usize| u16::try_from(length).ok();
    let count = value.len();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_alphabetic()) {
        return length(count).map_or(Form::Opaque, |count| Form::Shaped(Shape::Letters(count)));
    }
    if count >= FEWEST && count.is_multiple_of(2) && value.bytes().all(|b| b.is_ascii_hexdigit()) {
        return length(count / 2).map_or(Form::Opaque, |bytes| Form::Shaped(Shape::Hex(bytes)));
    }
    if count >= FEWEST
        && let Ok(bytes) = STANDARD.decode(value)
    {
        return length(bytes.len()).map_or(Form::Opaque, |bytes| Form::Shaped(Shape::Base64(bytes)));
    }
    match value.contains(['\n', '\r']) {
        true => Form::Meaning("a text of several lines"),
        false => Form::Opaque,
    }
}

/// Keys and certificates in text, tokens that are signed, key files.
fn armour(value: &str) -> Option<Form> {
    let text = value.trim_start();
    if let Some(rest) = text.strip_prefix("-----BEGIN ") {
        let what = rest.split("-----").next().unwrap_or_default();
        return Some(match what {
            "PRIVATE KEY" | "RSA PRIVATE KEY" => Form::Shaped(Shape::RsaPem),
            _ => Form::Meaning("a key or a certificate in PEM"),
        });
    }
    if text.starts_with('{') && serde_json::from_str::<Json>(text).is_ok() {
        return Some(Form::Meaning("a key file in JSON"));
    }
    super::tokens::whole(value).map(Form::Meaning)
}

pub fn is_uuid(value: &str) -> bool {
    let groups: Vec<&str> = value.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    lengths == [8, 4, 4, 4, 12] && groups.iter().all(|group| group.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_can_be_made_up_has_a_shape() {
        let hex = "0123456789abcdef0123456789abcdef";
        for (value, wanted) in [
            (hex, Form::Shaped(Shape::Hex(16))),
            ("hunterhunter", Form::Shaped(Shape::Letters(12))),
            ("c2VjcmV0LXNlY3JldC1zZWNyZXQ=", Form::Shaped(Shape::Base64(20))),
            ("6f0c1a52-6d6e-4c3c-9f7a-3f2f5b7f3c11", Form::Shaped(Shape::Uuid)),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----",
                Form::Shaped(Shape::RsaPem),
            ),
            ("hunter2-hunter2", Form::Opaque),
            ("12345678", Form::Opaque),
        ] {
            assert_eq!(form(value), wanted, "{value}");
        }
        for value in ["-----BEGIN CERTIFICATE-----\n", "{\"a\": 1}", "a\nb"] {
            assert!(matches!(form(value), Form::Meaning(_)), "{value}");
        }
    }
}
