//! Two images beside each other.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    Facts, Image, Section, Unread,
    files::{self, FileChange, LayerSum},
    shown,
};
use crate::diff::Op;

/// The `ImageDiff` document. A is "from", B is "to".
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageDiff {
    pub a: Described,
    pub b: Described,
    /// Nothing differs, and everything could be read.
    pub same: bool,
    /// The sections that matter most come first.
    pub changes: Vec<ImageChange>,
    pub incomparable: Vec<Unread>,
    pub layers: Vec<LayerSum>,
    pub files: Vec<FileChange>,
    /// What both have alike, counted.
    #[serde(skip)]
    pub alike: BTreeMap<Section, usize>,
}

/// One image in a few words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Described {
    pub name: String,
    pub digest: String,
    pub platform: String,
    pub os: String,
    pub libc: String,
    pub packages: usize,
    pub layers: usize,
    pub files: usize,
}

/// One fact that is not the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageChange {
    pub section: Section,
    pub name: String,
    pub op: Op,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

impl ImageDiff {
    /// Whether anything at all is not the same.
    pub fn differs(&self) -> bool {
        !self.changes.is_empty() || !self.files.is_empty()
    }
}

pub fn compare(a: &Image, b: &Image) -> ImageDiff {
    let (left, right) = (Facts::of(a), Facts::of(b));
    let mut changes = Vec::new();
    let mut alike = BTreeMap::new();
    let sections: BTreeSet<Section> = left.known.keys().chain(right.known.keys()).copied().collect();
    for section in sections {
        let (from, to) = (values(&left, section), values(&right, section));
        let names: BTreeSet<&str> = from.keys().chain(to.keys()).copied().collect();
        for name in names {
            match change(section, name, from.get(name), to.get(name)) {
                Some(change) => changes.push(change),
                None => *alike.entry(section).or_default() += 1,
            }
        }
    }
    let files = files::changes(a, b);
    let layers = files::sums(a, b, &files);
    // Whatever could not be read of one image is the same in the same image.
    let incomparable = if a.digest == b.digest { Vec::new() } else { unread(&left, &right, &files) };
    let same = changes.is_empty() && files.is_empty() && incomparable.is_empty();
    let (a, b) = (described(a, &left), described(b, &right));
    ImageDiff { a, b, same, changes, incomparable, layers, files, alike }
}

fn values(facts: &Facts, section: Section) -> BTreeMap<&str, &str> {
    facts.section(section).collect()
}

fn change(section: Section, name: &str, from: Option<&&str>, to: Option<&&str>) -> Option<ImageChange> {
    let op = match (from, to) {
        (Some(from), Some(to)) if from == to => return None,
        (Some(_), Some(_)) => Op::Change,
        (None, Some(_)) => Op::Add,
        (Some(_), None) => Op::Remove,
        (None, None) => return None,
    };
    let show = |value: Option<&&str>| value.map(|value| shown::value(section, name, value));
    Some(ImageChange { section, name: name.to_owned(), op, from: show(from), to: show(to) })
}

/// What could not be read on either side. A file that is byte for byte the same in both hides no difference.
fn unread(left: &Facts, right: &Facts, files: &[FileChange]) -> Vec<Unread> {
    let differs = |name: &str| files.iter().any(|change| change.path == name);
    let in_both = |unread: &Unread| left.unread.contains(unread) && right.unread.contains(unread);
    let all: BTreeSet<&Unread> = left.unread.iter().chain(&right.unread).collect();
    all.into_iter()
        .filter(|unread| unread.section == Section::Files || !in_both(unread) || differs(&unread.name))
        .cloned()
        .collect()
}

fn described(image: &Image, facts: &Facts) -> Described {
    let fact = |section: Section, wanted: &str| {
        let found = facts.section(section).find(|(name, _)| *name == wanted);
        found.map(|(_, value)| value.to_owned())
    };
    Described {
        name: image.name.clone(),
        digest: image.digest.clone(),
        platform: image.config.platform(),
        os: fact(Section::Os, "PRETTY_NAME").unwrap_or_else(|| "no operating system named".to_owned()),
        libc: fact(Section::Libc, "libc").unwrap_or_default(),
        packages: facts.section(Section::Packages).count(),
        layers: image.layers.len(),
        files: image.tree.len(),
    }
}
