//! An object of every kind that is read, with every field that the published schemas know: what becomes of each leaf.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use prodmirror::capture::{
    draft::Draft,
    kubernetes::{self, Document},
    redact::Rules,
};
use serde_json::{Map, Value as Json, json};

use super::stage::{FILES, closes};

/// Group and version of the file, and the schema in it.
const KINDS: [(&str, &str); 17] = [
    ("apis__apps__v1", "apps.v1.Deployment"),
    ("apis__apps__v1", "apps.v1.StatefulSet"),
    ("apis__apps__v1", "apps.v1.DaemonSet"),
    ("apis__apps__v1", "apps.v1.ReplicaSet"),
    ("apis__batch__v1", "batch.v1.Job"),
    ("apis__batch__v1", "batch.v1.CronJob"),
    ("api__v1", "core.v1.Pod"),
    ("api__v1", "core.v1.ReplicationController"),
    ("api__v1", "core.v1.Service"),
    ("apis__networking.k8s.io__v1", "networking.v1.Ingress"),
    ("apis__networking.k8s.io__v1", "networking.v1.NetworkPolicy"),
    ("api__v1", "core.v1.ConfigMap"),
    ("api__v1", "core.v1.Secret"),
    ("api__v1", "core.v1.PersistentVolumeClaim"),
    ("apis__autoscaling__v2", "autoscaling.v2.HorizontalPodAutoscaler"),
    ("apis__policy__v1", "policy.v1.PodDisruptionBudget"),
    ("api__v1", "core.v1.Node"),
];

/// The folder of one version each, `v1.30` and so on, oldest first.
fn versions() -> Vec<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"), PathBuf::from);
    let folder = target.join("setup/schemas/kubernetes");
    let found = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}; type `make setup-kind`", folder.display()));
    let mut found: Vec<PathBuf> =
        found.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    found.sort();
    assert!(found.len() >= 8, "{found:?} are not all versions; type `make setup-kind`");
    found
}

/// The schemas of one group.
struct Schemas(Json);

impl Schemas {
    fn read(version: &Path, group: &str) -> Self {
        let file = version.join(format!("{group}_openapi.json"));
        let text = fs::read(&file)
            .unwrap_or_else(|error| panic!("{}: {error}; type `make setup-kind`", file.display()));
        let mut document: Json = serde_json::from_slice(&text).unwrap();
        Self(document["components"]["schemas"].take())
    }

    /// A value with everything in it that a schema allows; lists and maps hold one of theirs.
    fn filled(&self, schema: &Json, key: &str) -> Json {
        if let Some(name) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
            return match name {
                "io.k8s.apimachinery.pkg.api.resource.Quantity" => json!("64Mi"),
                "io.k8s.apimachinery.pkg.util.intstr.IntOrString" => json!(8080),
                // Who wrote which field, in a form of its own.
                "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1" => json!({"f:spec": {}}),
                name => self.filled(&self.0[name], key),
            };
        }
        if let Some([one]) = schema["allOf"].as_array().map(Vec::as_slice) {
            return self.filled(one, key);
        }
        if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
            return first.clone();
        }
        match schema["type"].as_str() {
            Some("object") => match &schema["properties"] {
                Json::Object(properties) => {
                    let filled = |(key, schema): (&String, &Json)| (key.clone(), self.filled(schema, key));
                    Json::Object(properties.iter().map(filled).collect())
                }
                _ => json!({"key": self.filled(&schema["additionalProperties"], "key")}),
            },
            Some("array") => json!([self.filled(&schema["items"], key)]),
            Some("boolean") => json!(true),
            Some("integer" | "number") => json!(7),
            _ => json!(text(schema["format"].as_str(), key)),
        }
    }
}

