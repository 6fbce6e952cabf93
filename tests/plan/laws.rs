//! What holds for every plan.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use prodmirror::{
    labels,
    plan::{Capabilities, ContainerPlan, Does, Mount, Plan, plan},
    profile::{Origins, Profile},
};

use crate::{
    golden::{load_file, profiles},
    support::{containers, host, name, planned, profile},
};

fn examples() -> Vec<Profile> {
    profiles().iter().map(|path| load_file(path).profile).collect()
}

#[test]
fn the_same_two_values_give_the_same_bytes() {
    for profile in examples() {
        let (one, two) = (planned(&profile), planned(&profile));
        assert_eq!(serde_json::to_string(&one).unwrap(), serde_json::to_string(&two).unwrap());
        assert_eq!(one.to_string(), two.to_string());
    }
}

fn reversed<K: Clone + std::hash::Hash + Eq, V: Clone>(map: &IndexMap<K, V>) -> IndexMap<K, V> {
    map.iter().rev().map(|(key, value)| (key.clone(), value.clone())).collect()
}

#[test]
fn the_order_in_which_a_profile_writes_its_maps_changes_no_container() {
    let other = |mut profile: Profile| {
        profile.services = reversed(&profile.services);
        profile.stores = reversed(&profile.stores);
        profile.secrets = reversed(&profile.secrets);
        for service in profile.services.values_mut() {
            service.run.process.env = reversed(&service.run.process.env);
            service.run.labels = reversed(&service.run.labels);
        }
        profile
    };
    for profile in examples() {
        let (written, reversed) = (specs(&planned(&profile)), specs(&planned(&other(profile.clone()))));
        let helpers = |key: &&String| key.as_str() != "pm.gateway" && key.as_str() != "pm.keeper";
        for key in written.keys().filter(helpers) {
            // Service links name the first port of each; the variables are the same ones.
            assert_eq!(written[key], reversed[key], "{key}");
        }
    }
}

/// Container key to its seal.
fn specs(plan: &Plan) -> IndexMap<String, String> {
    let seal = |container: &&ContainerPlan| container.labels[labels::SPEC].clone();
    containers(plan).iter().map(|container| (container.key.clone(), seal(container))).collect()
}

/// Fails unless names are unique, mounts lead to volumes, and steps stand in an order that can be done.
pub fn assert_whole(plan: &Plan) {
    let variables =
        plan.secrets.iter().flat_map(|secret| [Some(&secret.variable), secret.url_variable.as_ref()]);
    let all: [Vec<&str>; 4] = [
        containers(plan).iter().map(|container| container.key.as_str()).collect(),
        plan.volumes.iter().map(|volume| volume.name.as_str()).collect(),
        variables.flatten().map(String::as_str).collect(),
        plan.steps.iter().map(|step| step.id.as_str()).collect(),
    ];
    for names in all {
        let distinct: BTreeSet<&&str> = names.iter().collect();
        assert_eq!(distinct.len(), names.len(), "{names:?}");
    }
    for container in containers(plan) {
        let mut targets = BTreeSet::new();
        for mount in &container.mounts {
            assert!(targets.insert(mount.target().to_owned()), "{}: {}", container.key, mount.target());
            if let Mount::Volume { volume, .. } = mount {
                assert!(plan.volumes.iter().any(|known| known.name == *volume), "{volume}");
            }
        }
    }
    let mut done = BTreeSet::new();
    for step in &plan.steps {
        assert!(step.needs.iter().all(|need| done.contains(need)), "{step:?}");
        done.insert(step.id.clone());
    }
    let first = plan.steps.iter().find(|step| !matches!(step.does, Does::Networks | Does::Volumes));
    assert_eq!(first.map(|step| &step.does), Some(&Does::Keeper), "the keeper is the first container");
}

#[test]
fn names_are_unique_mounts_lead_somewhere_and_steps_can_be_done_in_order() {
    examples().iter().for_each(|profile| assert_whole(&planned(profile)));
}

#[test]
fn every_object_carries_the_labels_that_gc_looks_for() {
    for profile in examples() {
        let plan = planned(&profile);
        let networks = [&plan.networks.inside.labels, &plan.networks.door.labels];
        let volumes = plan.volumes.iter().map(|volume| &volume.labels);
        let of_containers = containers(&plan).into_iter().map(|container| &container.labels);
        for of in networks.into_iter().chain(volumes).chain(of_containers) {
            for label in [labels::MIRROR, labels::OWNER, labels::KIND, labels::SPEC] {
                assert!(of.contains_key(label), "{label} in {of:?}");
            }
            for label in [labels::RUN, labels::PROFILE, labels::EXPIRES] {
                assert!(!of.contains_key(label), "{label} is set at launch");
            }
        }
    }
}

