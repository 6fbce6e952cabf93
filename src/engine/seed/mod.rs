//! Seeds on disk: which files, in what order, of which format, and streams of what they hold.
//!
//! Opening a seed reads no more than the first bytes of each file, so that a wrong one is found before anything is
//! made. A folder's files are loaded in order of their names, byte by byte; a folder with a `toc.dat` in it is one
//! directory dump. Names that begin with a dot are left out. Links are followed, out of the profile's folder too.

mod detect;
mod stream;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::UNIX_EPOCH,
};

use sha2::{Digest as _, Sha256};
use tokio::task::JoinHandle;

use super::{Engine, EngineError, InStore, Loaded, Login, SeedFile, SeedFormat};
use crate::{digest::hex, profile::EngineKind};
use detect::Kind;

/// A seed whose files are there and have known formats.
#[derive(Debug)]
pub struct Seed {
    sources: Vec<Source>,
    bytes: u64,
    fingerprint: String,
}

/// What is loaded in one go: a file, or a directory dump with its parts.
#[derive(Debug)]
struct Source {
    name: String,
    kind: Kind,
    parts: Vec<Part>,
}

/// One file on disk.
#[derive(Clone, Debug)]
struct Part {
    /// As people and the hash know it.
    name: String,
    path: PathBuf,
    size: u64,
    modified_nanos: u128,
}

#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    #[error("there is no seed `{name}` ({path})")]
    Missing { name: String, path: String },
    #[error("{name}: {source}")]
    Read { name: String, source: io::Error },
    #[error("{name}: the folder holds no seed file")]
    Empty { name: String },
    #[error("{name} is neither a file nor a directory dump of pg_dump")]
    NoFile { name: String },
    #[error("{name} is no seed that is known: {known}")]
    Unknown { name: String, known: &'static str },
    #[error("{name} is {}, which {engine} does not take: {known}", .format.describe())]
    Engine { name: String, format: SeedFormat, engine: &'static str, known: &'static str },
}

/// Finds the files of a seed, relative to the profile's own folder, and tells their formats by content, else by name.
pub fn open(folder: &Path, seed: &str, engine: EngineKind) -> Result<Seed, SeedError> {
    let (path, name) = (folder.join(seed), seed.trim_start_matches("./").trim_end_matches('/'));
    let name = if name.is_empty() { "." } else { name };
    let kind = fs::metadata(&path).map_err(|error| missing(name, &path, error))?;
    let sources = if !kind.is_dir() {
        vec![source(&path, name, engine)?]
    } else if path.join("toc.dat").is_file() {
        vec![dump_folder(&path, name, engine)?]
    } else {
        let found = entries(&path, name)?
            .into_iter()
            .map(|(entry, path)| source(&path, &format!("{name}/{entry}"), engine))
            .collect::<Result<Vec<_>, _>>()?;
        if found.is_empty() {
            return Err(SeedError::Empty { name: name.to_owned() });
        }
        found
    };
    let parts = || sources.iter().flat_map(|source| &source.parts);
    let (bytes, fingerprint) = (parts().map(|part| part.size).sum(), fingerprint(parts()));
    Ok(Seed { sources, bytes, fingerprint })
}

fn missing(name: &str, path: &Path, error: io::Error) -> SeedError {
    match error.kind() {
        io::ErrorKind::NotFound => {
            SeedError::Missing { name: name.to_owned(), path: path.display().to_string() }
        }
        _ => SeedError::Read { name: name.to_owned(), source: error },
    }
}

