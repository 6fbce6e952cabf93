//! The program itself on a real cluster: each command, from `up` to `down`. All tests share one cluster, which goes with
//! them.

#![cfg(feature = "kubernetes")]
#![allow(clippy::unwrap_used)]

#[path = "upon/bounds.rs"]
mod bounds;
#[path = "upon/caches.rs"]
mod caches;
#[path = "upon/captured.rs"]
mod captured;
#[path = "support/cli.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod cli;
#[path = "upon/copies.rs"]
mod copies;
#[path = "upon/crash.rs"]
mod crash;
#[path = "upon/ground.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod ground;
#[path = "upon/inside.rs"]
mod inside;
#[path = "upon/life.rs"]
mod life;
#[path = "upon/names.rs"]
mod names;
#[path = "support/profiles.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod profiles;
#[path = "kind/stage.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod stage;
#[path = "upon/troubles.rs"]
mod troubles;
