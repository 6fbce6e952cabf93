//! What a cluster is made of, as kind is told it.

use std::{collections::BTreeMap, fmt};

use serde_json::{Value, json};

use crate::plan::capabilities::Subnet;

/// The nodes and ranges of a cluster; kind's own where nothing is said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shape {
    /// The image of every node, which has the version of Kubernetes in it.
    pub image: Option<String>,
    /// The first is the control plane, and takes pods only where it is alone. None at all means one.
    pub nodes: Vec<NodeShape>,
    /// Addresses of pods, of at least a /24 for each node.
    pub pods: Option<Subnet>,
    /// Virtual addresses of services.
    pub services: Option<Subnet>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeShape {
    pub labels: BTreeMap<String, String>,
}

impl Shape {
    fn document(&self) -> Value {
        let Self { image, nodes, pods, services } = self;
        let alone = [NodeShape::default()];
        let nodes = if nodes.is_empty() { &alone[..] } else { nodes };
        let nodes: Vec<_> = nodes
            .iter()
            .enumerate()
            .map(|(at, NodeShape { labels })| {
                let role = if at == 0 { "control-plane" } else { "worker" };
                let mut node = json!({"role": role, "labels": labels});
                if let Some(image) = image {
                    node["image"] = json!(image);
                }
                node
            })
            .collect();
        // The API server listens on this machine alone, on a port that is free.
        let mut networking = json!({"apiServerAddress": "127.0.0.1", "ipFamily": "ipv4"});
        for (key, range) in [("podSubnet", pods), ("serviceSubnet", services)] {
            if let Some(range) = range {
                networking[key] = json!(range);
            }
        }
        json!({"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": nodes, "networking": networking})
    }
}

/// kind's configuration file. JSON is YAML.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.document())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_of_which_nothing_is_said_has_one_node_and_kinds_own_image_and_ranges() {
        let document = Shape::default().document();
        assert_eq!(document["nodes"], json!([{"role": "control-plane", "labels": {}}]));
        assert_eq!(document["networking"].get("podSubnet"), None);
    }

    #[test]
    fn every_node_has_the_image_and_its_own_labels_and_the_ranges_are_said() {
        let labels = BTreeMap::from([("zone".to_owned(), "b".to_owned())]);
        let shape = Shape {
            image: Some("node:v1".to_owned()),
            nodes: vec![NodeShape::default(), NodeShape { labels }],
            pods: Some("10.1.0.0/16".parse().unwrap()),
            services: Some("10.2.0.0/16".parse().unwrap()),
        };
        let document = shape.document();
        assert_eq!(
            document["nodes"],
            json!([
                {"role": "control-plane", "labels": {}, "image": "node:v1"},
                {"role": "worker", "labels": {"zone": "b"}, "image": "node:v1"},
            ])
        );
        assert_eq!(document["networking"]["podSubnet"], "10.1.0.0/16");
        assert_eq!(document["networking"]["serviceSubnet"], "10.2.0.0/16");
    }
}
