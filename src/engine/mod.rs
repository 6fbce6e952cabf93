//! Databases: what a store's engine can be asked and fed, apart from where it runs.
//!
//! An engine never talks to Docker. It is given [`InStore`], a way to run a
//! program beside the server, and streams; so N engines and M back ends meet
//! in one place.

pub mod outside;
mod postgres;
mod redis;
mod said;
pub mod seed;
mod watch;

use std::{future::Future, pin::Pin};

use tokio::io::AsyncRead;

use crate::{observed::StoreFacts, profile::EngineKind};

pub use postgres::Postgres;
pub use redis::Redis;

/// The engine of a kind.
pub fn of(kind: EngineKind) -> &'static dyn Engine {
    match kind {
        EngineKind::Postgres => &Postgres,
        EngineKind::Redis => &Redis,
    }
}

/// A byte stream that a seed comes from, already decompressed.
pub type Reader = Pin<Box<dyn AsyncRead + Send>>;

pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Runs programs in the store's own container, where the server's tools are.
pub trait InStore: Send + Sync {
    /// Runs to the end and answers the exit code with what was printed: of each stream the last 1 MiB.
    ///
    /// `env` goes to the program's environment alone: passwords travel there, never in `argv`. `stdin` is copied to
    /// the program until its end, then the program's input is closed; absent is empty. When reading `stdin` fails
    /// the input is closed there, and the program's answer is still waited for: the caller knows its own stream.
    /// A program that stops reading before the end is no error. A program that is not in the image answers 126 or
    /// 127, as a shell does. `Err` means that nothing could be run, as the container is not running.
    fn run<'a>(
        &'a self,
        argv: &'a [String],
        env: &'a [(String, String)],
        stdin: Option<Reader>,
    ) -> Later<'a, Result<Output, InStoreError>>;

    /// Stops the server cleanly (its own stop signal and grace) and starts it on the same data, with the same
    /// configuration; answers when the container runs, not when the server answers.
    fn restart(&self) -> Later<'_, Result<(), InStoreError>>;
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
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The server's port, inside the container.
    pub port: u16,
    /// Absent is the engine's own default: `postgres`, and Redis' `default`.
    pub user: Option<String>,
    pub password: Option<String>,
    /// Absent is the user's (PostgreSQL), or number 0 (Redis).
    pub database: Option<String>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let password = self.password.as_ref().map(|_| "***");
        f.debug_struct("Login")
            .field("port", &self.port)
            .field("user", &self.user)
            .field("password", &password)
            .field("database", &self.database)
            .finish()
    }
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
    /// `pg_dump -Ft`.
    PgTar,
    /// `pg_dump -Fd`, as a tar of the folder.
    PgDirectory,
    /// A Redis dump file.
    Rdb,
    /// Commands in the Redis protocol, or inline commands, one a line.
    Resp,
}

/// What loading one file came to, where counting the data afterwards cannot tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Keys whose time had passed before they were loaded (Redis); absent where the engine cannot say.
    pub expired: Option<u64>,
}

/// What a server says to a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Yes,
    /// The engine's own words, for the one who waits.
    NotYet(String),
}

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("{file}: {engine} does not take {}", .format.describe())]
    Format { engine: &'static str, file: String, format: SeedFormat },
    /// The engine's own words and the line of the seed, where it names one.
    #[error("{file}{}: {message}", .line.map(|l| format!(":{l}")).unwrap_or_default())]
    Seed { file: String, line: Option<u64>, message: String },
    /// The server that answered a login before was not there, or took nobody in: nothing of the file was loaded.
    #[error("{file}: {message}")]
    Unconnected { file: String, message: String },
    /// The file itself could not be read to its end.
    #[error("{file}: {why}")]
    Read { file: String, why: String },
    /// The engine refused something other than a seed.
    #[error("{what}: {message}")]
    Refused { what: String, message: String },
    #[error(transparent)]
    InStore(#[from] InStoreError),
}

impl SeedFormat {
    /// The format in a few words, with its article.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Sql => "plain SQL",
            Self::PgCustom => "a custom dump of pg_dump",
            Self::PgTar => "a tar dump of pg_dump",
            Self::PgDirectory => "a directory dump of pg_dump",
            Self::Rdb => "a Redis dump file",
            Self::Resp => "Redis commands",
        }
    }
}

/// The contract of a database engine.
///
/// Every method may be called again after a failure. None puts a password into an argument list.
pub trait Engine: Send + Sync {
    fn kind(&self) -> EngineKind;

    /// Whether the server answers a login over the network, on the container's own address: an address of loopback is
    /// trusted without a password in many images. `Err` only when waiting cannot help.
    fn answers<'a>(
        &'a self,
        store: &'a dyn InStore,
        login: &'a Login,
    ) -> Later<'a, Result<Answer, EngineError>>;

    /// Loads one file. May be called for several files in order; fails with the engine's own error and leaves the
    /// files after it unloaded. What the file loaded before it failed stays: the caller throws the store away.
    /// A server that was started again for the file answers logins when this returns.
    fn seed<'a>(
        &'a self,
        store: &'a dyn InStore,
        login: &'a Login,
        file: SeedFile,
    ) -> Later<'a, Result<Loaded, EngineError>>;

    /// Sets the roles of the store to this login's secrets; a seed may have brought others.
    fn set_roles<'a>(
        &'a self,
        store: &'a dyn InStore,
        login: &'a Login,
    ) -> Later<'a, Result<(), EngineError>>;

    /// Asks version, login over the network, settings by name and the engine's own count, in as few calls as it can.
    /// Never fails: what could not be asked is absent, and `error` says why.
    fn ask<'a>(
        &'a self,
        store: &'a dyn InStore,
        login: &'a Login,
        settings: &'a [String],
    ) -> Later<'a, StoreFacts>;

    /// Makes the files on disk whole before the server is stopped and its volume copied.
    fn quiesce<'a>(&'a self, store: &'a dyn InStore, login: &'a Login) -> Later<'a, Result<(), EngineError>>;
}
