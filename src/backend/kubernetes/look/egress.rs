//! A try to leave the mirror, from inside one of its pods.

use std::time::Duration;

use kube::{api::ListParams, core::GroupVersionKind};
use serde_json::Value as Json;

use super::{
    super::Cluster,
    inside::{Running, running},
    list::whole,
};
use crate::{
    observed::{ClusterObserved, EgressTry},
    plan::ClusterPlan,
};

/// One TCP connection with whichever tool the image has: `open`, `closed` and the tool's words, or nothing.
const TRY: &str = r#"
w=
if command -v bash && command -v timeout; then w=$(timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$0" "$1" 2>&1)
elif command -v python3; then w=$(python3 -c 'import socket,sys; socket.create_connection((sys.argv[1],int(sys.argv[2])),3)' "$0" "$1" 2>&1)
elif command -v nc; then w=$(nc -w 3 "$0" "$1" </dev/null 2>&1)
elif command -v perl; then w=$(perl -MIO::Socket::INET -e 'IO::Socket::INET->new(PeerAddr=>$ARGV[0],PeerPort=>$ARGV[1],Timeout=>3) or die "$!\n"' "$0" "$1" 2>&1)
else exit 3; fi >/dev/null
if [ $? = 0 ]; then echo open; else echo closed; printf '%s\n' "$w" | tail -n 1; fi
"#;

/// How many containers are asked for a tool.
const MOST: usize = 8;

/// How often what got out is tried again, and after what time.
const AGAIN: usize = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// An address outside of the mirror that is known to answer.
struct Target {
    address: String,
    port: u16,
}

impl Cluster {
    /// Tries what answers everybody whom no policy keeps away: the API server, then a port of the cluster's DNS that no
    /// pod of a mirror needs. `None` where neither is known, or no container has a tool to try it with.
    ///
    /// Some clusters leave the node itself in reach of its pods, whatever a policy says: an API server that lies there
    /// proves nothing when it answers.
    pub(super) async fn try_to_leave(
        &self,
        plan: &ClusterPlan,
        observed: &ClusterObserved,
    ) -> Option<EgressTry> {
        let on_network = |one: &Running<'_>| {
            let pod = observed.object("Pod", one.pod);
            pod.is_some_and(|pod| pod["spec"]["hostNetwork"] != Json::Bool(true))
        };
        let from = running(observed).into_iter().filter(on_network).take(MOST);
        let (servers, of_dns) = tokio::join!(self.api_servers(), self.ports_of_dns());
        for one in from {
            for target in &servers {
                let Some(tried) = self.try_one(plan, &one, target).await else { break };
                if tried.refused || !is_on_node(observed, one.node, &target.address) {
                    return Some(self.once_settled(plan, &one, target, tried).await);
                }
            }
            for target in &of_dns {
                if let Some(tried) = self.try_one(plan, &one, target).await {
                    return Some(self.once_settled(plan, &one, target, tried).await);
                }
            }
        }
        None
    }

    /// A network learns of a new pod, or of a policy, a moment after the API server does: what got out is tried again.
    async fn once_settled(
        &self,
        plan: &ClusterPlan,
        from: &Running<'_>,
        target: &Target,
        mut tried: EgressTry,
    ) -> EgressTry {
        for _ in 0..AGAIN {
            if tried.refused {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            tried = self.try_one(plan, from, target).await.unwrap_or(tried);
        }
        tried
    }

    async fn try_one(&self, plan: &ClusterPlan, from: &Running<'_>, target: &Target) -> Option<EgressTry> {
        let port = target.port.to_string();
        let printed = self.printed(&plan.namespace, from, &["sh", "-c", TRY, &target.address, &port]).await?;
        let printed = String::from_utf8_lossy(&printed).into_owned();
        let (verdict, words) = printed.trim().split_once('\n').unwrap_or((printed.trim(), ""));
        let answer = match (verdict, words) {
            ("open", _) => "connected",
            (_, "") => "no answer",
            (_, words) => words,
        };
        let address = match target.address.contains(':') {
            true => format!("[{}]:{port}", target.address),
            false => format!("{}:{port}", target.address),
        };
        Some(EgressTry { address, refused: verdict != "open", answer: answer.to_owned() })
    }

    async fn api_servers(&self) -> Vec<Target> {
        self.targets("default", "kubernetes", |_| true).await
    }

    async fn ports_of_dns(&self) -> Vec<Target> {
        // Mirrors may ask it for names.
        self.targets("kube-system", "kube-dns", |port| port != 53).await
    }

    /// Addresses that a Service leads to now; none where the user may not see them.
    async fn targets(&self, namespace: &str, service: &str, is_meant: impl Fn(u16) -> bool) -> Vec<Target> {
        let kind = GroupVersionKind::gvk("discovery.k8s.io", "v1", "EndpointSlice");
        let of = ListParams::default().labels(&format!("kubernetes.io/service-name={service}"));
        let Ok(api) = self.api(&kind, Some(namespace)).await else { return Vec::new() };
        let Ok(Ok(slices)) = whole(&api, "EndpointSlice", &of).await else { return Vec::new() };
        let mut found = Vec::new();
        for slice in slices.values() {
            let ports = slice["ports"].as_array().into_iter().flatten();
            let ports = ports.filter(|port| port["protocol"] == "TCP");
            let ports: Vec<u16> = ports.filter_map(|port| port["port"].as_u64()?.try_into().ok()).collect();
            for endpoint in slice["endpoints"].as_array().into_iter().flatten() {
                if endpoint["conditions"]["ready"] == Json::Bool(false) {
                    continue;
                }
                let addresses = endpoint["addresses"].as_array().into_iter().flatten();
                for address in addresses.filter_map(Json::as_str) {
                    let meant = ports.iter().filter(|port| is_meant(**port));
                    found.extend(meant.map(|port| Target { address: address.to_owned(), port: *port }));
                }
            }
        }
        found
    }
}

fn is_on_node(observed: &ClusterObserved, node: &str, address: &str) -> bool {
    let node = observed.object("Node", node);
    let addresses = node.map(|node| &node["status"]["addresses"]);
    let mut addresses = addresses.and_then(Json::as_array).into_iter().flatten();
    // A node that could not be read may be any.
    node.is_none() || addresses.any(|known| known["address"].as_str() == Some(address))
}
