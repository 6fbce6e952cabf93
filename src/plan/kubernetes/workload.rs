//! The objects of one service, store or job.

use indexmap::IndexMap;

use super::{
    Body, Object, PodSpec,
    files::{self, config_map_of},
    labels, network, pods, sealed,
    secrets::SecretKeys,
    volumes,
};
use crate::{
    labels::{Kind, kubernetes as keys},
    plan::{PodKind, Site, order::Node},
    profile::{Bytes, Disruption},
};

/// In the order in which they are made, and the claims by name that other workloads may share.
pub(super) fn objects(
    site: &Site<'_>,
    nodes: &[Node<'_>],
    node: &Node<'_>,
    stage: u32,
) -> (Vec<Object>, IndexMap<String, Bytes>) {
    let mut secrets = SecretKeys::new(site, node.name);
    let files = files::files(site, node, &mut secrets);
    let volumes = volumes::of_pod(site, node);
    let object =
        |name: String, stage, kind, body| sealed(site, name, stage, Some(kind), Some(node.name), body);
    let mut all = Vec::new();
    for (name, body) in network::services(nodes, node) {
        all.push(object(name, 1, labels::kind(node), body));
    }
    if !files.data.is_empty() {
        let body = Body::ConfigMap { data: files.data.clone() };
        all.push(object(config_map_of(node.name), stage, Kind::Files, body));
    }
    let (own, shared) = (volumes.own.clone(), volumes.shared.clone());
    let pod = pods::pod(site, node, labels::of_pods(site, node), files, volumes, &mut secrets);
    if !secrets.data.is_empty() {
        let body = Body::Secret { data: secrets.data };
        all.push(object(secrets.name, 0, Kind::Files, body));
    }
    let body = body(nodes, site, node, own, Box::new(pod));
    let kind = body.kind();
    let mut workload = object(node.name.to_string(), stage, labels::kind(node), body);
    workload.annotations.insert(keys::STAGE.to_owned(), stage.to_string());
    all.push(workload);
    if let Some(body) = autoscaler(site, node, kind) {
        all.push(object(node.name.to_string(), stage, labels::kind(node), body));
    }
    if let Some(bound) = disruption(site, node) {
        let body = Body::DisruptionBudget { bound };
        all.push(object(node.name.to_string(), stage, labels::kind(node), body));
    }
    (all, shared)
}

fn body(
    nodes: &[Node<'_>],
    site: &Site<'_>,
    node: &Node<'_>,
    claims: IndexMap<String, Bytes>,
    pod: Box<PodSpec>,
) -> Body {
    let (replicas, retries) = (node.replicas, node.retries);
    let schedule = site.profile.jobs.get(node.name).and_then(|job| job.schedule.clone());
    match (node.kind, schedule) {
        (PodKind::Job, Some(schedule)) => Body::CronJob { schedule, retries, pod },
        (PodKind::Job, None) => Body::Job { retries, pod },
        _ if node.stateful => {
            Body::StatefulSet { replicas, governing: network::governing(nodes, node), claims, pod }
        }
        _ => Body::Deployment { replicas, pod },
    }
}

/// Without a metrics server it would do nothing but complain.
fn autoscaler(site: &Site<'_>, node: &Node<'_>, kind: super::ObjectKind) -> Option<Body> {
    let scaling = site.profile.services.get(node.name)?.autoscaling.as_ref()?;
    let is_service = node.kind == PodKind::Service;
    (is_service && site.capabilities.cluster.metrics).then(|| Body::Autoscaler {
        kind,
        min: scaling.min.max(1),
        max: scaling.max.max(scaling.min).max(1),
        target_cpu: scaling.target_cpu,
    })
}

fn disruption(site: &Site<'_>, node: &Node<'_>) -> Option<Disruption> {
    match node.kind {
        PodKind::Service => site.profile.services.get(node.name)?.disruption,
        PodKind::Store => node.store?.disruption,
        PodKind::Job => None,
    }
}
