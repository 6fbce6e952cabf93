//! SHA-256, printed as OCI prints it.

use sha2::{Digest as _, Sha256};

/// `sha256:` and 64 digits.
pub fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

/// The first sixteen digits of the SHA-256 of a value's JSON: enough to tell specs apart in a label.
pub fn spec(value: &impl serde::Serialize) -> String {
    let json = serde_json::to_vec(value).unwrap_or_default();
    hex(&Sha256::digest(&json)[..8])
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
