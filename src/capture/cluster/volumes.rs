//! What is mounted into a container, but for files: volumes, and folders in memory.

use serde_json::{Map, Value as Json, json};

use super::{
    super::{
        Reading, inside,
        kubernetes::quantity,
        sides::bytes,
        workload::{Within, Workload},
    },
    scene::{Pair, SPEC, Scene, is_as_told, items, named},
};
use crate::{
    plan::kubernetes::{Body, PodMount, VolumeSource},
    profile::Bytes,
    render::kubernetes::words,
};

pub(super) fn read(scene: &Scene<'_>, of: &Workload<'_>, within: &Within, wanted: &Json) -> Option<Reading> {
    let keys = within.keys();
    if within.len() != keys.len() {
        return None;
    }
    let reading = match keys.as_slice() {
        ["tmpfs", path] => scene.each(of, |pair| tmpfs(pair, path, wanted)),
        ["volumes", path] => scene.each(of, |pair| volume(scene, of, pair, path, wanted)),
        _ => return None,
    };
    Some(reading)
}

fn bare(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" => "/",
        path => path,
    }
}

pub(super) fn planned_mount<'a>(pair: &Pair<'a>, path: &str) -> Option<&'a PodMount> {
    pair.plan.mounts.iter().find(|mount| bare(&mount.target) == bare(path))
}

/// What the container mounts at a path: of two at one place the last counts.
pub(super) fn mount_at<'a>(pair: &Pair<'a>, path: &str) -> Option<&'a Json> {
    items(&pair.spec["volumeMounts"])
        .rfind(|mount| mount["mountPath"].as_str().is_some_and(|target| bare(target) == bare(path)))
}

/// The pod's volume under a mount.
pub(super) fn volume_of<'a>(pair: &Pair<'a>, mount: &Json) -> &'a Json {
    named(&pair.pod.spec()["volumes"], mount["name"].as_str().unwrap_or_default())
}

/// The size of a volume in memory at a path, `None` inside where it has no limit of its own.
pub(super) fn in_memory(pair: &Pair<'_>, path: &str) -> Option<Option<String>> {
    let empty = volume_of(pair, mount_at(pair, path)?).get("emptyDir")?;
    (empty["medium"] == "Memory").then(|| quantity(&empty["sizeLimit"], false).flatten())
}

pub(super) fn planned_size(pair: &Pair<'_>, path: &str) -> Option<Bytes> {
    let mount = planned_mount(pair, path)?;
    match pair.pod.plan.volumes.get(&mount.volume)? {
        VolumeSource::Empty { size, .. } => *size,
        VolumeSource::Claim { .. } | VolumeSource::Host { .. } | VolumeSource::Files { .. } => None,
    }
}

pub(super) fn sized(wanted: &Json, live: Option<String>, from: &str) -> Reading {
    match live {
        Some(live) => {
            let same = quantity(wanted, false).flatten().as_ref() == Some(&live);
            Reading::equal(wanted, same, || live.into(), from)
        }
        None => Reading::absent(from, "it has no limit of its own"),
    }
}

/// A folder in memory: its size by the spec and as it is mounted; its mode Kubernetes does not let us say.
fn tmpfs(pair: &Pair<'_>, path: &str, wanted: &Json) -> Reading {
    if planned_mount(pair, path).is_none() {
        return Reading::unread("the plan mounts nothing there");
    }
    let Some(live) = in_memory(pair, path) else {
        return Reading::absent(SPEC, "no volume in memory is there");
    };
    let of = |size: Option<Json>| {
        let mut shown = Map::new();
        shown.extend(size.map(|size| ("size".to_owned(), size)));
        shown
    };
    let planned = of(planned_size(pair, path).map(|size| json!(size)));
    let told = of(live.map(Json::from));
    let read = |live: Map<String, Json>, from: &str| {
        Reading::of(wanted, live, from).planned(Json::Object(planned.clone()))
    };
    // A volume without a limit has the pod's, or the node's.
    let limited = wanted.get("size").is_some();
    let mounted = pair.inside.and_then(|inside| inside::mounted_size(inside, path)).filter(|_| limited);
    read(told, SPEC).and(mounted.map(|size| read(of(Some(bytes(size))), "/proc/mounts")))
}

