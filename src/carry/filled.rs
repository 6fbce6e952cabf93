//! The files of one folder, and the name that follows from them.

use sha2::{Digest as _, Sha256};

use crate::digest::hex;

/// A file with its bytes, secrets filled in.
pub struct Filled<'a> {
    /// Below its folder.
    pub path: &'a str,
    pub bytes: Vec<u8>,
    pub mode: u32,
    pub user: u32,
    pub group: u32,
}

/// The name of the hidden folder behind `..data`.
///
/// The kubelet names it by the time; by its content it is the same for the same files, and a second filling sees that
/// there is nothing to do.
pub fn hidden_name(files: &[Filled<'_>]) -> String {
    let mut hash = Sha256::new();
    for file in files {
        for part in [file.path.as_bytes(), &file.bytes] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        for number in [file.mode, file.user, file.group] {
            hash.update(number.to_le_bytes());
        }
    }
    format!("..{}", hex(&hash.finalize()[..12]))
}
