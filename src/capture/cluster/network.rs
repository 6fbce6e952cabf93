//! Names under which services are called, and ways in and out of the mirror.

use serde_json::{Value as Json, json};

use super::{
    super::{
        Reading,
        stack::LATER,
        workload::{Part, Within, Workload},
    },
    scene::{Scene, is_as_told, items},
};
use crate::{
    formats::doors::Door,
    ledger::Grade,
    path::Path,
    plan::kubernetes::{Body, Object, ObjectKind, ServicePort, protocol_text},
    render::kubernetes::words,
};

pub(super) fn of_workload(
    scene: &Scene<'_>,
    of: &Workload<'_>,
    within: &Within,
    wanted: &Json,
) -> Option<Reading> {
    let keys = within.keys();
    if of.part != Part::Main {
        return None;
    }
    match keys.as_slice() {
        ["ports"] => Some(port(scene, of, within.member()?, wanted)),
        ["balancing"] => Some(balancing(scene, of, wanted)),
        _ => None,
    }
}

const SERVICE: &str = "the Service";

/// The Service of a workload: planned, and as the cluster holds it.
pub(super) fn service<'a>(
    scene: &Scene<'a>,
    name: &str,
) -> Option<(&'a Object, bool, &'a [ServicePort], Option<&'a Json>)> {
    let object = scene.planned_object(ObjectKind::Service, name)?;
    match &object.body {
        Body::Service { headless, ports } => Some((object, *headless, ports, scene.found(object))),
        _ => None,
    }
}

/// The number that the Service or, of a job, the pod opens under a name.
fn port(scene: &Scene<'_>, of: &Workload<'_>, name: &str, wanted: &Json) -> Reading {
    let Some((object, _, planned, found)) = service(scene, of.name) else {
        return of_pod(scene, of, wanted);
    };
    let Some(found) = found else { return scene.missing("Service", SERVICE) };
    // A number has one name: of two that the profile gives, the first is the Service's.
    let number = wanted["port"].as_u64();
    let first = planned.iter().find(|port| Some(u64::from(port.port)) == number);
    let (known, protocol) = match first {
        Some(port) => (port.name.as_str(), protocol_text(port.protocol)),
        None => (name, "TCP"),
    };
    let Some(live) = items(&found["spec"]["ports"]).find(|port| port["name"].as_str() == Some(known)) else {
        return Reading::absent(SERVICE, format!("it has no port `{known}`"));
    };
    if !is_as_told(&words::selected(object), &found["spec"]["selector"]) {
        return Reading::absent(SERVICE, "it does not lead to the workload's pods");
    }
    let mut shown = wanted.clone();
    if live["port"].as_u64() != number {
        shown["port"] = live["port"].clone();
    } else if live["targetPort"] != live["port"] {
        shown["target"] = live["targetPort"].clone();
    }
    if live["protocol"] != protocol {
        shown["protocol"] = live["protocol"].as_str().unwrap_or_default().to_lowercase().into();
    }
    Reading::of(wanted, shown, SERVICE).and(answered(scene, of, live))
}

/// Whether the cluster sends requests for a port to every pod that is ready.
fn answered(scene: &Scene<'_>, of: &Workload<'_>, port: &Json) -> Option<Reading> {
    if scene.observed.unlisted.contains_key("EndpointSlice") {
        return None;
    }
    let from = "its EndpointSlices";
    let slices = scene.observed.of_kind("EndpointSlice").filter(|(_, slice)| {
        slice["metadata"]["labels"]["kubernetes.io/service-name"].as_str() == Some(of.name)
    });
    let leads = |slice: &&Json| {
        items(&slice["ports"])
            .any(|known| known["port"] == port["targetPort"] && known["protocol"] == port["protocol"])
    };
    let ready = slices.map(|(_, slice)| slice).filter(leads).flat_map(|slice| items(&slice["endpoints"]));
    let ready = ready.filter(|endpoint| endpoint["conditions"]["ready"] != Json::Bool(false)).count();
    let pods = scene.pods(of).iter().filter(|pod| pod.is_ready()).count();
    Some(if pods > 0 && ready == 0 {
        Reading::absent(from, "no pod that is ready is called by it")
    } else {
        Reading::as_wanted(from)
    })
}

/// A port of a pod that no Service leads to.
fn of_pod(scene: &Scene<'_>, of: &Workload<'_>, wanted: &Json) -> Reading {
    scene.each(of, |pair| {
        let number = wanted["port"].as_u64();
        let there = items(&pair.spec["ports"]).any(|port| port["containerPort"].as_u64() == number);
        match there {
            true => Reading::as_wanted("the ports of the container"),
            false => Reading::absent("the ports of the container", "it is not among them"),
        }
    })
}

fn balancing(scene: &Scene<'_>, of: &Workload<'_>, wanted: &Json) -> Reading {
    let word = |headless: bool| if headless { "headless" } else { "cluster-ip" };
    match service(scene, of.name) {
        None => Reading::unread("nothing calls it by a name"),
        Some((.., None)) => scene.missing("Service", SERVICE),
        Some((_, headless, _, Some(found))) => {
            let live = found["spec"]["clusterIP"] == "None";
            Reading::of(wanted, word(live), SERVICE).planned(word(headless))
        }
    }
}

