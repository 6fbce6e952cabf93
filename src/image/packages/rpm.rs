//! rpm: one database in one of three formats, whose values are package headers.

use super::{
    super::{Section, look},
    Package, Reading, bdb, ndb, number, sqlite,
};

/// The headers of a database file, or why they cannot be had.
pub(super) type Headers = Result<Vec<Vec<u8>>, String>;

pub(super) fn read(reading: &mut Reading<'_>) -> Vec<Package> {
    let mut packages = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for folder in look::RPM_FOLDERS {
        for file in look::RPM_FILES {
            let path = format!("{folder}/{file}");
            // The folders are links to each other in some distributions.
            let real = reading.tree.follow(&path).ok().flatten().map(|(real, _)| real);
            if real.is_none_or(|real| !seen.insert(real)) {
                continue;
            }
            let Some(bytes) = reading.bytes(Section::Packages, &path) else { continue };
            match read_file(file, bytes) {
                Ok(found) => packages.extend(found),
                Err(why) => reading.lacks(Section::Packages, path.as_str(), why),
            }
            journal(reading, &path);
        }
    }
    for folder in ["var/lib/rpmmanifest"] {
        if reading.tree.get(folder).is_some() {
            reading.lacks(Section::Packages, folder, "lists of packages without a database are not read");
        }
    }
    packages
}

/// SQLite's journal may hold pages that are newer than the database's own.
fn journal(reading: &mut Reading<'_>, path: &str) {
    let journal = format!("{path}-wal");
    let size = reading.tree.get(&journal).map(|placed| match placed.entry.node {
        super::super::Node::File { size, .. } => size,
        _ => 0,
    });
    if size.is_some_and(|size| size > 0) {
        reading.lacks(Section::Packages, journal, "the database has a journal that is not merged into it");
    }
}

fn read_file(file: &str, bytes: &[u8]) -> Result<Vec<Package>, String> {
    let headers = match file {
        "rpmdb.sqlite" => {
            sqlite::blobs(bytes, "Packages").map_err(|why| format!("rpm's SQLite database: {why}"))
        }
        "Packages.db" => ndb::blobs(bytes).map_err(|why| format!("rpm's ndb database: {why}")),
        _ => bdb::blobs(bytes).map_err(|why| format!("rpm's Berkeley DB database: {why}")),
    }?;
    headers
        .iter()
        .map(|header| package(header).ok_or_else(|| "a package's header is cut off".to_owned()))
        .collect()
}

const NAME: usize = 1000;
const VERSION: usize = 1001;
const RELEASE: usize = 1002;
const EPOCH: usize = 1003;
const ARCH: usize = 1022;

/// A header as the database keeps it: a count of entries, a length of data, the entries, the data.
fn package(header: &[u8]) -> Option<Package> {
    let (entries, length) = (number(header, 0, 4, false)?, number(header, 4, 4, false)?);
    let start = 8usize.checked_add(entries.checked_mul(16)?)?;
    let data = header.get(start..start.checked_add(length)?)?;
    let offset = |tag: usize| {
        (0..entries).map(|index| 8 + index * 16).find_map(|at| {
            (number(header, at, 4, false)? == tag).then(|| number(header, at + 8, 4, false))?
        })
    };
    let text = |tag: usize| {
        let bytes = data.get(offset(tag)?..)?;
        let end = bytes.iter().position(|byte| *byte == 0)?;
        Some(String::from_utf8_lossy(&bytes[..end]).into_owned())
    };
    let epoch = offset(EPOCH).and_then(|at| number(data, at, 4, false));
    let epoch = epoch.filter(|epoch| *epoch > 0).map(|epoch| format!("{epoch}:")).unwrap_or_default();
    Some(Package {
        name: text(NAME)?,
        arch: text(ARCH).unwrap_or_default(),
        version: format!("{epoch}{}-{}", text(VERSION)?, text(RELEASE)?),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A header with these texts and an epoch, as rpm writes it.
    pub fn header(name: &str, version: &str, release: &str, epoch: Option<u32>) -> Vec<u8> {
        let (mut index, mut data) = (Vec::new(), Vec::new());
        let mut put = |tag: usize, kind: u32, bytes: &[u8]| {
            for word in [tag as u32, kind, data.len() as u32, 1] {
                index.extend(word.to_be_bytes());
            }
            data.extend(bytes);
        };
        if let Some(epoch) = epoch {
            put(EPOCH, 4, &epoch.to_be_bytes());
        }
        for (tag, text) in [(NAME, name), (VERSION, version), (RELEASE, release), (ARCH, "noarch")] {
            put(tag, 6, format!("{text}\0").as_bytes());
        }
        let count = (index.len() / 16) as u32;
        [&count.to_be_bytes()[..], &(data.len() as u32).to_be_bytes(), &index, &data].concat()
    }

    /// Databases that rpm 4.18 and Berkeley DB 5.3 wrote, with two packages; one has a header longer than a page.
    pub fn database(file: &str) -> Vec<u8> {
        let packed: &[u8] = match file {
            "rpmdb.sqlite" => include_bytes!("../../../tests/image/rpmdb.sqlite.zst"),
            _ => include_bytes!("../../../tests/image/Packages.zst"),
        };
        zstd::decode_all(packed).unwrap()
    }

    #[test]
    fn databases_of_rpm_are_read() {
        for file in ["rpmdb.sqlite", "Packages"] {
            let packages = read_file(file, &database(file)).unwrap();
            let mut packages: Vec<String> =
                packages.into_iter().map(|package| format!("{} {}", package.name, package.version)).collect();
            packages.sort();
            assert_eq!(packages, ["shadow 2:4.9-8", "tzdata 2024a-1.el9"], "{file}");
        }
    }

    #[test]
    fn damaged_databases_are_an_answer_and_no_panic() {
        for file in ["rpmdb.sqlite", "Packages"] {
            let whole = database(file);
            for cut in (0..whole.len()).step_by(997) {
                let _ = read_file(file, &whole[..cut]);
            }
            assert!(read_file(file, &whole[..whole.len() / 3]).is_err());
            let mut state = 7usize;
            for _ in 0..2000 {
                let mut broken = whole.clone();
                for _ in 0..8 {
                    state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    let at = (state >> 20) % broken.len().min(16384);
                    broken[at] = (state >> 50) as u8;
                }
                let _ = read_file(file, &broken);
            }
        }
    }

    #[test]
    fn a_header_tells_name_version_release_and_epoch() {
        let read = |header: &[u8]| package(header).map(|package| (package.name, package.version));
        let plain = header("tzdata", "2024a", "1.el9", None);
        assert_eq!(read(&plain), Some(("tzdata".to_owned(), "2024a-1.el9".to_owned())));
        assert_eq!(
            read(&header("shadow", "4.9", "8", Some(2))),
            Some(("shadow".to_owned(), "2:4.9-8".to_owned()))
        );
        for cut in 0..plain.len() {
            assert_eq!(read(&plain[..cut]), None, "{cut}");
        }
        assert_eq!(read(&[0xff; 64]), None);
    }
}
