//! A file of records that nobody reads without its key (ChaCha20-Poly1305, RFC 8439), which can be added to.
//!
//! `prodmirror capture 1\n`, then for each record its length (4 bytes, little-endian), a nonce of its own (12 bytes) and the
//! sealed JSON with its tag. The number of the record is authenticated with it, so that none can be taken out or moved.

use std::{
    fmt,
    fs::{DirBuilder, File, OpenOptions, remove_file},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    str::FromStr,
};

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use rustix::fs::{FlockOperation, flock};
use serde::{Serialize, de::DeserializeOwned};

use super::SpoolError;
use crate::digest;

const HEAD: &[u8] = b"prodmirror capture 1\n";
const KEY_LEN: usize = 32;
/// Of one record: as much as one answer may be, and more is a damaged length.
const MOST_BYTES: usize = 300 << 20;

/// The key of one capture, and the name of its file: 64 hexadecimal digits that the caller keeps.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; KEY_LEN]);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no token of a capture: those have 64 hexadecimal digits")]
pub struct BadToken;

impl Token {
    /// # Errors
    /// The system gives no randomness.
    pub fn new() -> io::Result<Self> {
        let mut key = [0; KEY_LEN];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        Ok(Self(key))
    }

    /// The file tells nothing of the key.
    pub(super) fn file(&self, folder: &Path) -> PathBuf {
        let name = digest::sha256(&self.0);
        folder.join(&name.trim_start_matches("sha256:")[..32])
    }

    fn key(&self) -> LessSafeKey {
        let key = UnboundKey::new(&CHACHA20_POLY1305, &self.0);
        LessSafeKey::new(key.expect("the algorithm takes a key of this length"))
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&digest::hex(&self.0))
    }
}

/// A key is not shown by accident.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl FromStr for Token {
    type Err = BadToken;

    fn from_str(text: &str) -> Result<Self, BadToken> {
        let digits = text.trim().as_bytes();
        let digit = |digit: &u8| char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let byte = |pair: &[u8]| Some(digit(pair.first()?)? << 4 | digit(pair.get(1)?)?);
        let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(BadToken)
    }
}

/// The file of one token, open for one process alone.
pub struct Sealed {
    path: PathBuf,
    file: File,
    key: LessSafeKey,
    /// The number of the next record.
    next: u64,
}

impl Sealed {
    /// Makes the file of a new token, for its owner alone.
    pub fn make(folder: &Path, token: &Token) -> Result<Self, SpoolError> {
        let path = token.file(folder);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        let file = made.and_then(|()| {
            let mut file =
                OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
            file.write_all(HEAD)?;
            Ok(file)
        });
        let file = file.map_err(|source| SpoolError::Io { file: path.clone(), source })?;
        let sealed = Self { path, file, key: token.key(), next: 0 };
        sealed.lock()?;
        Ok(sealed)
    }

    /// Opens the file of a token and reads every whole record; what comes after the last of them is cut off.
    pub fn open<T: DeserializeOwned>(folder: &Path, token: &Token) -> Result<(Self, Vec<T>), SpoolError> {
        let path = token.file(folder);
        let file = match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(SpoolError::NoSuch),
            Err(source) => return Err(SpoolError::Io { file: path, source }),
        };
        let mut sealed = Self { path, file, key: token.key(), next: 0 };
        sealed.lock()?;
        let mut bytes = Vec::new();
        sealed.file.read_to_end(&mut bytes).map_err(|source| sealed.failed(source))?;
        let Some(mut rest) = bytes.strip_prefix(HEAD) else {
            return Err(SpoolError::Damaged { file: sealed.path });
        };
        let mut records = Vec::new();
        while let Some((record, after)) = sealed.unsealed(rest) {
            records.push(record);
            sealed.next += 1;
            rest = after;
        }
        let whole = (bytes.len() - rest.len()) as u64;
        let cut = sealed.file.set_len(whole).and_then(|()| sealed.file.seek(SeekFrom::Start(whole)));
        cut.map_err(|source| sealed.failed(source))?;
        Ok((sealed, records))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a record. What was written is there for a later run even if this one is killed.
    pub fn add(&mut self, record: &impl Serialize) -> Result<(), SpoolError> {
        let mut bytes = serde_json::to_vec(record).map_err(|error| self.failed(error.into()))?;
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|error| self.failed(io::Error::other(error)))?;
        let number = Aad::from(self.next.to_le_bytes());
        let sealed =
            self.key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), number, &mut bytes);
        sealed.map_err(|_| self.failed(io::Error::other("it is too long to be sealed")))?;
        let length = u32::try_from(bytes.len()).map_err(|error| self.failed(io::Error::other(error)))?;
        let whole = [&length.to_le_bytes()[..], &nonce, &bytes].concat();
        self.file.write_all(&whole).map_err(|source| self.failed(source))?;
        self.next += 1;
        Ok(())
    }

    pub fn remove(self) -> Result<(), SpoolError> {
        remove_file(&self.path).map_err(|source| self.failed(source))
    }

    /// The next record and what comes after it, if it is whole and nobody changed it.
    fn unsealed<'a, T: DeserializeOwned>(&self, bytes: &'a [u8]) -> Option<(T, &'a [u8])> {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>()?;
        let length =
            usize::try_from(u32::from_le_bytes(*length)).ok().filter(|length| *length <= MOST_BYTES)?;
        let (sealed, after) = rest.split_at_checked(length)?;
        let mut sealed = sealed.to_vec();
        let number = Aad::from(self.next.to_le_bytes());
        let opened =
            self.key.open_in_place(Nonce::assume_unique_for_key(*nonce), number, &mut sealed).ok()?;
        Some((serde_json::from_slice(opened).ok()?, after))
    }

    fn lock(&self) -> Result<(), SpoolError> {
        match flock(&self.file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(()),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(SpoolError::InUse),
            Err(error) => Err(self.failed(error.into())),
        }
    }

    fn failed(&self, source: io::Error) -> SpoolError {
        SpoolError::Io { file: self.path.clone(), source }
    }
}
