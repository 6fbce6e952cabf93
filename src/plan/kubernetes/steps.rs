//! Steps: what stands for the whole mirror, the Secrets, the names, then wave after wave.

use super::{Body, ClusterDoes, Object, ObjectKey};
use crate::plan::{
    Step,
    order::Node,
    steps::{Part, turns},
};

pub(super) fn steps(nodes: &[Node<'_>], objects: &[Object]) -> Vec<Step<ClusterDoes>> {
    let keys = |stage: u32, secrets: bool| -> Vec<ObjectKey> {
        let is_secret = |object: &&Object| matches!(object.body, Body::Secret { .. });
        let of_stage = objects.iter().filter(|object| object.stage == stage);
        of_stage.filter(|object| is_secret(object) == secrets).map(Object::key).collect()
    };
    let step = |id: &str, does, needs: Vec<String>| Step { id: id.to_owned(), does, needs };
    let mut all = vec![step("mirror", ClusterDoes::Apply { objects: keys(0, false) }, Vec::new())];
    let mut before = "mirror".to_owned();
    let mut then = |id: &str, does: ClusterDoes| {
        all.push(step(id, does, vec![std::mem::replace(&mut before, id.to_owned())]));
    };
    let filled = keys(0, true);
    if !filled.is_empty() {
        then("secrets", ClusterDoes::Secrets { objects: filled });
    }
    let names = keys(1, false);
    if !names.is_empty() {
        then("services", ClusterDoes::Apply { objects: names });
    }
    for Step { id, does, needs } in turns(nodes, vec![before]) {
        let does = match does {
            Part::Start { wave, .. } => ClusterDoes::Apply { objects: keys(wave + 1, false) },
            Part::Seed(store) => ClusterDoes::Seed { store },
            Part::Ready(services) => ClusterDoes::Ready { services },
        };
        all.push(Step { id, does, needs });
    }
    let last = nodes.iter().map(|node| node.wave).max().unwrap_or(0);
    let on_demand = keys(last + 2, false);
    let needs: Vec<String> = all.last().map(|step| step.id.clone()).into_iter().collect();
    if on_demand.is_empty() {
        all.push(step("verify", ClusterDoes::Verify, needs));
    } else {
        all.push(step("on-demand", ClusterDoes::Apply { objects: on_demand }, needs));
        all.push(step("verify", ClusterDoes::Verify, vec!["on-demand".to_owned()]));
    }
    all
}
