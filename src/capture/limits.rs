//! Resources: what a container may use.

use serde_json::{Value as Json, json};

use super::{
    Reading, cgroup, inside,
    scene::Scene,
    sides::{HOST, Sides, bytes, cpu, requested, set, told_cpu},
    workload::{Within, Workload},
};
use crate::{observed::Container, plan::ContainerPlan, profile::Bytes};

pub(super) fn read(scene: &Scene<'_>, of: &Workload<'_>, within: &Within, wanted: &Json) -> Option<Reading> {
    let keys = within.keys();
    if within.len() != keys.len() {
        return None;
    }
    let reading = match keys.as_slice() {
        ["resources", which, what] => scene.each(of, |pair, found| {
            let sides = Sides::of(wanted, found);
            match (*which, *what) {
                // The engine has a least and a most of its own.
                ("limits", "cpu") => sides.planned(planned(pair.plan.limits.cpu_millis, cpu)).both(
                    told_cpu(found).map(cpu),
                    |inside| Some(cgroup::cpu_millis(inside)?.map(cpu)),
                    "cpu.max or cpu.cfs_quota_us",
                ),
                ("limits", "memory") => sides.planned(planned(pair.plan.limits.memory, bytes)).both(
                    set(found.host.memory).map(bytes),
                    |inside| Some(cgroup::memory(inside)?.map(bytes)),
                    "memory.max or memory.limit_in_bytes",
                ),
                ("limits", "ephemeral_storage") => storage(pair.plan, found, wanted),
                ("requests", "cpu") => shares(pair.plan, found, wanted),
                ("requests", "memory") => sides.both(
                    set(found.host.memory_reservation).map(bytes),
                    |inside| Some(cgroup::reservation(inside)?.map(bytes)),
                    "memory.low or memory.soft_limit_in_bytes",
                ),
                _ => Reading::unread("no such resource is known"),
            }
        }),
        ["pids"] => scene.each(of, |_, found| {
            Sides::of(wanted, found).both(
                set(found.host.pids_limit).map(Json::from),
                |inside| Some(cgroup::pids(inside)?.map(Json::from)),
                "pids.max",
            )
        }),
        ["shm_size"] => scene.each(of, |_, found| {
            Sides::of(wanted, found).both(
                set(found.host.shm_size).map(bytes),
                |inside| Some(Some(bytes(inside::mounted_size(inside, "/dev/shm")?))),
                "/proc/mounts",
            )
        }),
        ["ulimits", name] => scene.each(of, |pair, found| ulimit(pair.plan, found, name, wanted)),
        _ => return None,
    };
    Some(reading)
}

fn planned(value: Option<u64>, spell: impl Fn(i64) -> Json) -> Option<Json> {
    value.and_then(|value| i64::try_from(value).ok()).map(spell)
}

fn storage(plan: &ContainerPlan, found: &Container, wanted: &Json) -> Reading {
    match (plan.limits.storage, found.host.storage_opt.get("size")) {
        (None, _) => Reading::unread("the storage driver has no quota for a container"),
        (Some(_), None) => Reading::absent(HOST, "the container has no quota"),
        (Some(_), Some(size)) => {
            let live = size.parse().map(Bytes).map_or(json!(size), |size| json!(size));
            Reading::of(wanted, live, HOST)
        }
    }
}

/// A request by the shares that it became: several requests become the same, so the plan's are what is compared.
fn shares(plan: &ContainerPlan, found: &Container, wanted: &Json) -> Reading {
    let planned = plan.limits.cpu_shares.and_then(|shares| i64::try_from(shares).ok()).unwrap_or(0);
    let shown = |shares: i64| {
        let as_request = cpu(requested(shares));
        if as_request == *wanted { json!(format!("{shares} shares")) } else { as_request }
    };
    let told = match set(found.host.cpu_shares) {
        Some(shares) => Reading::equal(wanted, shares == planned, || shown(shares), HOST),
        None => Reading::absent(HOST, "no shares are set"),
    };
    let said = found.inside.as_ref().and_then(|inside| {
        let same = cgroup::shares_are(inside, planned)?;
        let live = || match cgroup::v1_shares(inside) {
            Some(shares) => shown(shares),
            None => json!("another weight"),
        };
        Some(Reading::equal(wanted, same, live, "cpu.weight or cpu.shares"))
    });
    told.and(said)
}

fn ulimit(plan: &ContainerPlan, found: &Container, name: &str, wanted: &Json) -> Reading {
    let limit = |(soft, hard): (i64, i64)| json!({"soft": soft, "hard": hard});
    let Some(planned) = plan.ulimits.get(name) else {
        return Reading::unread("the plan sets no such limit");
    };
    // A process may raise its own soft limit; the hard one is what it was given.
    let given = |(soft, hard): (i64, i64)| {
        let raised = hard == planned.1 && (soft < 0 || planned.0 >= 0 && soft >= planned.0);
        limit((if raised { planned.0 } else { soft }, hard))
    };
    Sides::of(wanted, found).planned(Some(limit(*planned))).both(
        found.host.ulimits.get(name).map(|found| limit(*found)),
        |inside| Some(Some(given(cgroup::ulimit(inside, name)?))),
        "/proc/1/limits",
    )
}
