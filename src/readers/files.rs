//! Saved objects of a cluster as documents: files, and folders of them.

use std::path::{Path, PathBuf};

use crate::capture::kubernetes::{Document, documents};

/// What is read of a folder.
const KINDS: [&str; 3] = ["json", "yaml", "yml"];
/// Nobody keeps manifests deeper.
const DEEPEST: usize = 32;

#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", file.display())]
pub struct Refused {
    pub file: PathBuf,
    pub why: String,
}

/// The documents of all paths, one of ours a file; folders in the order of their names.
///
/// # Errors
/// A path is not there, or a file is neither YAML nor JSON.
pub fn read(paths: &[PathBuf]) -> Result<Vec<Document>, Refused> {
    let mut files = Vec::new();
    for path in paths {
        gather(path, true, DEEPEST, &mut files)?;
    }
    files.iter().map(|file| document(file)).collect()
}

fn document(file: &Path) -> Result<Document, Refused> {
    let refused = |why: String| Refused { file: file.to_owned(), why };
    let bytes = std::fs::read(file).map_err(|error| refused(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| refused("it is no text in UTF-8".to_owned()))?;
    let values = documents(&text).map_err(refused)?;
    Ok(Document { name: file.display().to_string(), values })
}

/// A path that is named is read whatever it is called; in a folder, only what is called as YAML or JSON.
fn gather(path: &Path, named: bool, left: usize, to: &mut Vec<PathBuf>) -> Result<(), Refused> {
    let refused = |why: String| Refused { file: path.to_owned(), why };
    let metadata = std::fs::metadata(path).map_err(|error| refused(error.to_string()))?;
    if !metadata.is_dir() {
        let kind = path.extension().map(|kind| kind.to_string_lossy().to_lowercase());
        if named || kind.is_some_and(|kind| KINDS.contains(&kind.as_str())) {
            to.push(path.to_owned());
        }
        return Ok(());
    }
    let below =
        left.checked_sub(1).ok_or_else(|| refused(format!("folders lie in it more than {DEEPEST} deep")))?;
    let entries = std::fs::read_dir(path).map_err(|error| refused(error.to_string()))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(|error| refused(error.to_string()))?.path());
    }
    paths.sort();
    paths.iter().try_for_each(|path| gather(path, false, below, to))
}
