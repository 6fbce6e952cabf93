//! The `..data` swap: readers of a volume see all of the old files or all of the new ones.

use std::{
    collections::BTreeSet,
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use super::{CarryError, at};

/// The link that points to the folder of the present content (Kubernetes' AtomicWriter).
pub const DATA_LINK: &str = "..data";
const NEW_LINK: &str = "..data_tmp";

/// The first parts of the paths, once each: what the root of a volume links to.
pub fn top_names<'a>(paths: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    paths.filter_map(|path| path.split('/').next()).filter(|name| !name.is_empty()).collect()
}

/// Points `..data` to `folder`, which lies in `root` already, by one rename; then links what is new in it and
/// removes the links and folders of the content before. Doing it again changes nothing.
///
/// # Errors
/// The first file that could not be read or written; the volume then holds the old content or the new one, whole.
pub fn swap(root: &Path, folder: &str) -> Result<(), CarryError> {
    let names = names_in(&root.join(folder))?;
    let (new, link) = (root.join(NEW_LINK), root.join(DATA_LINK));
    remove_if_there(&new)?;
    symlink(folder, &new).map_err(at(&new))?;
    // New names appear after the content is there, so that no link of the root ever dangles.
    fs::rename(&new, &link).map_err(at(&link))?;
    for name in &names {
        let path = root.join(name);
        if fs::symlink_metadata(&path).is_err() {
            symlink(Path::new(DATA_LINK).join(name), &path).map_err(at(&path))?;
        }
    }
    for name in names_in(root)? {
        let path = root.join(&name);
        if is_old_folder(&path, &name, folder) {
            fs::remove_dir_all(&path).map_err(at(&path))?;
        } else if !names.contains(&name) && is_ours(&path) {
            remove_if_there(&path)?;
        }
    }
    Ok(())
}

fn names_in(folder: &Path) -> Result<BTreeSet<PathBuf>, CarryError> {
    let entries = fs::read_dir(folder).map_err(at(folder))?;
    entries.map(|entry| Ok(entry.map_err(at(folder))?.file_name().into())).collect()
}

fn is_old_folder(path: &Path, name: &Path, present: &str) -> bool {
    let hidden = name.to_str().is_some_and(|name| name.starts_with("..") && name != present);
    hidden && fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}

/// A link of the root into `..data`; anything else in the volume was not put there by us.
fn is_ours(path: &Path) -> bool {
    fs::read_link(path).is_ok_and(|target| target.starts_with(DATA_LINK))
}

fn remove_if_there(path: &Path) -> Result<(), CarryError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(root: &Path, folder: &str, files: &[(&str, &str)]) {
        for (path, text) in files {
            let path = root.join(folder).join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    #[test]
    fn a_swap_brings_the_new_files_and_takes_the_old_ones_away() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        content(root, "..one", &[("a.conf", "1"), ("sub/b", "2")]);
        swap(root, "..one").unwrap();
        assert_eq!(fs::read_to_string(root.join("sub/b")).unwrap(), "2");
        content(root, "..two", &[("a.conf", "3"), ("c", "4")]);
        swap(root, "..two").unwrap();
        swap(root, "..two").unwrap();
        assert_eq!(fs::read_to_string(root.join("a.conf")).unwrap(), "3");
        assert_eq!(fs::read_to_string(root.join("c")).unwrap(), "4");
        let left: Vec<_> =
            names_in(root).unwrap().into_iter().map(|name| name.display().to_string()).collect();
        assert_eq!(left, ["..data", "..two", "a.conf", "c"]);
    }

    #[test]
    fn what_others_put_into_the_volume_stays() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("own"), "x").unwrap();
        content(root.path(), "..one", &[("a", "1")]);
        swap(root.path(), "..one").unwrap();
        assert!(root.path().join("own").exists());
    }
}
