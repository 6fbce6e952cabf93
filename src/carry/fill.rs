//! Filling a volume without the engine's API: the one-shots of a bare `docker compose up`.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Component, Path},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{CarryError, at, swap::swap};
use crate::digest::hex;

/// The third argument of `carry fill`, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub files: Vec<ManifestFile>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Relative to the volume's root.
    pub path: String,
    pub from: Origin,
    pub mode: u32,
    pub user: u32,
    pub group: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Relative to the mounted source folder.
    File(String),
    /// A variable of the one-shot's environment: a secret.
    Variable(String),
}

/// Puts the files of the manifest behind `..data` of `root`, with owner and mode.
///
/// # Errors
/// A path that leads out of the volume, a variable that is not set, or the first file that could not be copied.
pub fn fill(
    root: &Path,
    source: &Path,
    manifest: &Manifest,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<(), CarryError> {
    let mut contents = Vec::new();
    let mut hash = Sha256::new();
    for file in &manifest.files {
        check(&file.path)?;
        let bytes = match &file.from {
            Origin::File(path) => fs::read(source.join(path)).map_err(at(&source.join(path)))?,
            Origin::Variable(name) => {
                variable(name).ok_or_else(|| CarryError::Variable(name.clone()))?.into_bytes()
            }
        };
        hash.update(format!("{}\0{:o} {} {} {}\0", file.path, file.mode, file.user, file.group, bytes.len()));
        hash.update(&bytes);
        contents.push((file, bytes));
    }
    let name = format!("..{}", hex(&hash.finalize()[..12]));
    let folder = root.join(&name);
    fs::create_dir_all(&folder).map_err(at(&folder))?;
    for (file, bytes) in contents {
        write(&folder.join(&file.path), &bytes, file)?;
    }
    swap(root, &name)
}

fn write(path: &Path, bytes: &[u8], file: &ManifestFile) -> Result<(), CarryError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(at(parent))?;
    }
    fs::write(path, bytes).map_err(at(path))?;
    chown(path, Some(file.user), Some(file.group)).map_err(at(path))?;
    // After the owner: a change of owner clears the set-user bits.
    fs::set_permissions(path, fs::Permissions::from_mode(file.mode)).map_err(at(path))
}

fn check(path: &str) -> Result<(), CarryError> {
    let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    if inside && !path.is_empty() { Ok(()) } else { Err(CarryError::Path(path.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, from: Origin) -> ManifestFile {
        let ids = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
        ManifestFile { path: path.to_owned(), from, mode: 0o640, user: ids.0, group: ids.1 }
    }

    #[test]
    fn files_come_from_the_folder_and_secrets_from_variables() {
        let folder = tempfile::tempdir().unwrap();
        let (root, source) = (folder.path().join("root"), folder.path().join("source"));
        fs::create_dir_all(&root).unwrap();
        fs::create_dir_all(&source).unwrap();
        fs::write(source.join("0"), b"\xff\x00").unwrap();
        let manifest = Manifest {
            files: vec![
                file("etc/app.bin", Origin::File("0".to_owned())),
                file("key", Origin::Variable("KEY".to_owned())),
            ],
        };
        fill(&root, &source, &manifest, |name| (name == "KEY").then(|| "s3".to_owned())).unwrap();
        assert_eq!(fs::read(root.join("etc/app.bin")).unwrap(), b"\xff\x00");
        assert_eq!(fs::read(root.join("key")).unwrap(), b"s3");
        assert_eq!(fs::metadata(root.join("key")).unwrap().permissions().mode() & 0o7777, 0o640);
        assert!(matches!(fill(&root, &source, &manifest, |_| None), Err(CarryError::Variable(_))));
    }

    #[test]
    fn no_path_leads_out_of_the_volume() {
        for path in ["../x", "/x", "a/../../x", ""] {
            assert!(check(path).is_err(), "{path}");
        }
    }
}
