//! Files of variables against the programs that they are for: bash, Docker, Compose.

#![allow(clippy::print_stdout, reason = "a test says aloud what it cannot try")]
#![allow(clippy::unwrap_used)]

#[path = "env/canary.rs"]
mod canary;
#[path = "support/cli.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod cli;
#[path = "env/commands.rs"]
mod commands;
#[path = "env/consumers.rs"]
mod consumers;
#[path = "engines/corpora.rs"]
mod corpora;
#[path = "support/planted.rs"]
mod planted;
