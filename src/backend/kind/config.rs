//! A shape of a cluster as kind is told it.

use serde_json::{Value, json};

use crate::plan::kubernetes::{ClusterShape, EVICTED_BELOW, NodeShape, Withheld};

/// How kubeadm's versions write a kubelet's arguments: kind takes that of its own, and passes the others over.
const KUBEADM: [&str; 2] = ["kubeadm.k8s.io/v1beta3", "kubeadm.k8s.io/v1beta4"];

/// kind's configuration file. JSON is YAML.
pub(super) fn config(shape: &ClusterShape) -> String {
    format!("{:#}", document(shape))
}

fn document(shape: &ClusterShape) -> Value {
    let ClusterShape { image, nodes, pods, services, gates } = shape;
    let plain = [NodeShape::default()];
    let nodes = if nodes.is_empty() { &plain[..] } else { nodes };
    let mut all: Vec<Value> = Vec::new();
    if shape.is_apart() {
        all.push(json!({"role": "control-plane"}));
    }
    let role = if shape.is_apart() { "worker" } else { "control-plane" };
    all.extend(nodes.iter().map(|node| of_node(role, node)));
    if let Some(image) = image {
        all.iter_mut().for_each(|node| node["image"] = json!(image));
    }
    // The API server listens on this machine alone, on a port that is free.
    let mut networking = json!({"apiServerAddress": "127.0.0.1", "ipFamily": "ipv4"});
    for (key, range) in [("podSubnet", pods), ("serviceSubnet", services)] {
        if let Some(range) = range {
            networking[key] = json!(range);
        }
    }
    let mut document = json!({"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": all, "networking": networking});
    if !gates.is_empty() {
        document["featureGates"] = json!(gates);
    }
    document
}

fn of_node(role: &str, node: &NodeShape) -> Value {
    let NodeShape { labels, withheld } = node;
    let mut of = json!({"role": role, "labels": labels});
    if !withheld.is_nothing() {
        of["kubeadmConfigPatches"] = KUBEADM.iter().map(|version| patch(version, withheld)).collect();
    }
    of
}

/// What a worker's kubelet is started with.
fn patch(version: &str, withheld: &Withheld) -> Value {
    let arguments = arguments(withheld);
    let arguments = match version {
        "kubeadm.k8s.io/v1beta3" => Value::Object(
            arguments.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect(),
        ),
        _ => arguments.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect(),
    };
    let patch = json!({
        "apiVersion": version,
        "kind": "JoinConfiguration",
        "nodeRegistration": {"kubeletExtraArgs": arguments},
    });
    // A patch is a document in a text.
    json!(patch.to_string())
}

fn arguments(withheld: &Withheld) -> Vec<(&'static str, String)> {
    let Withheld { cores, memory } = *withheld;
    let mut all = vec![
        ("system-reserved", format!("cpu={cores},memory={memory}")),
        // kind's own has none for memory, and none for the disk either, which is this machine's.
        (
            "eviction-hard",
            format!(
                "memory.available<{EVICTED_BELOW},nodefs.available<0%,nodefs.inodesFree<0%,imagefs.available<0%"
            ),
        ),
    ];
    if cores > 0 {
        // By quotas alone a process would see every core of the machine. Since Kubernetes 1.33 without a feature gate.
        all.push(("cpu-manager-policy", "static".to_owned()));
        all.push(("cpu-manager-policy-options", "strict-cpu-reservation=true".to_owned()));
    }
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_cluster_of_which_nothing_is_said_has_one_node_and_kinds_own_image_and_ranges() {
        let document = document(&ClusterShape::default());
        assert_eq!(document["nodes"], json!([{"role": "control-plane", "labels": {}}]));
        assert_eq!(document["networking"].get("podSubnet"), None);
    }

    #[test]
    fn one_node_that_withholds_nothing_is_the_control_plane_as_well() {
        let labels = BTreeMap::from([("zone".to_owned(), "b".to_owned())]);
        let shape = ClusterShape {
            nodes: vec![NodeShape { labels, ..NodeShape::default() }],
            ..ClusterShape::default()
        };
        assert_eq!(document(&shape)["nodes"], json!([{"role": "control-plane", "labels": {"zone": "b"}}]));
    }

    #[test]
    fn several_nodes_stand_beside_the_control_plane_with_their_own_labels_and_ranges() {
        let labels = BTreeMap::from([("zone".to_owned(), "b".to_owned())]);
        let shape = ClusterShape {
            image: Some("node:v1".to_owned()),
            nodes: vec![NodeShape::default(), NodeShape { labels, ..NodeShape::default() }],
            pods: Some("10.1.0.0/16".parse().unwrap()),
            services: Some("10.2.0.0/16".parse().unwrap()),
            gates: BTreeMap::from([("SomeGate".to_owned(), true)]),
        };
        let document = document(&shape);
        assert_eq!(
            document["nodes"],
            json!([
                {"role": "control-plane", "image": "node:v1"},
                {"role": "worker", "labels": {}, "image": "node:v1"},
                {"role": "worker", "labels": {"zone": "b"}, "image": "node:v1"},
            ])
        );
        assert_eq!(document["networking"]["podSubnet"], "10.1.0.0/16");
        assert_eq!(document["networking"]["serviceSubnet"], "10.2.0.0/16");
    }

    #[test]
    fn what_is_withheld_is_said_in_both_ways_in_which_kubeadm_takes_it() {
        let patches: Vec<Value> = KUBEADM
            .iter()
            .map(|version| patch(version, &Withheld { cores: 2, memory: 5 }))
            .map(|text| serde_json::from_str(text.as_str().unwrap()).unwrap())
            .collect();
        let arguments = |at: usize| &patches[at]["nodeRegistration"]["kubeletExtraArgs"];
        assert_eq!(arguments(0)["system-reserved"], "cpu=2,memory=5");
        assert_eq!(arguments(1)[0], json!({"name": "system-reserved", "value": "cpu=2,memory=5"}));
        assert_eq!(arguments(0)["cpu-manager-policy"], "static");
    }

    #[test]
    fn a_node_that_keeps_all_its_cores_hands_them_out_as_any_other() {
        let names: Vec<_> =
            arguments(&Withheld { cores: 0, memory: 5 }).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["system-reserved", "eviction-hard"]);
    }
}
