//! Mirrors of the example profiles, as a cluster that does exactly what it is told would hold them.

use serde_json::{Map, json};

use super::*;
use crate::{
    capture::tests::stage::{PROFILES, capabilities, load},
    formats::journal::SeedStatus,
    labels::kubernetes::SERVICE,
    observed::{EgressTry, Kept, OpenDoor, StoreFacts},
    plan::{
        Template,
        kubernetes::{Body, Object},
    },
    profile::{EngineKind, Origins},
    render::{self, Templates},
};

pub(super) fn faithful(name: &str) -> Stage {
    let profile = load(name);
    let mut capabilities = capabilities();
    capabilities.host.backend = BackendKind::Kind;
    capabilities.cluster.metrics = true;
    let plan = plan::cluster(&profile, &capabilities, &Origins::default());
    let variables =
        plan.secrets.iter().flat_map(|secret| [Some(&secret.variable), secret.url_variable.as_ref()]);
    let secrets =
        variables.flatten().map(|variable| (variable.clone(), format!("hidden-{variable}"))).collect();
    let mut stage =
        Stage { tree: profile::tree(&profile), plan, observed: ClusterObserved::default(), secrets };
    let manifests = render::manifests(&stage.plan, &Templates::embedded()).unwrap();
    for (key, manifest) in manifests {
        stage.put(key.kind.as_str(), &key.name, manifest);
    }
    for object in stage.plan.objects.clone() {
        made(&mut stage, &object);
    }
    let observed = &mut stage.observed;
    let address = "10.244.0.4:9153".to_owned();
    observed.egress = Some(EgressTry { address, refused: true, answer: "no answer".to_owned() });
    let open = |door: &crate::formats::doors::Door| OpenDoor {
        service: door.service.to_string(),
        port: door.target,
        address: "127.0.0.1:4000".parse().unwrap(),
    };
    observed.doors = Some(stage.plan.doors.iter().map(open).collect());
    let info = json!({"architecture": "amd64", "kernelVersion": "6.18.0", "kubeletVersion": "v1.34.4"});
    let node = json!({"spec": {"podCIDR": "10.244.0.0/24"}, "status": {"nodeInfo": info}});
    stage.put("Node", "node", node);
    let zone = profile.platform.kubernetes.zones.first().cloned();
    stage.observed.nodes = Some([("node".to_owned(), zone)].into());
    for service in stage.observed.objects.get_mut("Service").into_iter().flat_map(|all| all.values_mut()) {
        if service["spec"]["clusterIP"].is_null() {
            service["spec"]["clusterIP"] = json!("10.96.3.7");
        }
    }
    stores(&mut stage);
    stage
}

/// What controllers and the kubelet make of an object.
fn made(stage: &mut Stage, object: &Object) {
    match &object.body {
        Body::Secret { data } => {
            let kept = data.keys().map(|key| (key.clone(), Kept::Wanted)).collect();
            stage.observed.secrets.insert(object.name.clone(), kept);
        }
        Body::Service { .. } => {
            let spec = stage.object("Service", &object.name)["spec"].clone();
            let slice = json!({
                "metadata": {"labels": {"kubernetes.io/service-name": object.name}},
                "ports": spec["ports"].as_array().into_iter().flatten().map(|port| {
                    json!({"port": port["targetPort"], "protocol": port["protocol"]})
                }).collect::<Vec<_>>(),
                "endpoints": [{"conditions": {"ready": true}}],
            });
            stage.put("EndpointSlice", &object.name, slice);
        }
        Body::Deployment { replicas, .. } => pods(stage, object, *replicas, false),
        Body::StatefulSet { replicas, .. } => pods(stage, object, *replicas, true),
        Body::Job { .. } => pods(stage, object, 1, false),
        Body::Namespace { .. }
        | Body::ServiceAccount
        | Body::NetworkPolicy { .. }
        | Body::ConfigMap { .. }
        | Body::Claim { .. }
        | Body::CronJob { .. }
        | Body::Autoscaler { .. }
        | Body::DisruptionBudget { .. } => {}
    }
}

