//! The stack as a whole: its machines, its flags, its ways in and out.

use serde_json::{Value as Json, json};

use super::{
    Reading, cgroup,
    scene::{Scene, variables},
};
use crate::{
    formats::doors::Door,
    observed::{Container, Inside},
    path::Path,
    plan::Pod,
};

pub(super) fn read(scene: &Scene<'_>, at: &Path, wanted: &Json) -> Option<Reading> {
    let keys: Vec<&str> = (0..at.0.len()).map_while(|position| at.key_at(position)).collect();
    match (keys.as_slice(), at.0.len() - keys.len()) {
        (["network", "links"], _) => return Some(Reading::unread(LATER)),
        (["network", "expose"], 1) => return Some(expose(scene, wanted)),
        (_, 0) => {}
        _ => return None,
    }
    let reading = match keys.as_slice() {
        ["platform", "arch"] => arch(scene, wanted),
        ["platform", "cgroup"] => {
            of_host(wanted, of_any(scene, cgroup::version), "files of the control group")
        }
        ["platform", "cores"] => cores(scene, wanted),
        ["platform", "swap"] => swap(scene, wanted),
        ["flags", name] => flag(scene, name, wanted),
        ["network", "egress"] => egress(scene, wanted),
        ["network", "expose"] if wanted.as_array().is_some_and(Vec::is_empty) => {
            let doors = scene.plan.gateway.doors.iter().map(|door| door.service.to_string());
            Reading::of(wanted, doors.collect::<Json>(), "ports of the gateway on loopback")
        }
        // Links and externals are not carried out in this version, and the rest of the platform is the host's.
        ["network", "links"] | ["externals", ..] | ["platform", _] => Reading::unread(LATER),
        _ => return None,
    };
    Some(reading)
}

const LATER: &str = "nothing of it is in a mirror of this version";

/// The main containers that run, with what was planned for them.
fn mains<'a>(scene: &Scene<'a>) -> impl Iterator<Item = (&'a Pod, &'a Container)> {
    scene.plan.pods.iter().filter_map(|pod| Some((pod, scene.find(&pod.main.key)?)))
}

fn of_any<T>(scene: &Scene<'_>, ask: impl Fn(&Inside) -> Option<T>) -> Option<T> {
    mains(scene).find_map(|(_, found)| ask(found.inside.as_ref()?))
}

/// What the host is like: a difference is as planned, as no mirror changes its host.
fn of_host(wanted: &Json, live: Option<&str>, from: &str) -> Reading {
    match live {
        Some(live) => Reading::planned(wanted, live, live, from),
        None => Reading::unread("no container could be asked"),
    }
}

fn arch(scene: &Scene<'_>, wanted: &Json) -> Reading {
    let readings = mains(scene).filter_map(|(pod, found)| {
        let facts = scene.observed.images.get(&found.image_id)?;
        Some((pod.main.key.clone(), Reading::of(wanted, facts.arch.as_str(), "the containers' images")))
    });
    Reading::of_all(readings).unwrap_or_else(|| Reading::unread("no image could be asked"))
}

/// Cores that a process sees; fewer than wanted are as planned where the host has no more.
fn cores(scene: &Scene<'_>, wanted: &Json) -> Reading {
    let readings = mains(scene).filter_map(|(pod, found)| {
        let cores = found.inside.as_ref()?.answers.get("nproc")?.trim().parse::<u64>().ok()?;
        let reading = match &pod.main.limits.cpuset {
            Some(_) => Reading::of(wanted, cores, "`nproc` inside"),
            // Without a set of cores a container has all of the host's.
            None => Reading::planned(wanted, cores, cores, "`nproc` inside"),
        };
        Some((pod.main.key.clone(), reading))
    });
    Reading::of_all(readings).unwrap_or_else(|| Reading::unread("no container could be asked"))
}

