//! What the cluster has beside the plan: replicas, ports, autoscalers, budgets, workloads, policies, ways out.

use serde_json::{Value as Json, json};

use super::{super::scene::Scene, Found};
use crate::{
    capture::{
        cluster::{
            budget, life, network,
            scene::{is_as_told, is_made, items},
        },
        workload::Workload,
    },
    labels::{
        Kind,
        kubernetes::{KIND, MANAGED_BY, MANAGER, SERVICE},
    },
    path::{Path, Segment},
    plan::kubernetes::{Body, ObjectKind},
    render::kubernetes::words,
};

/// What a workload has as a whole.
pub(super) fn of_workload(scene: &Scene<'_>, of: &Workload<'_>, found: &mut Found<'_>) {
    let at = of.path();
    let Some(object) = scene.planned(of.name) else { return };
    match object.body {
        Body::Deployment { replicas, .. } | Body::StatefulSet { replicas, .. } => {
            if let Ok((live, why)) = life::replicas(scene, of)
                && u32::try_from(live) != Ok(replicas)
            {
                let why = why.unwrap_or_else(|| "not as many run as were planned".to_owned());
                found.add(at.key("replicas"), live.into(), life::READY, why);
            }
        }
        Body::CronJob { .. } | Body::Job { .. } => {}
        _ => return,
    }
    ports(scene, of, &at, found);
    let scaler = ObjectKind::HorizontalPodAutoscaler;
    for (name, autoscaler) in scene.observed.of_kind(scaler.as_str()) {
        let target = &autoscaler["spec"]["scaleTargetRef"]["name"];
        if target.as_str() == Some(of.name) && scene.planned_object(scaler, name).is_none() {
            let why = format!("HorizontalPodAutoscaler {name}: nobody asked for it");
            let live =
                json!({"min": autoscaler["spec"]["minReplicas"], "max": autoscaler["spec"]["maxReplicas"]});
            found.add(at.key("autoscaling"), live, "the autoscaler", why);
        }
    }
    for (name, disruption) in budget::foreign(scene, of) {
        let why = format!("PodDisruptionBudget {name}: nobody asked for it");
        found.add(at.key("disruption"), budget::bound(disruption), budget::FROM, why);
    }
}

/// Ports of the Service beside those that the plan opens, and a door of it that leads out of the cluster.
fn ports(scene: &Scene<'_>, of: &Workload<'_>, at: &Path, found: &mut Found<'_>) {
    let Some((object, headless, planned, Some(service))) = network::service(scene, of.name) else { return };
    let from = "the Service";
    let written = items(&scene.tree[of.section][of.name]["ports"]).count();
    let more = items(&service["spec"]["ports"])
        .filter(|port| !planned.iter().any(|known| Some(known.name.as_str()) == port["name"].as_str()));
    for (index, port) in more.enumerate() {
        let path = at.key("ports").push(Segment::Index(written + index));
        let live = json!({"name": port["name"], "port": port["port"]});
        found.add(path, live, from, format!("{}: nobody asked for this port", object.name));
    }
    let live = service["spec"]["clusterIP"] == "None";
    let selects = is_as_told(&words::selected(object), &service["spec"]["selector"]);
    if live != headless || !selects {
        let word = match (selects, live) {
            (false, _) => "none",
            (true, true) => "headless",
            (true, false) => "cluster-ip",
        };
        let why = format!("Service {} is not as it was planned", object.name);
        if scene.tree[of.section][of.name].get("ports").is_none() || selects {
            found.add(at.key("balancing"), word.into(), from, why);
        }
    }
    let kind = service["spec"]["type"].as_str().unwrap_or("ClusterIP");
    let outside = items(&service["spec"]["externalIPs"]).next().is_some();
    if kind != "ClusterIP" || outside {
        let written = items(&scene.tree["network"]["expose"]).count();
        let path = Path::of(["network", "expose"]).push(Segment::Index(written));
        let why = format!("Service {} is open outside of the cluster", object.name);
        found.add(path, json!({"service": of.name, "type": kind}), from, why);
    }
}

/// Workloads that the profile does not have, and what stands for the whole mirror.
pub(super) fn read(scene: &Scene<'_>, found: &mut Found<'_>) {
    for kind in ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod"] {
        for (name, object) in scene.observed.of_kind(kind) {
            let labels = &object["metadata"]["labels"];
            let ours = labels[MANAGED_BY] == MANAGER;
            let of_profile = [Kind::Service, Kind::Store, Kind::Job].map(|kind| Some(kind.as_str()));
            let helps = ours && labels.get(KIND).is_some() && !of_profile.contains(&labels[KIND].as_str());
            // A pod under the label of a workload is counted among its replicas.
            let known = labels[SERVICE].as_str().is_some_and(|of| {
                scene.planned(of).is_some_and(|planned| {
                    kind == "Pod" || ours && planned.body.kind().as_str() == kind && name == of
                })
            });
            // What a controller made is told of by what it was made from.
            if helps || is_made(object) || known {
                continue;
            }
            let section = match kind {
                "Job" | "CronJob" => "jobs",
                _ => "services",
            };
            let containers = ["/spec/containers/0/image", "/spec/template/spec/containers/0/image"];
            let image = containers.iter().find_map(|at| object.pointer(at)).unwrap_or(&Json::Null);
            let why = format!("{kind} {name} is there, and the profile has no such workload");
            found.add(Path::of([section, name]), json!({"image": image}), "objects of the namespace", why);
        }
    }
    if let Some(why) = network::way_out(scene) {
        found.add(Path::of(["network", "egress"]), "open".into(), "the NetworkPolicies", why);
    }
    if let Some(tried) = scene.observed.egress.as_ref().filter(|tried| !tried.refused) {
        let why = format!("the cluster's network keeps no network policies: {}", tried.address);
        found.add(Path::of(["network", "egress"]), "open".into(), "a try from a pod", why);
    }
    policies(scene, found);
}

/// Policies that keep something out: requests that production answers may be refused.
fn policies(scene: &Scene<'_>, found: &mut Found<'_>) {
    let kind = ObjectKind::NetworkPolicy;
    for (name, policy) in scene.observed.of_kind(kind.as_str()) {
        let keeps_out = items(&policy["spec"]["policyTypes"]).any(|direction| direction == "Ingress");
        if keeps_out && scene.planned_object(kind, name).is_none() {
            let why = format!("NetworkPolicy {name}: nobody asked for it");
            let live = policy["spec"].clone();
            found.add(Path::of(["network", "policies", name]), live, "the NetworkPolicies", why);
        }
    }
}
