//! The nodes below: what machines they are, and what they tell of their cluster.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::objects::{Cluster, Object};
use crate::{
    capture::draft::{Sketch, Taking, scalar},
    path::Path,
    plan::kubernetes::{ZONE, minor_version},
    profile::Bytes,
};

pub(super) fn write<'s>(cluster: &Cluster<'s>, to: &mut Sketch<'s>) {
    machines(cluster, to);
    let (open, closed): (Vec<&Object<'s>>, Vec<_>) = cluster.of_kind("Node").partition(|node| is_open(node));
    if open.is_empty() {
        return;
    }
    for node in closed {
        node.at.remark("pods do not come to it, so it is not among the nodes that are counted");
    }
    version(&open, to);
    let at = Path::of(["platform", "kubernetes"]);
    to.put(&at.key("nodes"), open.len());
    let mut zones = BTreeSet::new();
    for zone in open.iter().filter_map(|node| node.at.find(&["metadata", "labels", ZONE])) {
        zone.used();
        zones.extend(scalar(zone.value()));
    }
    if !zones.is_empty() {
        to.put(&at.key("zones"), json!(zones));
    }
    // A node tells its own part of the pods' addresses alone.
    open[0].at.remark(
        "of its cluster no object tells the ranges of addresses and the feature gates, which are left as they are",
    );
}

/// Whether pods may come to it that tolerate nothing.
fn is_open(node: &Object<'_>) -> bool {
    let Some(spec) = node.spec() else { return true };
    let mut taints = spec.value()["taints"].as_array().into_iter().flatten();
    spec.value()["unschedulable"] != true && taints.all(|taint| taint["effect"] == "PreferNoSchedule")
}

/// That of the first; without its patch, for a cluster that is made of the profile may have another.
fn version<'s>(open: &[&Object<'s>], to: &mut Sketch<'s>) {
    let mut first: Option<String> = None;
    for node in open {
        let Some(at) = node.at.find(&["status", "nodeInfo", "kubeletVersion"]) else { continue };
        let full = scalar(at.value()).unwrap_or_default();
        let Some(minor) = minor_version(&full) else { continue };
        match &first {
            None => {
                to.take(&Path::of(["platform", "kubernetes", "version"]), minor.as_str(), &at);
                node.at.remark(format!("its kubelet is of version {full}"));
                first = Some(full);
            }
            Some(known) if *known == full => at.used(),
            Some(_) => {
                at.used();
                node.at.remark(format!("its kubelet is of version {full}, and another node's is captured"));
            }
        }
    }
}

/// What machines they are: of several kinds the first, and a word about the others.
fn machines<'s>(cluster: &Cluster<'s>, to: &mut Sketch<'s>) {
    let mut first: Option<Vec<(&str, Json)>> = None;
    for node in cluster.of_kind("Node") {
        node.known();
        let Some(status) = node.at.get("status") else { continue };
        let found: Vec<(&str, Json, Taking<'s>)> = [
            ("arch", &["nodeInfo", "architecture"][..]),
            ("kernel", &["nodeInfo", "kernelVersion"]),
            ("cores", &["capacity", "cpu"]),
            ("memory", &["capacity", "memory"]),
        ]
        .into_iter()
        .filter_map(|(ours, keys)| {
            let at = status.find(keys)?;
            Some((ours, value(ours, &scalar(at.value())?)?, at))
        })
        .collect();
        let values: Vec<(&str, Json)> = found.iter().map(|(name, value, _)| (*name, value.clone())).collect();
        match &first {
            None => {
                for (name, value, at) in &found {
                    to.take(&Path::of(["platform", name]), value.clone(), at);
                }
                first = Some(values);
            }
            Some(known) if *known == values => found.iter().for_each(|(_, _, at)| at.used()),
            Some(_) => node.at.remark("this node is another machine than the one whose platform is captured"),
        }
    }
}

fn value(field: &str, text: &str) -> Option<Json> {
    match field {
        "cores" => text.parse::<u32>().ok().map(Json::from),
        "memory" => Some(Json::from(text.parse::<Bytes>().ok()?.to_string())),
        _ => Some(Json::from(text)),
    }
}
