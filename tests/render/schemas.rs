//! Every manifest is what the published schemas of Kubernetes say, in every version that is rendered for.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use prodmirror::{
    plan::{ClusterPlan, kubernetes::ObjectKind},
    render::{self, Templates},
};
use serde_json::{Value as Json, json};

use crate::{accepted, cluster, generate};

/// The folder of one version each, `v1.30` and so on.
fn versions() -> Vec<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"), PathBuf::from);
    let folder = target.join("setup/schemas/kubernetes");
    let found = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}; type `make setup-kind`", folder.display()));
    let mut found: Vec<PathBuf> = found
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('v')))
        .collect();
    found.sort();
    assert!(found.len() >= 8, "{found:?} are not all versions; type `make setup-kind`");
    found
}

const KINDS: [(ObjectKind, &str, &str); 13] = [
    (ObjectKind::Namespace, "api__v1", "core.v1.Namespace"),
    (ObjectKind::ServiceAccount, "api__v1", "core.v1.ServiceAccount"),
    (ObjectKind::Secret, "api__v1", "core.v1.Secret"),
    (ObjectKind::ConfigMap, "api__v1", "core.v1.ConfigMap"),
    (ObjectKind::PersistentVolumeClaim, "api__v1", "core.v1.PersistentVolumeClaim"),
    (ObjectKind::Service, "api__v1", "core.v1.Service"),
    (ObjectKind::NetworkPolicy, "apis__networking.k8s.io__v1", "networking.v1.NetworkPolicy"),
    (ObjectKind::Deployment, "apis__apps__v1", "apps.v1.Deployment"),
    (ObjectKind::StatefulSet, "apis__apps__v1", "apps.v1.StatefulSet"),
    (ObjectKind::Job, "apis__batch__v1", "batch.v1.Job"),
    (ObjectKind::CronJob, "apis__batch__v1", "batch.v1.CronJob"),
    (ObjectKind::HorizontalPodAutoscaler, "apis__autoscaling__v2", "autoscaling.v2.HorizontalPodAutoscaler"),
    (ObjectKind::PodDisruptionBudget, "apis__policy__v1", "policy.v1.PodDisruptionBudget"),
];

/// A validator for each kind of one version, which refuses what the schema does not name.
fn validators(version: &Path) -> BTreeMap<ObjectKind, jsonschema::Validator> {
    let mut groups: BTreeMap<&str, Json> = BTreeMap::new();
    let validator = |(kind, group, name): &(ObjectKind, &'static str, &str)| {
        let components = groups.entry(group).or_insert_with(|| components(version, group));
        let mut schema = json!({"$ref": format!("#/components/schemas/io.k8s.api.{name}")});
        schema["components"] = components.clone();
        let options = jsonschema::options().with_draft(jsonschema::Draft::Draft202012);
        (*kind, options.build(&schema).unwrap_or_else(|error| panic!("{}: {error}", version.display())))
    };
    KINDS.iter().map(validator).collect()
}

fn components(version: &Path, group: &str) -> Json {
    let file = version.join(format!("{group}_openapi.json"));
    let text =
        fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}; type `make setup-kind`", file.display()));
    let mut document: Json = serde_json::from_slice(&text).unwrap();
    let mut components = document["components"].take();
    closed(&mut components);
    components
}

/// A schema that lists properties allows no others.
fn closed(schema: &mut Json) {
    match schema {
        Json::Object(map) => {
            if map.get("properties").is_some_and(Json::is_object) && !map.contains_key("additionalProperties")
            {
                map.insert("additionalProperties".to_owned(), Json::Bool(false));
            }
            map.values_mut().for_each(closed);
        }
        Json::Array(items) => items.iter_mut().for_each(closed),
        _ => {}
    }
}

/// Examples and 200 generated profiles, with an autoscaler wherever one is written.
fn plans() -> Vec<(String, ClusterPlan)> {
    let examples = accepted::examples().into_iter().map(|(of, profile)| (of, cluster::plan_of(&profile)));
    let generated =
        (0..200).map(|seed| (format!("seed {seed}"), cluster::measured(&generate::profile(seed))));
    examples.chain(generated).chain([("rich".to_owned(), cluster::rich())]).collect()
}

#[test]
fn examples_and_200_generated_profiles_are_valid_under_the_schemas_of_every_version() {
    let templates = Templates::embedded();
    let mut manifests = Vec::new();
    for (of, plan) in plans() {
        let rendered = render::manifests(&plan, &templates).unwrap_or_else(|error| panic!("{of}: {error}"));
        manifests
            .extend(rendered.into_iter().map(|(key, manifest)| (format!("{of}, {key}"), key.kind, manifest)));
    }
    let kinds: std::collections::BTreeSet<ObjectKind> = manifests.iter().map(|(_, kind, _)| *kind).collect();
    assert_eq!(kinds.len(), KINDS.len() - 1, "all but Secrets are there: {kinds:?}");
    for version in versions() {
        let validators = validators(&version);
        for (of, kind, manifest) in &manifests {
            let wrong: Vec<String> = validators[kind]
                .iter_errors(manifest)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(wrong.is_empty(), "{of} in {}: {wrong:#?}", version.display());
        }
    }
}

#[test]
fn the_schemas_refuse_what_kubernetes_does_not_know() {
    for version in versions() {
        let validators = validators(&version);
        let pod = |container: Json| {
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {
                "selector": {"matchLabels": {"a": "b"}},
                "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container]}},
            }})
        };
        let deployment = &validators[&ObjectKind::Deployment];
        assert!(deployment.is_valid(&pod(json!({"name": "main", "image": "x"}))));
        for wrong in [
            json!({"name": "main", "image": "x", "environment": []}),
            json!({"image": "x"}),
            json!({"name": "main", "env": [{"name": "A", "value": 4}]}),
            json!({"name": "main", "livenessProbe": {"httpGet": {"path": "/"}}}),
        ] {
            assert!(!deployment.is_valid(&pod(wrong.clone())), "{wrong} in {}", version.display());
        }
    }
}
