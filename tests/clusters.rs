//! Clusters of our own: found or made, shared or removed, and shaped as production's node. Each test makes its own.

#![cfg(feature = "kubernetes")]
#![allow(clippy::unwrap_used)]

#[path = "clusters/life.rs"]
mod life;
#[path = "clusters/node.rs"]
mod node;
#[path = "kind/stage.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod stage;
