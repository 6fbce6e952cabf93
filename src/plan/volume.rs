//! Volumes, what they are filled with, and the stores whose data lies in them.

use indexmap::IndexMap;
use serde::Serialize;

use super::Template;
use crate::{name::Name, profile::EngineKind};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VolumePlan {
    /// Full name, `pm-shop_db.0.data`.
    pub name: String,
    pub role: VolumeRole,
    pub labels: IndexMap<String, String>,
    /// A tmpfs volume (local driver) with this size, `None` for the default half of memory.
    pub memory: Option<Option<u64>>,
    /// What the volume is filled with before it is mounted.
    pub files: Vec<FilePlan>,
    /// `fs_group`: the group that owns the volume's root.
    pub group: Option<u32>,
    /// Permission bits of the volume's root, `0o777` where Kubernetes makes it so; absent: the engine's `0755`.
    pub mode: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum VolumeRole {
    /// The data of a store.
    Store(Name),
    /// A copy of a store's data, which nothing mounts.
    Copy(Name),
    /// A replica's own, from `empty` or to cover a `VOLUME` of the image.
    Replica,
    Claim,
    Shared,
    Files,
    /// tmpfs, filled through the pause that holds it mounted.
    SecretFiles,
    Control,
    Journal,
}

/// One file of a filled volume.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FilePlan {
    /// `ROOT/REST`: `ROOT` is a folder of the volume and `REST` the file's path in it.
    ///
    /// As Kubernetes does it, the file is written to `ROOT/..NEW/REST`, then `ROOT/..data` is renamed over to point
    /// to `..NEW`, and the first part of `REST` is a link into `..data`. Mounts name `ROOT` (a whole folder) or
    /// `ROOT/..data/REST` (one file).
    pub path: String,
    pub content: FileBytes,
    pub mode: u32,
    pub user: u32,
    pub group: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileBytes {
    #[serde(serialize_with = "bytes_as_hash")]
    Inline(Vec<u8>),
    /// The variable of a [`super::SecretPlan`].
    Secret(String),
    /// Text whose variables stand inside quoted strings of the Redis configuration, and are escaped as these need it.
    Quoted(Template),
}

impl FileBytes {
    /// The content with every variable filled in; `None` if one is unknown.
    pub fn fill(&self, value_of: impl Fn(&str) -> Option<String>) -> Option<Vec<u8>> {
        match self {
            Self::Inline(bytes) => Some(bytes.clone()),
            Self::Secret(variable) => value_of(variable).map(String::into_bytes),
            Self::Quoted(template) => {
                template.fill(|name| value_of(name).map(|value| in_quotes(&value))).map(String::into_bytes)
            }
        }
    }
}

/// A value between the double quotes of a Redis configuration: control characters in hexadecimal.
pub(crate) fn in_quotes(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            c if c.is_ascii_control() => text.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => text.push(c),
        }
    }
    text
}

/// A plan prints the hash of a file, not the file.
fn bytes_as_hash<S: serde::Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
    s.collect_str(&crate::digest::sha256(bytes))
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StorePlan {
    pub store: Name,
    #[serde(serialize_with = "engine_as_text")]
    pub engine: EngineKind,
    /// The Compose key of the main container.
    pub container: String,
    pub volume: String,
    /// What keeps the state as it was after seeding; `reset` puts it back.
    pub copy: VolumePlan,
    pub port: u16,
    pub database: Option<Template>,
    pub user: Option<Template>,
    pub password: Option<Template>,
    pub settings: IndexMap<String, String>,
    /// A file or folder, relative to the profile; absent is empty.
    pub seed: Option<String>,
}

/// What an engine needs to know of a store, in whatever form its plan is.
#[derive(Clone, Copy, Debug)]
pub struct Served<'p> {
    pub store: &'p Name,
    pub engine: EngineKind,
    pub port: u16,
    pub database: Option<&'p Template>,
    pub user: Option<&'p Template>,
    pub password: Option<&'p Template>,
    pub settings: &'p IndexMap<String, String>,
    /// A file or folder, relative to the profile; absent is empty.
    pub seed: Option<&'p str>,
}

impl StorePlan {
    pub fn served(&self) -> Served<'_> {
        Served {
            store: &self.store,
            engine: self.engine,
            port: self.port,
            database: self.database.as_ref(),
            user: self.user.as_ref(),
            password: self.password.as_ref(),
            settings: &self.settings,
            seed: self.seed.as_deref(),
        }
    }
}

pub(crate) fn engine_as_text<S: serde::Serializer>(engine: &EngineKind, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(engine.as_str())
}
