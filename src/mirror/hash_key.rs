//! The key of this machine under which secrets are hashed, made at its first use.

use std::{
    fs,
    io::{ErrorKind, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use crate::{backend::BackendError, env::HashKey};

use super::{Result, StoryError};

/// Reads the key's file, or makes it with mode 0600; two that make it at once get the same key.
///
/// A file that others may read is refused: whoever has the key can try guesses against the hashes.
pub fn hash_key(file: &Path) -> Result<HashKey> {
    let failed = |source| BackendError::Io { what: file.display().to_string(), source };
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make(file).map_err(failed)?;
            fs::read(file).map_err(failed)?
        }
        Err(error) => return Err(failed(error).into()),
    };
    let bad = |why: &str| StoryError::HashKey { file: file.to_owned(), why: why.to_owned() };
    let mode = fs::metadata(file).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(bad("others may read it; take their rights away with chmod 600"));
    }
    HashKey::new(&bytes).ok_or_else(|| bad("it holds fewer than 16 bytes"))
}

fn make(file: &Path) -> std::io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    // A temporary file has mode 0600 from the start.
    let mut whole = tempfile::Builder::new().prefix(".hash-key-").tempfile_in(folder)?;
    whole.write_all(format!("{text}\n").as_bytes())?;
    // Whole or not at all, and never over another's.
    match whole.persist_noclobber(file) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state/hash-key");
        let key = hash_key(&file).unwrap();
        assert_eq!(hash_key(&file).unwrap().id(), key.id());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "no half-made file is left");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(hash_key(&file).unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn a_short_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hash-key");
        fs::write(&file, "secret").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(hash_key(&file), Err(StoryError::HashKey { .. })));
    }
}
