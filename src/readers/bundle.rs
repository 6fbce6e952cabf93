//! Support bundles: archives of saved answers, read in memory and bounded. Nothing is unpacked, so no name in one leads
//! anywhere.

use std::io::{Cursor, Read};

use flate2::read::MultiGzDecoder;

/// Of all that is unpacked, read or not.
const MOST_BYTES: u64 = 1 << 30;
/// Of one file that is read.
const MOST_OF_ONE: u64 = 256 << 20;
const MOST_FILES: usize = 100_000;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZIP: &[u8] = b"PK\x03\x04";
/// Where the header of a tar says what it is.
const USTAR: (usize, &[u8]) = (257, b"ustar");

/// Takes a file's name in the archive and its bytes, or refuses it.
pub(super) type Receive<'a> = dyn FnMut(&str, Vec<u8>) -> Result<(), String> + 'a;

/// Whether it is an archive, by its first bytes.
pub fn is_one(bytes: &[u8]) -> bool {
    let (at, word) = USTAR;
    bytes.starts_with(GZIP) || bytes.starts_with(ZIP) || bytes.get(at..at + word.len()) == Some(word)
}

/// Hands on every file whose name is wanted, in the order of the archive: its name in it, and its bytes.
///
/// # Errors
/// It is damaged, of another kind than tar, tar.gz and zip, or larger than anybody's, or a file is refused.
pub(super) fn read(
    bytes: &[u8],
    is_wanted: &dyn Fn(&str) -> bool,
    to: &mut Receive<'_>,
) -> Result<(), String> {
    match () {
        () if bytes.starts_with(ZIP) => zip(bytes, is_wanted, to),
        () if bytes.starts_with(GZIP) => unpack(MultiGzDecoder::new(Cursor::new(bytes)), is_wanted, to),
        () => unpack(Cursor::new(bytes), is_wanted, to),
    }
}

/// What the directory at the end of a zip claims of sizes is not believed: what is unpacked is counted.
fn zip(bytes: &[u8], is_wanted: &dyn Fn(&str) -> bool, to: &mut Receive<'_>) -> Result<(), String> {
    let damaged = |error: zip::result::ZipError| format!("the archive is damaged: {error}");
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    if archive.len() > MOST_FILES {
        return Err(too_large());
    }
    let mut all = 0;
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(damaged)?;
        let name = entry.name().map_err(damaged)?.trim_start_matches("./").to_owned();
        let is_read = entry.is_file() && !entry.is_symlink() && is_wanted_as(&name, is_wanted);
        let is_locked = entry.encrypted();
        drop(entry);
        if !is_read {
            continue;
        }
        if is_locked {
            return Err(format!("{name} is locked with a password: unpack it, and name the folder"));
        }
        let mut content = Vec::new();
        let entry = archive.by_index(index).map_err(|error| format!("{name}: {error}"))?;
        let read = entry.take(MOST_OF_ONE + 1).read_to_end(&mut content);
        read.map_err(|error| format!("the archive is damaged: {name}: {error}"))?;
        all += content.len() as u64;
        if content.len() as u64 > MOST_OF_ONE {
            return Err(format!("{name} has more than {MOST_OF_ONE} bytes"));
        }
        if all > MOST_BYTES {
            return Err(too_large());
        }
        to(&name, content)?;
    }
    Ok(())
}

fn too_large() -> String {
    format!("the archive holds more than {MOST_FILES} files or {MOST_BYTES} bytes")
}

/// By the last part of its name; what a Mac adds beside each file is none.
fn is_wanted_as(name: &str, is_wanted: &dyn Fn(&str) -> bool) -> bool {
    let file = name.rsplit('/').next().unwrap_or_default();
    is_wanted(file) && !file.starts_with("._")
}

