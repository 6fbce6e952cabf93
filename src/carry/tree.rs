//! Copying a folder whole: content, owner, mode, times, links and holes.

use std::{
    collections::HashMap,
    fs::{self, File, Metadata},
    io,
    os::unix::fs::{FileExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _, lchown, symlink},
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, CWD, FileType, Mode, SeekFrom, Timespec, Timestamps};

use super::{CarryError, at};

/// Makes `to` hold what `from` holds and nothing else; answers the bytes of content that were copied.
///
/// Owner, mode, times, symbolic and hard links, holes, FIFOs and empty folders are kept. Where the file system
/// shares blocks (btrfs, XFS with reflink) files are shared instead of copied. Neither tree may be in use.
///
/// # Errors
/// The first file that could not be read or written, by name.
pub fn copy_tree(from: &Path, to: &Path) -> Result<u64, CarryError> {
    empty(to)?;
    let mut copy = Copy { linked: HashMap::new(), bytes: 0 };
    copy.folder(from, to)?;
    let meta = fs::symlink_metadata(from).map_err(at(from))?;
    dress(to, &meta)?;
    Ok(copy.bytes)
}

fn empty(folder: &Path) -> Result<(), CarryError> {
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let path = entry.map_err(at(folder))?.path();
        let meta = fs::symlink_metadata(&path).map_err(at(&path))?;
        if meta.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }.map_err(at(&path))?;
    }
    Ok(())
}

struct Copy {
    /// Files with several names: device and inode to where the first name was copied.
    linked: HashMap<(u64, u64), PathBuf>,
    bytes: u64,
}

impl Copy {
    fn folder(&mut self, from: &Path, to: &Path) -> Result<(), CarryError> {
        for entry in fs::read_dir(from).map_err(at(from))? {
            let name = entry.map_err(at(from))?.file_name();
            self.entry(&from.join(&name), &to.join(&name))?;
        }
        Ok(())
    }

    fn entry(&mut self, from: &Path, to: &Path) -> Result<(), CarryError> {
        let meta = fs::symlink_metadata(from).map_err(at(from))?;
        if meta.nlink() > 1 && !meta.is_dir() {
            if let Some(first) = self.linked.get(&(meta.dev(), meta.ino())) {
                return fs::hard_link(first, to).map_err(at(to));
            }
            self.linked.insert((meta.dev(), meta.ino()), to.to_owned());
        }
        let kind = meta.file_type();
        if kind.is_dir() {
            fs::create_dir(to).map_err(at(to))?;
            self.folder(from, to)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(from).map_err(at(from))?, to).map_err(at(to))?;
        } else if kind.is_fifo() {
            let made = rustix::fs::mknodat(CWD, to, FileType::Fifo, Mode::from_raw_mode(0o600), 0);
            made.map_err(io::Error::from).map_err(at(to))?;
        } else if kind.is_file() {
            self.bytes += content(from, to, meta.len()).map_err(at(from))?;
        } else {
            // A socket is the end of a connection of a process that is gone; a device has no place in a volume.
            return Ok(());
        }
        dress(to, &meta)
    }
}

/// Copies the content of one file: shared blocks, else range by range, holes left out.
fn content(from: &Path, to: &Path, length: u64) -> io::Result<u64> {
    let (from, to) = (File::open(from)?, File::create(to)?);
    if rustix::fs::ioctl_ficlone(&to, &from).is_ok() {
        return Ok(length);
    }
    to.set_len(length)?;
    let mut position = 0;
    while position < length {
        let start = match rustix::fs::seek(&from, SeekFrom::Data(position)) {
            Ok(start) => start,
            // Nothing but a hole up to the end.
            Err(rustix::io::Errno::NXIO) => break,
            Err(error) => return Err(error.into()),
        };
        let end = rustix::fs::seek(&from, SeekFrom::Hole(start))?;
        range(&from, &to, start, end)?;
        position = end;
    }
    Ok(length)
}

fn range(from: &File, to: &File, start: u64, end: u64) -> io::Result<()> {
    let (mut read_at, mut write_at) = (start, start);
    while read_at < end {
        let left = usize::try_from(end - read_at).unwrap_or(usize::MAX).min(1 << 30);
        match rustix::fs::copy_file_range(from, Some(&mut read_at), to, Some(&mut write_at), left) {
            // The file became shorter while it was read.
            Ok(0) => break,
            Ok(_) => {}
            Err(_) => return by_hand(from, to, read_at, end),
        }
    }
    Ok(())
}

/// For file systems between which the kernel does not copy.
fn by_hand(from: &File, to: &File, start: u64, end: u64) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 18];
    let mut position = start;
    while position < end {
        let want = buffer.len().min(usize::try_from(end - position).unwrap_or(usize::MAX));
        let read = from.read_at(&mut buffer[..want], position)?;
        if read == 0 {
            break;
        }
        to.write_all_at(&buffer[..read], position)?;
        position += read as u64;
    }
    Ok(())
}

/// Owner, mode and times, in the order in which none undoes another.
fn dress(path: &Path, meta: &Metadata) -> Result<(), CarryError> {
    lchown(path, Some(meta.uid()), Some(meta.gid())).map_err(at(path))?;
    if !meta.file_type().is_symlink() {
        fs::set_permissions(path, fs::Permissions::from_mode(meta.mode() & 0o7777)).map_err(at(path))?;
    }
    let times = Timestamps {
        last_access: Timespec { tv_sec: meta.atime(), tv_nsec: meta.atime_nsec() },
        last_modification: Timespec { tv_sec: meta.mtime(), tv_nsec: meta.mtime_nsec() },
    };
    let set = rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW);
    set.map_err(io::Error::from).map_err(at(path))
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, Write as _};

    use super::*;

    #[test]
    fn a_copy_keeps_mode_times_links_and_holes_and_nothing_of_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("sub")).unwrap();
        fs::create_dir_all(to.join("old/deep")).unwrap();
        fs::write(to.join("stale"), "x").unwrap();
        fs::write(from.join("sub/a"), "hello").unwrap();
        fs::set_permissions(from.join("sub/a"), fs::Permissions::from_mode(0o4750)).unwrap();
        File::options()
            .write(true)
            .open(from.join("sub/a"))
            .unwrap()
            .set_modified(std::time::UNIX_EPOCH)
            .unwrap();
        fs::hard_link(from.join("sub/a"), from.join("b")).unwrap();
        symlink("sub/none", from.join("dangling")).unwrap();
        let mut sparse = File::create(from.join("sparse")).unwrap();
        sparse.seek(io::SeekFrom::Start(8 << 20)).unwrap();
        sparse.write_all(b"end").unwrap();
        drop(sparse);

        let bytes = copy_tree(&from, &to).unwrap();

        assert_eq!(bytes, 5 + (8 << 20) + 3);
        let meta = fs::metadata(to.join("sub/a")).unwrap();
        assert_eq!((meta.mode() & 0o7777, meta.mtime(), meta.nlink()), (0o4750, 0, 2));
        assert_eq!(meta.ino(), fs::metadata(to.join("b")).unwrap().ino());
        assert_eq!(fs::read_link(to.join("dangling")).unwrap(), Path::new("sub/none"));
        let sparse = fs::metadata(to.join("sparse")).unwrap();
        assert_eq!(fs::read(to.join("sparse")).unwrap(), fs::read(from.join("sparse")).unwrap());
        assert!(sparse.blocks() * 512 < 1 << 20, "{} blocks", sparse.blocks());
        assert!(!to.join("stale").exists() && !to.join("old").exists());
    }
}
