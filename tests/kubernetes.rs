//! Capture of Kubernetes from saved objects: what becomes of every leaf, and what the kubelet would make of it.

#![allow(clippy::unwrap_used)]

#[path = "kubernetes/command.rs"]
mod command;
#[path = "kubernetes/corpora.rs"]
mod corpora;
#[path = "kubernetes/environment.rs"]
mod environment;
#[path = "kubernetes/objects.rs"]
mod objects;
#[path = "kubernetes/running.rs"]
mod running;
#[path = "kubernetes/stage.rs"]
mod stage;