fn unpack(archive: impl Read, is_wanted: &dyn Fn(&str) -> bool, to: &mut Receive<'_>) -> Result<(), String> {
    let damaged = |error: std::io::Error| format!("the archive is damaged: {error}");
    // One byte more than allowed shows that there is more.
    let mut archive = tar::Archive::new(archive.take(MOST_BYTES + 1));
    let mut all = 0;
    for (count, entry) in archive.entries().map_err(damaged)?.enumerate() {
        let mut entry = entry.map_err(damaged)?;
        all += entry.size();
        if all > MOST_BYTES || count >= MOST_FILES {
            return Err(too_large());
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).trim_start_matches("./").to_owned();
        // Links lead out of the archive or to what is read anyway.
        if !entry.header().entry_type().is_file() || !is_wanted_as(&name, is_wanted) {
            continue;
        }
        if entry.size() > MOST_OF_ONE {
            return Err(format!("{name} has more than {MOST_OF_ONE} bytes"));
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(damaged)?;
        to(&name, bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::write::SimpleFileOptions;

    use super::*;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            // As an attacker writes it; `append_data` refuses such names.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            builder.append(&header, *bytes).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn zipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn names(bytes: &[u8]) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        read(bytes, &|file| file.ends_with(".json"), &mut |name, _| {
            found.push(name.to_owned());
            Ok(())
        })?;
        Ok(found)
    }

    fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let packed = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        for (name, bytes) in files {
            writer.start_file(*name, packed).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    /// Blanks without end, as their directory does not say.
    #[test]
    fn a_zip_is_counted_as_it_unpacks_whatever_it_claims() {
        let blanks = vec![b' '; usize::try_from(MOST_OF_ONE).unwrap() + 1];
        let mut bomb = zip_of(&[("bomb.json", &blanks)]);
        assert!(bomb.len() < 1 << 20);
        assert!(names(&bomb).unwrap_err().contains("bomb.json has more than"));
        // Its directory claims a byte.
        let at = bomb.windows(4).rposition(|four| four == b"PK\x01\x02").unwrap();
        bomb[at + 24..at + 28].copy_from_slice(&1_u32.to_le_bytes());
        assert!(names(&bomb).is_err());
    }

    #[test]
    fn a_link_in_a_zip_and_a_folder_are_no_files() {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default();
        writer.add_directory("folder.json", options).unwrap();
        writer.add_symlink("link.json", "/etc/passwd", options).unwrap();
        writer.start_file("._a.json", options).unwrap();
        writer.start_file("a.json", options).unwrap();
        let bytes = writer.finish().unwrap().into_inner();
        assert_eq!(names(&bytes), Ok(vec!["a.json".to_owned()]));
    }

    #[test]
    fn all_kinds_are_read_and_only_what_is_wanted_of_them() {
        let files: [(&str, &[u8]); 3] =
            [("./shop/pods.json", b"{}"), ("shop/web/logs.txt", b"x"), ("../../etc/x.json", b"{}")];
        let (plain, zip) = (archive(&files), zip_of(&files));
        assert!(is_one(&plain) && is_one(&zipped(&plain)) && is_one(&zip) && !is_one(b"kind: List\n"));
        let wanted = Ok(vec!["shop/pods.json".to_owned(), "../../etc/x.json".to_owned()]);
        assert_eq!(names(&plain), wanted);
        assert_eq!(names(&zipped(&plain)), wanted);
        assert_eq!(names(&zip), wanted);
    }

    #[test]
    fn what_is_damaged_of_another_kind_or_without_end_is_refused() {
        let mut cut = zipped(&archive(&[("a.json", &[b' '; 4096])]));
        cut.truncate(cut.len() / 2);
        assert!(names(&cut).unwrap_err().contains("damaged"));
        assert!(names(b"PK\x03\x04rest").unwrap_err().contains("damaged"));
        let whole = zip_of(&[("a.json", &[b' '; 4096])]);
        assert!(names(&whole[..whole.len() / 2]).unwrap_err().contains("damaged"));
        let mut header = tar::Header::new_gnu();
        header.set_path("bomb.txt").unwrap();
        header.set_size(MOST_BYTES + 1);
        header.set_cksum();
        let bomb = zipped(&[header.as_bytes().as_slice(), &[0; 1024]].concat());
        assert!(names(&bomb).unwrap_err().contains("more than"));
    }
}
