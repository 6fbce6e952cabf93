//! The plan for a Kubernetes cluster as a whole: the examples', and what holds for any.

use std::collections::{BTreeMap, BTreeSet};

use prodmirror::{
    plan::{
        BackendKind, ClusterPlan, cluster,
        kubernetes::{
            Body, ClusterDoes, EnvSource, Object, ObjectKey, PodSpec, ProjectionSource, VolumeSource,
        },
    },
    profile::Origins,
};
use proptest::prelude::*;

use crate::{
    generate,
    generated::{broken, poor},
    golden::{load_file, profiles},
    ledger::assert_one_entry_a_leaf,
    support::{cluster_host, on_kind},
};

#[test]
fn every_example_has_the_plan_for_a_cluster_that_is_kept() {
    for path in profiles() {
        let loaded = load_file(&path);
        let mut capabilities = cluster_host(BackendKind::Kind);
        capabilities.mirror = loaded.profile.name.clone();
        let plan = cluster(&loaded.profile, &capabilities, &loaded.origins);
        assert_whole(&plan);
        let name = format!("kind-{}", path.file_stem().unwrap().to_str().unwrap());
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name, plan.to_string());
        });
    }
}

/// What holds for every plan: each object once and in one step, and nothing that is named is missing.
fn assert_whole(plan: &ClusterPlan) {
    let keys: BTreeSet<ObjectKey> = plan.objects.iter().map(|object| object.key()).collect();
    assert_eq!(keys.len(), plan.objects.len(), "two objects of one name in {}", plan.mirror);
    let mut applied = Vec::new();
    let mut ids: BTreeSet<&str> = BTreeSet::new();
    for step in &plan.steps {
        assert!(step.needs.iter().all(|need| ids.contains(need.as_str())), "{step:?} comes too early");
        assert!(ids.insert(&step.id), "{} twice", step.id);
        if let ClusterDoes::Apply { objects } | ClusterDoes::Secrets { objects } = &step.does {
            applied.extend(objects.iter().cloned());
        }
    }
    assert_eq!(applied.len(), keys.len(), "{applied:?}");
    assert_eq!(applied.into_iter().collect::<BTreeSet<_>>(), keys);
    let content = content(plan);
    for object in &plan.objects {
        let Some(pod) = object.pod() else { continue };
        let claims: Vec<&String> = match &object.body {
            Body::StatefulSet { claims, .. } => claims.keys().collect(),
            _ => Vec::new(),
        };
        assert_pod(pod, &claims, &content);
    }
}

/// The keys of every ConfigMap and Secret, and the claims.
fn content(plan: &ClusterPlan) -> BTreeMap<String, BTreeSet<String>> {
    let keys = |object: &Object| match &object.body {
        Body::Secret { data } => data.keys().cloned().collect(),
        Body::ConfigMap { data } => data.keys().cloned().collect(),
        _ => BTreeSet::new(),
    };
    let kept = plan.objects.iter().filter(|object| {
        matches!(object.body, Body::Secret { .. } | Body::ConfigMap { .. } | Body::Claim { .. })
    });
    kept.map(|object| (object.key().to_string(), keys(object))).collect()
}

fn assert_pod(pod: &PodSpec, claims: &[&String], content: &BTreeMap<String, BTreeSet<String>>) {
    let has = |object: String, key: &String| content.get(&object).is_some_and(|keys| keys.contains(key));
    for source in pod.volumes.values() {
        match source {
            VolumeSource::Claim { name } => {
                assert!(content.contains_key(&format!("PersistentVolumeClaim {name}")), "{name}");
            }
            VolumeSource::Files { from } => {
                for projection in from {
                    let object = match &projection.source {
                        ProjectionSource::ConfigMap(name) => format!("ConfigMap {name}"),
                        ProjectionSource::Secret(name) => format!("Secret {name}"),
                    };
                    assert!(
                        projection.items.iter().all(|item| has(object.clone(), &item.key)),
                        "{projection:?}"
                    );
                }
            }
            VolumeSource::Empty { .. } | VolumeSource::Host { .. } => {}
        }
    }
    let names: BTreeSet<&String> = pod.containers().map(|container| &container.name).collect();
    assert_eq!(names.len(), pod.containers().count(), "two containers of one name");
    for container in pod.containers() {
        let targets: BTreeSet<&String> = container.mounts.iter().map(|mount| &mount.target).collect();
        assert_eq!(targets.len(), container.mounts.len(), "two mounts at one path: {:?}", container.mounts);
        for mount in &container.mounts {
            let volume = &mount.volume;
            assert!(pod.volumes.contains_key(volume) || claims.contains(&volume), "{volume} is no volume");
        }
        for source in container.env.values() {
            if let EnvSource::Secret { name, key } = source {
                assert!(has(format!("Secret {name}"), key), "{name}/{key}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("PRODMIRROR_SOAK").is_some() { 2000 } else { 40 }))]

    #[test]
    fn any_profile_on_any_cluster_has_a_plan_and_the_same_one_twice(seed: u64, breaks: u8, lacks: u8, kind: bool) {
        let profile = broken(generate::profile(seed), breaks);
        let mut capabilities = poor(lacks);
        capabilities.host.backend = if kind { BackendKind::Kind } else { BackendKind::Kubernetes };
        capabilities.cluster.metrics = lacks & 32 != 0;
        let of = || cluster(&profile, &capabilities, &Origins::default());
        let (one, two) = (of(), of());
        prop_assert_eq!(one.to_string(), two.to_string());
        prop_assert_eq!(&one, &two);
        assert_whole(&one);
    }

    #[test]
    fn a_valid_profile_has_one_entry_a_leaf_on_a_cluster(seed: u64) {
        let profile = generate::profile(seed);
        assert_one_entry_a_leaf(&profile, &on_kind(&profile).ledger);
    }
}
