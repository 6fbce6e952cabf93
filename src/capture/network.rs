//! Ways in and out of the mirror.

use serde_json::{Value as Json, json};

use super::{Reading, scene::Scene, stack::LATER};
use crate::{formats::doors::Door, observed::Container, path::Path, plan::NetworkMode};

pub(super) fn read(scene: &Scene<'_>, at: &Path, wanted: &Json) -> Option<Reading> {
    let keys: Vec<&str> = (0..at.0.len()).map_while(|position| at.key_at(position)).collect();
    match (keys.as_slice(), at.0.len() - keys.len()) {
        (["network", "links"], _) => Some(Reading::unread(LATER)),
        (["network", "expose"], 1) => Some(expose(scene, wanted)),
        (["network", "expose"], 0) if wanted.as_array().is_some_and(Vec::is_empty) => {
            let doors = scene.plan.gateway.doors.iter().map(|door| json!({"service": door.service}));
            Some(Reading::of(wanted, doors.collect::<Json>(), DOORS))
        }
        (["network", "egress"], 0) => Some(egress(scene, wanted)),
        _ => None,
    }
}

pub(super) const DOORS: &str = "ports of the gateway on loopback";
const TRIED: &str = "the networks, and a try from a replica";

/// Whether there is no way out: by the networks that replicas are on, and by a try.
fn egress(scene: &Scene<'_>, wanted: &Json) -> Reading {
    if wanted.as_str() != Some("denied") {
        return Reading::unread("ways out are not opened in this version");
    }
    if let Some(open) = way_out(scene) {
        return Reading::other(wanted, json!("open"), TRIED).because(open);
    }
    let name = &scene.plan.networks.inside.name;
    if !scene.observed.networks.iter().any(|network| network.name == *name) {
        return Reading::unread("the mirror's network is not there");
    }
    match &scene.observed.egress {
        Some(tried) => Reading::as_wanted(TRIED).because(format!("{}: {}", tried.address, tried.answer)),
        None => Reading::unread("no try was made to leave"),
    }
}

/// The first way out that was found: a network of the mirror that is not closed, one that is not the mirror's, or a
/// try that came through.
pub(super) fn way_out(scene: &Scene<'_>) -> Option<String> {
    let inside = &scene.plan.networks.inside;
    let network = scene.observed.networks.iter().find(|network| network.name == inside.name);
    if network.is_some_and(|network| !network.internal) {
        return Some(format!("{} is not internal", inside.name));
    }
    let replicas = scene.plan.pods.iter().filter(|pod| !matches!(pod.pause.network, NetworkMode::Host));
    let strays = replicas.filter_map(|pod| {
        let pause = scene.find(&pod.pause.key)?;
        let other = pause.networks.keys().find(|name| **name != inside.name)?;
        Some(format!("{} is on {other}, which is no network of the mirror", pod.pause.key))
    });
    let tried = scene.observed.egress.iter().filter(|tried| !tried.refused);
    strays.chain(tried.map(|tried| format!("{}: {}", tried.address, tried.answer))).next()
}

/// One line of what is exposed, by the ports of the gateway on this host.
fn expose(scene: &Scene<'_>, wanted: &Json) -> Reading {
    let Some(gateway) = scene.find(&scene.plan.gateway.container.key) else {
        return Reading::absent(DOORS, "the gateway is not there");
    };
    if gateway.state.status != "running" {
        return Reading::absent(DOORS, "the gateway does not run");
    }
    let is_open = |door: &&Door| {
        let published = gateway.published.get(&format!("{}/tcp", door.listen));
        published.is_some_and(|(address, port)| address == LOOPBACK && *port > 0)
    };
    let asked = |door: &&Door| {
        wanted["service"] == door.service.as_str()
            && wanted.get("port").is_none_or(|port| port == door.port.as_str())
    };
    let (open, closed): (Vec<&Door>, Vec<&Door>) =
        scene.plan.gateway.doors.iter().filter(asked).partition(is_open);
    match closed.first() {
        Some(door) => Reading::absent(DOORS, format!("{}/{} is not published", door.service, door.port)),
        None if open.is_empty() => Reading::unread("the plan has no door for it"),
        None => Reading::as_wanted(DOORS),
    }
}

const LOOPBACK: &str = "127.0.0.1";

/// Ports on this host that the plan has not, and those on other addresses than loopback.
pub(super) fn unasked_doors(scene: &Scene<'_>) -> Vec<Reading> {
    let gateway = &scene.plan.gateway;
    let mut found = Vec::new();
    let mut look = |container: &Container, key: &str, of_door: &dyn Fn(&str) -> Option<Json>| {
        for (port, (address, on_host)) in &container.published {
            let door = of_door(port);
            if door.is_some() && address == LOOPBACK {
                continue;
            }
            let mut shown = door.unwrap_or_else(|| json!({"service": key, "port": port}));
            shown["address"] = format!("{address}:{on_host}").into();
            let why = format!("{key} is published on {address}:{on_host}");
            found.push(Reading::unasked(shown, "published ports of the containers", why));
        }
    };
    if let Some(container) = scene.find(&gateway.container.key) {
        look(container, &gateway.container.key, &|port| {
            let door = gateway.doors.iter().find(|door| format!("{}/tcp", door.listen) == port)?;
            Some(json!({"service": door.service, "port": door.port}))
        });
    }
    for pod in &scene.plan.pods {
        for planned in pod.containers() {
            if let Some(container) = scene.find(&planned.key) {
                look(container, &planned.key, &|_| None);
            }
        }
    }
    found
}
