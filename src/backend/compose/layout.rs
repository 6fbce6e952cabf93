//! Images in files: OCI image layouts as folders or tars, and what `docker save` writes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Read, Seek as _, SeekFrom, Write},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tar::{Builder, EntryType, Header};

/// One layout: a folder, or a tar with where its entries begin and how long they are.
pub(super) enum Layout {
    Folder(PathBuf),
    Tar { file: PathBuf, entries: BTreeMap<String, (u64, u64)> },
}

/// An image found in a layout: its root descriptor, and the blobs it needs, as far as they are there.
pub(super) struct Found {
    layout: Layout,
    root: Value,
    blobs: Vec<String>,
    pub bytes: u64,
}

/// Manifests nest once in practice; a deeper layout is not followed.
const DEEPEST: u32 = 4;
/// Manifests are small; a longer one is none.
const LONGEST_JSON: u64 = 8 << 20;

/// The layouts in a folder: itself, its sub-folders and its tar files, in order of name.
///
/// # Errors
/// When the folder cannot be read. A file that is no tar is left out.
pub(super) fn layouts_in(folder: &Path) -> io::Result<Vec<Layout>> {
    let mut paths = vec![folder.to_owned()];
    let mut inner: Vec<_> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    inner.sort();
    paths.extend(inner);
    Ok(paths.into_iter().filter_map(Layout::open).collect())
}

impl Layout {
    fn open(path: PathBuf) -> Option<Self> {
        if path.is_dir() {
            return path.join("index.json").is_file().then_some(Self::Folder(path));
        }
        if path.extension()? != "tar" {
            return None;
        }
        let mut entries = BTreeMap::new();
        let mut archive = tar::Archive::new(File::open(&path).ok()?);
        for entry in archive.entries_with_seek().ok()? {
            let entry = entry.ok()?;
            let name = entry.path().ok()?.to_str()?.trim_start_matches("./").to_owned();
            entries.insert(name, (entry.raw_file_position(), entry.size()));
        }
        Some(Self::Tar { file: path, entries })
    }

    fn size(&self, name: &str) -> Option<u64> {
        match self {
            Self::Folder(folder) => {
                fs::metadata(folder.join(name)).ok().filter(fs::Metadata::is_file).map(|meta| meta.len())
            }
            Self::Tar { entries, .. } => entries.get(name).map(|(_, size)| *size),
        }
    }

    fn reader(&self, name: &str) -> io::Result<Box<dyn Read>> {
        match self {
            Self::Folder(folder) => Ok(Box::new(File::open(folder.join(name))?)),
            Self::Tar { file, entries } => {
                let (start, size) = entries.get(name).ok_or(io::ErrorKind::NotFound)?;
                let mut file = File::open(file)?;
                file.seek(SeekFrom::Start(*start))?;
                Ok(Box::new(file.take(*size)))
            }
        }
    }

    fn json(&self, name: &str) -> Option<Value> {
        self.size(name).filter(|size| *size <= LONGEST_JSON)?;
        serde_json::from_reader(self.reader(name).ok()?).ok()
    }

    /// The image with this digest: of an index, a manifest, or (as `docker save` of older engines wrote it) of a
    /// configuration.
    pub(super) fn find(self, digest: &str) -> Option<Found> {
        let index = self.json("index.json")?;
        let root = self.search(&index, digest, 0)?;
        let mut names = BTreeSet::new();
        self.reach(&root, &mut names, 0);
        let blobs: Vec<_> = names.into_iter().filter(|name| self.size(name).is_some()).collect();
        let bytes = blobs.iter().filter_map(|name| self.size(name)).sum();
        Some(Found { layout: self, root, blobs, bytes })
    }

    fn search(&self, index: &Value, digest: &str, depth: u32) -> Option<Value> {
        for descriptor in index["manifests"].as_array()? {
            if descriptor["digest"] == digest {
                return Some(descriptor.clone());
            }
            let Some(inner) = self.json(&blob_of(descriptor)?).filter(|_| depth < DEEPEST) else { continue };
            if inner["config"]["digest"] == digest {
                return Some(descriptor.clone());
            }
            if let Some(found) = self.search(&inner, digest, depth + 1) {
                return Some(found);
            }
        }
        None
    }

    fn reach(&self, descriptor: &Value, names: &mut BTreeSet<String>, depth: u32) {
        let Some(name) = blob_of(descriptor) else { return };
        let is_manifest = descriptor["mediaType"]
            .as_str()
            .is_some_and(|kind| kind.contains("manifest") || kind.contains("index"));
        if names.insert(name.clone()) && is_manifest && depth < DEEPEST {
            let inner = self.json(&name).unwrap_or_default();
            let lists =
                [&inner["manifests"], &inner["layers"]].into_iter().filter_map(Value::as_array).flatten();
            for next in lists.chain([&inner["config"]]) {
                self.reach(next, names, depth + 1);
            }
        }
    }
}

