//! What an image holds, as its layers say, and how two images differ.
//!
//! Nothing here opens an archive: [`crate::layers`] reads one and hands over [`Layer`]s, which a [`Tree`] lays over each
//! other by the rules of the OCI image specification. [`Facts`] are what the files tell, [`compare`] is the answer.

mod compare;
mod config;
mod facts;
mod files;
mod layer;
mod look;
mod packages;
mod path;
mod people;
mod places;
mod runtimes;
mod shown;
mod text;
mod tree;

use serde::Serialize;

pub use compare::{ImageChange, ImageDiff, compare};
pub use config::Config;
pub use facts::{Facts, Section};
pub use files::{FileChange, LayerSum, Side};
pub use layer::{BadEntry, Entry, Kept, Layer, Node};
pub use look::{Look, Scanner, look};
pub use path::{PathError, clean};
pub use text::text;
pub use tree::{Placed, Tree};

/// One image, without the bytes of its files.
#[derive(Clone, Debug)]
pub struct Image {
    /// As it was asked for.
    pub name: String,
    /// Of the manifest where the source has one, else of the configuration.
    pub digest: String,
    pub config: Config,
    pub layers: Vec<LayerFacts>,
    pub tree: Tree,
    /// What the layers hold and could not be taken.
    pub unread: Vec<Unread>,
}

/// A layer once it is laid into the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayerFacts {
    /// Of the layer's uncompressed bytes: the same whatever it was compressed with.
    pub diff_id: String,
    /// The instruction that made it, where the image tells.
    pub created_by: Option<String>,
    /// Uncompressed.
    pub bytes: u64,
}

/// Something that is there and could not be read; never a reason to call two images equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unread {
    pub section: Section,
    pub name: String,
    pub why: String,
}

impl Unread {
    pub fn new(section: Section, name: impl Into<String>, why: impl Into<String>) -> Self {
        Self { section, name: name.into(), why: why.into() }
    }
}
