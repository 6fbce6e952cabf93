//! Limits as the kernel tells them inside a container, in the words of either version of its control groups.

use crate::observed::Inside;

/// What one file says; a limit that is not set is `None` inside.
type Said<T> = Option<Option<T>>;

const V2: &str = "/sys/fs/cgroup";

fn text<'a>(inside: &'a Inside, path: &str) -> Option<&'a str> {
    inside.files.get(path).map(|text| text.trim())
}

fn number(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// Version 1 writes a huge number, a multiple of the page, for no limit at all.
fn v1_limit(text: &str) -> Option<i64> {
    number(text).filter(|bytes| *bytes >= 0 && *bytes < i64::MAX / 2)
}

pub(super) fn memory(inside: &Inside) -> Said<i64> {
    let v2 = text(inside, &format!("{V2}/memory.max")).map(number);
    v2.or_else(|| text(inside, &format!("{V2}/memory/memory.limit_in_bytes")).map(v1_limit))
}

/// Swap that may be used beside memory, in bytes.
pub(super) fn swap(inside: &Inside) -> Said<i64> {
    let v2 = text(inside, &format!("{V2}/memory.swap.max")).map(number);
    v2.or_else(|| {
        let both = v1_limit(text(inside, &format!("{V2}/memory/memory.memsw.limit_in_bytes"))?);
        let memory = memory(inside)?;
        Some(both.zip(memory).map(|(both, memory)| both - memory))
    })
}

pub(super) fn reservation(inside: &Inside) -> Said<i64> {
    let v2 = text(inside, &format!("{V2}/memory.low")).map(|text| number(text).filter(|bytes| *bytes > 0));
    v2.or_else(|| text(inside, &format!("{V2}/memory/memory.soft_limit_in_bytes")).map(v1_limit))
}

/// Thousandths of a core.
pub(super) fn cpu_millis(inside: &Inside) -> Said<i64> {
    let quota =
        |quota: i64, period: i64| (quota > 0 && period > 0).then(|| (quota * 1000 + period / 2) / period);
    if let Some(max) = text(inside, &format!("{V2}/cpu.max")) {
        let (most, period) = max.split_once(' ')?;
        return Some(number(most).zip(number(period)).and_then(|(most, period)| quota(most, period)));
    }
    let file = |name: &str| text(inside, &format!("{V2}/cpu/{name}")).and_then(number);
    Some(quota(file("cpu.cfs_quota_us")?, file("cpu.cfs_period_us")?))
}

/// The weight in the words of version 1, `cpu.shares`; the two versions differ in scale, so version 2 gives a range.
pub(super) fn shares_are(inside: &Inside, wanted: i64) -> Option<bool> {
    if let Some(weight) = text(inside, &format!("{V2}/cpu.weight")).and_then(number) {
        // runc before 1.3.2 maps the shares in a line, later ones by a curve: both are Docker as it is.
        let line = 1 + ((wanted.clamp(2, 262_144) - 2) * 9999) / 262_142;
        return Some(weight == line || weight == curve(wanted.clamp(2, 262_144)));
    }
    v1_shares(inside).map(|shares| shares == wanted)
}

/// The shares as version 1 has them.
pub(super) fn v1_shares(inside: &Inside) -> Option<i64> {
    text(inside, &format!("{V2}/cpu/cpu.shares")).and_then(number)
}

/// The quadratic that runc and crun took over: 2, 1024 and 262144 shares are the weights 1, 100 and 10000.
fn curve(shares: i64) -> i64 {
    match shares {
        ..=2 => 1,
        262_144.. => 10_000,
        _ => {
            let log = f64::from(u32::try_from(shares).unwrap_or(u32::MAX)).log2();
            let exponent = (log * log + 125.0 * log) / 612.0 - 7.0 / 34.0;
            // Between 1 and 10000 by the definition of the curve.
            #[expect(clippy::cast_possible_truncation, reason = "between 1 and 10000")]
            let weight = 10f64.powf(exponent).ceil() as i64;
            weight
        }
    }
}

/// Whether an OOM kills all processes of the container; version 1 knows no such thing.
pub(super) fn oom_group(inside: &Inside) -> Option<bool> {
    match text(inside, &format!("{V2}/memory.oom.group")) {
        Some(text) => Some(text == "1"),
        None => (version(inside) == Some("v1")).then_some(false),
    }
}

pub(super) fn pids(inside: &Inside) -> Said<i64> {
    let v2 = text(inside, &format!("{V2}/pids.max"));
    v2.or_else(|| text(inside, &format!("{V2}/pids/pids.max"))).map(number)
}

/// `v1` or `v2`, by the files that there are.
pub(super) fn version(inside: &Inside) -> Option<&'static str> {
    if text(inside, &format!("{V2}/memory.max")).is_some() {
        Some("v2")
    } else if text(inside, &format!("{V2}/memory/memory.limit_in_bytes")).is_some() {
        Some("v1")
    } else {
        None
    }
}

