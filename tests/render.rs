//! What the rendered files say, what Compose makes of them, and what arrives in a container.

#![allow(clippy::print_stdout, reason = "a test says aloud what it cannot try")]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[path = "render/accepted.rs"]
mod accepted;
#[path = "support/generate.rs"]
mod generate;
#[allow(dead_code)]
#[path = "plan/support.rs"]
mod planned;

#[path = "render/golden.rs"]
mod golden;
#[path = "render/hand.rs"]
mod hand;
#[path = "render/launched.rs"]
mod launched;
