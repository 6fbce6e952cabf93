//! Resources: what a container may use.

use serde_json::{Value as Json, json};

use super::{
    super::{
        Reading, cgroup, inside,
        kubernetes::quantity,
        sides::{bytes, cpu},
        workload::{Within, Workload},
    },
    scene::{Pair, SPEC, Scene},
    volumes,
};
use crate::{
    observed::Inside,
    plan::kubernetes::{PAUSE, Quantities},
    profile::{Bytes, Cpu},
};

pub(super) fn read(scene: &Scene<'_>, of: &Workload<'_>, within: &Within, wanted: &Json) -> Option<Reading> {
    let keys = within.keys();
    if within.len() != keys.len() {
        return None;
    }
    let reading = match keys.as_slice() {
        ["resources", "limits", "cpu"] => scene.each(of, |pair| {
            let asked = pair.plan.limits.cpu;
            let said = said(pair, |inside| {
                Some(cgroup::cpu_millis(inside)?.map(|live| match asked {
                    Some(asked) if is_least(asked, live) => json!(asked),
                    _ => cpu(live),
                }))
            });
            told(pair, "limits", "cpu", wanted).and(of_file(said, wanted, "cpu.max or cpu.cfs_quota_us"))
        }),
        ["resources", "limits", "memory"] => scene.each(of, |pair| {
            let asked = pair.plan.limits.memory;
            let said = said(pair, |inside| {
                Some(cgroup::memory(inside)?.map(|live| match asked {
                    Some(asked) if is_whole_pages(asked, live) => json!(asked),
                    _ => bytes(live),
                }))
            });
            let from = "memory.max or memory.limit_in_bytes";
            told(pair, "limits", "memory", wanted).and(of_file(said, wanted, from))
        }),
        ["resources", which @ ("limits" | "requests"), what] => {
            scene.each(of, |pair| told(pair, which, what, wanted))
        }
        ["pids"] => scene.each(of, |pair| pids(scene, pair, wanted)),
        ["shm_size"] => scene.each(of, |pair| {
            let said = said(pair, |inside| Some(Some(bytes(inside::mounted_size(inside, SHM)?))));
            match volumes::in_memory(pair, SHM) {
                None => Reading::absent(SPEC, "no volume in memory is there"),
                Some(live) => {
                    let planned = volumes::planned_size(pair, SHM).map(|size| json!(size));
                    let told = volumes::sized(wanted, live, SPEC);
                    let told = told.and(of_file(said, wanted, "/proc/mounts"));
                    match planned {
                        Some(planned) => told.planned(planned),
                        None => told,
                    }
                }
            }
        }),
        _ => return None,
    };
    Some(reading)
}

/// A pod's processes are counted with the one that holds its network, which the limit leaves room for.
fn pids(scene: &Scene<'_>, pair: &Pair<'_>, wanted: &Json) -> Reading {
    const FROM: &str = "the kubelets' configuration";
    let node = pair.pod.spec()["nodeName"].as_str().unwrap_or_default();
    let Some(planned) = scene.plan.shape.as_ref().and_then(|shape| shape.pids) else {
        return Reading::unread("the cluster's kubelets have no limit that the profile asks for");
    };
    match scene.observed.pids.get(node).map(|most| most - i64::from(PAUSE)) {
        None => Reading::unread("the node's kubelet does not tell it"),
        Some(most) if most < 1 => Reading::absent(FROM, "none is set"),
        Some(most) => Reading::of(wanted, most, FROM).planned(planned),
    }
}

/// Below this the kubelet gives no quota: a thousandth of a second in a tenth of one.
const LEAST_MILLIS: u64 = 10;

fn is_least(asked: Cpu, live: i64) -> bool {
    asked.millis < LEAST_MILLIS && u64::try_from(live) == Ok(LEAST_MILLIS)
}

/// The kernel counts whole pages, of 4 KiB or of 64, and cuts what is over.
fn is_whole_pages(asked: Bytes, live: i64) -> bool {
    let live = u64::try_from(live).unwrap_or_default();
    [4 << 10, 64 << 10].iter().any(|page| live == asked.0 / page * page)
}

const SHM: &str = "/dev/shm";

/// What the container was given, by the pod's spec.
fn told(pair: &Pair<'_>, which: &str, what: &str, wanted: &Json) -> Reading {
    let name = if what == "ephemeral_storage" { "ephemeral-storage" } else { what };
    let quantities = if which == "limits" { &pair.plan.limits } else { &pair.plan.requests };
    let Some(planned) = planned(quantities, what) else {
        return Reading::unread("the plan gives it no such limit");
    };
    match &pair.spec["resources"][which][name] {
        Json::Null => Reading::absent(SPEC, "none is set"),
        live => match quantity(live, what == "cpu").flatten() {
            Some(live) => {
                // Two spellings of one amount are one.
                let same = quantity(wanted, what == "cpu").flatten().as_ref() == Some(&live);
                Reading::equal(wanted, same, || live.into(), SPEC).planned(planned)
            }
            None => Reading::other(wanted, live.clone(), SPEC),
        },
    }
}

fn planned(quantities: &Quantities, what: &str) -> Option<Json> {
    let Quantities { cpu, memory, ephemeral_storage } = quantities;
    match what {
        "cpu" => cpu.map(|cpu| json!(cpu)),
        "memory" => memory.map(|bytes| json!(bytes)),
        _ => ephemeral_storage.map(|bytes| json!(bytes)),
    }
}

/// What the kernel says; `None` inside is no limit.
fn said(pair: &Pair<'_>, ask: impl Fn(&Inside) -> Option<Option<Json>>) -> Option<Option<Json>> {
    ask(pair.inside?)
}

fn of_file(said: Option<Option<Json>>, wanted: &Json, from: &str) -> Option<Reading> {
    Some(match said? {
        Some(live) => Reading::of(wanted, live, from),
        None => Reading::absent(from, "none is set"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_rounds_is_what_was_asked_for() {
        let bytes = |live| is_whole_pages(Bytes(100_000_000), live);
        assert!(bytes(99_999_744) && bytes(99_942_400) && !bytes(99_995_648));
        let cpu = |millis, live| is_least(Cpu { millis }, live);
        assert!(cpu(5, 10) && !cpu(5, 20) && !cpu(15, 10));
    }
}
