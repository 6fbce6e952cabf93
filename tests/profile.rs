//! The profile: from text to value and back, what is said of a bad one, how layers meet.

#![allow(clippy::print_stdout, reason = "a test says aloud what it cannot try")]
#![allow(clippy::unwrap_used)]

#[path = "profile/check.rs"]
mod check;
#[path = "profile/examples.rs"]
mod examples;
#[path = "support/generate.rs"]
mod generate;
#[path = "profile/holes.rs"]
mod holes;
#[path = "profile/hostile.rs"]
mod hostile;
#[path = "profile/laws.rs"]
mod laws;
#[path = "profile/layers.rs"]
mod layers;
#[path = "profile/schema.rs"]
mod schema;
#[path = "profile/support.rs"]
mod support;