fn pods(stage: &mut Stage, object: &Object, replicas: u32, numbered: bool) {
    let kind = object.body.kind().as_str();
    let ends = kind == "Job";
    for ordinal in 0..replicas {
        let name = if numbered {
            format!("{}-{ordinal}", object.name)
        } else {
            format!("{}-x{ordinal}z", object.name)
        };
        let mut pod = stage.object(kind, &object.name)["spec"]["template"].clone();
        pod["metadata"]["ownerReferences"] = json!([{"kind": kind}]);
        let claims = stage.object(kind, &object.name)["spec"]["volumeClaimTemplates"].take();
        let volumes: Vec<Json> = claims
            .as_array()
            .into_iter()
            .flatten()
            .map(|claim| {
                let volume = claim["metadata"]["name"].as_str().unwrap();
                let of = format!("{volume}-{name}");
                stage.put("PersistentVolumeClaim", &of, json!({"spec": claim["spec"]}));
                json!({"name": volume, "persistentVolumeClaim": {"claimName": of}})
            })
            .collect();
        let mut all = pod["spec"]["volumes"].as_array().cloned().unwrap_or_default();
        all.extend(volumes);
        pod["spec"]["volumes"] = json!(all);
        stage.object(kind, &object.name)["spec"]["volumeClaimTemplates"] = claims;
        let mut status = Map::new();
        for (list, of, over) in
            [("initContainers", "initContainerStatuses", true), ("containers", "containerStatuses", ends)]
        {
            let containers = pod["spec"][list].as_array().cloned().unwrap_or_default();
            let statuses = containers.iter().map(|container| {
                let image = container["image"].as_str().unwrap();
                let id = match image.split_once('@') {
                    Some((name, digest)) => format!("{name}@{digest}"),
                    None => "sha256:11".to_owned(),
                };
                let stays = container["restartPolicy"] == "Always" || !over;
                let state =
                    if stays { json!({"running": {}}) } else { json!({"terminated": {"exitCode": 0}}) };
                json!({"name": container["name"], "imageID": id, "state": state})
            });
            status.insert(of.to_owned(), statuses.collect());
        }
        let ready = if ends { "False" } else { "True" };
        status.insert("conditions".to_owned(), json!([{"type": "Ready", "status": ready}]));
        pod["status"] = Json::Object(status);
        assert_eq!(pod["metadata"]["labels"][SERVICE], object.name);
        stage.put("Pod", &name, pod);
    }
}

fn stores(stage: &mut Stage) {
    let mut seeds = Vec::new();
    for store in stage.plan.stores.clone() {
        let fill = |text: &Option<Template>| {
            text.as_ref().and_then(|text| text.fill(|name| stage.secrets.get(name).cloned()))
        };
        let redis = store.engine == EngineKind::Redis;
        let facts = StoreFacts {
            version: Some("15.1".to_owned()),
            login: Some(true),
            database: fill(&store.database),
            user: fill(&store.user).or_else(|| redis.then(|| "default".to_owned())),
            settings: store.settings.clone().into_iter().collect(),
            ..StoreFacts::default()
        };
        stage.observed.stores.insert(store.store.to_string(), facts);
        seeds.push(SeedStatus {
            store: store.store.to_string(),
            seed: store.seed.clone(),
            hash: Some("sha256:0".to_owned()),
            fingerprint: None,
            bytes: 1,
            count: Some(7),
            expired: None,
            millis: 1,
            at: String::new(),
        });
    }
    stage.observed.seeds = Some(seeds);
}

#[test]
fn no_faithful_mirror_of_any_profile_has_less_or_more_than_was_asked_for() {
    for profile in PROFILES {
        let stage = faithful(profile);
        assert_eq!(stage.paths(Some(false)), [""; 0], "{profile}");
        assert_eq!(stage.judge().entries.len(), stage.plan.ledger.len(), "{profile}");
    }
}

#[test]
fn where_no_container_answers_the_objects_tell_nearly_all() {
    let unread = faithful("everything.yaml").paths(None);
    let gate = "platform.kubernetes.feature_gates.InPlacePodVerticalScaling";
    assert_eq!(unread, ["platform.cores", gate, "platform.swap", "services.api.stop_signal"]);
}

#[test]
fn what_a_cluster_of_ours_cannot_be_is_told_beforehand_and_not_held_against_it() {
    let mut stage = faithful("everything.yaml");
    let kubernetes = &mut stage.tree["platform"]["kubernetes"];
    kubernetes["version"] = json!("1.30");
    for entry in stage.plan.ledger.iter_mut() {
        if entry.path.to_string() == "platform.kubernetes.version" {
            entry.grade = Grade::Dropped;
        }
    }
    assert_eq!(stage.paths(Some(false)), [""; 0]);
}

#[test]
fn a_cluster_that_is_another_than_the_one_that_is_asked_for_is_noticed() {
    let notices = |change: fn(&mut Stage)| {
        let mut stage = faithful("everything.yaml");
        change(&mut stage);
        stage.paths(Some(false))
    };
    assert_eq!(
        notices(|stage| stage.observed.nodes = Some([("a".to_owned(), None), ("b".to_owned(), None)].into())),
        ["platform.kubernetes.nodes", "platform.kubernetes.zones"]
    );
    let range = |stage: &mut Stage| {
        let nodes = stage.observed.objects.get_mut("Node").unwrap();
        nodes.get_mut("node").unwrap()["spec"]["podCIDR"] = json!("10.9.0.0/24");
    };
    assert_eq!(notices(range), ["platform.kubernetes.pods"]);
    let addresses = |stage: &mut Stage| {
        let services = stage.observed.objects.get_mut("Service").unwrap();
        services.values_mut().for_each(|service| service["spec"]["clusterIP"] = json!("10.7.0.1"));
    };
    assert!(notices(addresses).contains(&"platform.kubernetes.services".to_owned()));
}
