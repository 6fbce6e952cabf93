//! The stack as a whole: its machines and its flags.

use serde_json::{Value as Json, json};

use super::{
    Reading, cgroup, inside,
    scene::{Scene, variables},
};
use crate::{
    observed::{Container, Inside},
    path::Path,
    plan::Pod,
};

pub(super) fn read(scene: &Scene<'_>, at: &Path, wanted: &Json) -> Option<Reading> {
    let keys: Vec<&str> = (0..at.0.len()).map_while(|position| at.key_at(position)).collect();
    if keys.len() != at.0.len() {
        return None;
    }
    let reading = match keys.as_slice() {
        ["platform", "arch"] => arch(scene, wanted),
        ["platform", "cgroup"] => cgroup(scene, wanted),
        ["platform", "cores"] => cores(scene, wanted),
        ["platform", "swap"] => swap(scene, wanted),
        ["flags", name] => flag(scene, name, wanted),
        // Externals are not carried out in this version, and the rest of the platform is the host's.
        ["externals", ..] => Reading::unread(LATER),
        ["platform", _] => Reading::unread("it is the host's"),
        _ => return None,
    };
    Some(reading)
}

pub(super) const LATER: &str = "nothing of it is in a mirror of this version";

/// The main containers that run, with what was planned for them.
fn mains<'a>(scene: &Scene<'a>) -> impl Iterator<Item = (&'a Pod, &'a Container)> {
    scene.plan.pods.iter().filter_map(|pod| Some((pod, scene.find(&pod.main.key)?)))
}

fn of_any<T>(scene: &Scene<'_>, ask: impl Fn(&Inside) -> Option<T>) -> Option<T> {
    mains(scene).find_map(|(_, found)| ask(found.inside.as_ref()?))
}

/// What the host has: a difference is as planned, as no mirror changes its host.
fn cgroup(scene: &Scene<'_>, wanted: &Json) -> Reading {
    match of_any(scene, cgroup::version) {
        Some(live) => Reading::of(wanted, live, "files of the control group").planned(live),
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
        let cores = inside::cores(found)?;
        let reading = Reading::of(wanted, cores, "`nproc` inside");
        let reading = match &pod.main.limits.cpuset {
            Some(_) => reading,
            // Without a set of cores a container has all of the host's.
            None => reading.planned(cores),
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
        let told = Reading::equal(wanted, told, || json!("allowed"), "`HostConfig` of the containers");
        let inside = found.inside.as_ref().and_then(cgroup::swap);
        let said = inside.map(|swap| {
            let from = "memory.swap.max or memory.memsw.limit_in_bytes";
            Reading::equal(wanted, swap == Some(0), || json!("allowed"), from)
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
                    let same = scene.known.fill(planned).is_some_and(|planned| planned == *live);
                    Reading::equal(wanted, same, || (*live).into(), from)
                }
                (None, _) => Reading::absent(from, "the container has no such variable"),
                (_, None) => Reading::unread("the plan gives it no value"),
            },
        };
        (pod.main.key.clone(), reading)
    });
    Reading::of_all(readings).unwrap_or_else(|| Reading::unread("no workload reads it"))
}
