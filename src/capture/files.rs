//! What is mounted into a container: files by their bytes, and volumes.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value as Json, json};

use super::{
    Reading, inside,
    known::Known,
    scene::{Pair, Scene},
    workload::{Within, Workload},
};
use crate::{
    digest,
    observed::{Container, Inside, Mount as Mounted},
    plan::{Mount, SecretPlan},
    profile::Mode,
};

const MOUNTS: &str = "the container's mounts";

pub(super) fn read(scene: &Scene<'_>, of: &Workload<'_>, within: &Within, wanted: &Json) -> Option<Reading> {
    let keys = within.keys();
    if within.len() != keys.len() {
        return None;
    }
    let reading = match keys.as_slice() {
        ["files", path, key] => scene.each(of, |_, found| field(scene, of, found, path, key, wanted)),
        ["volumes", path] => scene.each(of, |pair, found| volume(scene, pair, found, path, wanted)),
        _ => return None,
    };
    Some(reading)
}

/// One field of one file: the bytes by their hash, mode and owner as they are.
fn field(
    scene: &Scene<'_>,
    of: &Workload<'_>,
    found: &Container,
    path: &str,
    field: &str,
    wanted: &Json,
) -> Reading {
    let from = format!("{path} in the container");
    let Some(inside) = &found.inside else {
        return Reading::unread("no shell answers in the container");
    };
    let Some(facts) = inside.checksums.get(path) else {
        return Reading::absent(from, "the file is not there");
    };
    let written = &scene.tree[of.section][of.name]["files"][path];
    match field {
        "mode" => Reading::of(wanted, json!(Mode(facts.mode)), from),
        "user" => Reading::of(wanted, facts.user, from),
        "group" => Reading::of(wanted, facts.group, from),
        "directory" => {
            let there = found.mounts.iter().any(|mount| wanted.as_str() == Some(mount.target.as_str()));
            Reading::equal(wanted, there, || json!("mounted alone"), MOUNTS)
        }
        _ => match (content(&scene.known, &scene.plan.secrets, written), &facts.sha256) {
            (Some(bytes), Some(live)) => {
                let live = live.trim_start_matches("sha256:");
                let same = digest::sha256(&bytes).trim_start_matches("sha256:") == live;
                let shown = || json!(format!("sha256:{live}"));
                Reading::equal(wanted, same, shown, format!("the hash of {from}"))
            }
            (None, _) => Reading::unread("the value of its secret is not known here"),
            (_, None) => Reading::unread("the container's user may not read it"),
        },
    }
}

/// What the file shall hold.
pub(super) fn content(known: &Known, secrets: &[SecretPlan], written: &Json) -> Option<Vec<u8>> {
    if let Some(secret) = written["secret"].as_str() {
        let plan = secrets.iter().find(|plan| plan.secret.as_str() == secret)?;
        return known.get(&plan.variable).map(|value| value.as_bytes().to_vec());
    }
    if let Some(text) = written["base64"].as_str() {
        return STANDARD.decode(text).ok();
    }
    written["content"].as_str().map(|text| text.as_bytes().to_vec())
}

/// What is mounted at a path: the planned volume of ours, or the host's folder.
fn volume(scene: &Scene<'_>, pair: &Pair<'_>, found: &Container, path: &str, wanted: &Json) -> Reading {
    let bare = |path: &str| path.trim_end_matches('/').to_owned();
    let planned = pair.plan.mounts.iter().find(|mount| bare(mount.target()) == bare(path));
    let there = found.mounts.iter().find(|mount| bare(&mount.target) == bare(path));
    let (planned, there) = match (planned, there) {
        (None, None) => return Reading::unread("the plan mounts nothing there"),
        (Some(_), None) => return Reading::absent(MOUNTS, "nothing is mounted there"),
        (None, Some(there)) => return Reading::other(wanted, shown(there), MOUNTS),
        (Some(planned), Some(there)) => (planned, there),
    };
    let (as_planned, read_only) = match planned {
        Mount::Volume { volume, read_only, .. } => {
            (there.kind == "volume" && there.source == *volume, *read_only)
        }
        Mount::Bind { source, read_only, .. } => {
            (there.kind == "bind" && there.source == *source, *read_only)
        }
    };
    if !as_planned {
        return Reading::other(wanted, shown(there), MOUNTS);
    }
    // A store's data lies in a volume of ours, whatever the profile names.
    let departs = wanted.get("host").is_some() && there.kind == "volume";
    let mut live = if departs { shown(there) } else { wanted.clone() };
    let planned = live.clone();
    if there.read_only != read_only {
        live["read_only"] = there.read_only.into();
    }
    if let Some(size) = memory_size(scene, found.inside.as_ref(), &there.source, path) {
        live["empty"]["size"] = super::sides::bytes(size);
    }
    Reading::of(wanted, live, MOUNTS).planned(planned)
}

/// A mount in the profile's words.
pub(super) fn shown(there: &Mounted) -> Json {
    let kind = match there.kind.as_str() {
        "bind" => "host",
        "volume" => "claim",
        other => other,
    };
    let mut shown = json!({kind: there.source});
    if there.read_only {
        shown["read_only"] = true.into();
    }
    shown
}

/// The size of a volume in memory as it is mounted, where that is not the planned one.
fn memory_size(scene: &Scene<'_>, inside: Option<&Inside>, volume: &str, path: &str) -> Option<i64> {
    let plan = scene.plan.volumes.iter().find(|plan| plan.name == volume)?;
    let size = i64::try_from(plan.memory.flatten()?).ok()?;
    inside::mounted_size(inside?, path).filter(|live| *live != size)
}
