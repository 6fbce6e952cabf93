//! Readers of what runs elsewhere, and of its files: they ask, and the core makes a profile of the answer.

pub mod compose;
pub mod files;