/// A text of the form that its field has.
fn text(format: Option<&str>, key: &str) -> String {
    match (format, key) {
        (Some("date-time"), _) => "2026-11-20T08:15:00Z".to_owned(),
        (Some("byte"), _) => "eA==".to_owned(),
        (_, "image") => "registry.example.com/shop/web:1".to_owned(),
        (_, "schedule") => "0 3 * * *".to_owned(),
        (_, "imageID") => format!("web@sha256:{}", "a".repeat(64)),
        (_, key) => format!("x-{}", key.to_lowercase()),
    }
}

fn object(version: &Path, group: &str, name: &str) -> (String, Json) {
    let schemas = Schemas::read(version, group);
    let kind = name.rsplit('.').next().unwrap().to_owned();
    let mut object = schemas.filled(&schemas.0[format!("io.k8s.api.{name}")], "");
    let api = group.trim_start_matches("apis__").trim_start_matches("api__").replace("__", "/");
    object["apiVersion"] = json!(api);
    object["kind"] = json!(kind);
    // Nothing else is the owner of it, or it would be captured from there.
    object["metadata"]["ownerReferences"] = json!([]);
    (kind, object)
}

fn drafted(object: Json) -> Draft {
    let document = Document { name: "object.json".to_owned(), values: vec![object] };
    kubernetes::draft(vec![document], &FILES, &Rules::default()).unwrap()
}

fn leaves(value: &Json) -> usize {
    match value {
        Json::Object(map) if !map.is_empty() => map.values().map(leaves).sum(),
        Json::Array(items) if !items.is_empty() => items.iter().map(leaves).sum(),
        _ => 1,
    }
}

#[test]
fn every_field_of_every_kind_is_used_noted_or_a_hole_in_every_version() {
    let mut table = String::new();
    let versions = versions();
    for version in &versions {
        let is_newest = Some(version) == versions.last();
        for (kind, object) in KINDS.into_iter().map(|(group, name)| object(version, group, name)) {
            let all = leaves(&object);
            assert!(all > 8, "{kind}: {object}");
            let draft = drafted(object);
            closes(&draft);
            let account = draft.account;
            assert_eq!(account.leaves, all, "{kind} in {}: none is lost", version.display());
            if is_newest {
                let undecided = |line: &&String| line.contains("a profile has no field for it");
                let notes: Vec<String> = draft.notes.iter().map(|note| note.line()).collect();
                let (used, noted, holes) = (account.used, account.noted, account.holes);
                let unknown = notes.iter().filter(undecided).count();
                let _ = writeln!(table, "{kind:<26} {all:>6} {used:>6} {noted:>6} {holes:>6} {unknown:>9}");
            }
        }
    }
    let head = "kind                       leaves   used  noted  holes  undecided";
    insta::assert_snapshot!("types", format!("{head}\n{table}"));
}

/// A field that nobody knew of yet is a note too, wherever it stands.
#[test]
fn a_field_that_no_schema_has_is_a_note() {
    let versions = versions();
    let newest = versions.last().unwrap();
    let mut fates: BTreeMap<&str, usize> = BTreeMap::new();
    for (group, name) in KINDS {
        let (_, mut object) = object(newest, group, name);
        let mut places = 0;
        plant(&mut object, &mut places);
        let draft = drafted(object);
        closes(&draft);
        let said = draft.notes.iter().filter(|note| note.line().contains("fromTheFuture")).count();
        // Below what is left out as a whole no leaf has a note of its own.
        assert!(said > 0 || draft.account.noted >= places, "{name}: {said} of {places}");
        *fates.entry(name).or_default() += said;
    }
    assert!(fates["core.v1.Pod"] > 20 && fates["apps.v1.Deployment"] > 20, "{fates:?}");
}

/// Puts a field into every map that holds fields.
fn plant(value: &mut Json, places: &mut usize) {
    match value {
        Json::Object(map) => {
            map.values_mut().for_each(|value| plant(value, places));
            if map.len() > 1 {
                *places += 1;
                map.extend(Map::from_iter([("fromTheFuture".to_owned(), json!("new"))]));
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| plant(item, places)),
        _ => {}
    }
}
