//! What fills a volume of a bundle that is launched with `docker compose` alone.
//!
//! `prodmirror fill VOLUME…` runs once in the helper image. For each volume it
//! reads `FROM_DIR/VOLUME.json` (a [`Filling`]) and writes the files into
//! `TO_DIR/VOLUME`, each folder behind its `..data` link as `plan::FilePlan`
//! describes it. `up` fills its volumes itself, from the plan.

use serde::{Deserialize, Serialize};

use crate::profile::Mode;

/// Where the bundle's folder `files` is mounted, read-only.
pub const FROM_DIR: &str = "/from";
/// Where the volumes are mounted, each under its full name.
pub const TO_DIR: &str = "/to";

/// The content of one volume: `FROM_DIR/VOLUME.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Filling {
    pub files: Vec<FileFill>,
    /// The group that owns the volume's root, `fs_group`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<u32>,
    /// Permission bits of the volume's root; absent: as the engine made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileFill {
    /// `ROOT/REST`, relative to the volume's root; never leads out of it.
    pub path: String,
    pub content: FillContent,
    pub mode: Mode,
    pub user: u32,
    pub group: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FillContent {
    /// The file `FROM_DIR/VOLUME/PATH`.
    Beside,
    /// A variable of the environment: a secret, which stands in no file.
    Variable(String),
    /// Text whose variables stand as quoted strings of the Redis configuration.
    Quoted(Vec<FillPiece>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FillPiece {
    Literal(String),
    Variable(String),
}
