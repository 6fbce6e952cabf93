//! Small values that are one word in a file: shapes of secrets, ports by name or number, seeds.

use std::{convert::Infallible, fmt, str::FromStr};

use super::{PortRef, Seed, Shape};
use crate::name::Name;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no shape of a secret: known are hex:N, base64:N, letters:N (N from 1 to 4096), uuid and rsa-pem"
)]
pub struct ShapeError(pub String);

impl FromStr for Shape {
    type Err = ShapeError;

    fn from_str(text: &str) -> Result<Self, ShapeError> {
        let bad = || ShapeError(text.to_owned());
        let (kind, count) = match text.split_once(':') {
            Some((kind, count)) => {
                let number =
                    count.parse().ok().filter(|n: &u16| (1..=4096).contains(n) && n.to_string() == count);
                (kind, Some(number.ok_or_else(bad)?))
            }
            None => (text, None),
        };
        match (kind, count) {
            ("hex", Some(count)) => Ok(Self::Hex(count)),
            ("base64", Some(count)) => Ok(Self::Base64(count)),
            ("letters", Some(count)) => Ok(Self::Letters(count)),
            ("uuid", None) => Ok(Self::Uuid),
            ("rsa-pem", None) => Ok(Self::RsaPem),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hex(count) => write!(f, "hex:{count}"),
            Self::Base64(count) => write!(f, "base64:{count}"),
            Self::Letters(count) => write!(f, "letters:{count}"),
            Self::Uuid => f.write_str("uuid"),
            Self::RsaPem => f.write_str("rsa-pem"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither the name of a port nor a number from 1 to 65535")]
pub struct PortRefError(pub String);

impl FromStr for PortRef {
    type Err = PortRefError;

    fn from_str(text: &str) -> Result<Self, PortRefError> {
        let bad = || PortRefError(text.to_owned());
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return text.parse().ok().filter(|n| *n != 0).map(Self::Number).ok_or_else(bad);
        }
        Name::new(text).map(Self::Name).map_err(|_| bad())
    }
}

impl fmt::Display for PortRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Number(number) => number.fmt(f),
        }
    }
}

impl FromStr for Seed {
    type Err = Infallible;

    /// `snapshot:NAME` and ids (`sha256:…`) name snapshots, all else a file or folder.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let snapshot = text.starts_with("snapshot:") || text.starts_with("sha256:");
        Ok(if snapshot { Self::Snapshot(text.to_owned()) } else { Self::Path(text.to_owned()) })
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(text) | Self::Snapshot(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_print_as_they_were_written() {
        for text in ["hex:32", "base64:16", "letters:8", "uuid", "rsa-pem"] {
            assert_eq!(text.parse::<Shape>().map(|s| s.to_string()).as_deref(), Ok(text));
        }
        for text in ["hex", "hex:0", "hex:5000", "hex:08", "uuid:1", ""] {
            assert!(text.parse::<Shape>().is_err(), "{text}");
        }
    }

    #[test]
    fn digits_are_a_port_number_and_never_a_name() {
        assert_eq!("8080".parse(), Ok(PortRef::Number(8080)));
        assert_eq!("http".parse(), Ok(PortRef::Name(Name::new("http").unwrap())));
        for text in ["", "0", "70000", "-1", "Http"] {
            assert!(text.parse::<PortRef>().is_err(), "{text}");
        }
    }
}
