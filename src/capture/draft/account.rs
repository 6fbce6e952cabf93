//! What became of every leaf of an input: used, noted or a hole.

use std::ops::AddAssign;

use serde::Serialize;

use crate::path::Path;

/// `leaves = used + noted + holes`, over every input of a capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Single values of the inputs, empty maps and lists included.
    pub leaves: usize,
    /// Stand in the profile, or say what is so without being said.
    pub used: usize,
    /// Are no part of the profile; a note says why.
    pub noted: usize,
    /// Stand in the profile as a hole.
    pub holes: usize,
}

impl AddAssign for Account {
    fn add_assign(&mut self, other: Self) {
        self.leaves += other.leaves;
        self.used += other.used;
        self.noted += other.noted;
        self.holes += other.holes;
    }
}

/// Something to know of a place of an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Where it stands in the input.
    pub path: Path,
    /// The input: a file, a container.
    pub source: String,
    pub message: String,
    /// Whether what stands there is no part of the profile.
    pub left_out: bool,
    /// The part of the profile that it is about; absent: the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beside: Option<Path>,
}

impl Note {
    /// The place in words: of a whole input its name.
    pub fn place(&self) -> String {
        match self.path.0.is_empty() {
            true => self.source.clone(),
            false => self.path.to_string(),
        }
    }

    /// In one line, as a comment of the profile says it.
    pub fn line(&self) -> String {
        match self.left_out {
            true => format!("not taken: {} ({})", self.place(), self.message),
            false => format!("{}: {}", self.place(), self.message),
        }
    }
}