/// A line of `/proc/1/limits`: soft and hard, -1 for no limit.
pub(super) fn ulimit(inside: &Inside, name: &str) -> Option<(i64, i64)> {
    let title = match name {
        "nofile" => "Max open files",
        "nproc" => "Max processes",
        "core" => "Max core file size",
        "cpu" => "Max cpu time",
        "data" => "Max data size",
        "fsize" => "Max file size",
        "locks" => "Max file locks",
        "memlock" => "Max locked memory",
        "msgqueue" => "Max msgqueue size",
        "nice" => "Max nice priority",
        "rss" => "Max resident set",
        "rtprio" => "Max realtime priority",
        "rttime" => "Max realtime timeout",
        "sigpending" => "Max pending signals",
        "stack" => "Max stack size",
        _ => return None,
    };
    let line = inside.files.get("/proc/1/limits")?.lines().find_map(|line| line.strip_prefix(title))?;
    let mut words = line.split_whitespace();
    let mut limit = || match words.next()? {
        "unlimited" => Some(-1),
        number => number.parse().ok(),
    };
    Some((limit()?, limit()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(files: &[(&str, &str)]) -> Inside {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), format!("{text}\n"))).collect();
        Inside { files, ..Inside::default() }
    }

    #[test]
    fn both_versions_say_the_same_in_their_own_words() {
        let v1 = inside(&[
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "268435456"),
            ("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes", "268435456"),
            ("/sys/fs/cgroup/memory/memory.soft_limit_in_bytes", "9223372036854771712"),
            ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "25000"),
            ("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000"),
            ("/sys/fs/cgroup/cpu/cpu.shares", "256"),
            ("/sys/fs/cgroup/pids/pids.max", "max"),
        ]);
        let v2 = inside(&[
            ("/sys/fs/cgroup/memory.max", "268435456"),
            ("/sys/fs/cgroup/memory.swap.max", "0"),
            ("/sys/fs/cgroup/memory.low", "0"),
            ("/sys/fs/cgroup/cpu.max", "25000 100000"),
            ("/sys/fs/cgroup/cpu.weight", "10"),
            ("/sys/fs/cgroup/pids.max", "max"),
        ]);
        for (inside, version) in [(v1, "v1"), (v2, "v2")] {
            assert_eq!(memory(&inside), Some(Some(268_435_456)));
            assert_eq!(swap(&inside), Some(Some(0)));
            assert_eq!(reservation(&inside), Some(None));
            assert_eq!(cpu_millis(&inside), Some(Some(250)));
            assert_eq!(shares_are(&inside, 256), Some(true));
            assert_eq!(shares_are(&inside, 2048), Some(false));
            assert_eq!(pids(&inside), Some(None));
            assert_eq!(super::version(&inside), Some(version));
            assert_eq!(oom_group(&inside), (version == "v1").then_some(false));
        }
        let none = inside(&[("/sys/fs/cgroup/cpu.max", "max 100000")]);
        assert_eq!((cpu_millis(&none), memory(&none)), (Some(None), None));
    }

    #[test]
    fn the_curve_has_its_three_points() {
        assert_eq!([2, 1024, 262_144].map(curve), [1, 100, 10_000]);
    }

    #[test]
    fn a_ulimit_is_a_line_of_the_kernel() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
            Max cpu time              unlimited            unlimited            seconds   \n\
            Max open files            4096                 8192                 files     ";
        let inside = inside(&[("/proc/1/limits", text)]);
        assert_eq!(ulimit(&inside, "nofile"), Some((4096, 8192)));
        assert_eq!(ulimit(&inside, "cpu"), Some((-1, -1)));
        assert_eq!(ulimit(&inside, "unknown"), None);
    }
}
