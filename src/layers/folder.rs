//! An OCI layout, or an unpacked `docker save`, in a folder: only what an image names is read.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use super::{
    At as _, LayersError, Result, bad,
    choose::Blobs,
    compression::Hashing,
    layer,
    limits::{Budget, DOCUMENT},
};
use crate::image::{Layer, clean};

pub(super) struct Folder {
    root: PathBuf,
}

impl Folder {
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    fn open(&self, path: &str) -> Result<Option<File>> {
        let file = self.root.join(path);
        let what = file.display().to_string();
        if clean(path.as_bytes()).as_deref() != Ok(path) {
            return Err(bad(what, "leads out of the folder"));
        }
        match std::fs::metadata(&file) {
            // Opening a pipe would wait for ever.
            Ok(metadata) if !metadata.is_file() => Err(bad(what, "is no file")),
            Ok(_) => Ok(Some(File::open(&file).at(&what)?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).at(&what),
        }
    }
}

impl Blobs for Folder {
    fn document(&mut self, path: &str) -> Result<Option<(Vec<u8>, String)>> {
        let Some(file) = self.open(path)? else { return Ok(None) };
        let what = self.root.join(path).display().to_string();
        let mut reader = Hashing::new(file);
        let mut bytes = Vec::new();
        reader.by_ref().take(DOCUMENT + 1).read_to_end(&mut bytes).at(&what)?;
        if bytes.len() as u64 > DOCUMENT {
            return Err(LayersError::TooMuch { what, limit: format!("{} MiB", DOCUMENT >> 20) });
        }
        Ok(Some((bytes, reader.digest())))
    }

    fn layer(&mut self, path: &str, budget: &mut Budget) -> Result<Option<(Layer, String)>> {
        let Some(file) = self.open(path)? else { return Ok(None) };
        let what = self.root.join(path).display().to_string();
        let mut reader = Hashing::new(file);
        let layer = layer::read(&mut reader, &what, budget)?;
        std::io::copy(&mut reader, &mut std::io::sink()).at(&what)?;
        Ok(Some((layer, reader.digest())))
    }
}
