//! What the cluster itself is.

use std::{collections::BTreeSet, net::Ipv4Addr};

use serde_json::{Value as Json, json};

use super::{
    super::Reading,
    platform::{NODES, node},
    scene::{Scene, items},
};
use crate::{
    ledger::Grade,
    path::Path,
    plan::{
        Subnet,
        kubernetes::{ClusterShape, ZONE, minor_version},
    },
};

pub(super) fn read(scene: &Scene<'_>, key: &str, wanted: &Json) -> Reading {
    let reading = match key {
        "version" => node(scene, |node| version(node, wanted)),
        "nodes" => match &scene.observed.nodes {
            Some(nodes) => Reading::of(wanted, nodes.len(), "the nodes"),
            None => Reading::unread("nodes may not be listed"),
        },
        "zones" => zones(scene, wanted),
        "pods" => node(scene, |node| {
            let range = node["spec"]["podCIDR"].as_str().unwrap_or_default();
            within(wanted, range, range.split('/').next().unwrap_or_default(), NODES)
        }),
        "services" => services(scene, wanted),
        _ => Reading::unread("no API tells it"),
    };
    // A cluster that is made is what was asked for; another is what it is.
    match (&scene.plan.shape, reading.live().cloned()) {
        (None, Some(live)) => reading.planned(live),
        // Fewer are made than were asked for.
        (Some(shape), Some(live)) if key == "nodes" && live == shape.nodes.len().max(1) => {
            reading.planned(live)
        }
        (Some(shape), Some(live)) if key == "zones" && live == zones_of(shape) => reading.planned(live),
        // The nodes' image has the version that it has.
        (Some(_), Some(live)) if key == "version" && !is_enforced(scene) => reading.planned(live),
        _ => reading,
    }
}

fn zones_of(shape: &ClusterShape) -> Json {
    json!(shape.nodes.iter().filter_map(|node| node.labels.get(ZONE)).collect::<BTreeSet<_>>())
}

fn is_enforced(scene: &Scene<'_>) -> bool {
    let at = Path::of(["platform", "kubernetes", "version"]);
    scene.plan.ledger.iter().any(|entry| entry.path == at && entry.grade == Grade::Enforced)
}

/// As closely as the profile says it.
fn version(node: &Json, wanted: &Json) -> Reading {
    let there = node["status"]["nodeInfo"]["kubeletVersion"].as_str().unwrap_or_default();
    let wanted_text = wanted.as_str().unwrap_or_default();
    let released = there.trim_start_matches('v').split(['+', '-']).next().unwrap_or_default();
    let live = match wanted_text.trim_start_matches('v').split('.').count() {
        3 => released.to_owned(),
        _ => minor_version(there).unwrap_or_default(),
    };
    Reading::equal(wanted, live == wanted_text.trim_start_matches('v'), || json!(live), NODES)
}

fn zones(scene: &Scene<'_>, wanted: &Json) -> Reading {
    let Some(nodes) = &scene.observed.nodes else { return Reading::unread("nodes may not be listed") };
    let there: BTreeSet<&str> = nodes.values().flatten().map(String::as_str).collect();
    let asked: BTreeSet<&str> = items(wanted).filter_map(Json::as_str).collect();
    Reading::equal(wanted, there == asked, || json!(there), "the nodes")
}

fn services(scene: &Scene<'_>, wanted: &Json) -> Reading {
    let addresses = scene.observed.of_kind("Service").filter_map(|(name, service)| {
        let address = service["spec"]["clusterIP"].as_str().filter(|address| *address != "None")?;
        Some((name.to_owned(), within(wanted, address, address, "the Services")))
    });
    Reading::of_all(addresses).unwrap_or_else(|| Reading::unread("no Service has a virtual address"))
}

fn within(wanted: &Json, live: &str, address: &str, from: &str) -> Reading {
    let range: Option<Subnet> = wanted.as_str().and_then(|range| range.parse().ok());
    let address: Option<Ipv4Addr> = address.parse().ok();
    match (range, address) {
        (Some(range), Some(address)) => {
            Reading::equal(wanted, range.overlaps(&Subnet::new(address, 32)), || json!(live), from)
        }
        _ => Reading::unread("the cluster does not tell it"),
    }
}
