//! Capture of Kubernetes from saved objects: what becomes of every leaf, and what the kubelet would make of it.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "kubernetes/api.rs"]
mod api;
#[path = "kubernetes/canary.rs"]
mod canary;
#[path = "support/cli.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod cli;
#[path = "kubernetes/command.rs"]
mod command;
#[path = "kubernetes/corpora.rs"]
mod corpora;
#[path = "kubernetes/environment.rs"]
mod environment;
#[path = "kubernetes/live.rs"]
mod live;
#[path = "kubernetes/objects.rs"]
mod objects;
#[path = "kubernetes/one.rs"]
mod one;
#[path = "support/planted.rs"]
mod planted;
#[path = "kubernetes/resumed.rs"]
mod resumed;
#[path = "kubernetes/running.rs"]
mod running;
#[path = "kubernetes/stage.rs"]
mod stage;
#[path = "kubernetes/types.rs"]
mod types;
