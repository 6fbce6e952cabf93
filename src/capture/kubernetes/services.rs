//! Services: the names that workloads go by, how their names are answered, and what is reached from outside.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::{
    field,
    objects::{Cluster, Object, selects},
    ports,
    workloads::Workload,
};
use crate::{
    capture::draft::{Sketch, Taking},
    path::Path,
};

/// Names every workload by the Service that clients know it by, else by itself.
pub(super) fn name(cluster: &Cluster<'_>, workloads: &mut [Workload<'_>]) {
    let mut taken = BTreeSet::new();
    // Names that clients know go first: one that is taken becomes `name-2`.
    for known in [true, false] {
        for workload in workloads.iter_mut().filter(|workload| workload.name.is_empty()) {
            let service = service_of(cluster, workload).map(|service| service.name.clone());
            if service.is_some() == known {
                let wanted = service.unwrap_or_else(|| workload.own_name());
                workload.name(&wanted, &mut taken);
            }
        }
    }
}

/// The Service by whose name a workload goes: the one of its own name, else the first that selects it.
pub(super) fn service_of<'a, 's>(
    cluster: &'a Cluster<'s>,
    workload: &Workload<'s>,
) -> Option<&'a Object<'s>> {
    let all: Vec<&Object<'_>> = cluster
        .of_kind("Service")
        .filter(|service| {
            service.namespace == workload.object.namespace && selects(selector(service), workload.labels())
        })
        .collect();
    all.iter().find(|service| service.name == workload.object.name).or(all.first()).copied()
}

fn selector<'s>(service: &Object<'s>) -> &'s Json {
    service.at.find(&["spec", "selector"]).map_or(&Json::Null, |at| at.value())
}

pub(super) fn write<'s>(cluster: &Cluster<'s>, workloads: &[Workload<'s>], to: &mut Sketch<'s>) {
    let mut exposed: Vec<Json> = Vec::new();
    for service in cluster.of_kind("Service") {
        service.known();
        let selected: Vec<&Workload<'_>> = workloads
            .iter()
            .filter(|workload| {
                workload.object.namespace == service.namespace
                    && selects(selector(service), workload.labels())
            })
            .collect();
        let named = selected
            .iter()
            .find(|workload| service_of(cluster, workload).is_some_and(|own| own.name == service.name));
        let Some(workload) = named else {
            unnamed(service, &selected, &mut exposed, to);
            continue;
        };
        one(service, workload, &mut exposed, to);
        for other in selected.iter().filter(|other| other.name != workload.name) {
            service
                .at
                .remark(format!("it also selects `{}`, which answers under its own name alone", other.name));
        }
    }
    for ingress in cluster.of_kind("Ingress") {
        for backend in backends(&ingress.at) {
            let service = cluster.get("Service", &ingress.namespace, &backend);
            let workload = service.and_then(|service| {
                workloads.iter().find(|workload| {
                    service_of(cluster, workload)
                        .is_some_and(|own| own.name == service.name && own.namespace == service.namespace)
                })
            });
            if let Some(workload) = workload {
                exposed.push(json!({"service": workload.name}));
            }
        }
    }
    let mut once = BTreeSet::new();
    exposed.retain(|entry| once.insert(entry.to_string()));
    let whole = |entry: &Json| {
        exposed.iter().any(|other| other.get("port").is_none() && other["service"] == entry["service"])
    };
    let kept: Vec<Json> =
        exposed.iter().filter(|entry| entry.get("port").is_none() || !whole(entry)).cloned().collect();
    if !kept.is_empty() {
        to.put(&Path::of(["network", "expose"]), kept);
    }
}