/// Names and paths in order of name.
fn entries(folder: &Path, name: &str) -> Result<Vec<(String, PathBuf)>, SeedError> {
    let read = |source| SeedError::Read { name: name.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(read)? {
        let entry = entry.map_err(read)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            found.push((name, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

fn source(path: &Path, name: &str, engine: EngineKind) -> Result<Source, SeedError> {
    let part = part(path, name)?;
    let Some(part) = part else {
        if path.join("toc.dat").is_file() {
            return dump_folder(path, name, engine);
        }
        return Err(SeedError::NoFile { name: name.to_owned() });
    };
    let kind = detect::detect(path, name, engine)?;
    Ok(Source { name: name.to_owned(), kind, parts: vec![part] })
}

fn dump_folder(path: &Path, name: &str, engine: EngineKind) -> Result<Source, SeedError> {
    detect::taken(name, SeedFormat::PgDirectory, engine)?;
    let mut parts = Vec::new();
    for (entry, path) in entries(path, name)? {
        let name = format!("{name}/{entry}");
        parts.push(part(&path, &name)?.ok_or(SeedError::NoFile { name })?);
    }
    Ok(Source { name: name.to_owned(), kind: Kind::folder(), parts })
}

/// `None` for what is no regular file.
fn part(path: &Path, name: &str) -> Result<Option<Part>, SeedError> {
    let meta = fs::metadata(path).map_err(|error| missing(name, path, error))?;
    let modified = meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Ok(meta.is_file().then(|| Part {
        name: name.to_owned(),
        path: path.to_owned(),
        size: meta.len(),
        modified_nanos: modified.unwrap_or_default().as_nanos(),
    }))
}

fn fingerprint<'a>(parts: impl Iterator<Item = &'a Part>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(format!("{}\0{}\0{}\n", part.name, part.size, part.modified_nanos));
    }
    format!("sha256:{}", hex(&hash.finalize()))
}

/// Bytes of the files on disk that were read so far; shared with whoever shows them.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl Seed {
    /// The size of all files on disk.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Changes when a file's name, size or time does: cheap, and enough to ask whether the seed is still the one that
    /// was loaded. What it holds is told by [`Files::hash`].
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Names and formats in the order of loading.
    pub fn files(&self) -> impl Iterator<Item = (&str, SeedFormat)> {
        self.sources.iter().map(|source| (source.name.as_str(), source.kind.format))
    }

    /// Begins to read; must be called in a tokio runtime, as files are read on its blocking threads.
    pub fn read(&self, count: Arc<Count>) -> Files<'_> {
        Files { left: self.sources.iter(), count, stop: stream::Stop::default(), running: Vec::new() }
    }

    /// Loads every file in order.
    ///
    /// # Errors
    /// [`EngineError::Unconnected`] where nothing at all was loaded: then the whole may be tried again.
    pub async fn load(
        &self,
        engine: &dyn Engine,
        store: &dyn InStore,
        login: &Login,
        count: Arc<Count>,
    ) -> Result<(Loaded, String), EngineError> {
        let (mut files, mut all, mut is_first) = (self.read(count), Loaded::default(), true);
        while let Some(file) = files.next() {
            let loaded = match engine.seed(store, login, file).await {
                Err(EngineError::Unconnected { file, message }) if !is_first => {
                    return Err(EngineError::Seed { file, line: None, message });
                }
                loaded => loaded?,
            };
            is_first = false;
            all.expired = [all.expired, loaded.expired].into_iter().flatten().reduce(|a, b| a + b);
        }
        Ok((all, files.hash().await?))
    }
}

/// The files of a seed while they are read. Dropping it ends the reading.
pub struct Files<'a> {
    left: std::slice::Iter<'a, Source>,
    count: Arc<Count>,
    stop: stream::Stop,
    running: Vec<(&'a Source, JoinHandle<io::Result<Vec<String>>>)>,
}

impl Files<'_> {
    /// The next file to load, opened.
    #[expect(clippy::should_implement_trait, reason = "it starts a thread that reads; nothing to chain")]
    pub fn next(&mut self) -> Option<SeedFile> {
        let source = self.left.next()?;
        let (content, reading) = stream::open(source, self.count.clone(), self.stop.clone());
        self.running.push((source, reading));
        Some(SeedFile { name: source.name.clone(), format: source.kind.format, content })
    }

    /// The identity of what was read: names, sizes and SHA-256 of the files on disk, hashed.
    ///
    /// Reads what the engine left unread of the files begun.
    pub async fn hash(mut self) -> Result<String, EngineError> {
        let mut hash = Sha256::new();
        for (source, reading) in std::mem::take(&mut self.running) {
            let failed = |why: String| EngineError::Read { file: source.name.clone(), why };
            let sums = reading.await.map_err(|error| failed(error.to_string()))?;
            for (part, sum) in source.parts.iter().zip(sums.map_err(|error| failed(error.to_string()))?) {
                hash.update(format!("{}\0{}\0{sum}\n", part.name, part.size));
            }
        }
        Ok(format!("sha256:{}", hex(&hash.finalize())))
    }
}

impl Drop for Files<'_> {
    fn drop(&mut self) {
        self.stop.now();
    }
}

#[cfg(test)]
mod tests;
