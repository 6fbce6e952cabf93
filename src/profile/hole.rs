//! Holes: values that could not be read when the profile was captured.
//!
//! `Profile::holes` names them; the types hold nothing there, or what is
//! blank. Until all are filled, by an overlay, `--set` or a secret that is
//! given, `check` warns of them and the plan refuses.

use serde_json::Value as Json;

use super::{Name, Profile, schema, v1::HOLE_KEY};
use crate::path::Path;

/// The reason, if the value at a path of a profile's tree is a hole, and not a map with a key of that name.
pub fn hole<'v>(path: &Path, value: &'v Json) -> Option<&'v str> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    let reason = object.get(HOLE_KEY)?.as_str()?;
    (!schema::is_free(path)).then_some(reason)
}

impl Profile {
    /// Whether the value at a path, or one above it, could not be read.
    pub fn is_hole(&self, path: &Path) -> bool {
        let mut above = path.clone();
        while !self.holes.is_empty() && !above.0.is_empty() {
            if self.holes.contains_key(&above) {
                return true;
            }
            above.0.pop();
        }
        false
    }

    /// Whether a value at or below a path could not be read.
    pub fn has_hole_below(&self, path: &Path) -> bool {
        self.holes.keys().any(|hole| hole.starts_with(path))
    }

    /// A secret whose value is given is no hole.
    pub fn fill_secret(&mut self, name: &Name) {
        self.holes.shift_remove(&Path::of(["secrets", name.as_str()]));
    }
}
