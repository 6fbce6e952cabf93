//! keeper

use std::process::ExitCode;

use crate::log;

pub fn main(_: impl Iterator<Item = String>) -> ExitCode {
    log::error("keeper: not in this version", &[]);
    ExitCode::from(2)
}
