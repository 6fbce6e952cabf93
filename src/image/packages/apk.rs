//! apk: the `installed` file, whose fields are single letters.

use super::{super::Section, Package, Reading};

pub(super) fn read(reading: &mut Reading<'_>) -> Vec<Package> {
    let mut packages = Vec::new();
    for path in ["lib/apk/db/installed", "usr/lib/apk/db/installed"] {
        // `/lib` may be a link to `/usr/lib`: the same file is read once.
        let is_itself = reading.tree.follow(path).ok().flatten().is_some_and(|(real, _)| real == path);
        if !is_itself {
            continue;
        }
        let Some(text) = reading.text(Section::Packages, path) else { continue };
        for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
            match package(paragraph) {
                Some(package) => packages.push(package),
                None => reading.lacks(Section::Packages, path, "a paragraph has no name or no version"),
            }
        }
    }
    packages
}

fn package(paragraph: &str) -> Option<Package> {
    let field = |letter: &str| paragraph.lines().find_map(|line| line.strip_prefix(letter));
    Some(Package {
        name: field("P:")?.to_owned(),
        arch: field("A:").unwrap_or_default().to_owned(),
        version: field("V:")?.to_owned(),
    })
}
