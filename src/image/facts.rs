//! What the files of an image tell, as names and values: two images differ where these do.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    Image, Unread, packages, people, places, runtimes,
    tree::{Content, Tree},
};

/// A group of facts; the ones that change behaviour most often come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Section {
    Libc,
    Zone,
    Packages,
    Runtimes,
    Os,
    Configuration,
    Locale,
    People,
    Files,
}

impl Section {
    pub fn words(self) -> &'static str {
        match self {
            Self::Libc => "C library",
            Self::Zone => "zone data",
            Self::Packages => "packages",
            Self::Runtimes => "language runtimes",
            Self::Os => "operating system",
            Self::Configuration => "configuration of the image",
            Self::Locale => "locale",
            Self::People => "users and groups",
            Self::Files => "files",
        }
    }
}

/// Everything that is known of one image but its plain files.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub known: BTreeMap<Section, BTreeMap<String, String>>,
    pub unread: Vec<Unread>,
}

impl Facts {
    pub fn of(image: &Image) -> Self {
        let mut facts = Self { unread: image.unread.clone(), ..Self::default() };
        image.config.tell(&mut facts);
        let mut reading = Reading { tree: &image.tree, facts: &mut facts };
        places::os(&mut reading);
        places::libc(&mut reading);
        places::zone(&mut reading);
        places::locale(&mut reading);
        packages::read(&mut reading);
        runtimes::read(&mut reading);
        people::read(&mut reading);
        facts
    }

    pub fn section(&self, section: Section) -> impl Iterator<Item = (&str, &str)> {
        self.known.get(&section).into_iter().flatten().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(super) fn tell(&mut self, section: Section, name: impl Into<String>, value: impl Into<String>) {
        self.known.entry(section).or_default().insert(name.into(), value.into());
    }
}

/// The tree that is read, and where its facts go.
pub(super) struct Reading<'a> {
    pub tree: &'a Tree,
    pub facts: &'a mut Facts,
}

impl<'a> Reading<'a> {
    pub fn tell(&mut self, section: Section, name: impl Into<String>, value: impl Into<String>) {
        self.facts.tell(section, name, value);
    }

    pub fn lacks(&mut self, section: Section, name: impl Into<String>, why: impl Into<String>) {
        self.facts.unread.push(Unread::new(section, name, why));
    }

    /// The bytes of a file, if it is there; one that is there and cannot be read is named.
    pub fn bytes(&mut self, section: Section, path: &str) -> Option<&'a [u8]> {
        match self.tree.content(path) {
            Content::Bytes(bytes) => Some(bytes),
            Content::Absent => None,
            Content::Unreadable(why) => {
                self.lacks(section, path, why);
                None
            }
        }
    }

    /// The same as text; bytes that are no UTF-8 become the replacement character.
    pub fn text(&mut self, section: Section, path: &str) -> Option<String> {
        self.bytes(section, path).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }
}
