//! What is done with one container of a mirror: commands, files, logs.

use std::{io, pin::Pin};

use bytes::Bytes;
use futures_util::Stream;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Later, Result};
use crate::name::Name;

/// A container of a mirror, as a person names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub mirror: Name,
    pub service: Name,
    /// The first replica where absent.
    pub ordinal: Option<u32>,
    /// `main` where absent.
    pub container: Option<String>,
}

pub struct Exec<'a> {
    pub target: &'a Target,
    pub argv: &'a [String],
    pub env: &'a [(String, String)],
    pub user: Option<&'a str>,
    pub tty: bool,
    /// Columns and rows of the caller's terminal; the command's own has them before it starts.
    pub size: Option<(u16, u16)>,
    /// Columns and rows each time that they change.
    pub resized: Option<Sizes>,
    pub stdin: Option<Pin<Box<dyn AsyncRead + Send>>>,
    pub stdout: Pin<Box<dyn AsyncWrite + Send>>,
    pub stderr: Pin<Box<dyn AsyncWrite + Send>>,
    /// A new container of the same image with the entrypoint replaced, removed afterwards.
    pub fresh: bool,
}

pub type Sizes = Pin<Box<dyn Stream<Item = (u16, u16)> + Send>>;

/// Files in and out of containers, as tar streams with owner and mode.
pub trait Files: Send + Sync {
    /// What lies at a path; `None` where there is nothing. A link is not followed.
    ///
    /// # Errors
    /// When there is no such container.
    fn path_kind<'a>(&'a self, target: &'a Target, path: &'a str) -> Later<'a, Option<PathKind>>;

    /// A file or folder as a tar whose entries begin with its last name. What cannot be read is an error of the stream.
    ///
    /// # Errors
    /// When there is no such container.
    fn copy_from<'a>(&'a self, target: &'a Target, path: &'a str) -> Later<'a, TarStream>;

    /// Unpacks a tar into a folder of the container, owner and mode as they stand in it.
    ///
    /// # Errors
    /// When there is no such container or folder, or it is read-only.
    fn copy_to<'a>(&'a self, target: &'a Target, folder: &'a str, tar: TarReader) -> Later<'a, ()>;
}

/// What lies at a path of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathKind {
    File,
    Folder,
    /// With the path that it leads to in the end.
    Link(String),
}

/// The bytes of a tar archive, as they come.
pub type TarStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;
/// The bytes of a tar archive, to be read.
pub type TarReader = Pin<Box<dyn AsyncRead + Send>>;

#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    pub service: Option<Name>,
    pub ordinal: Option<u32>,
    pub container: Option<String>,
    /// Goes on with what containers print that come later, until the mirror is gone.
    pub follow: bool,
    pub since: Option<jiff::Timestamp>,
    /// The last lines of each container.
    pub tail: Option<u32>,
    /// The container that was replaced last.
    pub previous: bool,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct LogLine {
    pub at: String,
    pub service: String,
    pub ordinal: u32,
    pub container: String,
    pub stream: String,
    #[serde(serialize_with = "lossy")]
    pub line: Bytes,
}

pub type LogStream = Pin<Box<dyn Stream<Item = Result<LogLine>> + Send>>;

fn lossy<S: serde::Serializer>(bytes: &Bytes, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(&String::from_utf8_lossy(bytes))
}

/// The exit code of a shell for a command that the container's runtime could not start, by the runtime's own words.
pub(super) fn not_run_code(why: &str) -> Option<i64> {
    if why.contains("executable file not found") || why.contains("no such file or directory") {
        Some(127)
    } else if why.contains("permission denied") || why.contains("exec format error") {
        Some(126)
    } else {
        None
    }
}
