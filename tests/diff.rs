//! What a difference says, and that it can be applied.

#![allow(clippy::print_stdout, reason = "a test says aloud what it cannot try")]
#![allow(clippy::unwrap_used)]

#[path = "support/generate.rs"]
mod generate;
#[path = "diff/laws.rs"]
mod laws;
#[path = "diff/words.rs"]
mod words;
