//! Images made by hand: tars of a few files, in every form of archive that an image comes in.

use std::{io::Write as _, path::Path};

use prodmirror::{
    digest::sha256,
    image::{Image, ImageDiff, compare},
    layers::{self, LayersError, Wanted},
};
use serde_json::{Value as Json, json};
use tar::{Builder, EntryType, Header};

/// A layer under construction.
pub struct Tar(Builder<Vec<u8>>);

impl Tar {
    pub fn new() -> Self {
        Self(Builder::new(Vec::new()))
    }

    pub fn file(self, path: &str, content: &[u8]) -> Self {
        self.with(path, content, 0o644)
    }

    pub fn with(mut self, path: &str, content: &[u8], mode: u32) -> Self {
        let header = header(EntryType::Regular, path, content.len() as u64, mode);
        self.0.append(&header, content).unwrap();
        self
    }

    pub fn directory(mut self, path: &str) -> Self {
        self.0.append(&header(EntryType::Directory, path, 0, 0o755), &[][..]).unwrap();
        self
    }

    pub fn link(self, path: &str, target: &str) -> Self {
        self.linked(EntryType::Symlink, path, target)
    }

    pub fn hard_link(self, path: &str, target: &str) -> Self {
        self.linked(EntryType::Link, path, target)
    }

    fn linked(mut self, kind: EntryType, path: &str, target: &str) -> Self {
        let mut header = header(kind, path, 0, 0o777);
        header.set_link_name_literal(target).unwrap();
        header.set_cksum();
        self.0.append(&header, &[][..]).unwrap();
        self
    }

    pub fn bytes(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

/// The name as it is: the crate's own setters refuse what a hostile archive holds.
pub fn header(kind: EntryType, path: &str, size: u64, mode: u32) -> Header {
    let mut header = Header::new_ustar();
    header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    header
}

#[derive(Clone, Copy, Debug)]
pub enum Packing {
    Plain,
    Gzip,
    Zstd,
}

pub fn packed(bytes: &[u8], packing: Packing) -> Vec<u8> {
    match packing {
        Packing::Plain => bytes.to_vec(),
        Packing::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Packing::Zstd => zstd::encode_all(bytes, 1).unwrap(),
    }
}

/// The files of an OCI layout that holds one image.
pub fn layout(layers: &[Vec<u8>], packing: Packing, run: Json) -> Vec<(String, Vec<u8>)> {
    let mut files = vec![("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec())];
    let mut blob = |bytes: Vec<u8>| {
        let (digest, size) = (sha256(&bytes), bytes.len());
        files.push((format!("blobs/{}", digest.replacen(':', "/", 1)), bytes));
        json!({"mediaType": "application/x", "digest": digest, "size": size})
    };
    let config = config(layers, run);
    let descriptors: Vec<Json> = layers.iter().map(|layer| blob(packed(layer, packing))).collect();
    let manifest = json!({"schemaVersion": 2, "config": blob(config), "layers": descriptors});
    let mut descriptor = blob(manifest.to_string().into_bytes());
    descriptor["annotations"] = json!({"org.opencontainers.image.ref.name": "1.2"});
    files.push(("index.json".to_owned(), json!({"manifests": [descriptor]}).to_string().into_bytes()));
    files
}

fn config(layers: &[Vec<u8>], run: Json) -> Vec<u8> {
    let diff_ids: Vec<String> = layers.iter().map(|layer| sha256(layer)).collect();
    json!({"os": "linux", "architecture": "amd64", "config": run, "rootfs": {"type": "layers", "diff_ids": diff_ids}})
        .to_string()
        .into_bytes()
}

/// The same as `docker save` wrote it before it wrote layouts; a second image shares the layers by links.
pub fn saved(layers: &[Vec<u8>], run: Json) -> Vec<u8> {
    let mut tar = Tar::new();
    let mut names = Vec::new();
    for (number, layer) in layers.iter().enumerate() {
        tar = tar
            .file(&format!("{number}/layer.tar"), layer)
            .link(&format!("again{number}/layer.tar"), &format!("../{number}/layer.tar"));
        names.push(format!("again{number}/layer.tar"));
    }
    let manifest = json!([{"Config": "c.json", "RepoTags": ["x:1"], "Layers": names}]);
    tar.file("c.json", &config(layers, run)).file("manifest.json", manifest.to_string().as_bytes()).bytes()
}

pub fn tar_of(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    files.iter().fold(Tar::new(), |tar, (path, content)| tar.file(path, content)).bytes()
}

pub fn write(folder: &Path, files: &[(String, Vec<u8>)]) {
    for (path, content) in files {
        let file = folder.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, content).unwrap();
    }
}

/// An image of these layers, through a layout in a tar.
pub fn image(layers: &[Vec<u8>]) -> Image {
    read(&tar_of(&layout(layers, Packing::Plain, json!({})))).unwrap()
}

pub fn read(archive: &[u8]) -> Result<Image, LayersError> {
    layers::read_stream("archive", archive, &Wanted::default())
}

pub fn differing(a: &[Vec<u8>], b: &[Vec<u8>]) -> ImageDiff {
    compare(&image(a), &image(b))
}
