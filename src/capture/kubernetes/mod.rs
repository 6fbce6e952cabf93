//! Kubernetes objects as a profile: what can be taken is, and of every other leaf it is said why not.
//!
//! The objects are manifests, or what `kubectl get` answers of a live cluster; where Pods and Nodes are among them,
//! what really runs wins over what was asked for. Values of Secrets are never looked at: their keys are.

pub mod answers;
mod budgets;
mod container;
mod env;
mod expansion;
pub use expansion::filled;
mod live;
mod mounts;
mod nodes;
mod objects;
mod pod;
mod ports;
mod probes;
mod processes;
mod rest;
mod scaling;
mod security;
mod services;
mod text;
mod workloads;

use serde_json::Value as Json;

use super::{
    asked::{self, Asked},
    draft::{Draft, From, Input, Sketch},
    names::plain,
    redact::Rules,
    variables::{self, Variables},
};
use crate::{path::Path, profile::Problems};
pub(super) use container::quantity;
use objects::Cluster;
pub use objects::is_kubernetes;
pub use processes::{Process, processes};
pub use text::documents;

/// The documents of one file, or of one answer of a cluster.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// What notes call it.
    pub name: String,
    /// Objects and lists of objects, in their order.
    pub values: Vec<Json>,
}

/// The profile that these objects amount to.
///
/// # Errors
/// What `check` refuses of it and nothing could be left out for.
pub fn draft(documents: Vec<Document>, from: &From, rules: &Rules) -> Result<Draft, Problems> {
    draft_with(documents, &[], &[], from, rules)
}

/// The same with files of variables for its workloads, and with what its stores said.
///
/// # Errors
/// What `check` refuses of it and nothing could be left out for.
pub fn draft_with(
    documents: Vec<Document>,
    files: &[Variables],
    stores: &[Asked],
    from: &From,
    rules: &Rules,
) -> Result<Draft, Problems> {
    let objects = documents.into_iter().map(|one| Input::new(one.name, objects::tree(one.values)));
    let mut inputs: Vec<Input> = objects.collect();
    let count = inputs.len();
    inputs.extend(variables::inputs(files));
    let asked = inputs.len();
    inputs.extend(asked::inputs(stores));
    let cluster = Cluster::of(&inputs[..count]);
    let mut workloads = workloads::find(&cluster);
    services::name(&cluster, &mut workloads);
    let name = cluster.application(from, &inputs[..count]);
    let mut sketch = Sketch::new(&plain(&name), from);
    for workload in &workloads {
        pod::write(workload, &workloads, &cluster, &mut sketch);
        scaling::write(workload, &cluster, &mut sketch);
        live::remark(workload, &cluster);
    }
    services::write(&cluster, &workloads, &mut sketch);
    budgets::write(&cluster, &workloads, &mut sketch);
    nodes::write(&cluster, &mut sketch);
    rest::write(&cluster, &mut sketch);
    variables::write(files, &inputs[count..asked], &mut sketch);
    asked::write(stores, &inputs[asked..], &mut sketch);
    sketch.finish(&inputs, rules)
}

/// The path of a workload's field.
fn field(at: &Path, keys: &[&str]) -> Path {
    keys.iter().fold(at.clone(), |path, key| path.key(*key))
}
