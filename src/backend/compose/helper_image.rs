//! The helper image: one static executable in an image made from scratch.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    super::{BackendError, HelperSource, Result},
    Compose, elf,
    trouble::{self, Doing as _},
};
use crate::{
    digest::{hex, sha256},
    labels,
};

/// Where the executable lies in the image; also the image's entrypoint.
pub const HELPER_PATH: &str = "/prodmirror";
const REPOSITORY: &str = "prodmirror-helper";

/// An executable as an image that `docker load` takes, the same bytes from the same executable.
///
/// The tar is an OCI image layout with the `manifest.json` of `docker save` beside it, so that engines with either
/// image store load it. Nothing in it depends on the clock or on the name of the file.
pub struct HelperTar {
    tag: String,
    executable: Bytes,
    arch: String,
    hash: String,
}

/// Makes the image of one static executable; `arch` is `amd64` or `arm64`.
///
/// # Errors
/// When the file cannot be read, or is no static Linux executable of that architecture.
pub fn helper_tar(executable: &Path, arch: &str) -> Result<HelperTar> {
    let bytes = std::fs::read(executable).map_err(trouble::io(executable.display().to_string()))?;
    if let Some(why) = elf::unfit(&bytes, arch) {
        return Err(BackendError::Engine { what: executable.display().to_string(), why });
    }
    let hash = hex(&Sha256::digest(&bytes));
    let tag = format!("{REPOSITORY}:{}", &hash[..12]);
    Ok(HelperTar { tag, executable: bytes.into(), arch: arch.to_owned(), hash })
}

impl HelperTar {
    /// `prodmirror-helper:` and the first twelve digits of the executable's SHA-256.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// Writes the whole tar.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_to(&self, out: impl Write) -> io::Result<()> {
        let layer = Blob::new(self.layer()?);
        let config = Blob::new(self.config(&layer.digest).to_string().into_bytes());
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": config.descriptor("application/vnd.oci.image.config.v1+json"),
            "layers": [layer.descriptor("application/vnd.oci.image.layer.v1.tar")],
        });
        let manifest = Blob::new(manifest.to_string().into_bytes());
        let mut tar = tar::Builder::new(out);
        add(&mut tar, "oci-layout", 0o644, br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        add(&mut tar, "index.json", 0o644, self.index(&manifest).to_string().as_bytes())?;
        add(&mut tar, "manifest.json", 0o644, self.docker_manifest(&config, &layer).to_string().as_bytes())?;
        for blob in [config, manifest, layer] {
            add(&mut tar, &blob.path(), 0o644, &blob.bytes)?;
        }
        tar.into_inner()?.flush()
    }

    fn layer(&self) -> io::Result<Vec<u8>> {
        let mut tar = tar::Builder::new(Vec::with_capacity(self.executable.len() + 4096));
        add(&mut tar, HELPER_PATH.trim_start_matches('/'), 0o755, &self.executable)?;
        tar.into_inner()
    }

    fn config(&self, layer: &str) -> Value {
        json!({
            "architecture": self.arch,
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": {"Entrypoint": [HELPER_PATH], "Labels": {labels::HELPER: self.hash, labels::IMAGE: "helper"}},
            "rootfs": {"type": "layers", "diff_ids": [layer]},
            "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "prodmirror"}],
        })
    }

    fn index(&self, manifest: &Blob) -> Value {
        let mut entry = manifest.descriptor("application/vnd.oci.image.manifest.v1+json");
        entry["platform"] = json!({"architecture": self.arch, "os": "linux"});
        entry["annotations"] = json!({
            "io.containerd.image.name": format!("docker.io/library/{}", self.tag),
            "org.opencontainers.image.ref.name": self.tag.rsplit(':').next(),
        });
        json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [entry],
        })
    }

    /// What `docker save` writes beside the layout; engines without the containerd store read only this.
    fn docker_manifest(&self, config: &Blob, layer: &Blob) -> Value {
        json!([{"Config": config.path(), "RepoTags": [self.tag], "Layers": [layer.path()]}])
    }
}

/// Bytes of an image, hashed once.
struct Blob {
    bytes: Vec<u8>,
    digest: String,
}

impl Blob {
    fn new(bytes: Vec<u8>) -> Self {
        Self { digest: sha256(&bytes), bytes }
    }

    fn descriptor(&self, media_type: &str) -> Value {
        json!({"mediaType": media_type, "digest": self.digest, "size": self.bytes.len()})
    }

