//! Steps: one list, in an order that can be done, with as few waits and calls as the needs allow.

use std::collections::BTreeSet;

use super::{Does, Pod, PodKind, Step, VolumePlan, order::Node};
use crate::name::Name;

pub(crate) fn steps(nodes: &[Node<'_>], pods: &[Pod], volumes: &[VolumePlan]) -> Vec<Step> {
    let mut steps = Steps(Vec::new());
    let started: Vec<&Pod> = pods.iter().filter(|pod| !pod.on_demand).collect();
    let replicas = |pods: &[&Pod]| pods.iter().map(|pod| (pod.service.clone(), pod.ordinal)).collect();
    steps.add("networks", Does::Networks, [""; 0]);
    steps.add("volumes", Does::Volumes, [""; 0]);
    // The first container, so that a launch that is cut off from here on is noticed.
    steps.add("keeper", Does::Keeper, ["networks", "volumes"]);
    steps.add("pauses", Does::Pauses { pods: replicas(&started) }, ["keeper"]);
    let filled: Vec<String> =
        volumes.iter().filter(|volume| is_filled(volume)).map(|v| v.name.clone()).collect();
    let mut before = vec!["pauses".to_owned()];
    if !filled.is_empty() {
        steps.add("files", Does::Files { volumes: filled }, ["pauses"]);
        before = vec!["files".to_owned()];
    }
    for Turn { id, does, needs } in turns(nodes, before) {
        let does = match does {
            Part::Ready(services) => Does::Ready { services },
            Part::Seed(store) => Does::Seed { store },
            Part::Start { wave, members } => {
                let of_wave = |pod: &&&Pod| members.contains(&pod.service);
                let pods = started.iter().filter(of_wave);
                Does::Start { wave, pods: pods.map(|pod| (pod.service.clone(), pod.ordinal)).collect() }
            }
        };
        steps.0.push(Step { id, does, needs });
    }
    let last: Vec<String> = steps.0.last().map(|step| step.id.clone()).into_iter().collect();
    steps.add("verify", Does::Verify, last);
    steps.0
}

/// A step of the part of a plan that every back end has.
pub(crate) type Turn = Step<Part>;

pub(crate) enum Part {
    Start { wave: u32, members: Vec<Name> },
    Seed(Name),
    Ready(Vec<Name>),
}

/// Starts wave after wave; before each, waits for just what it needs, and at the end for all.
///
/// `before` is what the first wave needs.
pub(crate) fn turns(nodes: &[Node<'_>], mut before: Vec<String>) -> Vec<Turn> {
    let mut steps = Vec::new();
    let mut add = |id: String, does: Part, needs: Vec<String>| steps.push(Step { id, does, needs });
    let mut waited: BTreeSet<&Name> = BTreeSet::new();
    let mut done = Vec::new();
    let last = nodes.iter().map(|node| node.wave).max().unwrap_or(0);
    for wave in 1..=last {
        let members: Vec<&Node<'_>> = nodes.iter().filter(|node| node.wave == wave).collect();
        let started = nodes.iter().filter(|node| (1..wave).contains(&node.wave));
        let awaited: Vec<Name> = started
            .filter(|node| members.iter().any(|member| member.needs.contains(node.name)))
            .filter(|node| waited.insert(node.name))
            .map(|node| node.name.clone())
            .collect();
        if !awaited.is_empty() {
            let id = format!("ready-{}", wave - 1);
            add(id.clone(), Part::Ready(awaited), done.clone());
            before = vec![id];
        }
        let names = members.iter().map(|member| member.name.clone()).collect();
        let start = format!("start-{wave}");
        add(start.clone(), Part::Start { wave, members: names }, before.clone());
        done.push(start.clone());
        for store in members.iter().filter(|member| member.kind == PodKind::Store) {
            let id = format!("seed-{}", store.name);
            add(id.clone(), Part::Seed(store.name.clone()), vec![start.clone()]);
            done.push(id);
        }
    }
    let rest: Vec<Name> = nodes
        .iter()
        .filter(|node| node.wave > 0 && !waited.contains(node.name))
        .map(|node| node.name.clone())
        .collect();
    if !rest.is_empty() {
        add("ready".to_owned(), Part::Ready(rest), done);
    }
    steps
}

/// Whether something must be put into a volume, or its root changed, before it is used.
fn is_filled(volume: &VolumePlan) -> bool {
    // The options of a tmpfs volume say how its root is.
    !volume.files.is_empty() || (volume.memory.is_none() && (volume.group.is_some() || volume.mode.is_some()))
}

struct Steps(Vec<Step>);

impl Steps {
    fn add<S: Into<String>>(&mut self, id: &str, does: Does, needs: impl IntoIterator<Item = S>) {
        let needs = needs.into_iter().map(Into::into).collect();
        self.0.push(Step { id: id.to_owned(), does, needs });
    }
}
