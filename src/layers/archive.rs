//! A whole archive in one pass: documents are kept, layers are read as they go by, in whatever order they come.

use std::{collections::BTreeMap, io::Read};

use super::{
    At as _, LayersError, Result, bad,
    choose::Blobs,
    compression::{Hashing, Kind, kind, uncompressed},
    entries::{self, Entries},
    layer,
    limits::{Budget, DOCUMENT},
};
use crate::image::{Layer, clean};

/// The parts of an archive by their paths in it.
pub(super) struct Archive {
    what: String,
    parts: BTreeMap<String, Part>,
    /// Old archives name a layer that two images share by a link.
    aliases: BTreeMap<String, String>,
}

struct Part {
    /// Of the bytes as they lie in the archive.
    digest: String,
    content: Content,
}

enum Content {
    Document(Vec<u8>),
    /// A broken one matters only if an image names it.
    Layer(Result<Layer>),
    Other,
}

impl Archive {
    pub fn read(what: &str, stream: impl Read, budget: &mut Budget) -> Result<Self> {
        let plain = uncompressed(stream).at(what)?;
        let mut entries = Entries::new(plain, what);
        let mut archive = Self { what: what.to_owned(), parts: BTreeMap::new(), aliases: BTreeMap::new() };
        while let Some(head) = entries.next()? {
            budget.entry(what)?;
            let path = clean(&head.path).map_err(|error| bad(what, error.to_string()))?;
            match head.kind {
                entries::Kind::File => {
                    let part = part(what, &path, entries.content(), budget)?;
                    archive.parts.insert(path, part);
                }
                entries::Kind::Link | entries::Kind::HardLink => {
                    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                    let target = String::from_utf8_lossy(&head.target);
                    let target = match head.kind {
                        entries::Kind::HardLink => target.into_owned(),
                        _ => format!("{folder}/{target}"),
                    };
                    let target = clean(target.as_bytes()).map_err(|error| bad(what, error.to_string()))?;
                    archive.aliases.insert(path, target);
                }
                _ => {}
            }
        }
        Ok(archive)
    }

    fn part(&mut self, path: &str) -> Option<&mut Part> {
        let path = self.aliases.get(path).map_or(path, String::as_str);
        self.parts.get_mut(path)
    }
}

fn part(what: &str, path: &str, content: impl Read, budget: &mut Budget) -> Result<Part> {
    let name = format!("{what}: {path}");
    let mut bytes = Hashing::new(content);
    let (kind, mut stream) = kind(&mut bytes).at(&name)?;
    let mut content = match kind {
        Kind::Document => {
            let mut document = Vec::new();
            stream.by_ref().take(DOCUMENT + 1).read_to_end(&mut document).at(&name)?;
            budget.document(document.len() as u64, &name)?;
            if document.len() as u64 > DOCUMENT {
                return Err(LayersError::TooMuch { what: name, limit: format!("{} MiB", DOCUMENT >> 20) });
            }
            Content::Document(document)
        }
        Kind::Layer => Content::Layer(layer::read(&mut stream, &name, budget)),
        Kind::Empty | Kind::Other => Content::Other,
    };
    let rest = std::io::copy(&mut stream, &mut std::io::sink());
    drop(stream);
    match (&content, rest) {
        // The archive itself is cut off: nothing after this can be read.
        (_, Err(error)) => return Err(error).at(&name),
        (Content::Layer(Err(LayersError::TooMuch { .. })), Ok(_)) => {
            if let Content::Layer(Err(error)) = std::mem::replace(&mut content, Content::Other) {
                return Err(error);
            }
        }
        _ => {}
    }
    Ok(Part { digest: bytes.digest(), content })
}

impl Blobs for Archive {
    fn document(&mut self, path: &str) -> Result<Option<(Vec<u8>, String)>> {
        Ok(self.part(path).and_then(|part| match &part.content {
            Content::Document(bytes) => Some((bytes.clone(), part.digest.clone())),
            _ => None,
        }))
    }

    fn layer(&mut self, path: &str, budget: &mut Budget) -> Result<Option<(Layer, String)>> {
        let _ = budget;
        let what = format!("{}: {path}", self.what);
        let Some(part) = self.part(path) else { return Ok(None) };
        let digest = part.digest.clone();
        match &mut part.content {
            // A manifest may name a layer twice.
            Content::Layer(Ok(layer)) => Ok(Some((layer.clone(), digest))),
            content @ Content::Layer(Err(_)) => match std::mem::replace(content, Content::Other) {
                Content::Layer(Err(error)) => Err(error),
                _ => Ok(None),
            },
            Content::Document(_) | Content::Other => {
                Err(bad(what, "is no layer: neither tar, nor gzip, nor zstd"))
            }
        }
    }
}
