//! Resources: what the engine was told, and what the kernel says inside; both must agree.

use serde_json::{Value as Json, json};

use super::{
    Reading, cgroup,
    scene::{Scene, Within, Workload},
};
use crate::{
    observed::{Container, Inside},
    profile::{Bytes, Cpu},
};

const HOST: &str = "`HostConfig` of the container";

pub(super) fn read(scene: &Scene<'_>, of: &Workload<'_>, within: &Within, wanted: &Json) -> Option<Reading> {
    let keys = within.keys();
    if within.len() != keys.len() {
        return None;
    }
    let reading = match keys.as_slice() {
        ["resources", "limits", "cpu"] => scene.each(of, |pair, found| {
            // The engine has a least and a most of its own.
            let planned = cpu(signed(pair.plan.limits.cpu_millis));
            let told = Reading::planned(wanted, planned.clone(), cpu(told_cpu(found)), HOST);
            told.and(kernel(found, cgroup::cpu_millis, |said| {
                Reading::planned(wanted, planned.clone(), cpu(said), "cpu.max or cpu.cfs_quota_us")
            }))
        }),
        ["resources", "limits", "memory"] => scene.each(of, |pair, found| {
            let planned = bytes(signed(pair.plan.limits.memory));
            let told = Reading::planned(wanted, planned.clone(), bytes(some(found.host.memory)), HOST);
            told.and(kernel(found, cgroup::memory, |said| {
                Reading::planned(wanted, planned.clone(), bytes(said), "memory.max or memory.limit_in_bytes")
            }))
        }),
        ["resources", "limits", "ephemeral_storage"] => scene.each(of, |pair, found| {
            match (pair.plan.limits.storage, found.host.storage_opt.get("size")) {
                (None, _) => Reading::unread("the storage driver has no quota for a container"),
                (Some(_), None) => Reading::absent(HOST, "the container has no quota"),
                (Some(_), Some(size)) => {
                    Reading::of(wanted, size.parse().map(Bytes).map_or(json!(size), |size| json!(size)), HOST)
                }
            }
        }),
        ["resources", "requests", "cpu"] => scene.each(of, |pair, found| {
            let planned =
                pair.plan.limits.cpu_shares.and_then(|shares| i64::try_from(shares).ok()).unwrap_or(0);
            let live = cpu(some(found.host.cpu_shares).map(|shares| (shares * 1000 + 512) / 1024));
            let told = Reading::as_wanted(wanted, found.host.cpu_shares == planned, || live, HOST);
            let inside = found.inside.as_ref().and_then(|inside| cgroup::shares_are(inside, planned));
            let from = "cpu.weight or cpu.shares";
            told.and(inside.map(|same| Reading::as_wanted(wanted, same, || json!("another weight"), from)))
        }),
        ["resources", "requests", "memory"] => scene.each(of, |_, found| {
            let told = Reading::of(wanted, bytes(some(found.host.memory_reservation)), HOST);
            told.and(kernel(found, cgroup::reservation, |said| {
                Reading::of(wanted, bytes(said), "memory.low or memory.soft_limit_in_bytes")
            }))
        }),
        ["pids"] => scene.each(of, |_, found| {
            let told = Reading::of(wanted, count(some(found.host.pids_limit)), HOST);
            told.and(kernel(found, cgroup::pids, |said| Reading::of(wanted, count(said), "pids.max")))
        }),
        ["shm_size"] => scene.each(of, |_, found| {
            let told = Reading::of(wanted, bytes(some(found.host.shm_size)), HOST);
            let inside = found.inside.as_ref().and_then(|inside| mounted_size(inside, "/dev/shm"));
            told.and(inside.map(|size| Reading::of(wanted, bytes(Some(size)), "/proc/mounts")))
        }),
        ["ulimits", name] => scene.each(of, |pair, found| {
            let limit = |(soft, hard): (i64, i64)| json!({"soft": soft, "hard": hard});
            let Some(planned) = pair.plan.ulimits.get(*name) else {
                return Reading::unread("the plan sets no such limit");
            };
            let told = match found.host.ulimits.get(*name) {
                Some(found) => Reading::planned(wanted, limit(*planned), limit(*found), HOST),
                None => Reading::absent(HOST, "the container has no such limit"),
            };
            // A process may raise its own soft limit; the hard one is what it was given.
            let inside = found.inside.as_ref().and_then(|inside| cgroup::ulimit(inside, name));
            told.and(inside.map(|(soft, hard)| {
                let soft = if soft >= planned.0 && hard == planned.1 { planned.0 } else { soft };
                Reading::planned(wanted, limit(*planned), limit((soft, hard)), "/proc/1/limits")
            }))
        }),
        _ => return None,
    };
    Some(reading)
}

/// A limit that is set; 0 and below is the engine's word for none.
fn some(value: i64) -> Option<i64> {
    (value > 0).then_some(value)
}

fn told_cpu(found: &Container) -> Option<i64> {
    let by_quota = || {
        let period = some(found.host.cpu_period).unwrap_or(100_000);
        some(found.host.cpu_quota).map(|quota| quota * 1000 / period)
    };
    some(found.host.nano_cpus).map(|nanos| nanos / 1_000_000).or_else(by_quota)
}

fn signed(value: Option<u64>) -> Option<i64> {
    value.and_then(|value| i64::try_from(value).ok())
}

/// What the kernel says, where it could be asked.
fn kernel(
    found: &Container,
    ask: impl Fn(&Inside) -> Option<Option<i64>>,
    read: impl Fn(Option<i64>) -> Reading,
) -> Option<Reading> {
    ask(found.inside.as_ref()?).map(read)
}

fn cpu(millis: Option<i64>) -> Json {
    spelled(millis, |millis| json!(Cpu { millis }))
}

fn bytes(bytes: Option<i64>) -> Json {
    spelled(bytes, |bytes| json!(Bytes(bytes)))
}

fn count(count: Option<i64>) -> Json {
    spelled(count, |count| json!(count))
}

fn spelled(value: Option<i64>, spell: impl Fn(u64) -> Json) -> Json {
    value.and_then(|value| u64::try_from(value).ok()).map_or_else(|| json!("no limit"), spell)
}

/// The size of a file system in memory, from its line in `/proc/mounts`.
pub(super) fn mounted_size(inside: &Inside, target: &str) -> Option<i64> {
    let size = mount_option(inside, target, "size")?;
    let (number, unit) = size.split_at(size.find(|c: char| !c.is_ascii_digit()).unwrap_or(size.len()));
    let factor = match unit {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(factor)
}

/// An option of what is mounted last at a target.
pub(super) fn mount_option(inside: &Inside, target: &str, option: &str) -> Option<String> {
    let mounts = inside.files.get("/proc/mounts")?;
    let line = mounts.lines().rfind(|line| line.split(' ').nth(1) == Some(target))?;
    let mut options = line.split(' ').nth(3)?.split(',');
    options.find_map(|given| given.strip_prefix(option)?.strip_prefix('=')).map(str::to_owned)
}