/// Whether every limit of memory holds without swap.
fn swap(scene: &Scene<'_>, wanted: &Json) -> Reading {
    let limited = mains(scene).filter(|(pod, _)| pod.main.limits.memory.is_some());
    let readings = limited.map(|(pod, found)| {
        let told = found.host.memory_swap == found.host.memory && found.host.memory > 0;
        let told = Reading::as_wanted(wanted, told, || json!("allowed"), "`HostConfig` of the containers");
        let inside = found.inside.as_ref().and_then(cgroup::swap);
        let said = inside.map(|swap| {
            let from = "memory.swap.max or memory.memsw.limit_in_bytes";
            Reading::as_wanted(wanted, swap == Some(0), || json!("allowed"), from)
        });
        (pod.main.key.clone(), told.and(said))
    });
    Reading::of_all(readings).unwrap_or_else(|| Reading::unread("no container has a limit of memory"))
}

/// A flag by the variables of all who read it.
fn flag(scene: &Scene<'_>, name: &str, wanted: &Json) -> Reading {
    let reads = |pod: &Pod| {
        ["services", "jobs", "stores"].iter().any(|section| {
            let flags = scene.tree[*section][pod.service.as_str()]["flags"].as_array();
            flags.is_some_and(|flags| flags.iter().any(|flag| flag == name))
        })
    };
    let readings = scene.plan.pods.iter().filter(|pod| reads(pod) && !pod.on_demand).map(|pod| {
        let from = "`Config.Env` of those who read it";
        let reading = match scene.find(&pod.main.key) {
            None => Reading::unread("the container is not there"),
            Some(found) => match (variables(&found.env).get(name), pod.main.env.get(name)) {
                (Some(live), Some(planned)) => {
                    let same = scene.fill(planned).is_some_and(|planned| planned == *live);
                    Reading::as_wanted(wanted, same, || (*live).into(), from)
                }
                (None, _) => Reading::absent(from, "the container has no such variable"),
                (_, None) => Reading::unread("the plan gives it no value"),
            },
        };
        (pod.main.key.clone(), reading)
    });
    Reading::of_all(readings).unwrap_or_else(|| Reading::unread("no workload reads it"))
}

/// Whether there is no way out: by the network's own setting and by a try.
fn egress(scene: &Scene<'_>, wanted: &Json) -> Reading {
    if wanted.as_str() != Some("denied") {
        return Reading::unread("ways out are not opened in this version");
    }
    let name = &scene.plan.networks.inside.name;
    let network = scene.observed.networks.iter().find(|network| network.name == *name);
    let Some(network) = network else {
        return Reading::absent("the engine's networks", "the mirror's network is not there");
    };
    let open = || json!("open");
    let told = Reading::as_wanted(wanted, network.internal, open, "the network");
    match &scene.observed.egress {
        Some(tried) => {
            let reading = Reading::as_wanted(wanted, tried.refused, open, "a try from a replica");
            told.and(Some(reading)).because(format!("{}: {}", tried.address, tried.answer))
        }
        None if told.holds == Some(true) => Reading::unread("no try was made to leave"),
        None => told,
    }
}

/// One line of what is exposed, by the ports of the gateway on this host.
fn expose(scene: &Scene<'_>, wanted: &Json) -> Reading {
    let from = "ports of the gateway on loopback";
    let Some(gateway) = scene.find(&scene.plan.gateway.container.key) else {
        return Reading::absent(from, "the gateway is not there");
    };
    if gateway.state.status != "running" {
        return Reading::absent(from, "the gateway does not run");
    }
    let is_open = |door: &&Door| {
        let published = gateway.published.get(&format!("{}/tcp", door.listen));
        published.is_some_and(|(address, port)| address == "127.0.0.1" && *port > 0)
    };
    let asked = |door: &&Door| {
        wanted["service"] == door.service.as_str()
            && wanted.get("port").is_none_or(|port| port == door.port.as_str())
    };
    let (open, closed): (Vec<&Door>, Vec<&Door>) =
        scene.plan.gateway.doors.iter().filter(asked).partition(is_open);
    match closed.first() {
        Some(door) => Reading::absent(from, format!("{}/{} is not published", door.service, door.port)),
        None if open.is_empty() => Reading::unread("the plan has no door for it"),
        None => Reading::of(wanted, wanted.clone(), from),
    }
}
