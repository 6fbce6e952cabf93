//! `inspect-image`: what two images hold, read from archives that the tests make, from folders, and from an engine.

#![allow(clippy::unwrap_used)]

#[path = "support/cli.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod cli;

#[path = "image/archives.rs"]
mod archives;
#[path = "image/engine.rs"]
mod engine;
#[path = "image/facts.rs"]
mod facts;
#[path = "image/hostile.rs"]
mod hostile;
