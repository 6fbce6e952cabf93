//! Values that have a text of their own: names, images, quantities, shapes.

use std::{fmt::Display, marker::PhantomData, str::FromStr};

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::Value as Json;

use super::{
    form::{Form, Reader},
    scalars::Letters,
};
use crate::name::Name;
use crate::path::Path;
use crate::profile::{
    Bytes, Cpu, Duration, Image, Mode, PortRef, Seed, Shape, node::Node, problem::Problem, words,
};

/// A value with a text of its own: a name, an image, a quantity.
pub(crate) trait Spelled: Sized + FromStr<Err: Display> + Display {
    const CODE: &'static str;
    const PATTERN: Option<&'static str>;
    /// Whether YAML may take the text for a number.
    const NUMERIC: bool = false;

    fn stand_in() -> Option<Self> {
        None
    }

    fn blank() -> Option<Self> {
        None
    }
}

/// The form of what spells itself.
pub(crate) struct Spelling<T>(PhantomData<T>);

impl<T: Spelled> Form for Spelling<T> {
    type Value = T;

    fn read(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<T> {
        let text = Letters::read(node, at, to)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                let hint = words::spelling(T::CODE, &text);
                to.push(Problem::error(T::CODE, at, node.span, error.to_string()).maybe_hint(hint));
                None
            }
        }
    }

    fn write(value: &T) -> Json {
        value.to_string().into()
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        let mut schema = if T::NUMERIC {
            json_schema!({"type": ["string", "number"]})
        } else {
            json_schema!({"type": "string"})
        };
        if let Some(pattern) = T::PATTERN {
            schema.insert("pattern".to_owned(), pattern.into());
        }
        schema
    }

    fn stand_in() -> Option<T> {
        <T as Spelled>::stand_in()
    }

    fn blank() -> Option<T> {
        <T as Spelled>::blank()
    }
}

pub(crate) const NAME_PATTERN: &str = "^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$";

impl Spelled for Name {
    const CODE: &'static str = "bad-name";
    const PATTERN: Option<&'static str> = Some(NAME_PATTERN);
    fn stand_in() -> Option<Self> {
        Name::new("unreadable").ok()
    }
}

impl Spelled for Image {
    const CODE: &'static str = "bad-image";
    const PATTERN: Option<&'static str> = Some("^\\S+$");
    const NUMERIC: bool = true;
    fn stand_in() -> Option<Self> {
        Some(Image::Local { name: "unreadable".into(), tag: "unreadable".into() })
    }
    fn blank() -> Option<Self> {
        <Self as Spelled>::stand_in()
    }
}

impl Spelled for Cpu {
    const CODE: &'static str = "bad-quantity";
    const PATTERN: Option<&'static str> = Some("^([0-9]+m|[0-9]*\\.?[0-9]*)$");
    const NUMERIC: bool = true;
}

impl Spelled for Bytes {
    const CODE: &'static str = "bad-quantity";
    const PATTERN: Option<&'static str> = Some("^[0-9]*\\.?[0-9]*([kMGTPE]|[KMGTPE]i)?$");
    const NUMERIC: bool = true;
}

impl Spelled for Duration {
    const CODE: &'static str = "bad-duration";
    const PATTERN: Option<&'static str> = Some("^([0-9]*\\.?[0-9]*(h|ms|m|s))+$");
}

impl Spelled for Mode {
    const CODE: &'static str = "bad-mode";
    const PATTERN: Option<&'static str> = Some("^[0-7]{3,4}$");
    const NUMERIC: bool = true;
}

impl Spelled for Shape {
    const CODE: &'static str = "bad-shape";
    const PATTERN: Option<&'static str> = Some("^((hex|base64|letters):[0-9]+|uuid|rsa-pem)$");
}

impl Spelled for PortRef {
    const CODE: &'static str = "bad-port";
    const PATTERN: Option<&'static str> = None;
    const NUMERIC: bool = true;
}

impl Spelled for Seed {
    const CODE: &'static str = "bad-seed";
    const PATTERN: Option<&'static str> = Some("^.");
    const NUMERIC: bool = true;
}
