//! The profile from text to value and back.

#![allow(clippy::unwrap_used)]

#[path = "profile/check.rs"]
mod check;
#[path = "profile/examples.rs"]
mod examples;
#[path = "profile/laws.rs"]
mod laws;
#[path = "profile/support.rs"]
mod support;