pub(super) fn read(scene: &Scene<'_>, at: &Path, wanted: &Json) -> Option<Reading> {
    let keys: Vec<&str> = (0..at.0.len()).map_while(|position| at.key_at(position)).collect();
    match (keys.as_slice(), at.0.len() - keys.len()) {
        (["network", "links"], _) => Some(Reading::unread(LATER)),
        (["network", "expose"], 1) => Some(expose(scene, wanted)),
        (["network", "expose"], 0) if wanted.as_array().is_some_and(Vec::is_empty) => {
            let doors = scene.plan.doors.iter().map(|door| json!({"service": door.service}));
            Some(Reading::of(wanted, doors.collect::<Json>(), DOORS))
        }
        (["network", "egress"], 0) => Some(egress(scene, wanted)),
        _ => None,
    }
}

const TRIED: &str = "the NetworkPolicies, and a try from a pod";
pub(super) const DOORS: &str = "ports of this host that lead into the mirror";

/// Whether there is no way out: by the policies that stand, and by a try. A network that keeps no policies is no fault of
/// what was launched, and makes the promise worth nothing.
fn egress(scene: &Scene<'_>, wanted: &Json) -> Reading {
    if wanted.as_str() != Some("denied") {
        return Reading::unread("ways out are not opened in this version");
    }
    if let Some(why) = scene.observed.unlisted.get("NetworkPolicy") {
        return Reading::unread(format!("NetworkPolicies may not be listed: {why}"));
    }
    if let Some(open) = way_out(scene) {
        return Reading::other(wanted, json!("open"), TRIED).because(open);
    }
    match &scene.observed.egress {
        None => Reading::unread("no pod could try to leave"),
        Some(tried) => {
            let told = format!("{}: {}", tried.address, tried.answer);
            if tried.refused {
                Reading::as_wanted(TRIED).because(told)
            } else {
                let why = format!("the cluster's network keeps no network policies: {told}");
                let open = Reading::other(wanted, json!("open"), TRIED).planned("open");
                open.because(why).worth(Grade::Dropped)
            }
        }
    }
}

/// The first way out that the API server itself knows: the planned policy is not there or is another, one beside it
/// allows more, or a pod is on its node's network.
pub(super) fn way_out(scene: &Scene<'_>) -> Option<String> {
    let kind = ObjectKind::NetworkPolicy;
    let ours = scene.plan.objects.iter().filter(|object| object.body.kind() == kind);
    for object in ours.clone() {
        let Body::NetworkPolicy { egress } = &object.body else { continue };
        match scene.found(object) {
            None => return Some(format!("NetworkPolicy {} is not there", object.name)),
            Some(found) if !is_as_told(&words::policy(egress), &found["spec"]) => {
                return Some(format!("NetworkPolicy {} is another", object.name));
            }
            Some(_) => {}
        }
    }
    // Policies add up: what one allows, no other takes away.
    let mut others = scene.observed.of_kind(kind.as_str()).filter(|(name, policy)| {
        let is_ours = ours.clone().any(|object| object.name == *name);
        !is_ours && items(&policy["spec"]["egress"]).next().is_some()
    });
    if let Some((name, _)) = others.next() {
        return Some(format!("NetworkPolicy {name} allows more"));
    }
    let unplanned = scene.plan.pods().filter(|(_, pod)| !pod.host_network);
    let mut strays = unplanned.flat_map(|(service, _)| {
        scene.observed.of_kind("Pod").filter(move |(_, pod)| {
            pod["metadata"]["labels"][crate::labels::kubernetes::SERVICE].as_str() == Some(service.as_str())
                && pod["spec"]["hostNetwork"] == Json::Bool(true)
        })
    });
    strays.next().map(|(name, _)| format!("{name} is on its node's network"))
}

/// One line of what is exposed, by the ports that whoever forwards them tells of.
fn expose(scene: &Scene<'_>, wanted: &Json) -> Reading {
    let Some(open) = &scene.observed.doors else {
        return Reading::unread("nobody was asked which ports are forwarded");
    };
    let is_open = |door: &&Door| {
        open.iter().any(|there| {
            let same = there.service == door.service.as_str() && there.port == door.target;
            same && there.address.ip().is_loopback()
        })
    };
    let asked = |door: &&Door| {
        wanted["service"] == door.service.as_str()
            && wanted.get("port").is_none_or(|port| port == door.port.as_str())
    };
    let (open, closed): (Vec<&Door>, Vec<&Door>) = scene.plan.doors.iter().filter(asked).partition(is_open);
    match closed.first() {
        Some(door) => Reading::absent(DOORS, format!("{}/{} is not forwarded", door.service, door.port)),
        None if open.is_empty() => Reading::unread("the plan has no door for it"),
        None => Reading::as_wanted(DOORS),
    }
}
