//! How much one archive may cost.

use super::{LayersError, Result};

/// The largest images have a third of this.
const ENTRIES: u64 = 1_000_000;
/// Content that is kept for its facts.
const KEPT: u64 = 256 << 20;
/// Uncompressed bytes of all layers.
const BYTES: u64 = 128 << 30;
/// Manifests, indexes and configurations together.
const DOCUMENTS: u64 = 64 << 20;
/// One of them; the distribution specification asks for as much to be taken.
pub(super) const DOCUMENT: u64 = 4 << 20;

/// What may still be spent.
#[derive(Debug)]
pub(super) struct Budget {
    entries: u64,
    kept: u64,
    bytes: u64,
    documents: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { entries: ENTRIES, kept: KEPT, bytes: BYTES, documents: DOCUMENTS }
    }
}

impl Budget {
    pub fn entry(&mut self, what: &str) -> Result<()> {
        take(&mut self.entries, 1, what, || format!("{ENTRIES} files"))
    }

    pub fn bytes(&mut self, count: u64, what: &str) -> Result<()> {
        take(&mut self.bytes, count, what, || format!("{} GiB once uncompressed", BYTES >> 30))
    }

    pub fn document(&mut self, count: u64, what: &str) -> Result<()> {
        take(&mut self.documents, count, what, || format!("{} MiB of manifests", DOCUMENTS >> 20))
    }

    /// Whether a file's content may be kept; it counts then.
    pub fn keep(&mut self, count: u64) -> bool {
        match self.kept.checked_sub(count) {
            Some(left) => {
                self.kept = left;
                true
            }
            None => false,
        }
    }
}

fn take(left: &mut u64, count: u64, what: &str, limit: impl Fn() -> String) -> Result<()> {
    *left = left
        .checked_sub(count)
        .ok_or_else(|| LayersError::TooMuch { what: what.to_owned(), limit: limit() })?;
    Ok(())
}
