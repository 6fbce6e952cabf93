//! Volumes of a pod by where they are mounted: files of ConfigMaps and Secrets, and volumes.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::{
    env::{keys, secret, taken},
    field,
    objects::Cluster,
    workloads::Workload,
};
use crate::{
    capture::{
        draft::{Sketch, Taking, scalar},
        names::plain,
    },
    profile::{Bytes, EngineKind, Piece, Text},
};

const NO_API: &str = "there is no Kubernetes API in a mirror";

/// A file of a mounted folder: its key in the object, its path below the mount, its mode.
struct Item {
    key: String,
    path: String,
    mode: Option<u64>,
}

/// The containers in the order of their say: the main one first.
pub(super) fn write<'s>(
    containers: &[Taking<'s>],
    workload: &Workload<'s>,
    cluster: &Cluster<'s>,
    to: &mut Sketch<'s>,
) {
    let volumes = volumes(workload);
    // What is mounted where; all containers of a pod share a profile's mounts.
    let mut mounted: BTreeMap<String, String> = BTreeMap::new();
    for mount in containers.iter().filter_map(|one| one.get("volumeMounts")).flat_map(|mounts| mounts.items())
    {
        let text = |key: &str| mount.value()[key].as_str().unwrap_or_default();
        let (name, path) = (text("name"), text("mountPath").trim_end_matches('/'));
        mount.used();
        mount.without(&[
            ("mountPropagation", "a mirror's mounts stay as they are"),
            ("recursiveReadOnly", "a mirror's mounts stay as they are"),
            ("subPathExpr", "the whole volume is mounted"),
        ]);
        let Some(volume) = volumes.get(name) else {
            mount.left_out(format!("the pod has no volume `{name}`"));
            continue;
        };
        match mounted.get(path) {
            Some(known) if known == name => continue,
            Some(known) => {
                mount.left_out(format!("`{known}` is mounted there by another container"));
                continue;
            }
            None => drop(mounted.insert(path.to_owned(), name.to_owned())),
        }
        one(&mount, path, volume, workload, cluster, to);
    }
}

/// The pod's volumes by name, and the claims that a StatefulSet makes for each replica.
fn volumes<'s>(workload: &Workload<'s>) -> BTreeMap<&'s str, Taking<'s>> {
    let own = workload.spec().and_then(|spec| spec.get("volumes"));
    let claims = workload.object.at.find(&["spec", "volumeClaimTemplates"]);
    let named = |at: Taking<'s>, name: Option<&'s str>| Some((name?, at));
    let own = own.map(|all| all.items()).unwrap_or_default();
    let claims = claims.map(|all| all.items()).unwrap_or_default();
    own.into_iter()
        .filter_map(|at| named(at.clone(), at.value()["name"].as_str()))
        .chain(claims.into_iter().filter_map(|at| named(at.clone(), at.value()["metadata"]["name"].as_str())))
        .collect()
}

fn one<'s>(
    mount: &Taking<'s>,
    path: &str,
    volume: &Taking<'s>,
    workload: &Workload<'s>,
    cluster: &Cluster<'s>,
    to: &mut Sketch<'s>,
) {
    if let Some(name) = volume.get("name") {
        name.used();
    }
    for (key, kind) in [("configMap", "ConfigMap"), ("secret", "Secret")] {
        if let Some(source) = volume.get(key) {
            return files(mount, path, &source, kind, workload, cluster, to);
        }
    }
    if let Some(projected) = volume.get("projected") {
        for source in projected.get("sources").map(|all| all.items()).unwrap_or_default() {
            for (key, kind) in [("configMap", "ConfigMap"), ("secret", "Secret")] {
                if let Some(source) = source.get(key) {
                    files(mount, path, &source, kind, workload, cluster, to);
                }
            }
            source.without(&[
                ("serviceAccountToken", NO_API),
                ("clusterTrustBundle", NO_API),
                ("podCertificate", NO_API),
                ("downwardAPI", "a mirror writes no files about its own replicas"),
            ]);
        }
        return;
    }
    let sub = mount.get("subPath");
    if let Some(sub) = &sub {
        sub.left_out("the whole volume is mounted");
    }
    if is_data(workload, path) {
        volume.used();
        return mount.remark("a store's data has a volume of its own, and its seed");
    }
    let at = field(&workload.at, &["volumes", path]);
    let value = match of_volume(volume, workload, cluster) {
        Ok(value) => value,
        Err(why) => return volume.left_out(why),
    };
    to.take(&at, value, volume);
    if let Some(only) = mount.get("readOnly").filter(|only| only.value() == &Json::Bool(true)) {
        only.left_out("a volume of a mirror can be written");
    }
    claim(volume, workload, cluster);
}

