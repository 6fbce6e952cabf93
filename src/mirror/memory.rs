//! What an `up` leaves with the keeper: the profile that the mirror came from and the options of its plan.
//!
//! It lies beside the journal, so any later command, on any machine, can plan the
//! mirror again. It holds references to secrets, never values.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{
    backend::Backend,
    name::Name,
    plan::capabilities::Options,
    profile::{self, Profile},
};

use super::{Result, StoryError, UpRequest};

/// The document as written; the tree carries the bytes of files that it names.
#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    owner: String,
    options: Options,
    socket: bool,
    /// Of the host that launched it: where seeds are read.
    #[serde(default)]
    folder: PathBuf,
    profile: serde_json::Value,
}

/// What was recalled.
pub struct Memory {
    pub profile: Profile,
    pub owner: String,
    pub options: Options,
    pub socket: bool,
    pub folder: PathBuf,
}

/// Leaves the profile with the keeper.
pub async fn remember(backend: &dyn Backend, mirror: &Name, request: &UpRequest<'_>) -> Result<()> {
    let UpRequest { profile, ask, folder, .. } = request;
    let written = Written {
        version: 1,
        owner: ask.owner.clone(),
        options: ask.options.clone(),
        socket: ask.socket,
        folder: folder.clone(),
        profile: profile::tree(profile),
    };
    let bytes = serde_json::to_vec(&written).unwrap_or_default();
    Ok(backend.remember(mirror, bytes).await?)
}

/// Reads it back.
pub async fn recall(backend: &dyn Backend, mirror: &Name) -> Result<Memory> {
    let Some(bytes) = backend.recall(mirror).await? else {
        return Err(StoryError::NoMirror { mirror: mirror.clone() });
    };
    Memory::parse(&bytes).map_err(|why| StoryError::Memory { mirror: mirror.clone(), why })
}

impl Memory {
    /// # Errors
    /// It is of another version, or was not written whole.
    pub fn parse(bytes: &[u8]) -> std::result::Result<Self, String> {
        let written: Written = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let Written { version, owner, options, socket, folder, profile } = written;
        if version != 1 {
            return Err(format!("it has version {version}, this program reads version 1"));
        }
        let profile = profile::from_tree(&profile).map_err(|problems| problems.to_string())?;
        Ok(Self { profile, owner, options, socket, folder })
    }
}
