//! The ports that a pod listens on. A profile knows one number for each: the container's.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::{
    field,
    objects::{Cluster, Object},
    services,
    workloads::Workload,
};
use crate::capture::{
    draft::{Sketch, Taking},
    names::{plain, unique},
};

/// Takes the ports of all containers of a pod; each number once.
pub(super) fn take<'s>(
    containers: &[Taking<'s>],
    workload: &Workload<'s>,
    cluster: &Cluster<'s>,
    to: &mut Sketch<'s>,
) {
    let service = services::service_of(cluster, workload);
    let (mut names, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    for port in
        containers.iter().filter_map(|container| container.get("ports")).flat_map(|ports| ports.items())
    {
        let Some(number) =
            port.get("containerPort").and_then(|number| u16::try_from(number.value().as_u64()?).ok())
        else {
            port.left_out("its number is not understood");
            continue;
        };
        let protocol = port.value()["protocol"].as_str().unwrap_or("TCP").to_lowercase();
        port.used();
        for key in ["hostPort", "hostIP"] {
            if let Some(host) = port.get(key) {
                host.left_out("a mirror takes free ports of the host");
            }
        }
        if protocol != "tcp" && protocol != "udp" {
            port.left_out("a mirror speaks tcp and udp alone");
        } else if workload.engine.is_some() {
            // A store's port is its engine's.
        } else if numbers.insert((number, protocol.clone())) {
            let wanted = name(&port, number, service);
            let name = unique(&mut names, &wanted);
            let value = match protocol.as_str() {
                "udp" => json!({"port": number, "protocol": "udp"}),
                _ => json!(number),
            };
            to.take(&field(&workload.at, &["ports", &name]), value, &port);
            for key in ["hostPort", "hostIP"] {
                if let Some(host) = port.get(key) {
                    host.left_out("a mirror takes free ports of the host");
                }
            }
        }
    }
    // Containers need not name the ports that a Service leads to.
    let Some(service) = service.filter(|_| workload.engine.is_none()) else { return };
    for port in service.at.find(&["spec", "ports"]).map(|all| all.items()).unwrap_or_default() {
        let protocol = port.value()["protocol"].as_str().unwrap_or("TCP").to_lowercase();
        let number = port.value().get("targetPort").or(port.value().get("port")).and_then(Json::as_u64);
        let Some(number) = number.and_then(|number| u16::try_from(number).ok()) else { continue };
        if (protocol == "tcp" || protocol == "udp") && numbers.insert((number, protocol.clone())) {
            let wanted = port.value()["name"].as_str().map_or_else(|| format!("p{number}"), plain);
            let name = unique(&mut names, &wanted);
            let value = match protocol.as_str() {
                "udp" => json!({"port": number, "protocol": "udp"}),
                _ => json!(number),
            };
            to.take(&field(&workload.at, &["ports", &name]), value, &port);
        }
    }
}

/// The port's own name, else the Service's for it, else its number.
fn name(port: &Taking<'_>, number: u16, service: Option<&Object<'_>>) -> String {
    if let Some(name) = port.value()["name"].as_str() {
        return plain(name);
    }
    let ports = service.and_then(|service| service.at.find(&["spec", "ports"]));
    let ports = ports.map(|ports| ports.items()).unwrap_or_default();
    let leads = ports.iter().find(|leads| target(leads) == Some(number));
    leads.and_then(|leads| leads.value()["name"].as_str()).map_or_else(|| format!("p{number}"), plain)
}

fn target(port: &Taking<'_>) -> Option<u16> {
    let value = port.value();
    let number = value.get("targetPort").unwrap_or(&value["port"]);
    u16::try_from(number.as_u64()?).ok()
}

/// Takes a Service's port and answers which port of the pod it leads to, by its name in the profile.
pub(super) fn of_service(port: &Taking<'_>, workload: &Workload<'_>) -> Option<String> {
    port.used();
    if let Some(node) = port.get("nodePort") {
        node.left_out("a mirror takes free ports of the host");
    }
    if let Some(protocol) = port.get("appProtocol") {
        protocol.left_out("a mirror relays whatever is spoken");
    }
    let (inside, name) = inside(port, workload);
    if let Some(inside) = inside.filter(|inside| Some(*inside) != port.value()["port"].as_u64())
        && let Some(number) = port.get("port")
    {
        number.left_out(format!("clients reach it at {inside} in a mirror, the container's own port"));
    }
    name
}

/// Which port of the pod a Service's port leads to, by its name in the profile.
pub(super) fn leads_to(port: &Taking<'_>, workload: &Workload<'_>) -> Option<String> {
    inside(port, workload).1
}

fn inside(port: &Taking<'_>, workload: &Workload<'_>) -> (Option<u64>, Option<String>) {
    let containers = workload.spec().and_then(|spec| spec.get("containers"));
    let all: Vec<Taking<'_>> = containers
        .map(|all| all.items())
        .unwrap_or_default()
        .iter()
        .filter_map(|container| container.get("ports"))
        .flat_map(|ports| ports.items())
        .collect();
    let value = port.value();
    let wanted = value.get("targetPort").unwrap_or(&value["port"]);
    let found = all.iter().find(|own| match wanted {
        Json::String(name) => own.value()["name"].as_str() == Some(name),
        number => own.value()["containerPort"] == *number,
    });
    let number = found.and_then(|own| own.value()["containerPort"].as_u64()).or(wanted.as_u64());
    let name = found.and_then(|own| own.value()["name"].as_str()).or(value["name"].as_str());
    let numbered = || number.map(|number| format!("p{number}"));
    (number, name.map(plain).or_else(numbered))
}