fn of_volume(volume: &Taking<'_>, workload: &Workload<'_>, cluster: &Cluster<'_>) -> Result<Json, String> {
    let size = |value: Option<&Json>| value.and_then(scalar).and_then(|text| text.parse::<Bytes>().ok());
    let with_size = |mut map: Map<String, Json>, size: Option<Bytes>| {
        map.extend(size.map(|size| ("size".to_owned(), json!(size.to_string()))));
        Json::Object(map)
    };
    if let Some(empty) = volume.get("emptyDir") {
        let mut map = Map::new();
        if empty.value()["medium"] == "Memory" {
            map.insert("medium".to_owned(), json!("memory"));
        }
        return Ok(json!({"empty": with_size(map, size(empty.value().get("sizeLimit")))}));
    }
    let named = |name: &str, size: Option<Bytes>| {
        with_size(Map::from_iter([("claim".to_owned(), json!(plain(name)))]), size)
    };
    if let Some(claim) = volume.get("persistentVolumeClaim") {
        let name = claim.value()["claimName"].as_str().unwrap_or_default();
        let object = cluster.get("PersistentVolumeClaim", &workload.object.namespace, name);
        let asked = object.and_then(|object| object.at.find(&["spec", "resources", "requests", "storage"]));
        return Ok(named(name, size(asked.map(|asked| asked.value()))));
    }
    // The claim of each replica of a StatefulSet.
    if let Some(name) = volume.value()["metadata"]["name"].as_str() {
        let asked = volume.find(&["spec", "resources", "requests", "storage"]);
        return Ok(named(name, size(asked.map(|asked| asked.value()))));
    }
    if volume.get("hostPath").is_some() {
        return Err(
            "a path of the node; a mirror sees the host's only if the profile is told to by hand".to_owned()
        );
    }
    if volume.get("downwardAPI").is_some() {
        return Err("a mirror writes no files about its own replicas".to_owned());
    }
    let kinds: Vec<&str> =
        volume.entries().into_iter().map(|(key, _)| key).filter(|key| *key != "name").collect();
    Err(match kinds.first() {
        Some(kind) => format!("a mirror has no volumes of the kind `{kind}`"),
        // Kubernetes' own default.
        None => return Ok(json!({"empty": {}})),
    })
}

/// What of a claim a mirror keeps, and what it does not.
fn claim(volume: &Taking<'_>, workload: &Workload<'_>, cluster: &Cluster<'_>) {
    const STORAGE: &str = "volumes of a mirror are of the engine's own kind";
    let object = volume.get("persistentVolumeClaim").and_then(|claim| {
        let name = claim.value()["claimName"].as_str()?;
        cluster.get("PersistentVolumeClaim", &workload.object.namespace, name)
    });
    let at = match object {
        Some(object) => {
            object.known();
            object.at.became(workload.at.clone());
            object.at.clone()
        }
        None => volume.clone(),
    };
    if let Some(spec) = at.get("spec") {
        if let Some(resources) = spec.get("resources") {
            resources.used();
        }
        spec.without(&[
            ("accessModes", STORAGE),
            ("storageClassName", STORAGE),
            ("volumeMode", STORAGE),
            ("volumeName", STORAGE),
            ("selector", STORAGE),
            ("dataSource", "a mirror's volumes begin empty"),
            ("dataSourceRef", "a mirror's volumes begin empty"),
        ]);
    }
}

/// Where a store keeps its data.
fn is_data(workload: &Workload<'_>, path: &str) -> bool {
    match workload.engine {
        Some(EngineKind::Postgres) => path.starts_with("/var/lib/postgresql"),
        Some(EngineKind::Redis) => path == "/data",
        None => false,
    }
}

fn files<'s>(
    mount: &Taking<'s>,
    path: &str,
    source: &Taking<'s>,
    kind: &str,
    workload: &Workload<'s>,
    cluster: &Cluster<'s>,
    to: &mut Sketch<'s>,
) {
    let value = source.value();
    let name = value["secretName"].as_str().or(value["name"].as_str()).unwrap_or_default();
    let object = cluster.get(kind, &workload.object.namespace, name);
    let known = object.map(|object| keys(object, kind)).unwrap_or_default();
    source.used();
    let items: Vec<Item> = match source.get("items") {
        Some(items) => items.items().iter().filter_map(|item| of_item(item.value())).collect(),
        None => known
            .iter()
            .map(|(key, _)| Item { key: (*key).to_owned(), path: (*key).to_owned(), mode: None })
            .collect(),
    };
    let sub = mount.value()["subPath"].as_str();
    // Without its keys a Secret cannot be written, and a ConfigMap not without its content.
    if object.is_none() && (kind == "ConfigMap" || items.is_empty() && sub.is_none()) {
        return source.left_out(format!("the {kind} `{name}` was not read: its files are not known"));
    }
    let items = match (sub, items.is_empty()) {
        (Some(sub), true) => vec![Item { key: sub.to_owned(), path: sub.to_owned(), mode: None }],
        _ => items,
    };
    for item in items {
        let directory = match sub {
            // One file alone, at the mount's own path.
            Some(sub) if sub == item.path => None,
            Some(_) => continue,
            None => Some(path),
        };
        let file =
            directory.map_or_else(|| path.to_owned(), |directory| format!("{directory}/{}", item.path));
        let mut map = Map::new();
        let place = known.iter().find(|(key, _)| *key == item.key).map(|(_, at)| at);
        match (kind, place) {
            ("Secret", place) => {
                let Some(Piece::Secret(secret)) = piece(secret(name, &item.key, to)) else { continue };
                map.insert("secret".to_owned(), json!(secret.to_string()));
                if let Some(at) = place {
                    taken(kind, at);
                }
            }
            (_, Some(at)) => {
                map.insert("content".to_owned(), json!(scalar(at.value()).unwrap_or_default()));
                taken(kind, at);
            }
            (_, None) => {
                source.left_out(format!("the {kind} `{name}` has no key `{}`", item.key));
                continue;
            }
        }
        map.extend(directory.map(|directory| ("directory".to_owned(), json!(directory))));
        let mode = item.mode.or(value["defaultMode"].as_u64());
        map.extend(mode.map(|mode| ("mode".to_owned(), json!(format!("{mode:04o}")))));
        let at = field(&workload.at, &["files", &file]);
        to.take(&at, Json::Object(map), source);
        if let (Some(place), "ConfigMap") = (place, kind) {
            to.origins.add(at, place.clone());
        }
    }
}

fn piece(text: Text) -> Option<Piece> {
    text.0.into_iter().next()
}

fn of_item(value: &Json) -> Option<Item> {
    let text = |key: &str| Some(value[key].as_str()?.to_owned());
    Some(Item { key: text("key")?, path: text("path")?, mode: value["mode"].as_u64() })
}
