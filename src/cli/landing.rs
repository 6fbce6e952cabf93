//! Where a copy lands: the rules of `docker cp`, for both directions.

use super::failure::Failure;

/// What is copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its last name; `.` for what a folder holds.
    pub name: String,
    pub folder: bool,
}

impl Source {
    /// The source that a path as given means.
    pub fn new(path: &str, folder: bool) -> Self {
        Self { name: split(path).1, folder }
    }
}

/// What lies at the destination, links followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum There {
    Nothing,
    File,
    Folder,
}

/// The folder to copy into, and the name that the source has there; `.` for its content alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landing {
    pub folder: String,
    pub name: String,
}

pub fn landing(source: &Source, path: &str, there: There) -> Result<Landing, Failure> {
    let refused = |why: String| Err(Failure::usage("cp", why));
    let (folder, name) = match there {
        There::Folder => (path.to_owned(), source.name.clone()),
        There::File if source.folder => {
            return refused(format!("a folder cannot be copied over the file {path}"));
        }
        There::Nothing if !source.folder && is_folder_by_name(path) => {
            return refused(format!("there is no folder {path}"));
        }
        There::File | There::Nothing => split(path),
    };
    Ok(Landing { folder, name })
}

fn is_folder_by_name(path: &str) -> bool {
    path.ends_with('/') || is_content(path)
}

/// Whether a path means what a folder holds, and not the folder.
pub fn is_content(path: &str) -> bool {
    path == "." || path.ends_with("/.")
}

/// The folder of a path, and its last name.
pub fn split(path: &str) -> (String, String) {
    if is_content(path) {
        let folder = path.trim_end_matches('.').trim_end_matches('/');
        let root = if path.starts_with('/') { "/" } else { "." };
        return (if folder.is_empty() { root } else { folder }.to_owned(), ".".to_owned());
    }
    match path.trim_end_matches('/').rsplit_once('/') {
        Some(("", "")) | None if path.starts_with('/') => ("/".to_owned(), ".".to_owned()),
        Some(("", name)) => ("/".to_owned(), name.to_owned()),
        Some((folder, name)) => (folder.to_owned(), name.to_owned()),
        None => (".".to_owned(), path.trim_end_matches('/').to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_folder_and_a_name() {
        for (path, folder, name) in [
            ("/a/b", "/a", "b"),
            ("/a/b/", "/a", "b"),
            ("/a", "/", "a"),
            ("a", ".", "a"),
            ("a/b", "a", "b"),
            ("./a", ".", "a"),
            ("a/.", "a", "."),
            (".", ".", "."),
            ("/.", "/", "."),
            ("/", "/", "."),
        ] {
            assert_eq!(split(path), (folder.to_owned(), name.to_owned()), "{path}");
        }
    }

    #[test]
    fn a_copy_lands_where_docker_puts_it() {
        let lands = |source: &str, folder, path: &str, there| {
            let landing = landing(&Source::new(source, folder), path, there);
            landing
                .map(|landing| format!("{} {}", landing.folder, landing.name))
                .map_err(|error| error.message)
        };
        assert_eq!(lands("/x/f", false, "/d", There::Folder).unwrap(), "/d f");
        assert_eq!(lands("/x/f", false, "/d/g", There::File).unwrap(), "/d g");
        assert_eq!(lands("/x/f", false, "/d/g", There::Nothing).unwrap(), "/d g");
        assert_eq!(lands("/x", true, "/d", There::Folder).unwrap(), "/d x");
        assert_eq!(lands("/x/.", true, "/d", There::Folder).unwrap(), "/d .");
        assert_eq!(lands("/x/.", true, "/d/new", There::Nothing).unwrap(), "/d new");
        assert_eq!(lands("/x", true, "/d/new/", There::Nothing).unwrap(), "/d new");
        assert!(lands("/x", true, "/d/f", There::File).unwrap_err().contains("over the file"));
        assert!(lands("/x/f", false, "/d/new/", There::Nothing).unwrap_err().contains("no folder"));
    }
}