#[test]
fn a_change_in_one_service_leaves_every_other_service_alone() {
    let before = examples().into_iter().find(|profile| profile.name.as_str() == "everything").unwrap();
    let mut after = before.clone();
    let report = after.services.get_mut("report").unwrap();
    report
        .run
        .process
        .env
        .insert("NEW".to_owned(), prodmirror::profile::Value::Text(prodmirror::profile::Text::literal("1")));
    report.replicas = Some(4);
    report.run.probes.readiness = None;
    report.run.process.env.insert(
        "ADDRESS".to_owned(),
        prodmirror::profile::Value::Field(prodmirror::profile::PodField::PodAddress),
    );
    // The api needs it, and a bare launch of the api waits for every replica of it.
    after.services.get_mut("health").unwrap().replicas = Some(3);
    let (before, after) = (specs(&planned(&before)), specs(&planned(&after)));
    assert_ne!(before["report.0.main"], after["report.0.main"]);
    for (key, spec) in &before {
        let changed = ["report.", "health."].iter().any(|service| key.starts_with(service));
        if !changed {
            assert_eq!(after.get(key), Some(spec), "{key}");
        }
    }
}

#[test]
fn networks_do_not_change_with_the_profile() {
    let small = planned(&profile("services: {api: {image: \"local:api:dev\"}}"));
    let large =
        planned(&profile("services: {api: {image: \"local:api:dev\", replicas: 7, ports: {http: 80}}}"));
    assert_eq!(small.networks, large.networks);
}

#[test]
fn subnets_that_are_there_already_stay_and_those_in_use_are_avoided() {
    let of = |change: &dyn Fn(&mut Capabilities)| {
        let mut capabilities = host();
        change(&mut capabilities);
        plan(&profile("services: {api: {image: \"local:api:dev\"}}"), &capabilities, &Origins::default())
            .networks
    };
    let first = of(&|_| {});
    let next = of(&|capabilities| capabilities.subnets_in_use.push(first.inside.subnet));
    assert!(!next.inside.subnet.overlaps(&first.inside.subnet));
    let own = of(&|capabilities| {
        capabilities.subnets_in_use.extend([first.inside.subnet, first.door.subnet]);
        capabilities.own_subnets = Some((first.inside.subnet, first.door.subnet));
    });
    assert_eq!(own, first);
    let other = of(&|capabilities| capabilities.mirror = name("other"));
    assert!(!other.inside.subnet.overlaps(&first.inside.subnet));
}

/// One file of a hundred, changed: only what mounts it is made anew.
#[test]
fn a_container_changes_with_the_content_of_its_files_and_its_pause_stays() {
    let of = |content: &str| {
        specs(&planned(&profile(&format!(
            "services: {{api: {{image: \"local:api:dev\", files: {{/etc/a: \"{content}\"}}}}, web: {{image: \"local:api:dev\"}}}}"
        ))))
    };
    let (before, after) = (of("one"), of("two"));
    assert_ne!(before["api.0.main"], after["api.0.main"]);
    assert_eq!(before["api.0"], after["api.0"]);
    assert_eq!(before["web.0.main"], after["web.0.main"]);
}

#[test]
fn a_container_changes_with_the_form_of_its_secret() {
    let of = |shape: &str| {
        specs(&planned(&profile(&format!(
            "secrets: {{key: {{generate: \"{shape}\"}}}}\nservices: {{api: {{image: \"local:api:dev\", env: {{K: \"${{secret:key}}\"}}}}, web: {{image: \"local:api:dev\"}}}}"
        ))))
    };
    let (before, after) = (of("hex:16"), of("hex:32"));
    assert_ne!(before["api.0.main"], after["api.0.main"]);
    assert_eq!(before["web.0.main"], after["web.0.main"]);
    assert_eq!(before["pm.keeper"], after["pm.keeper"]);
}

/// The dump of a plan is safe to show: there is no value of a secret in it to begin with.
#[test]
fn a_plan_says_the_hash_of_a_file_and_not_its_content() {
    let plan = planned(&profile(
        "services: {api: {image: \"local:api:dev\", files: {/etc/a: \"canary in a file\"}}}",
    ));
    assert!(!plan.to_string().contains("canary"));
    assert!(!serde_json::to_string(&plan).unwrap().contains("canary"));
}
