//! Databases: what a store's engine can be asked and fed, apart from where it runs.
//!
//! An engine never talks to Docker. It is given [`InStore`], a way to run a
//! program beside the server, and streams; so N engines and M back ends meet
//! in one place.

use std::{future::Future, pin::Pin};

use tokio::io::AsyncRead;

use crate::{observed::StoreFacts, profile::EngineKind};

/// A byte stream that a seed comes from, already decompressed.
pub type Reader = Pin<Box<dyn AsyncRead + Send>>;

/// Runs a program in the store's own container, with the server's tools beside it.
pub trait InStore: Send + Sync {
    /// Runs to the end and answers the exit code with everything printed (each stream at most 1 MiB, the end kept).
    ///
    /// `env` goes to the program's environment alone: passwords travel there, never in `argv`.
    fn run<'a>(
        &'a self,
        argv: &'a [String],
        env: &'a [(String, String)],
        stdin: Option<Reader>,
    ) -> Pin<Box<dyn Future<Output = Result<Output, InStoreError>> + Send + 'a>>;

    /// Puts a tar archive into a folder of the container.
    fn put<'a>(
        &'a self,
        folder: &'a str,
        tar: Reader,
    ) -> Pin<Box<dyn Future<Output = Result<(), InStoreError>> + Send + 'a>>;

    /// Restarts the server on the same data and waits until the container runs; `offline` runs while it is stopped
    /// to put a file into the data folder.
    fn restart_with<'a>(
        &'a self,
        offline: Option<(&'a str, Reader)>,
    ) -> Pin<Box<dyn Future<Output = Result<(), InStoreError>> + Send + 'a>>;
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    pub code: i64,
    pub stdout: String,
    pub stderr: String,
}

#[derive(Debug, thiserror::Error)]
#[error("{what} in the store's container: {why}")]
pub struct InStoreError {
    pub what: String,
    pub why: String,
}

/// Who logs in where; values, not references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    pub user: Option<String>,
    pub password: Option<String>,
    pub database: Option<String>,
}

/// One file of a seed, in the order in which it is loaded.
pub struct SeedFile {
    /// For messages: the path relative to the profile.
    pub name: String,
    pub format: SeedFormat,
    /// Decompressed; reading it reports progress in bytes of the file on disk.
    pub content: Reader,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SeedFormat {
    /// Plain SQL, as `psql` takes it.
    Sql,
    /// `pg_dump -Fc`.
    PgCustom,
    /// `pg_dump -Fd`, as a tar of the folder.
    PgDirectory,
    /// A Redis dump file.
    Rdb,
    /// Commands in the Redis protocol, or inline commands, one a line.
    Resp,
}

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("{file}: {engine} does not take a {format:?} file")]
    Format { engine: &'static str, file: String, format: SeedFormat },
    /// The engine's own words and the line of the seed, where it names one.
    #[error("{file}{}: {message}", .line.map(|l| format!(":{l}")).unwrap_or_default())]
    Seed { file: String, line: Option<u64>, message: String },
    #[error("{file}: {why}")]
    Read { file: String, why: String },
    #[error(transparent)]
    InStore(#[from] InStoreError),
}

/// The contract of a database engine.
pub trait Engine: Send + Sync {
    fn kind(&self) -> EngineKind;

    /// Whether the server answers a login over its final socket; `Err` only when it never will.
    fn answers<'a>(
        &'a self,
        store: &'a dyn InStore,
        login: &'a Login,
    ) -> Pin<Box<dyn Future<Output = Result<bool, EngineError>> + Send + 'a>>;

    /// Loads one file. May be called for several files in order; fails with the engine's own error at the first
    /// statement that fails and leaves the rest unloaded.
    fn seed<'a>(
        &'a self,
        store: &'a dyn InStore,
        login: &'a Login,
        file: SeedFile,
    ) -> Pin<Box<dyn Future<Output = Result<(), EngineError>> + Send + 'a>>;

    /// Sets the roles of the store to this login's secrets; a seed may have brought others.
    fn set_roles<'a>(
        &'a self,
        store: &'a dyn InStore,
        login: &'a Login,
    ) -> Pin<Box<dyn Future<Output = Result<(), EngineError>> + Send + 'a>>;

    /// Asks version, login over the network, settings by name and the engine's own count, in as few calls as it can.
    fn ask<'a>(
        &'a self,
        store: &'a dyn InStore,
        login: &'a Login,
        settings: &'a [String],
    ) -> Pin<Box<dyn Future<Output = StoreFacts> + Send + 'a>>;

    /// Makes the files on disk whole before the server is stopped and its volume copied.
    fn quiesce<'a>(
        &'a self,
        store: &'a dyn InStore,
        login: &'a Login,
    ) -> Pin<Box<dyn Future<Output = Result<(), EngineError>> + Send + 'a>>;
}
