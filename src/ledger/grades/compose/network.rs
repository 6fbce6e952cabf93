//! Grades of what is between the services, and of the ways in and out.

use super::{Approximated, Case, Dropped, ENFORCED, Emulated, Enforced, Verdict, because};
use crate::{
    plan::NetworkMode,
    profile::{Balancing, Egress},
};

pub(crate) fn service_links(case: &Case<'_>) -> Verdict {
    if case.value.as_bool() == Some(true) {
        because(Approximated, "hosts are names: there are no virtual addresses in this version")
    } else {
        because(Emulated, "no such variable is written")
    }
}

pub(crate) fn balancing(case: &Case<'_>) -> Verdict {
    match case.owner.and_then(|owner| owner.service).and_then(|service| service.balancing) {
        Some(Balancing::ClusterIp) => because(
            Approximated,
            "Docker's DNS answers with all replicas; virtual addresses are not in this version",
        ),
        Some(Balancing::Headless) => because(
            Approximated,
            "Docker's DNS answers with replicas that are not ready, too; not in this version",
        ),
        Some(Balancing::Dns) | None => ENFORCED,
    }
}

pub(crate) fn egress(case: &Case<'_>) -> Verdict {
    if let Some(Egress::Allowed(_)) = case.profile.network.egress {
        return because(Dropped, "not in this version: nothing gets out");
    }
    let pods = case.plan.pods.iter().filter(|pod| pod.ordinal == 0);
    let on_host: Vec<&str> = pods
        .clone()
        .filter(|pod| pod.main.network == NetworkMode::Host)
        .map(|pod| pod.service.as_str())
        .collect();
    if !on_host.is_empty() {
        return because(Dropped, format!("on the host's own network: {}", on_host.join(", ")));
    }
    let admins: Vec<&str> = pods
        .flat_map(|pod| pod.containers().skip(1))
        .filter(|container| container.privileged || container.cap_add.iter().any(|cap| is_net_admin(cap)))
        .map(|container| container.key.as_str())
        .collect();
    let said =
        if admins.is_empty() { String::new() } else { format!("; with NET_ADMIN: {}", admins.join(", ")) };
    because(Enforced, format!("the network has no way out; tries are not logged in this version{said}"))
}

fn is_net_admin(capability: &str) -> bool {
    matches!(capability, "NET_ADMIN" | "CAP_NET_ADMIN" | "ALL")
}