/// What is mounted at a path: the planned volume, or another.
fn volume(scene: &Scene<'_>, of: &Workload<'_>, pair: &Pair<'_>, path: &str, wanted: &Json) -> Reading {
    let (planned, there) = match (planned_mount(pair, path), mount_at(pair, path)) {
        (None, None) => return Reading::unread("the plan mounts nothing there"),
        (Some(_), None) => return Reading::absent(SPEC, "nothing is mounted there"),
        (None, Some(there)) => return Reading::other(wanted, shown(pair, there), SPEC),
        (Some(planned), Some(there)) => (planned, there),
    };
    let found = volume_of(pair, there);
    let own = own_claim(scene, of, &planned.volume);
    let same = match (pair.pod.plan.volumes.get(&planned.volume), &own) {
        (Some(VolumeSource::Empty { .. }), _) => {
            let told = words::volume(&planned.volume, &pair.pod.plan.volumes[&planned.volume]);
            is_empty_as(&told, found)
        }
        (Some(source), _) => is_as_told(&words::volume(&planned.volume, source), found),
        (None, Some(_)) => {
            let name = format!("{}-{}", planned.volume, pair.pod.name);
            found["persistentVolumeClaim"]["claimName"].as_str() == Some(name.as_str())
        }
        (None, None) => false,
    };
    if !same || there["subPath"].as_str() != planned.subpath.as_deref() {
        return Reading::other(wanted, shown(pair, there), SPEC);
    }
    // A store's data lies in a claim of its own, whatever the profile names.
    let departs = own.is_some() && wanted.get("claim").is_none() && wanted.get("shared").is_none();
    let mut live = if departs { shown(pair, there) } else { wanted.clone() };
    let as_planned = live.clone();
    if (there["readOnly"] == Json::Bool(true)) != planned.read_only {
        live["read_only"] = (!planned.read_only).into();
    }
    if let Some(size) = claim_size(scene, found, wanted) {
        live["size"] = size;
    }
    Reading::of(wanted, live, SPEC).planned(as_planned)
}

/// The planned size of a claim that a StatefulSet makes for each pod.
fn own_claim(scene: &Scene<'_>, of: &Workload<'_>, volume: &str) -> Option<Bytes> {
    match &scene.planned(of.name)?.body {
        Body::StatefulSet { claims, .. } => claims.get(volume).copied(),
        _ => None,
    }
}

/// An empty folder in the planned place, of the planned size.
fn is_empty_as(told: &Json, found: &Json) -> bool {
    let (told, found) = (&told["emptyDir"], &found["emptyDir"]);
    let size = |empty: &Json| quantity(&empty["sizeLimit"], false).flatten();
    let medium = |empty: &Json| empty["medium"].as_str().unwrap_or_default().to_owned();
    found.is_object() && medium(told) == medium(found) && size(told) == size(found)
}

/// What a claim asks for, where that is not what the profile says.
fn claim_size(scene: &Scene<'_>, volume: &Json, wanted: &Json) -> Option<Json> {
    let written = quantity(wanted.get("size")?, false).flatten()?;
    let claim = volume["persistentVolumeClaim"]["claimName"].as_str()?;
    let claim = scene.observed.object("PersistentVolumeClaim", claim)?;
    let live = quantity(claim.pointer("/spec/resources/requests/storage")?, false).flatten()?;
    (live != written).then(|| live.into())
}

/// A mount in the profile's words.
pub(super) fn shown(pair: &Pair<'_>, mount: &Json) -> Json {
    let volume = volume_of(pair, mount);
    let mut shown = if let Some(empty) = volume.get("emptyDir") {
        let mut of = Map::new();
        if empty["medium"] == "Memory" {
            of.insert("medium".to_owned(), json!("memory"));
        }
        of.extend(
            quantity(&empty["sizeLimit"], false).flatten().map(|size| ("size".to_owned(), size.into())),
        );
        json!({"empty": of})
    } else if let Some(claim) = volume["persistentVolumeClaim"]["claimName"].as_str() {
        json!({"claim": claim})
    } else if let Some(path) = volume["hostPath"]["path"].as_str() {
        json!({"host": path})
    } else {
        let kinds = volume.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
        json!({"volume": kinds.filter(|key| *key != "name").collect::<Vec<_>>().join(", ")})
    };
    if mount["readOnly"] == Json::Bool(true) {
        shown["read_only"] = true.into();
    }
    shown
}
