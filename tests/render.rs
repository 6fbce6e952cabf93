//! What the rendered files say, what Compose makes of them, and what arrives in a container.

#![allow(clippy::print_stdout, reason = "a test says aloud what it cannot try")]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[path = "render/accepted.rs"]
mod accepted;
#[path = "render/captured.rs"]
mod captured;
#[path = "render/cluster.rs"]
mod cluster;
#[path = "support/generate.rs"]
mod generate;
#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "plan/support.rs"]
mod planned;

#[path = "render/golden.rs"]
mod golden;
#[path = "render/hand.rs"]
mod hand;
#[path = "render/kubectl.rs"]
mod kubectl;
#[path = "render/launched.rs"]
mod launched;
#[path = "render/returned.rs"]
mod returned;
#[path = "render/returned_compose.rs"]
mod returned_compose;
#[path = "render/schemas.rs"]
mod schemas;
