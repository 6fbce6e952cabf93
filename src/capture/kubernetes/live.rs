//! What really runs: digests of Pods, older revisions beside the newer, restarts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::{
    objects::{Cluster, Object, selects},
    workloads::Workload,
};
use crate::{
    capture::draft::{Taking, steps},
    path::Path,
    profile::Digest,
};

/// The Pods of a workload, those of older revisions too.
pub(super) fn pods<'a, 's>(
    workload: &'a Workload<'s>,
    cluster: &'a Cluster<'s>,
) -> impl Iterator<Item = &'a Object<'s>> {
    let selector = workload.object.at.find(&["spec", "selector"]).map(|at| at.value());
    let labels = selector.map(|selector| selector.get("matchLabels").unwrap_or(selector));
    let own = std::iter::once(&workload.object).filter(|object| object.kind == "Pod").chain(&workload.alike);
    let selected = cluster.of_kind("Pod").filter(move |pod| {
        let theirs = pod.at.find(&["metadata", "labels"]).map_or(&Json::Null, |at| at.value());
        workload.object.kind != "Pod"
            && pod.namespace == workload.object.namespace
            && labels.is_some_and(|labels| selects(labels, theirs))
    });
    own.chain(selected)
}

/// The registry's digest of what a container of the captured revision runs.
pub(super) fn digest(
    workload: &Workload<'_>,
    cluster: &Cluster<'_>,
    container: &Taking<'_>,
) -> Option<Digest> {
    let (name, image) = (&container.value()["name"], &container.value()["image"]);
    pods(workload, cluster).filter(|pod| has_image(pod, name, image)).find_map(|pod| image_id(pod, name))
}

/// Whether a container of a pod runs.
pub(super) fn runs(pod: &Object<'_>, name: &Json) -> bool {
    let statuses = pod.at.find(&["status", "containerStatuses"]).map(|all| all.items()).unwrap_or_default();
    statuses
        .iter()
        .any(|status| status.value()["name"] == *name && status.value()["state"]["running"].is_object())
}

/// Whether it runs this image there.
pub(super) fn has_image(pod: &Object<'_>, name: &Json, image: &Json) -> bool {
    spec_of(pod, name).is_some_and(|spec| spec["image"] == *image)
}

fn spec_of<'s>(pod: &Object<'s>, name: &Json) -> Option<&'s Json> {
    ["containers", "initContainers"].into_iter().find_map(|list| {
        pod.at.find(&["spec", list])?.value().as_array()?.iter().find(|container| container["name"] == *name)
    })
}

/// `REPOSITORY@sha256:…`; a bare digest is that of the configuration, which no registry knows.
fn image_id(pod: &Object<'_>, name: &Json) -> Option<Digest> {
    ["containerStatuses", "initContainerStatuses"].into_iter().find_map(|list| {
        let all = pod.at.find(&["status", list])?;
        let status = all.items().into_iter().find(|status| status.value()["name"] == *name)?;
        let (_, digest) = status.value()["imageID"].as_str()?.rsplit_once('@')?;
        let digest = digest.parse().ok()?;
        if let Some(id) = status.get("imageID") {
            id.used();
        }
        Some(digest)
    })
}

/// Says beside a workload what its Pods and its older revisions tell.
pub(super) fn remark(workload: &Workload<'_>, cluster: &Cluster<'_>) {
    let mut restarts: BTreeMap<String, (u64, BTreeSet<String>)> = BTreeMap::new();
    for pod in pods(workload, cluster) {
        pod.known();
        for status in pod.at.find(&["status", "containerStatuses"]).map(|all| all.items()).unwrap_or_default()
        {
            let value = status.value();
            let count = value["restartCount"].as_u64().unwrap_or_default();
            let reason = value["lastState"]["terminated"]["reason"].as_str();
            if count > 0 {
                let name = value["name"].as_str().unwrap_or_default().to_owned();
                let entry = restarts.entry(name).or_default();
                entry.0 += count;
                entry.1.extend(reason.map(str::to_owned));
            }
        }
    }
    for (container, (count, reasons)) in restarts {
        let reasons: Vec<String> = reasons.into_iter().collect();
        let last =
            if reasons.is_empty() { String::new() } else { format!(", last for {}", reasons.join(", ")) };
        workload
            .object
            .at
            .remark(format!("container `{container}` restarted {count} times in production{last}"));
    }
    older(workload, cluster);
}

/// In the middle of a rollout the newer revision is captured.
fn older(workload: &Workload<'_>, cluster: &Cluster<'_>) {
    let ours = |set: &&Object<'_>| {
        set.namespace == workload.object.namespace
            && set.owners().contains(&(workload.object.kind.clone(), workload.object.name.clone()))
    };
    for set in cluster.of_kind("ReplicaSet").filter(ours) {
        set.at.became(workload.at.clone());
        let Some(template) = set.at.find(&["spec", "template"]) else { continue };
        let mut fields = Vec::new();
        differing(
            &without_hash(template.value()),
            &without_hash(workload.template.value()),
            Path::root(),
            &mut fields,
        );
        let count = |keys: &[&str]| set.at.find(keys).and_then(|at| at.value().as_u64()).unwrap_or_default();
        let replicas = count(&["status", "replicas"]).max(count(&["spec", "replicas"]));
        if fields.is_empty() || replicas == 0 {
            set.at.left_out("a revision of a workload, which is captured from the workload itself");
            continue;
        }
        let hash = set.label("labels", "pod-template-hash");
        let container = template.find(&["spec", "containers"]).and_then(|all| all.items().into_iter().next());
        let name = container.as_ref().map(|container| &container.value()["name"]);
        let digest = name.and_then(|name| {
            let of_set =
                |pod: &&Object<'_>| hash.is_some() && pod.label("labels", "pod-template-hash") == hash;
            pods(workload, cluster).filter(of_set).find_map(|pod| image_id(pod, name))
        });
        let image =
            container.as_ref().and_then(|container| container.value()["image"].as_str()).unwrap_or_default();
        let digest = digest.map_or_else(String::new, |digest| format!("@{digest}"));
        let fields: Vec<String> = fields.iter().map(Path::to_string).collect();
        set.at.left_out(format!(
            "an older revision of which {replicas} replicas still run, image {image}{digest}; it differs in {}",
            fields.join(", ")
        ));
    }
}

fn without_hash(template: &Json) -> Json {
    let mut template = template.clone();
    if let Some(Json::Object(labels)) = template.pointer_mut("/metadata/labels") {
        labels.shift_remove("pod-template-hash");
    }
    if let Some(Json::Object(metadata)) = template.get_mut("metadata") {
        metadata.shift_remove("creationTimestamp");
    }
    template
}

/// The leaves that are not the same in both.
fn differing(a: &Json, b: &Json, at: Path, to: &mut Vec<Path>) {
    if a == b {
        return;
    }
    let (left, right) = (steps(a), steps(b));
    if left.is_empty() || right.is_empty() {
        to.push(at);
        return;
    }
    for (segment, value) in &left {
        match right.iter().find(|(other, _)| other == segment) {
            Some((_, other)) => differing(value, other, at.push(segment.clone()), to),
            None => to.push(at.push(segment.clone())),
        }
    }
    for (segment, _) in right.iter().filter(|(segment, _)| !left.iter().any(|(other, _)| other == segment)) {
        to.push(at.push(segment.clone()));
    }
}
