//! Settings of engines: the same value in two spellings, `64mb` and `67108864`.

use crate::profile::EngineKind;

/// Whether an engine that was given one text and answers another has the setting that was meant.
pub(super) fn same(engine: EngineKind, name: &str, wanted: &str, live: &str) -> bool {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    if plain(wanted) == plain(live) {
        return true;
    }
    match engine {
        EngineKind::Postgres => postgres(name, wanted.trim(), live.trim()),
        EngineKind::Redis => redis(wanted.trim(), live.trim()),
    }
}

fn both<T: PartialEq>(read: impl Fn(&str) -> Option<T>, a: &str, b: &str) -> Option<bool> {
    Some(read(a)? == read(b)?)
}

/// `SHOW` prints with the largest unit that fits; a number alone counts in the setting's own unit, which the answer
/// carries: `128MB` may be `16384` pages of 8 kB.
fn postgres(name: &str, wanted: &str, live: &str) -> bool {
    const PAGES: [&str; 6] = [
        "shared_buffers",
        "effective_cache_size",
        "temp_buffers",
        "wal_buffers",
        "min_parallel_table_scan_size",
        "min_parallel_index_scan_size",
    ];
    const MEGABYTES: [&str; 5] =
        ["max_wal_size", "min_wal_size", "wal_keep_size", "max_slot_wal_keep_size", "wal_segment_size"];
    const SECONDS: [&str; 7] = [
        "checkpoint_timeout",
        "authentication_timeout",
        "archive_timeout",
        "tcp_keepalives_idle",
        "tcp_keepalives_interval",
        "checkpoint_warning",
        "pre_auth_delay",
    ];
    let size_unit = if PAGES.contains(&name) {
        8192.0
    } else if MEGABYTES.contains(&name) {
        1_048_576.0
    } else {
        1024.0
    };
    let span_unit = if SECONDS.contains(&name) { 1000.0 } else { 1.0 };
    let size = |text: &str| number(text, &POSTGRES_SIZES, true);
    let span = |text: &str| number(text, &SPANS, true);
    // The answer's unit says what is counted; without one it is a plain number or a word.
    let of_unit = |read: &dyn Fn(&str) -> Option<(f64, bool)>, unit: f64| {
        let (live, has_unit) = read(live)?;
        let (wanted, written) = read(wanted)?;
        let wanted = if written { wanted } else { wanted * unit };
        has_unit.then_some(live == wanted)
    };
    of_unit(&size, size_unit)
        .or_else(|| of_unit(&span, span_unit))
        .or_else(|| both(|text| text.parse::<f64>().ok(), wanted, live))
        .or_else(|| both(boolean, wanted, live))
        .unwrap_or_else(|| wanted.eq_ignore_ascii_case(live) || unquoted(wanted) == unquoted(live))
}

/// Sizes are answered in bytes, whatever they were written in.
fn redis(wanted: &str, live: &str) -> bool {
    both(|text| number(text, &REDIS_SIZES, false).map(|(number, _)| number), wanted, live)
        .or_else(|| both(boolean, wanted, live))
        .unwrap_or_else(|| wanted.eq_ignore_ascii_case(live) || unquoted(wanted) == unquoted(live))
}

const POSTGRES_SIZES: [(&str, f64); 5] =
    [("TB", 1_099_511_627_776.0), ("GB", 1_073_741_824.0), ("MB", 1_048_576.0), ("kB", 1024.0), ("B", 1.0)];
const SPANS: [(&str, f64); 6] =
    [("us", 0.001), ("ms", 1.0), ("min", 60_000.0), ("s", 1000.0), ("h", 3_600_000.0), ("d", 86_400_000.0)];
/// As `memtoull` of Redis knows them.
const REDIS_SIZES: [(&str, f64); 7] = [
    ("kb", 1024.0),
    ("mb", 1_048_576.0),
    ("gb", 1_073_741_824.0),
    ("k", 1000.0),
    ("m", 1_000_000.0),
    ("g", 1_000_000_000.0),
    ("b", 1.0),
];

/// A number with or without a unit, and whether it had one.
fn number(text: &str, units: &[(&str, f64)], by_case: bool) -> Option<(f64, bool)> {
    let end =
        text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-' || c == '+')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: f64 = number.parse().ok()?;
    let unit = unit.trim();
    if unit.is_empty() {
        return Some((number, false));
    }
    let same = |known: &str| if by_case { known == unit } else { known.eq_ignore_ascii_case(unit) };
    units.iter().find(|(known, _)| same(known)).map(|(_, factor)| (number * factor, true))
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" | "t" | "y" => Some(true),
        "off" | "false" | "no" | "0" | "f" | "n" => Some(false),
        _ => None,
    }
}

fn unquoted(text: &str) -> &str {
    ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_has_many_spellings() {
        for (name, wanted, live) in [
            ("max_connections", "50", "50"),
            ("shared_buffers", "32MB", "32MB"),
            ("shared_buffers", "4096", "32MB"),
            ("work_mem", "4096kB", "4MB"),
            ("work_mem", "4096", "4MB"),
            ("max_wal_size", "1024", "1GB"),
            ("log_min_duration_statement", "250", "250ms"),
            ("statement_timeout", "60000", "1min"),
            ("checkpoint_timeout", "300", "5min"),
            ("fsync", "false", "off"),
            ("random_page_cost", "4.0", "4"),
            ("log_statement", "ALL", "all"),
        ] {
            assert!(same(EngineKind::Postgres, name, wanted, live), "{name}: {wanted} {live}");
        }
        for (name, wanted, live) in [
            ("maxmemory", "64mb", "67108864"),
            ("maxmemory", "1G", "1000000000"),
            ("appendonly", "no", "no"),
            ("save", "3600 1  300 100", "3600 1 300 100"),
            ("save", "\"\"", ""),
        ] {
            assert!(same(EngineKind::Redis, name, wanted, live), "{name}: {wanted} {live}");
        }
    }

    #[test]
    fn another_value_is_another_value() {
        for (name, wanted, live) in [
            ("max_connections", "50", "100"),
            ("shared_buffers", "32MB", "128MB"),
            ("work_mem", "4", "4MB"),
            ("fsync", "on", "off"),
            ("log_min_duration_statement", "250ms", "-1"),
        ] {
            assert!(!same(EngineKind::Postgres, name, wanted, live), "{name}: {wanted} {live}");
        }
        assert!(!same(EngineKind::Redis, "maxmemory", "64mb", "0"));
        assert!(!same(EngineKind::Redis, "maxmemory-policy", "noeviction", "allkeys-lru"));
    }
}
