//! Grades of names, and of what is between the services.

use super::{Approximated, Case, Dropped, ENFORCED, Enforced, Verdict, because, is_job, is_stateful};
use crate::{
    path::Segment,
    plan::kubernetes::{is_dns_label, is_dns_name, is_search},
    profile::{Balancing, Egress},
};

pub(crate) fn port(case: &Case<'_>) -> Verdict {
    let Some(owner) = case.owner else { return ENFORCED };
    let name = match case.path.0.last() {
        Some(Segment::Member { value, .. }) => value.as_str(),
        _ => return ENFORCED,
    };
    let Some(own) = owner.run.ports.get(name) else { return ENFORCED };
    let same = owner.run.ports.iter().find(|(_, port)| *port == own);
    match same {
        Some((first, _)) if first.as_str() != name => {
            because(Approximated, format!("a Service has a number once, and it is called `{first}`"))
        }
        _ if is_job(case) => because(Enforced, "a port of the pod: nothing calls a job"),
        _ => ENFORCED,
    }
}

pub(crate) fn hostname(case: &Case<'_>) -> Verdict {
    if !is_dns_label(case.value.as_str().unwrap_or_default()) {
        return because(Dropped, "Kubernetes takes no such hostname");
    }
    if is_stateful(case) {
        return because(Dropped, "a StatefulSet gives each pod its own name for hostname");
    }
    if case.owner.and_then(|owner| owner.pod).is_some_and(|pod| pod.host_network) {
        return because(Dropped, "on the node's network it is the node's");
    }
    ENFORCED
}

pub(crate) fn extra_host(case: &Case<'_>) -> Verdict {
    let address = case.value.as_str().unwrap_or_default();
    if address.parse::<std::net::IpAddr>().is_err() {
        because(Dropped, "Kubernetes takes an address alone")
    } else if !is_dns_name(case.last_key()) {
        because(Dropped, "Kubernetes takes no such name for a host's")
    } else {
        ENFORCED
    }
}

pub(crate) fn search(case: &Case<'_>) -> Verdict {
    let list = case.value.as_array().map(Vec::as_slice).unwrap_or_default();
    let names = list.iter().filter_map(|name| name.as_str());
    if names.clone().all(is_search) {
        ENFORCED
    } else if names.clone().any(is_search) {
        because(Approximated, "what is no name of DNS is left out")
    } else {
        because(Dropped, "what is no name of DNS is left out")
    }
}

pub(crate) fn balancing(case: &Case<'_>) -> Verdict {
    let Some(owner) = case.owner else { return ENFORCED };
    match owner.service.and_then(|service| service.balancing) {
        Some(Balancing::ClusterIp) if owner.run.ports.is_empty() => {
            because(Approximated, "a Service without a port has no address: its name leads to the pods")
        }
        Some(Balancing::Dns) => because(
            Approximated,
            "a headless Service: its name leads to the replicas that are ready, and no others",
        ),
        _ => ENFORCED,
    }
}

pub(crate) fn stateful(case: &Case<'_>) -> Verdict {
    let balancing = case.owner.and_then(|owner| owner.service).and_then(|service| service.balancing);
    match (case.value.as_bool(), balancing, case.owner) {
        (Some(true), Some(Balancing::ClusterIp), Some(owner)) => because(
            Approximated,
            format!("beside a Service with an address its replicas are named under `{}-pods`", owner.name),
        ),
        _ => ENFORCED,
    }
}

pub(crate) fn identity(case: &Case<'_>) -> Verdict {
    match case.value.as_str() {
        Some("ordinal") => because(Enforced, "a StatefulSet's"),
        _ => because(Enforced, "a Deployment's"),
    }
}

pub(crate) fn egress(case: &Case<'_>) -> Verdict {
    if let Some(Egress::Allowed(_)) = case.profile.network.egress {
        return because(Dropped, "not in this version: nothing gets out");
    }
    let pods = case.plan.pods().filter(|(_, pod)| pod.host_network);
    let on_host: Vec<&str> = pods.map(|(service, _)| service.as_str()).collect();
    if !on_host.is_empty() {
        return because(Dropped, format!("on the node's own network: {}", on_host.join(", ")));
    }
    match case.capabilities.cluster.policies {
        Some(false) => because(Dropped, "the cluster's network keeps no network policies"),
        Some(true) | None => because(
            Enforced,
            "a NetworkPolicy: tries are refused and not logged; the cluster's DNS answers, and some clusters leave the node itself in reach",
        ),
    }
}
