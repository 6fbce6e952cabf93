//! A shape of a cluster as kind is told it.

use serde_json::{Value, json};

use crate::plan::kubernetes::{ClusterShape, EVICTED_BELOW, NAMESPACED_SYSCTLS, NodeShape, PAUSE, Withheld};

/// How kubeadm's versions write a kubelet's arguments: kind takes that of its own, and passes the others over.
const KUBEADM: [&str; 2] = ["kubeadm.k8s.io/v1beta3", "kubeadm.k8s.io/v1beta4"];

/// kind's configuration file. JSON is YAML.
pub(super) fn config(shape: &ClusterShape) -> String {
    format!("{:#}", document(shape))
}

fn document(shape: &ClusterShape) -> Value {
    let ClusterShape { image, nodes, pods, services, gates, pids } = shape;
    let plain = [NodeShape::default()];
    let nodes = if nodes.is_empty() { &plain[..] } else { nodes };
    let mut all: Vec<Value> = Vec::new();
    if shape.is_apart() {
        all.push(json!({"role": "control-plane"}));
    }
    let role = if shape.is_apart() { "worker" } else { "control-plane" };
    all.extend(nodes.iter().map(|node| of_node(role, node, *pids)));
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
    let mut document = json!({
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "nodes": all,
        "networking": networking,
        "kubeadmConfigPatches": [of_every_kubelet()],
    });
    if !gates.is_empty() {
        document["featureGates"] = json!(gates);
    }
    document
}

/// Every setting of the kernel that a pod can have of its own may be asked for; whoever asks for none sees no difference.
fn of_every_kubelet() -> Value {
    let patch = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "allowedUnsafeSysctls": NAMESPACED_SYSCTLS,
    });
    // A patch is a document in a text.
    json!(patch.to_string())
}

fn of_node(role: &str, node: &NodeShape, pids: Option<u32>) -> Value {
    let NodeShape { labels, withheld } = node;
    let mut of = json!({"role": role, "labels": labels});
    let arguments = arguments(withheld, pids);
    if !arguments.is_empty() {
        of["kubeadmConfigPatches"] = KUBEADM.iter().map(|version| patch(version, &arguments)).collect();
    }
    of
}

/// What a worker's kubelet is started with.
fn patch(version: &str, arguments: &[(&str, String)]) -> Value {
    let arguments = match version {
        "kubeadm.k8s.io/v1beta3" => {
            Value::Object(arguments.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect())
        }
        _ => arguments.iter().map(|(name, value)| json!({"name": name, "value": value})).collect(),
    };
    let patch = json!({
        "apiVersion": version,
        "kind": "JoinConfiguration",
        "nodeRegistration": {"kubeletExtraArgs": arguments},
    });
    json!(patch.to_string())
}

fn arguments(withheld: &Withheld, pids: Option<u32>) -> Vec<(&'static str, String)> {
    let Withheld { cores, memory } = *withheld;
    let mut all: Vec<_> =
        pids.map(|most| ("pod-max-pids", most.saturating_add(PAUSE).to_string())).into_iter().collect();
    if withheld.is_nothing() {
        return all;
    }
    all.push(("system-reserved", format!("cpu={cores},memory={memory}")));
    // kind's own has none for memory, and none for the disk either, which is this machine's.
    all.push((
        "eviction-hard",
        format!(
            "memory.available<{EVICTED_BELOW},nodefs.available<0%,nodefs.inodesFree<0%,imagefs.available<0%"
        ),
    ));
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
            pids: None,
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
            .map(|version| patch(version, &arguments(&Withheld { cores: 2, memory: 5 }, None)))
            .map(|text| serde_json::from_str(text.as_str().unwrap()).unwrap())
            .collect();
        let told = |at: usize| &patches[at]["nodeRegistration"]["kubeletExtraArgs"];
        assert_eq!(told(0)["system-reserved"], "cpu=2,memory=5");
        assert_eq!(told(1)[0], json!({"name": "system-reserved", "value": "cpu=2,memory=5"}));
        assert_eq!(told(0)["cpu-manager-policy"], "static");
    }

    #[test]
    fn a_node_that_keeps_all_its_cores_hands_them_out_as_any_other() {
        let names: Vec<_> =
            arguments(&Withheld { cores: 0, memory: 5 }, None).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["system-reserved", "eviction-hard"]);
    }

    #[test]
    fn processes_are_limited_on_the_nodes_of_pods_and_not_where_the_control_plane_is() {
        let document = document(&ClusterShape { pids: Some(100), ..ClusterShape::default() });
        let [control_plane, worker] = document["nodes"].as_array().unwrap().as_slice() else {
            panic!("{document}")
        };
        assert_eq!(control_plane.get("kubeadmConfigPatches"), None);
        let patch = worker["kubeadmConfigPatches"][1].as_str().unwrap();
        assert!(patch.contains(r#"{"name":"pod-max-pids","value":"101"}"#), "{patch}");
    }

    #[test]
    fn every_kubelet_lets_pods_have_the_kernel_settings_that_are_their_own() {
        let document = document(&ClusterShape::default());
        let patch: Value =
            serde_json::from_str(document["kubeadmConfigPatches"][0].as_str().unwrap()).unwrap();
        assert_eq!(patch["allowedUnsafeSysctls"], json!(NAMESPACED_SYSCTLS));
    }
}