    fn path(&self) -> String {
        format!("blobs/{}", self.digest.replace(':', "/"))
    }
}

fn add(tar: &mut tar::Builder<impl Write>, path: &str, mode: u32, content: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(mode);
    header.set_mtime(0);
    header.set_entry_type(tar::EntryType::Regular);
    tar.append_data(&mut header, path, content)
}

/// The first file that fits the engine, with why the earlier ones do not.
fn first_fit(files: &[PathBuf], arch: &str) -> (Option<HelperTar>, Vec<String>) {
    let mut refused = Vec::new();
    for file in files {
        match helper_tar(file, arch) {
            Ok(tar) => return (Some(tar), refused),
            Err(error) => refused.push(error.to_string()),
        }
    }
    (None, refused)
}

impl Compose {
    /// Makes sure that the helper image is on the engine, and answers its reference.
    ///
    /// A reference is looked for, then pulled. A file is hashed, and loaded only if its tag is not there.
    ///
    /// # Errors
    /// [`BackendError::NoHelper`] when no file fits; [`BackendError::Image`] when a reference cannot be had.
    pub async fn ensure_helper(&self, source: &HelperSource, arch: &str) -> Result<String> {
        let reference = match source {
            HelperSource::Reference(reference) => {
                self.ensure_reference(reference).await?;
                reference.clone()
            }
            HelperSource::Files(files) => self.helper_of_files(files.clone(), arch.to_owned()).await?,
        };
        self.keep_helper(&reference);
        Ok(reference)
    }

    async fn helper_of_files(&self, files: Vec<PathBuf>, arch: String) -> Result<String> {
        let for_error = arch.clone();
        // Reading and hashing some ten megabytes is no work for the threads that drive connections.
        let (tar, _refused) =
            tokio::task::spawn_blocking(move || first_fit(&files, &arch)).await.map_err(|error| {
                BackendError::Engine { what: "helper image".to_owned(), why: error.to_string() }
            })?;
        let tar = tar.ok_or(BackendError::NoHelper { arch: for_error })?;
        let there = self.docker.inspect_image(tar.tag()).await.if_there(tar.tag())?;
        if there.is_none() {
            self.load_helper(&tar).await?;
        }
        Ok(tar.tag)
    }

    async fn load_helper(&self, tar: &HelperTar) -> Result<()> {
        let mut bytes = Vec::with_capacity(tar.executable.len() + 64 * 1024);
        tar.write_to(&mut bytes).map_err(trouble::io("helper image"))?;
        let whole = futures_util::stream::iter([Ok(Bytes::from(bytes))]);
        self.load(whole, &tar.tag).await?;
        self.docker.inspect_image(&tar.tag).await.doing(format!("helper image {}", tar.tag))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tar_of(folder: &Path, name: &str) -> Vec<u8> {
        let file = folder.join(name);
        std::fs::write(&file, elf::sample(62, false)).unwrap();
        let mut bytes = Vec::new();
        helper_tar(&file, "amd64").unwrap().write_to(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn the_same_executable_gives_the_same_image_whatever_its_name() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(tar_of(folder.path(), "one"), tar_of(folder.path(), "two"));
    }

    #[test]
    fn every_blob_of_the_image_is_named_by_its_own_hash() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = tar_of(folder.path(), "one");
        let mut blobs = 0;
        for entry in tar::Archive::new(bytes.as_slice()).entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let mut content = Vec::new();
            io::Read::read_to_end(&mut entry, &mut content).unwrap();
            if let Some(digits) = path.strip_prefix("blobs/sha256/") {
                assert_eq!(digits, hex(&Sha256::digest(&content)));
                blobs += 1;
            }
        }
        assert_eq!(blobs, 3);
    }

    #[test]
    fn the_first_file_that_fits_is_taken_and_the_others_say_why_not() {
        let folder = tempfile::tempdir().unwrap();
        let (arm, amd) = (folder.path().join("arm"), folder.path().join("amd"));
        std::fs::write(&arm, elf::sample(183, false)).unwrap();
        std::fs::write(&amd, elf::sample(62, false)).unwrap();
        let (tar, refused) = first_fit(&[folder.path().join("none"), arm, amd], "amd64");
        assert!(tar.is_some());
        assert_eq!(refused.len(), 2, "{refused:?}");
    }
}
