//! Paths inside an image: relative to its root, `/` between names, no `.` and no `..`.

/// Longer ones are refused; Linux takes none longer either.
const LONGEST: usize = 4096;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("the path `{0}` leads out of the image")]
    Outside(String),
    #[error("a path of {0} bytes is longer than {LONGEST}")]
    Long(usize),
    #[error("the path `{0}` holds a NUL")]
    Nul(String),
}

/// The path of an archive's entry; the root itself is empty.
///
/// Bytes that are no UTF-8 are written `\xNN`, so that two different paths stay different.
pub fn clean(raw: &[u8]) -> Result<String, PathError> {
    if raw.len() > LONGEST {
        return Err(PathError::Long(raw.len()));
    }
    let text = escaped(raw);
    if raw.contains(&0) {
        return Err(PathError::Nul(text));
    }
    let mut names: Vec<&str> = Vec::new();
    for name in text.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                if names.pop().is_none() {
                    return Err(PathError::Outside(text.clone()));
                }
            }
            name => names.push(name),
        }
    }
    Ok(names.join("/"))
}

/// Any bytes as text that can be printed and told apart.
pub fn escaped(raw: &[u8]) -> String {
    let mut text = String::new();
    for chunk in raw.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// The folder of a path and its last name; the folder of a top-level name is the root.
pub fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

pub fn join(folder: &str, name: &str) -> String {
    match (folder, name) {
        ("", name) => name.to_owned(),
        (folder, "") => folder.to_owned(),
        (folder, name) => format!("{folder}/{name}"),
    }
}

/// The folders above a path, the outermost first, the root left out.
pub fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

/// Where a symbolic link at `path` points, seen from the image's root; `..` stops there, as the kernel has it.
pub fn target(path: &str, target: &str) -> String {
    let (folder, _) = split(path);
    let mut names: Vec<&str> = Vec::new();
    if !target.starts_with('/') {
        names.extend(folder.split('/').filter(|name| !name.is_empty()));
    }
    for name in target.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    names.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_relative_and_without_detours() {
        for (raw, path) in
            [("./etc/passwd", "etc/passwd"), ("/usr//lib/", "usr/lib"), ("a/../b", "b"), ("./", "")]
        {
            assert_eq!(clean(raw.as_bytes()).as_deref(), Ok(path));
        }
    }

    #[test]
    fn a_path_out_of_the_image_is_refused() {
        for raw in ["../etc/passwd", "a/../../b", "/..", "a/b/../../.."] {
            assert!(matches!(clean(raw.as_bytes()), Err(PathError::Outside(_))), "{raw}");
        }
        assert!(matches!(clean(b"a\0b"), Err(PathError::Nul(_))));
        assert!(matches!(clean(&[b'a'; 5000]), Err(PathError::Long(5000))));
    }

    #[test]
    fn paths_that_are_no_utf8_stay_apart() {
        assert_ne!(clean(b"a\xff"), clean(b"a\xfe"));
        assert_eq!(clean(b"a\xff").as_deref(), Ok("a\\xff"));
    }

    #[test]
    fn links_are_seen_from_the_root_and_never_leave_it() {
        assert_eq!(target("etc/os-release", "../usr/lib/os-release"), "usr/lib/os-release");
        assert_eq!(target("lib", "usr/lib"), "usr/lib");
        assert_eq!(target("a/b", "/c"), "c");
        assert_eq!(target("a/b", "../../../../c"), "c");
    }
}
