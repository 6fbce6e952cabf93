//! Packages of dpkg, apk and rpm, read from their databases.

mod apk;
mod bdb;
mod dpkg;
mod ndb;
mod rpm;
mod sqlite;

use std::collections::BTreeMap;

use super::{Section, facts::Reading};

/// One package as its database has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Package {
    pub name: String,
    pub arch: String,
    pub version: String,
}

pub(super) fn read(reading: &mut Reading<'_>) {
    for (kind, packages) in
        [("dpkg", dpkg::read(reading)), ("apk", apk::read(reading)), ("rpm", rpm::read(reading))]
    {
        for (name, version) in named(packages) {
            reading.tell(Section::Packages, format!("{kind} {name}"), version);
        }
    }
}

/// By name; the architecture belongs to the name only where several are there, so that an image for another
/// architecture does not differ in every package.
fn named(packages: Vec<Package>) -> BTreeMap<String, String> {
    let mut arches: BTreeMap<String, std::collections::BTreeSet<String>> = BTreeMap::new();
    for package in &packages {
        arches.entry(package.name.clone()).or_default().insert(package.arch.clone());
    }
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for Package { name, arch, version } in packages {
        let several = arches.get(&name).is_some_and(|arches| arches.len() > 1);
        let key = if several { format!("{name}:{arch}") } else { name };
        versions.entry(key).or_default().push(version);
    }
    versions
        .into_iter()
        .map(|(name, mut versions)| {
            versions.sort();
            (name, versions.join(", "))
        })
        .collect()
}

/// A number of the file, wherever it would lie; `None` past the end.
pub(super) fn number(bytes: &[u8], at: usize, length: usize, little: bool) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(length)?)?;
    let fold = |sum: usize, byte: &u8| sum << 8 | usize::from(*byte);
    Some(if little { bytes.iter().rev().fold(0, fold) } else { bytes.iter().fold(0, fold) })
}
