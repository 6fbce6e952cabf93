//! Saved objects of a cluster, saved answers of an engine and files of variables: files, folders of them, and bundles.

use std::path::{Path, PathBuf};

use super::bundle;
use crate::capture::{
    kubernetes::{Document, documents},
    variables::is_called_so,
};

/// What is read of a folder or a bundle, beside files of variables.
const KINDS: [&str; 3] = ["json", "yaml", "yml"];
/// Nobody keeps manifests deeper.
const DEEPEST: usize = 32;

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// One a file.
    pub documents: Vec<Document>,
    /// Files of variables: what notes call each, and its text.
    pub variables: Vec<(String, String)>,
}

#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", file.display())]
pub struct Refused {
    pub file: PathBuf,
    pub why: String,
}

/// All that the paths lead to; folders in the order of their names.
///
/// # Errors
/// A path is not there, or a file is neither YAML nor JSON, nor variables, nor a bundle of such.
pub fn read(paths: &[PathBuf]) -> Result<Files, Refused> {
    let mut found = Vec::new();
    for path in paths {
        gather(path, true, DEEPEST, &mut found)?;
    }
    let mut files = Files::default();
    for file in &found {
        let refused = |why: String| Refused { file: file.clone(), why };
        let bytes = std::fs::read(file).map_err(|error| refused(error.to_string()))?;
        match bundle::is_one(&bytes) {
            false => files.add(file.display().to_string(), bytes).map_err(refused)?,
            true => files.unpack(&file.display().to_string(), &bytes).map_err(refused)?,
        }
    }
    Ok(files)
}

impl Files {
    /// Adds what is in a bundle.
    ///
    /// # Errors
    /// It is damaged or too large, or a file in it is none that can be read.
    pub fn unpack(&mut self, name: &str, bundle: &[u8]) -> Result<(), String> {
        bundle::read(bundle, &is_read, &mut |inside, bytes| {
            self.add(format!("{name}:{inside}"), bytes).map_err(|why| format!("{inside}: {why}"))
        })
    }

    fn add(&mut self, name: String, bytes: Vec<u8>) -> Result<(), String> {
        let text = String::from_utf8(bytes).map_err(|_| "it is no text in UTF-8".to_owned())?;
        match is_called_so(name.rsplit('/').next().unwrap_or(&name)) {
            true => self.variables.push((name, text)),
            false => self.documents.push(Document { values: documents(&text)?, name }),
        }
        Ok(())
    }
}

/// Whether a file of this name is read where nobody named it.
fn is_read(file: &str) -> bool {
    let kind = file.rsplit_once('.').map(|(_, kind)| kind.to_lowercase());
    is_called_so(file) || kind.is_some_and(|kind| KINDS.contains(&kind.as_str()))
}

/// A path that is named is read whatever it is called; in a folder, only what is called as YAML, JSON or variables.
fn gather(path: &Path, named: bool, left: usize, to: &mut Vec<PathBuf>) -> Result<(), Refused> {
    let refused = |why: String| Refused { file: path.to_owned(), why };
    let metadata = std::fs::metadata(path).map_err(|error| refused(error.to_string()))?;
    if !metadata.is_dir() {
        if named || path.file_name().is_some_and(|file| is_read(&file.to_string_lossy())) {
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
