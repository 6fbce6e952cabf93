//! The grammar of a profile, as far as a difference must know it: what is one change, and what is several.
//!
//! A change alone (with what it needs) shall leave a valid profile. So a
//! service, a probe or a volume comes and goes as a whole, and a thing that
//! becomes another kind of thing is one change; variables, labels and the like
//! are told apart.

use serde_json::{Map, Value};

use crate::path::{Path, Segment};

/// Top-level keys whose members are changes of their own when one side has none.
const APART_AT_TOP: [&str; 10] = [
    "platform",
    "flags",
    "secrets",
    "services",
    "jobs",
    "stores",
    "network",
    "externals",
    "endpoints",
    "scenarios",
];

/// The same for fields of a workload or container.
const APART: [&str; 16] = [
    "env",
    "labels",
    "settings",
    "sysctls",
    "extra_hosts",
    "resources",
    "probes",
    "dns",
    "files",
    "volumes",
    "init",
    "sidecars",
    "ports",
    "tmpfs",
    "ulimits",
    "capabilities",
];

/// Keys of which exactly one says what kind of thing it is: of probes and hooks, volumes, files.
const KINDS: [&str; 13] = [
    "http", "tcp", "grpc", "exec", "sleep", "empty", "claim", "shared", "host", "content", "from", "secret",
    "base64",
];

fn text(segment: &Segment) -> &str {
    match segment {
        Segment::Key(key) => key,
        Segment::Member { value, .. } => value,
        Segment::Index(_) => "",
    }
}

/// What a path says inside a workload or one of its containers: `env.A` of `services.api.init.wait.env.A`.
pub fn within(path: &Path) -> Vec<&str> {
    let [top, _, rest @ ..] = path.0.as_slice() else { return Vec::new() };
    if !matches!(text(top), "services" | "jobs" | "stores") {
        return Vec::new();
    }
    let rest = match rest {
        [kind, _, inner @ ..] if matches!(text(kind), "init" | "sidecars") => inner,
        _ => rest,
    };
    rest.iter().map(text).collect()
}

/// Whether the members of a map or named list are apart. Such a one is never written when it is empty.
pub fn is_apart(path: &Path) -> bool {
    if let [Segment::Key(top)] = path.0.as_slice() {
        return APART_AT_TOP.contains(&top.as_str());
    }
    match within(path).as_slice() {
        [field] => APART.contains(field),
        ["resources", which] => matches!(*which, "limits" | "requests"),
        _ => *path == Path::of(["endpoints", "env"]),
    }
}

/// Whether two maps that differ are one change, whatever it is in them that differs.
pub fn is_one(path: &Path, a: &Map<String, Value>, b: &Map<String, Value>) -> bool {
    let kinds = |map: &Map<String, Value>| KINDS.map(|kind| map.contains_key(kind));
    match within(path).as_slice() {
        // Numbers that bind each other, and values in several forms.
        ["ulimits", _] | ["autoscaling"] | ["disruption"] | ["env", _] => true,
        ["probes", _] | ["volumes", _] | ["files", _] | ["post_start"] | ["pre_stop"] => kinds(a) != kinds(b),
        _ => matches!(path.key_at(0), Some("secrets" | "scenarios")) && path.0.len() == 2,
    }
}
