//! Files of a service: by their bytes inside of the container, and by the object that they come from.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value as Json, json};

use super::{
    super::{
        Reading, files,
        workload::{Within, Workload},
    },
    process::of_secret,
    scene::{Pair, SPEC, Scene, items},
    volumes::{mount_at, volume_of},
};
use crate::{
    digest,
    plan::kubernetes::{Projection, ProjectionItem, ProjectionSource, VolumeSource},
    profile::Mode,
};

pub(super) fn read(scene: &Scene<'_>, of: &Workload<'_>, within: &Within, wanted: &Json) -> Option<Reading> {
    let keys = within.keys();
    if within.len() != keys.len() {
        return None;
    }
    match keys.as_slice() {
        ["files", path, field] => {
            Some(scene.each(of, |pair| self::field(scene, of, pair, path, field, wanted)))
        }
        _ => None,
    }
}

/// Where a planned file comes from.
struct Source<'a> {
    object: &'a ProjectionSource,
    item: &'a ProjectionItem,
    /// The whole volume's mount.
    target: &'a str,
}

/// The file that the plan puts at a path: in a folder that is mounted whole, or alone.
fn source<'a>(pair: &Pair<'a>, path: &str) -> Option<Source<'a>> {
    pair.plan.mounts.iter().find_map(|mount| {
        let VolumeSource::Files { from } = pair.pod.plan.volumes.get(&mount.volume)? else { return None };
        let below = match &mount.subpath {
            Some(below) => (mount.target == path).then_some(below.as_str())?,
            None => path.strip_prefix(mount.target.as_str())?.trim_start_matches('/'),
        };
        let of = |projection: &'a Projection| {
            let item = projection.items.iter().find(|item| item.path == below)?;
            Some(Source { object: &projection.source, item, target: &mount.target })
        };
        from.iter().find_map(of)
    })
}

fn field(
    scene: &Scene<'_>,
    of: &Workload<'_>,
    pair: &Pair<'_>,
    path: &str,
    field: &str,
    wanted: &Json,
) -> Reading {
    let Some(source) = source(pair, path) else { return Reading::unread("the plan mounts nothing there") };
    let Some(mount) = mount_at(pair, source.target) else {
        return Reading::absent(SPEC, "nothing is mounted there");
    };
    let from = format!("{path} in the container");
    let facts = pair.inside.map(|inside| inside.checksums.get(path));
    match (field, facts) {
        ("directory", _) => {
            let whole = mount.get("subPath").is_none() && wanted.as_str() == Some(source.target);
            Reading::equal(wanted, whole, || json!("mounted alone"), SPEC)
        }
        (_, Some(None)) => Reading::absent(from, "the file is not there"),
        ("mode", Some(Some(facts))) => {
            let planned = source.item.mode | if pair.pod.plan.fs_group.is_some() { 0o440 } else { 0 };
            Reading::of(wanted, json!(Mode(facts.mode)), from).planned(json!(Mode(planned)))
        }
        // Files of objects are root's, and of the pod's group.
        ("user", Some(Some(facts))) => Reading::of(wanted, facts.user, from).planned(0),
        ("group", Some(Some(facts))) => {
            Reading::of(wanted, facts.group, from).planned(pair.pod.plan.fs_group.unwrap_or(0))
        }
        ("mode", None) => of_spec(pair, mount, &source, wanted),
        ("user" | "group", None) => Reading::unread("no shell answers in the container"),
        (_, facts) => {
            let written = &scene.tree[of.section][of.name]["files"][path];
            let bytes = files::content(&scene.known, &scene.plan.secrets, written);
            let sha256 = facts.flatten().and_then(|facts| facts.sha256.as_deref());
            let inside = match (&bytes, sha256) {
                (Some(bytes), Some(live)) => {
                    let live = live.trim_start_matches("sha256:");
                    let same = digest::sha256(bytes).trim_start_matches("sha256:") == live;
                    let shown = || json!(format!("sha256:{live}"));
                    Some(Reading::equal(wanted, same, shown, format!("the hash of {from}")))
                }
                _ => None,
            };
            let object = of_object(scene, source.object, &source.item.key, bytes.as_deref(), wanted);
            object.and(inside)
        }
    }
}

/// The mode that the pod's spec gives to a file, where nobody answers inside.
fn of_spec(pair: &Pair<'_>, mount: &Json, source: &Source<'_>, wanted: &Json) -> Reading {
    let sources = items(&volume_of(pair, mount)["projected"]["sources"]);
    let all = sources.flat_map(|of| items(&of["configMap"]["items"]).chain(items(&of["secret"]["items"])));
    let live = all.filter(|item| item["path"].as_str() == Some(source.item.path.as_str()));
    match live.filter_map(|item| item["mode"].as_u64()?.try_into().ok()).next() {
        Some(mode) => Reading::of(wanted, json!(Mode(mode)), SPEC).planned(json!(Mode(source.item.mode))),
        None => Reading::absent(SPEC, "the file is not among those that are mounted"),
    }
}

/// What the ConfigMap or the Secret holds: running containers see a change of it later, or never.
fn of_object(
    scene: &Scene<'_>,
    object: &ProjectionSource,
    key: &str,
    bytes: Option<&[u8]>,
    wanted: &Json,
) -> Reading {
    let name = match object {
        ProjectionSource::Secret(name) => return of_secret(scene, name, key, wanted),
        ProjectionSource::ConfigMap(name) => name,
    };
    let from = format!("ConfigMap {name}");
    let Some(found) = scene.observed.object("ConfigMap", name) else {
        return scene.missing("ConfigMap", &from);
    };
    let text = found["data"][key].as_str().map(|text| text.as_bytes().to_vec());
    let binary = || STANDARD.decode(found["binaryData"][key].as_str()?).ok();
    match (text.or_else(binary), bytes) {
        (None, _) => Reading::absent(from, "the key is not in it"),
        (Some(_), None) => Reading::unread("what it shall hold is not known here"),
        (Some(live), Some(bytes)) => {
            Reading::equal(wanted, live == bytes, || json!(digest::sha256(&live)), from)
        }
    }
}
