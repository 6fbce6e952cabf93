//! One layer: what it adds, and what it takes away from those below.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Section, Unread,
    path::{self, PathError},
};

/// More links in one path are a loop, as the kernel has it.
pub(super) const MOST_LINKS: usize = 40;

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    Directory,
    File {
        size: u64,
        /// SHA-256 of the content.
        digest: String,
        kept: Option<Kept>,
    },
    Link {
        target: String,
    },
    Device {
        block: bool,
        major: u32,
        minor: u32,
    },
    Fifo,
    /// A hard link to a file of a layer below.
    Below {
        target: String,
    },
}

/// What was kept of a file's content, because [`super::look`] asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    Bytes(Vec<u8>),
    /// The version that the program names in its own bytes.
    Version(Option<String>),
    TooLarge {
        limit: u64,
    },
}

/// A node and its inode's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub node: Node,
    /// The permission bits.
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    /// Extended attributes, the value in hexadecimal.
    pub attributes: BTreeMap<String, String>,
    /// A folder that no archive names, made because something lies in it: it has no mode and owner of its own.
    pub implied: bool,
}

impl Entry {
    pub fn new(node: Node, mode: u32, uid: u64, gid: u64) -> Self {
        Self { node, mode, uid, gid, attributes: BTreeMap::new(), implied: false }
    }

    pub(super) fn implied() -> Self {
        Self { implied: true, ..Self::new(Node::Directory, 0o755, 0, 0) }
    }
}

/// An entry that no engine would take either.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEntry {
    #[error(transparent)]
    Path(#[from] PathError),
    #[error("`{0}` goes through more than {MOST_LINKS} symbolic links")]
    Links(String),
    #[error("`{0}` is a whiteout of nothing")]
    Whiteout(String),
}

/// What one archive of a layer says, in its own order.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    pub diff_id: String,
    pub bytes: u64,
    pub(super) entries: BTreeMap<String, Entry>,
    /// Paths of lower layers that are gone.
    pub(super) gone: BTreeSet<String>,
    /// Folders whose content in lower layers is gone.
    pub(super) opaque: BTreeSet<String>,
    pub unread: Vec<Unread>,
}

const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";
/// Left by AUFS; they mean nothing in an image.
const LEFTOVER: &str = ".wh..wh.";

impl Layer {
    /// Takes one entry of the archive; `raw` is its name there.
    ///
    /// # Errors
    /// A path out of the image, or through links without end.
    pub fn take(&mut self, raw: &[u8], entry: Entry) -> Result<(), BadEntry> {
        let path = self.settled(&path::clean(raw)?)?;
        let (folder, name) = path::split(&path);
        if name == OPAQUE {
            self.opaque.insert(folder.to_owned());
        } else if path.split('/').any(|name| name.starts_with(LEFTOVER)) {
            // Nothing.
        } else if let Some(hidden) = name.strip_prefix(WHITEOUT) {
            if hidden.is_empty() || hidden == "." || hidden == ".." {
                return Err(BadEntry::Whiteout(path));
            }
            self.gone.insert(path::join(folder, hidden));
        } else if !path.is_empty() {
            self.put(path, entry);
        }
        Ok(())
    }

    /// A hard link: the same inode as a file of this layer, or of one below.
    ///
    /// # Errors
    /// As [`Layer::take`].
    pub fn take_hard_link(&mut self, raw: &[u8], target: &[u8]) -> Result<(), BadEntry> {
        let target = self.settled(&path::clean(target)?)?;
        let entry = match self.entries.get(&target) {
            Some(entry) => entry.clone(),
            None => Entry::new(Node::Below { target }, 0, 0, 0),
        };
        self.take(raw, entry)
    }

    /// How many entries it holds.
    pub fn len(&self) -> usize {
        self.entries.len() + self.gone.len() + self.opaque.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn note(&mut self, name: impl Into<String>, why: impl Into<String>) {
        self.unread.push(Unread::new(Section::Files, name, why));
    }

    fn put(&mut self, path: String, entry: Entry) {
        if entry.node != Node::Directory {
            remove_below(&mut self.entries, &path);
        }
        self.entries.insert(path, entry);
    }

    /// The path with the links among its folders followed that this very layer made: an unpacked archive does so,
    /// while links of lower layers are replaced by what lies over them.
    fn settled(&self, path: &str) -> Result<String, BadEntry> {
        let mut path = path.to_owned();
        for _ in 0..=MOST_LINKS {
            let link = path::parents(&path).find_map(|parent| match &self.entries.get(parent)?.node {
                Node::Link { target } => Some((parent.to_owned(), path::target(parent, target))),
                _ => None,
            });
            let Some((parent, target)) = link else { return Ok(path) };
            path = path::join(&target, &path[parent.len() + 1..]);
        }
        Err(BadEntry::Links(path))
    }
}

/// Removes all that lies in a folder, not the folder; answers the paths.
pub(super) fn remove_below<T>(map: &mut BTreeMap<String, T>, folder: &str) -> Vec<String> {
    let inside: Vec<String> = below(map, folder).map(|(path, _)| path.clone()).collect();
    for path in &inside {
        map.remove(path);
    }
    inside
}

/// All that lies in a folder, however deep.
pub(super) fn below<'a, T>(
    map: &'a BTreeMap<String, T>,
    folder: &str,
) -> impl Iterator<Item = (&'a String, &'a T)> + use<'a, T> {
    let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    map.range(prefix.clone()..).take_while(move |(path, _)| path.starts_with(&prefix))
}
