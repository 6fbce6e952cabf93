//! Forms of single values: texts, numbers, booleans, texts with references.

use std::{marker::PhantomData, str::FromStr};

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::Value as Json;

use super::form::{Form, Reader};
use crate::path::Path;
use crate::profile::{
    Text,
    node::{Kind, Node, Style},
    problem::Problem,
};

/// What a scalar may be in JSON's eyes: its letters count, not its type.
fn any_scalar() -> Schema {
    json_schema!({"type": ["string", "number", "boolean"]})
}

/// A text, letter by letter as it was written.
pub(crate) enum Letters {}

impl Form for Letters {
    type Value = String;

    fn read(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<String> {
        let text = node.as_text().map(str::to_owned);
        if text.is_none() {
            to.wanted(node, at, "a text");
        }
        text
    }

    fn write(value: &String) -> Json {
        value.as_str().into()
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        any_scalar()
    }

    fn blank() -> Option<String> {
        Some(String::new())
    }
}

/// A path inside a container.
pub(crate) enum Absolute {}

impl Form for Absolute {
    type Value = String;

    fn read(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<String> {
        let text = Letters::read(node, at, to)?;
        if text.starts_with('/') {
            return Some(text);
        }
        let problem = Problem::error("relative-path", at, node.span, format!("`{text}` is no absolute path"));
        to.push(problem.hint(format!("write `/{text}`")));
        None
    }

    fn write(value: &String) -> Json {
        value.as_str().into()
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^/"})
    }

    fn blank() -> Option<String> {
        Some("/".to_owned())
    }
}

/// `true` or `false`, nothing else.
pub(crate) enum Bool {}

impl Form for Bool {
    type Value = bool;

    fn read(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<bool> {
        match &node.kind {
            Kind::Scalar { text, style: Style::Plain } if text == "true" => Some(true),
            Kind::Scalar { text, style: Style::Plain } if text == "false" => Some(false),
            Kind::Scalar { text, .. } => {
                let hint = match text.to_ascii_lowercase().as_str() {
                    "true" | "yes" | "on" | "y" => Some("write `true`, without quotes".to_owned()),
                    "false" | "no" | "off" | "n" => Some("write `false`, without quotes".to_owned()),
                    _ => None,
                };
                let message = format!("`{text}` is neither `true` nor `false`");
                to.push(Problem::error("wrong-type", at, node.span, message).maybe_hint(hint));
                None
            }
            _ => {
                to.wanted(node, at, "`true` or `false`");
                None
            }
        }
    }

    fn write(value: &bool) -> Json {
        (*value).into()
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "boolean"})
    }
}

/// A number of digits without a sign that only its type limits.
pub(crate) struct Whole<T>(PhantomData<T>);

pub(crate) trait Integer: FromStr + Copy + Into<Json> {
    const LEAST: i64;
    const MOST: i64;
    const BLANK: Self;
}

impl Integer for u16 {
    const LEAST: i64 = 0;
    const MOST: i64 = u16::MAX as i64;
    const BLANK: Self = 0;
}
impl Integer for u32 {
    const LEAST: i64 = 0;
    const MOST: i64 = u32::MAX as i64;
    const BLANK: Self = 0;
}
impl Integer for i64 {
    const LEAST: i64 = -1;
    const MOST: i64 = i64::MAX;
    const BLANK: Self = 0;
}

impl<T: Integer> Form for Whole<T> {
    type Value = T;

    fn read(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<T> {
        let Kind::Scalar { text, style } = &node.kind else {
            to.wanted(node, at, "a whole number");
            return None;
        };
        let number = text.parse::<i64>().ok().filter(|n| n.to_string() == *text);
        let number = number.filter(|n| (T::LEAST..=T::MOST).contains(n)).and_then(|_| text.parse().ok());
        if *style == Style::Quoted && number.is_some() {
            let message = format!("`{text}` in quotes is a text; wanted a whole number");
            to.push(Problem::error("wrong-type", at, node.span, message).hint("write it without quotes"));
            return None;
        }
        if number.is_none() {
            let message = format!("`{text}` is no whole number from {} to {}", T::LEAST, T::MOST);
            to.error("wrong-type", at, node.span, message);
        }
        number
    }

    fn write(value: &T) -> Json {
        (*value).into()
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer", "minimum": T::LEAST, "maximum": T::MOST})
    }

    fn blank() -> Option<T> {
        Some(T::BLANK)
    }
}

/// A part of a hundred, from 0 to 100.
pub(crate) enum Percent {}

impl Form for Percent {
    type Value = f64;

    fn read(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<f64> {
        let Some(text) = node.as_text() else {
            to.wanted(node, at, "a percentage");
            return None;
        };
        let digits = text.strip_suffix('%').unwrap_or(text);
        let plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let number = digits.parse().ok().filter(|n: &f64| plain && (0.0..=100.0).contains(n));
        if number.is_none() {
            let message = format!("`{text}` is no percentage from 0 to 100");
            to.push(
                Problem::error("bad-value", at, node.span, message)
                    .hint("write it like `0.5`, half a percent"),
            );
        }
        number
    }

    fn write(value: &f64) -> Json {
        (*value).into()
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            {"type": "number", "minimum": 0, "maximum": 100},
            {"type": "string", "pattern": "^[0-9.]+%?$"}
        ]})
    }
}

/// Text with references; look-alikes of host variables are warned of.
pub(crate) enum Referring {}

impl Form for Referring {
    type Value = Text;

    fn read(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<Text> {
        let text = Letters::read(node, at, to)?;
        match Text::parse(&text) {
            Ok((text, alike)) => {
                for name in alike {
                    let message =
                        format!("`${{{name}}}` stays as it is: the host's environment is never read");
                    let problem = Problem::warning("host-variable", at, node.span, message);
                    to.push(
                        problem
                            .hint(format!("write the value, or `$${{{name}}}` to say that it is meant so")),
                    );
                }
                Some(text)
            }
            Err(error) => {
                to.error("bad-reference", at, node.span, error.to_string());
                None
            }
        }
    }

    fn write(value: &Text) -> Json {
        value.to_string().into()
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        any_scalar()
    }
}
