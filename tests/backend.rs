//! What every back end keeps, tried on a real engine.

#![allow(clippy::print_stdout, reason = "a test says aloud what it cannot try")]
#![allow(clippy::unwrap_used)]

#[path = "backend/archive.rs"]
mod archive;
#[path = "backend/contract.rs"]
mod contract;
#[path = "backend/exec.rs"]
mod exec;
#[path = "backend/files.rs"]
mod files;
#[path = "backend/ground.rs"]
mod ground;
#[path = "backend/helper.rs"]
mod helper;
#[path = "backend/networks.rs"]
mod networks;
#[path = "backend/output.rs"]
mod output;
#[path = "backend/power.rs"]
mod power;
#[path = "backend/record.rs"]
mod record;
#[path = "backend/seen.rs"]
mod seen;
#[path = "backend/volumes.rs"]
mod volumes;
