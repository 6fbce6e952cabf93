//! Hermetic copies of production.
//!
//! The flow, on one screen:
//!
//! ```text
//! text --load--> Profile --plan--> Plan --render--> Bundle --launch--> Mirror --seed--> Mirror --verify--> ledger
//!                   ^                                                     |
//!                   +-------------- capture <---- Observed <--- observe --+
//! ```
//!
//! - **core**: [`profile`], [`plan`], [`render`], [`ledger`], [`diff`], [`observed`], [`capture`],
//!   [`formats`], [`image`], [`mod@env`], [`sources`]. Values in, values out: no process, file, clock,
//!   environment or network.
//! - **world**: [`backend`], [`engine`], [`readers`], [`layers`], [`pause`], [`gateway`], [`keeper`], [`carry`].
//! - **story**: [`mirror`] joins the two.
//!
//! Core never names world, world never names story, and none of them prints.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod backend;
pub mod capture;
pub mod carry;
pub mod diff;
pub mod digest;
pub mod engine;
pub mod env;
pub mod formats;
pub mod gateway;
pub mod image;
pub mod keeper;
pub mod labels;
pub mod layers;
pub mod ledger;
pub mod log;
pub mod mirror;
pub mod name;
pub mod observed;
pub mod path;
pub mod pause;
pub mod plan;
pub mod profile;
pub mod readers;
pub mod render;
pub mod sources;
