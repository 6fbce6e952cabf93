//! Images out of archives: `docker save`, an OCI layout in a folder or a tar, an engine's export as it streams by.
//!
//! Nothing is unpacked and nothing of an archive is believed: every digest is compared, every size is bounded, and a
//! layer's files go by once and leave their digests. What they mean is [`crate::image`]'s.

mod archive;
mod choose;
mod compression;
mod entries;
mod folder;
mod layer;
mod limits;

use std::{io::Read, path::Path};

use crate::image::Image;
use archive::Archive;
pub use choose::Wanted;
use folder::Folder;
use limits::Budget;

#[derive(Debug, thiserror::Error)]
pub enum LayersError {
    #[error("{what}: {source}")]
    Io {
        what: String,
        #[source]
        source: std::io::Error,
    },
    /// Not what it claims to be, cut off, or meant to harm.
    #[error("{what}: {why}")]
    Bad { what: String, why: String },
    /// More than is read of one image.
    #[error("{what}: more than {limit}")]
    TooMuch { what: String, limit: String },
    #[error("{what}: there is no image `{reference}`; it holds {there}")]
    NoSuch { what: String, reference: String, there: String },
    #[error("{what} holds several images: {there}")]
    Several { what: String, there: String },
}

type Result<T, E = LayersError> = std::result::Result<T, E>;

fn bad(what: impl Into<String>, why: impl Into<String>) -> LayersError {
    LayersError::Bad { what: what.into(), why: why.into() }
}

/// An image out of a stream: a file, or an engine's export. `name` is what it is called in errors and answers.
///
/// # Errors
/// What is wrong with the archive, and in which of its parts.
pub fn read_stream(name: &str, stream: impl Read, wanted: &Wanted) -> Result<Image> {
    let mut budget = Budget::default();
    let archive = Archive::read(name, stream, &mut budget)?;
    choose::image(name, archive, wanted)
}

/// An image out of a file or a folder.
///
/// # Errors
/// As [`read_stream`].
pub fn read_path(name: &str, path: &Path, wanted: &Wanted) -> Result<Image> {
    if path.is_dir() {
        return choose::image(name, Folder::new(path), wanted);
    }
    let io = |source| LayersError::Io { what: path.display().to_string(), source };
    let file = std::fs::File::open(path).map_err(io)?;
    if !file.metadata().map_err(io)?.is_file() {
        return Err(bad(path.display().to_string(), "is neither a file nor a folder"));
    }
    read_stream(name, file, wanted)
}

/// Says where a read failed.
trait At<T> {
    fn at(self, what: &str) -> Result<T>;
}

impl<T> At<T> for std::io::Result<T> {
    fn at(self, what: &str) -> Result<T> {
        self.map_err(|source| match source.downcast::<LayersError>() {
            Ok(inner) => inner,
            // The decoders' own word for a stream that ends too early.
            Err(source) if source.kind() == std::io::ErrorKind::UnexpectedEof => bad(what, "is cut off"),
            Err(source) if source.kind() == std::io::ErrorKind::InvalidInput => bad(what, source.to_string()),
            Err(source) => LayersError::Io { what: what.to_owned(), source },
        })
    }
}