/// A Service by whose name no workload goes.
fn unnamed(service: &Object<'_>, selected: &[&Workload<'_>], exposed: &mut Vec<Json>, to: &mut Sketch<'_>) {
    // Its name is lost, the way in is not.
    if let (Some(workload), Some(spec)) = (selected.first(), service.spec().filter(|spec| is_outside(spec))) {
        for port in spec.get("ports").map(|all| all.items()).unwrap_or_default() {
            exposed.push(exposing(workload, ports::leads_to(&port, workload)));
        }
    }
    let why = match selected.first() {
        Some(workload) => format!("another name of `{}`; a mirror knows it by one", workload.name),
        None if service.at.find(&["spec", "externalName"]).is_some() => {
            "a name for something outside, which a mirror does not reach".to_owned()
        }
        None => "it selects nothing that was read".to_owned(),
    };
    to.put(&Path::of(["captured", "unsupported"]).key(service.title()), why.clone());
    service.at.left_out(why);
}

fn one<'s>(service: &Object<'s>, workload: &Workload<'s>, exposed: &mut Vec<Json>, to: &mut Sketch<'s>) {
    service.at.became(workload.at.clone());
    let Some(spec) = service.spec() else { return };
    if let Some(selector) = spec.get("selector") {
        selector.used();
    }
    if workload.section == "services" {
        let headless = spec.get("clusterIP").filter(|ip| ip.value() == "None");
        match headless {
            Some(ip) => to.take(&field(&workload.at, &["balancing"]), "headless", &ip),
            None => to.put(&field(&workload.at, &["balancing"]), "cluster-ip"),
        }
    }
    for port in spec.get("ports").map(|all| all.items()).unwrap_or_default() {
        let name = ports::of_service(&port, workload);
        if is_outside(&spec) && workload.section != "jobs" {
            exposed.push(exposing(workload, name));
        }
    }
    if let Some(kind) = spec.get("type") {
        kind.used();
    }
    if let Some(address) = spec.get("clusterIP") {
        match address.value() == "None" {
            true => address.used(),
            false => address.left_out("a mirror has addresses of its own"),
        }
    }
    spec.without(&[
        ("clusterIPs", "a mirror has addresses of its own"),
        ("ipFamilies", "a mirror has addresses of its own"),
        ("ipFamilyPolicy", "a mirror has addresses of its own"),
        ("sessionAffinity", "every connection goes to any replica"),
        ("sessionAffinityConfig", "every connection goes to any replica"),
        ("externalTrafficPolicy", "a mirror has one node"),
        ("internalTrafficPolicy", "a mirror has one node"),
        ("loadBalancerIP", "a mirror publishes on loopback"),
        ("loadBalancerSourceRanges", "a mirror publishes on loopback"),
        ("allocateLoadBalancerNodePorts", "a mirror publishes on loopback"),
        ("externalIPs", "a mirror publishes on loopback"),
        ("healthCheckNodePort", "a mirror publishes on loopback"),
        ("publishNotReadyAddresses", "replicas that are not ready are answered as the back end does it"),
    ]);
}

fn is_outside(spec: &Taking<'_>) -> bool {
    matches!(spec.value()["type"].as_str(), Some("NodePort" | "LoadBalancer"))
}

/// A store is exposed as a whole.
fn exposing(workload: &Workload<'_>, port: Option<String>) -> Json {
    match port.filter(|_| workload.section == "services") {
        Some(port) => json!({"service": workload.name, "port": port}),
        None => json!({"service": workload.name}),
    }
}

/// The Services that an Ingress of any version leads to.
fn backends(at: &Taking<'_>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    gather(at.value(), &mut found);
    found
}

fn gather(value: &Json, to: &mut BTreeSet<String>) {
    match value {
        Json::Object(map) => {
            for (key, value) in map {
                let name = match key.as_str() {
                    "serviceName" => value.as_str(),
                    "service" => value["name"].as_str(),
                    _ => None,
                };
                to.extend(name.map(str::to_owned));
                gather(value, to);
            }
        }
        Json::Array(items) => items.iter().for_each(|item| gather(item, to)),
        _ => {}
    }
}
