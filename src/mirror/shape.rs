//! Values for secrets that nobody gave: random, in the shape that the profile asks for.

use base64::Engine as _;

use crate::{digest::hex, profile::Shape};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    #[error("the system gives no randomness: {0}")]
    Random(String),
    #[error("a `rsa-pem` value cannot be made: {0}")]
    Rsa(String),
}

/// A new value of the shape.
pub fn generate(shape: Shape) -> Result<String, ShapeError> {
    Ok(match shape {
        Shape::Hex(bytes) => hex(&random(bytes.into())?),
        Shape::Base64(bytes) => base64::engine::general_purpose::STANDARD.encode(random(bytes.into())?),
        Shape::Letters(count) => letters(count.into())?,
        Shape::Uuid => uuid()?,
        Shape::RsaPem => super::rsa::private_key_pem().map_err(ShapeError::Rsa)?,
    })
}

fn random(count: usize) -> Result<Vec<u8>, ShapeError> {
    let mut bytes = vec![0; count];
    getrandom::fill(&mut bytes).map_err(|error| ShapeError::Random(error.to_string()))?;
    Ok(bytes)
}

/// Letters, each equally likely: bytes of 208 and more are thrown away (208 = 4 × 52).
fn letters(count: usize) -> Result<String, ShapeError> {
    const LETTERS: &[u8; 52] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut text = String::with_capacity(count);
    while text.len() < count {
        let fair = random(64)?.into_iter().filter(|byte| *byte < 208);
        text.extend(fair.take(count - text.len()).map(|byte| char::from(LETTERS[usize::from(byte) % 52])));
    }
    Ok(text)
}

/// A random UUID (RFC 9562, version 4).
fn uuid() -> Result<String, ShapeError> {
    let mut bytes = random(16)?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex(&bytes);
    Ok([&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-"))
}

/// A short random name for a run or for `run` without `--name`: eight of a-z and 0-9.
pub fn short_id() -> Result<String, ShapeError> {
    Ok(hex(&random(4)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_has_its_length_and_alphabet() {
        assert_eq!(generate(Shape::Hex(16)).unwrap().len(), 32);
        assert_eq!(generate(Shape::Base64(3)).unwrap().len(), 4);
        let letters = generate(Shape::Letters(200)).unwrap();
        assert!(letters.len() == 200 && letters.bytes().all(|b| b.is_ascii_alphabetic()));
        let uuid = generate(Shape::Uuid).unwrap();
        assert_eq!((uuid.len(), uuid.as_bytes()[14]), (36, b'4'));
    }

    #[test]
    fn two_values_differ() {
        assert_ne!(generate(Shape::Hex(16)), generate(Shape::Hex(16)));
    }
}
