//! Whether a node may be back in a moment.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Node;
use kube::{Api, api::ListParams};

use super::super::{Cluster, pages};

/// A kubelet that begins anew is ready after seconds, a machine after a minute; by the cluster's clock and ours, which
/// may differ a little.
const BACK_WITHIN: SignedDuration = SignedDuration::from_secs(60);

impl Cluster {
    /// Whether a node stopped being ready so lately that a pod which no node takes may have one soon. No, where the nodes
    /// may not be listed.
    pub(super) async fn a_node_left_lately(&self) -> bool {
        let nodes: Api<Node> = Api::all(self.client.clone());
        let now = Timestamp::now();
        let every = ListParams::default();
        let left = pages::all("list of nodes", &nodes, &every, |node| left_lately(&node, now));
        left.await.is_ok_and(|left| left.items.contains(&true))
    }
}

fn left_lately(node: &Node, now: Timestamp) -> bool {
    let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|condition| {
        let since = condition.last_transition_time.as_ref().map(|time| time.0);
        condition.type_ == "Ready"
            && condition.status != "True"
            && since.is_some_and(|since| now.duration_since(since) < BACK_WITHIN)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(ready: &str, since: &str) -> Node {
        let condition = json!({"type": "Ready", "status": ready, "lastTransitionTime": since});
        let network = json!({"type": "NetworkUnavailable", "status": "False", "lastTransitionTime": since});
        let status = json!({"conditions": [network, condition]});
        serde_json::from_value(json!({"metadata": {"name": "one"}, "status": status})).unwrap()
    }

    #[test]
    fn a_node_that_stopped_being_ready_is_waited_for_a_minute_and_one_that_is_ready_never() {
        let now = "2026-01-01T12:00:00Z".parse().unwrap();
        let (lately, long_ago) = ("2026-01-01T11:59:10Z", "2026-01-01T11:58:50Z");
        for state in ["False", "Unknown"] {
            assert!(left_lately(&node(state, lately), now));
            assert!(!left_lately(&node(state, long_ago), now));
        }
        assert!(!left_lately(&node("True", lately), now));
    }
}
