//! What the mirror as a whole finds: the nodes, flags.

use serde_json::{Value as Json, json};

use super::{
    super::{
        Reading, cgroup,
        kubernetes::quantity,
        stack::LATER,
        workload::{Part, Workload},
    },
    nodes,
    process::{is_set, shown, written},
    scene::{Pair, SPEC, Scene, items},
};
use crate::{observed::Inside, path::Path};

pub(super) fn read(scene: &Scene<'_>, at: &Path, wanted: &Json) -> Option<Reading> {
    let keys: Vec<&str> = (0..at.0.len()).map_while(|position| at.key_at(position)).collect();
    if keys.len() != at.0.len() {
        return None;
    }
    let reading = match keys.as_slice() {
        ["platform", "arch"] => {
            node(scene, |node| Reading::of(wanted, node["status"]["nodeInfo"]["architecture"].clone(), NODES))
        }
        // What the nodes have, no mirror changes.
        ["platform", "kernel"] => node(scene, |node| {
            let live = node["status"]["nodeInfo"]["kernelVersion"].clone();
            Reading::of(wanted, live.clone(), NODES).planned(live)
        }),
        ["platform", "memory"] => {
            // What it gives to pods: of a node that is made, the rest of this machine's is kept from them.
            node(scene, |node| match quantity(&node["status"]["allocatable"]["memory"], false).flatten() {
                Some(live) => Reading::of(wanted, live.clone(), NODES).planned(live),
                None => Reading::unread("the node does not tell it"),
            })
        }
        ["platform", "cgroup"] => inside(scene, |_, inside| {
            let live = cgroup::version(inside)?;
            Some(Reading::of(wanted, live, "files of the control group").planned(live))
        }),
        ["platform", "cores"] => inside(scene, |pair, inside| cores(scene, pair, inside, wanted)),
        ["platform", "swap"] => inside(scene, |_, inside| swap(inside, wanted)),
        ["platform", "kubernetes", key, ..] => nodes::read(scene, key, wanted),
        ["flags", name] => flag(scene, name, wanted),
        ["externals", ..] => Reading::unread(LATER),
        ["platform", "kubernetes"] => return None,
        ["platform", _] => Reading::unread("it is the nodes'"),
        _ => return None,
    };
    Some(reading)
}

pub(super) const NODES: &str = "the nodes of the pods";

/// Reads every node that has a pod of the mirror.
pub(super) fn node(scene: &Scene<'_>, read: impl Fn(&Json) -> Reading) -> Reading {
    if let Some(why) = scene.observed.unlisted.get("Node") {
        return Reading::unread(format!("nodes may not be read: {why}"));
    }
    let readings = scene.observed.of_kind("Node").map(|(name, node)| (name.to_owned(), read(node)));
    Reading::of_all(readings).unwrap_or_else(|| Reading::unread("no pod is on any node"))
}

/// The main containers, each with the name of its pod.
fn mains<'a>(scene: &Scene<'a>) -> impl Iterator<Item = Pair<'a>> {
    let workloads = Workload::all(scene.tree).into_iter().filter(|of| of.part == Part::Main);
    workloads.flat_map(|of| scene.pairs(&of))
}

fn inside(scene: &Scene<'_>, read: impl Fn(&Pair<'_>, &Inside) -> Option<Reading>) -> Reading {
    let readings =
        mains(scene).filter_map(|pair| Some((pair.pod.name.to_owned(), read(&pair, pair.inside?)?)));
    Reading::of_all(readings).unwrap_or_else(|| Reading::unread("no container could be asked"))
}

/// Cores that a process sees: its node's, but for those that a node that is made keeps from pods. One that is guaranteed
/// whole cores sees these alone.
fn cores(scene: &Scene<'_>, pair: &Pair<'_>, inside: &Inside, wanted: &Json) -> Option<Reading> {
    let cores: u64 = inside.answers.get("nproc")?.trim().parse().ok()?;
    let reading = Reading::of(wanted, cores, "`nproc` inside");
    let mut nodes = scene.plan.shape.iter().flat_map(|shape| &shape.nodes);
    let promised = nodes.any(|node| node.withheld.cores > 0);
    let own = pair.plan.limits.cpu.is_some_and(|cpu| cpu.millis == cores.saturating_mul(1000));
    Some(if promised && !own { reading } else { reading.planned(cores) })
}

/// Whether there is swap to use: the container's own limit, or none on the whole node.
fn swap(inside: &Inside, wanted: &Json) -> Option<Reading> {
    let on_node = inside.files.get("/proc/meminfo").and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("SwapTotal:"))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    });
    if let Some(0) = on_node {
        return Some(Reading::equal(wanted, wanted == "none", || json!("none"), "/proc/meminfo inside"));
    }
    let none = cgroup::swap(inside)? == Some(0);
    let from = "memory.swap.max or memory.memsw.limit_in_bytes";
    Some(Reading::equal(
        wanted,
        none == (wanted == "none"),
        || json!(if none { "none" } else { "allowed" }),
        from,
    ))
}

/// A flag by the variables of all who read it.
fn flag(scene: &Scene<'_>, name: &str, wanted: &Json) -> Reading {
    let reads = |of: &Workload<'_>| {
        let flags = &scene.tree[of.section][of.name]["flags"];
        of.part == Part::Main && items(flags).any(|flag| flag == name)
    };
    let workloads = Workload::all(scene.tree).into_iter().filter(|of| reads(of) && !scene.is_on_demand(of));
    let readings = workloads.map(|of| {
        let reading = scene.each(&of, |pair| match written(pair, name) {
            _ if !pair.plan.env.contains_key(name) => Reading::unread("the plan gives it no value"),
            Json::Null => Reading::absent(SPEC, "the container has no such variable"),
            found => Reading::equal(wanted, is_set(pair, name), || shown(found), SPEC),
        });
        (of.name.to_owned(), reading)
    });
    Reading::of_all(readings).unwrap_or_else(|| Reading::unread("no workload reads it"))
}
