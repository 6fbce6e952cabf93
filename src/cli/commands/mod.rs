//! One file a command.

pub mod check;
pub mod completions;
pub mod cp;
pub mod diff;
pub mod doctor;
pub mod down;
pub mod endpoints;
pub mod env_diff;
pub mod env_dump;
pub mod exec;
pub mod gc;
pub mod init;
pub mod inspect_image;
pub mod later;
pub mod ledger;
pub mod logs;
pub mod pin;
pub mod plan;
pub mod power;
pub mod render;
pub mod reset;
pub mod run;
pub mod schema;
pub mod status;
pub mod up;
pub mod version;