impl Found {
    /// Writes a layout with this image alone under `name` (`docker.io/library/postgres:16`).
    ///
    /// # Errors
    /// Those of the files and of `out`.
    pub(super) fn write_to(&self, name: &str, arch: &str, out: impl Write) -> io::Result<()> {
        let mut root = self.root.clone();
        root["annotations"] = json!({
            "io.containerd.image.name": name,
            "org.opencontainers.image.ref.name": name.rsplit(':').next(),
        });
        let mut tar = Builder::new(out);
        add(&mut tar, "oci-layout", 30, br#"{"imageLayoutVersion":"1.0.0"}"#.as_slice())?;
        let index = json!({"schemaVersion": 2, "manifests": [root]}).to_string();
        add(&mut tar, "index.json", index.len() as u64, index.as_bytes())?;
        if let Some(manifest) = self.docker_manifest(name, arch) {
            let text = manifest.to_string();
            add(&mut tar, "manifest.json", text.len() as u64, text.as_bytes())?;
        }
        for blob in &self.blobs {
            add(&mut tar, blob, self.layout.size(blob).unwrap_or_default(), self.layout.reader(blob)?)?;
        }
        tar.into_inner()?.flush()
    }

    /// What engines with the old image store read in place of the index.
    fn docker_manifest(&self, name: &str, arch: &str) -> Option<Value> {
        let manifest = self.manifest_for(&self.root, arch, 0)?;
        let layers: Vec<_> = manifest["layers"].as_array()?.iter().filter_map(blob_of).collect();
        Some(json!([{"Config": blob_of(&manifest["config"])?, "RepoTags": [name], "Layers": layers}]))
    }

    fn manifest_for(&self, descriptor: &Value, arch: &str, depth: u32) -> Option<Value> {
        let inner = self.layout.json(&blob_of(descriptor)?)?;
        let Some(list) = inner["manifests"].as_array().filter(|_| depth < DEEPEST) else {
            return Some(inner);
        };
        let fits =
            |entry: &&Value| entry["platform"]["architecture"] == arch && entry["platform"]["os"] == "linux";
        self.manifest_for(list.iter().find(fits)?, arch, depth + 1)
    }
}

/// `blobs/sha256/…` of a descriptor, if its digest is well formed: it becomes a path.
fn blob_of(descriptor: &Value) -> Option<String> {
    let digest: crate::profile::Digest = descriptor["digest"].as_str()?.parse().ok()?;
    Some(format!("blobs/{}", digest.as_str().replace(':', "/")))
}

fn add(tar: &mut Builder<impl Write>, name: &str, size: u64, content: impl Read) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_mtime(0);
    tar.append_data(&mut header, name, content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::sha256;

    /// A layout with one image; answers the digests of its manifest and its configuration.
    fn layout(folder: &Path) -> (String, String) {
        let blob = |text: &str| {
            let digest = sha256(text.as_bytes());
            let path = folder.join(format!("blobs/{}", digest.replace(':', "/")));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
            digest
        };
        let (config, layer) = (blob("{}"), blob("layer"));
        blob("unrelated");
        let manifest =
            blob(&json!({"config": {"digest": config}, "layers": [{"digest": layer}]}).to_string());
        let entry =
            json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": manifest, "size": 1});
        fs::write(folder.join("index.json"), json!({"manifests": [entry]}).to_string()).unwrap();
        (manifest, config)
    }

    #[test]
    fn an_image_is_found_by_either_digest_and_only_its_own_blobs_are_taken() {
        let folder = tempfile::tempdir().unwrap();
        let (manifest, config) = layout(folder.path());
        for digest in [manifest, config] {
            let layout = layouts_in(folder.path()).unwrap().remove(0);
            let found = layout.find(&digest).unwrap();
            assert_eq!(found.blobs.len(), 3);
        }
        let layout = layouts_in(folder.path()).unwrap().remove(0);
        assert!(layout.find(&sha256(b"unrelated")).is_none());
    }

    #[test]
    fn a_tar_of_a_layout_gives_the_same_bytes_as_the_folder() {
        let (folder, tars) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (digest, _) = layout(folder.path());
        let mut tar = Builder::new(File::create(tars.path().join("image.tar")).unwrap());
        tar.append_dir_all(".", folder.path()).unwrap();
        tar.finish().unwrap();
        let write = |folder: &Path| {
            let mut out = Vec::new();
            let found = layouts_in(folder).unwrap().remove(0).find(&digest).unwrap();
            found.write_to("docker.io/library/a:1", "amd64", &mut out).unwrap();
            out
        };
        assert_eq!(write(folder.path()), write(tars.path()));
    }

    #[test]
    fn a_digest_that_is_no_digest_is_never_a_path() {
        assert_eq!(blob_of(&json!({"digest": "sha256:../../etc/passwd"})), None);
    }
}
