//! Secrets compared without being known: hashes under a key that each party keeps.

use std::{fmt, str::FromStr};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Hex digits of a key's id, and of a hash: 32 and 128 bits.
const ID: usize = 8;
const HASH: usize = 32;

/// The key under which equal secrets have equal hashes. It is itself a secret.
#[derive(Clone)]
pub struct HashKey {
    bytes: Vec<u8>,
    id: String,
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl HashKey {
    /// A key from what its file holds; white space at its ends does not count. `None` below 16 bytes.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.trim_ascii().to_vec();
        let id = hex(&Sha256::digest([b"prodmirror hash key\0".as_slice(), &bytes].concat()), ID);
        (bytes.len() >= 16).then_some(Self { bytes, id })
    }

    /// What hashes under this key begin with; tells nothing of the key.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn hash(&self, value: &str) -> Keyed {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.bytes).expect("HMAC takes a key of any length");
        mac.update(value.as_bytes());
        Keyed { key: self.id.clone(), hash: hex(&mac.finalize().into_bytes(), HASH) }
    }
}

fn hex(bytes: &[u8], digits: usize) -> String {
    let mut text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    text.truncate(digits);
    text
}

/// The hash of a secret under a key: `KEYID:HASH`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Keyed {
    pub key: String,
    pub hash: String,
}

impl fmt::Display for Keyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.key, self.hash)
    }
}

impl FromStr for Keyed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
        match text.split_once(':') {
            Some((key, hash)) if word(key) && word(hash) => {
                Ok(Self { key: key.to_owned(), hash: hash.to_owned() })
            }
            _ => Err("is not `KEYID:HASH`, the form of a hashed secret".to_owned()),
        }
    }
}
