//! What every back end keeps, tried on a real engine.

#![allow(clippy::unwrap_used)]

#[path = "backend/contract.rs"]
mod contract;
#[path = "backend/ground.rs"]
mod ground;
