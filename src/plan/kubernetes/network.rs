//! The network of a mirror: names for what can be called, and nothing that gets out.

use super::{Body, EgressRule, ServicePort};
use crate::{
    name::Name,
    plan::{PodKind, duties, order::Node},
    profile::{Balancing, Protocol},
};

/// Kernel settings that a pod may have on any node.
///
/// <https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/>, those of the oldest version that is planned for.
const SAFE_SYSCTLS: [&str; 10] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
];

pub(crate) fn is_safe_sysctl(name: &str) -> bool {
    SAFE_SYSCTLS.contains(&name.replace('/', ".").as_str())
}

/// Kernel settings that a pod can have of its own; beyond the safe ones where the kubelet allows it. `*` ends a beginning.
///
/// The same source.
pub const NAMESPACED_SYSCTLS: [&str; 5] =
    ["fs.mqueue.*", "kernel.msg*", "kernel.sem", "kernel.shm*", "net.*"];

pub(crate) fn is_namespaced_sysctl(name: &str) -> bool {
    let name = name.replace('/', ".");
    NAMESPACED_SYSCTLS.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == *pattern,
    })
}

/// Every pod may call every pod of the mirror and ask the cluster's DNS, and no more.
pub(super) fn policy() -> Body {
    Body::NetworkPolicy { egress: vec![EgressRule::Inside, EgressRule::Dns] }
}

/// The Services of a workload by name; nothing calls a job.
pub(super) fn services(nodes: &[Node<'_>], node: &Node<'_>) -> Vec<(String, Body)> {
    if node.kind == PodKind::Job {
        return Vec::new();
    }
    let ports = service_ports(node);
    // A Service without a port must be headless; its name resolves all the same.
    let headless = !node.has_address() || ports.is_empty();
    let own = (node.name.to_string(), Body::Service { headless, ports: ports.clone() });
    let governing = governing(nodes, node);
    if node.stateful && governing != node.name.as_str() {
        vec![own, (governing, Body::Service { headless: true, ports })]
    } else {
        vec![own]
    }
}

/// The headless Service under which the pods of a StatefulSet have names: its own, unless that has an address.
pub(super) fn governing(nodes: &[Node<'_>], node: &Node<'_>) -> String {
    if node.balancing != Some(Balancing::ClusterIp) {
        return node.name.to_string();
    }
    let mut name = format!("{}-pods", node.name);
    while nodes.iter().any(|other| other.name.as_str() == name) {
        name.push_str("-x");
    }
    name
}

/// The named ports; one number is one port, whatever it is called besides.
fn service_ports(node: &Node<'_>) -> Vec<ServicePort> {
    let mut ports: Vec<ServicePort> = Vec::new();
    for (name, port) in duties::ports(node) {
        let protocol = protocol(node, &name);
        if !ports.iter().any(|known| known.port == port && known.protocol == protocol) {
            ports.push(ServicePort { name, port, protocol });
        }
    }
    ports
}

fn protocol(node: &Node<'_>, port: &Name) -> Protocol {
    node.run.ports.get(port).map_or(Protocol::Tcp, |port| port.protocol)
}
