//! The plan: what is decided, and what it depends on.

#![allow(clippy::print_stdout, reason = "a test says aloud what it cannot try")]
#![allow(clippy::unwrap_used)]

#[path = "plan/cluster.rs"]
mod cluster;
#[path = "plan/differences.rs"]
mod differences;
#[path = "support/generate.rs"]
mod generate;
#[path = "plan/generated.rs"]
mod generated;
#[path = "plan/golden.rs"]
mod golden;
#[path = "plan/holes.rs"]
mod holes;
#[path = "plan/laws.rs"]
mod laws;
#[path = "plan/ledger.rs"]
mod ledger;
#[path = "plan/objects.rs"]
mod objects;
#[path = "plan/order.rs"]
mod order;
#[path = "plan/parts.rs"]
mod parts;
#[path = "plan/reconcile.rs"]
mod reconcile;
#[path = "plan/support.rs"]
mod support;
