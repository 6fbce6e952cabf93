//! A first profile from a Compose file: what can be taken is, what cannot is named in a comment.
//!
//! The file is read as Compose itself reads it where Docker is there, and by this program alone
//! where it is not. The host's environment is no part of it: a variable has its default, or the
//! value is a hole. Passwords become secrets, and their values are never written.

mod container;
mod document;
mod images;
mod interpolation;
mod mounts;
mod ports;
mod process;
mod secrets;
mod service;
mod shapes;
mod stack;
mod store;
mod taking;
mod text;

use std::path::Path;

use prodmirror::capture::names;

use super::failure::Failure;

/// The text of a profile that a Compose file amounts to.
///
/// # Errors
/// `compose-file` when the file cannot be read or Compose refuses it.
pub async fn from_compose(file: &Path) -> Result<String, Failure> {
    let document = document::read(file).await?;
    let name = file.file_name().map_or_else(|| "the Compose file".into(), |name| name.to_string_lossy());
    Ok(stack::profile(document, &name))
}
