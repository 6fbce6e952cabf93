//! The objects that run something, each with the section of the profile that it becomes.

use std::collections::{BTreeMap, BTreeSet};

use super::objects::{Cluster, Object, selects};
use crate::{
    capture::{
        compose::images,
        draft::Taking,
        names::{plain, unique},
    },
    path::Path,
    profile::EngineKind,
};

/// One workload: an object and the pods that it asks for.
pub(super) struct Workload<'s> {
    pub object: Object<'s>,
    /// `metadata` and `spec` of its pods.
    pub template: Taking<'s>,
    pub engine: Option<EngineKind>,
    pub section: &'static str,
    /// Its name in the profile, and its path there.
    pub name: String,
    pub at: Path,
    /// Pods of one owner that was not read; this object is the first of them.
    pub alike: Vec<Object<'s>>,
}

const KINDS: [&str; 8] = [
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "ReplicationController",
    "Job",
    "CronJob",
    "Pod",
];

pub(super) fn find<'s>(cluster: &Cluster<'s>) -> Vec<Workload<'s>> {
    let mut found: Vec<Workload<'s>> = Vec::new();
    let mut groups: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    for object in cluster.objects.iter().filter(|object| KINDS.contains(&object.kind.as_str())) {
        if is_owned(object, cluster) {
            continue;
        }
        let Some(template) = template(object) else { continue };
        // Pods of an owner that was not read are replicas of one workload.
        if let Some((kind, owner)) = object.owners().into_iter().next() {
            let key = (object.namespace.clone(), kind, owner);
            if let Some(index) = groups.get(&key) {
                found[*index].alike.push(object.clone());
                continue;
            }
            groups.insert(key, found.len());
        }
        let engine = main(&template).and_then(|main| images::engine(main.get("image")?.value().as_str()?));
        let (engine, section) = match object.kind.as_str() {
            "Job" | "CronJob" => (None, "jobs"),
            _ if engine.is_some() => (engine, "stores"),
            _ => (None, "services"),
        };
        let object = object.clone();
        let (name, alike) = (String::new(), Vec::new());
        found.push(Workload { object, template, engine, section, name, at: Path::root(), alike });
    }
    found
}

/// Whether another object that was read made this one, or made the owner that was not read.
pub(super) fn is_owned(object: &Object<'_>, cluster: &Cluster<'_>) -> bool {
    let owners = object.owners();
    owners.iter().any(|(kind, name)| cluster.get(kind, &object.namespace, name).is_some())
        || object.kind == "Pod" && !owners.is_empty() && is_selected(object, cluster)
}

/// Whether a workload that was read selects a pod.
fn is_selected(pod: &Object<'_>, cluster: &Cluster<'_>) -> bool {
    let labels = pod.at.find(&["metadata", "labels"]).map_or(&serde_json::Value::Null, |at| at.value());
    let makers =
        ["Deployment", "StatefulSet", "DaemonSet"].into_iter().flat_map(|kind| cluster.of_kind(kind));
    makers.filter(|maker| maker.namespace == pod.namespace).any(|maker| {
        let selector = maker.at.find(&["spec", "selector", "matchLabels"]);
        selector.is_some_and(|selector| selects(selector.value(), labels))
    })
}

fn template<'s>(object: &Object<'s>) -> Option<Taking<'s>> {
    match object.kind.as_str() {
        "Pod" => object.spec().map(|_| object.at.clone()),
        "CronJob" => object.at.find(&["spec", "jobTemplate", "spec", "template"]),
        _ => object.at.find(&["spec", "template"]),
    }
}

/// The container that is meant when none is named: as `kubectl` chooses it.
pub(super) fn main<'s>(template: &Taking<'s>) -> Option<Taking<'s>> {
    let containers = template.find(&["spec", "containers"])?.items();
    let wanted = template.find(&["metadata", "annotations"]);
    let wanted = wanted.and_then(|all| all.value()["kubectl.kubernetes.io/default-container"].as_str());
    let named =
        containers.iter().find(|container| wanted.is_some() && container.value()["name"].as_str() == wanted);
    named.or(containers.first()).cloned()
}

impl<'s> Workload<'s> {
    pub fn spec(&self) -> Option<Taking<'s>> {
        self.template.get("spec")
    }

    /// The labels of its pods.
    pub fn labels(&self) -> &'s serde_json::Value {
        self.template.find(&["metadata", "labels"]).map_or(&serde_json::Value::Null, |at| at.value())
    }

    /// Gives it its name and its place in the profile.
    pub fn name(&mut self, wanted: &str, taken: &mut BTreeSet<String>) {
        self.name = unique(taken, wanted);
        self.at = Path::of([self.section, self.name.as_str()]);
        self.object.at.became(self.at.clone());
        self.template.became(self.at.clone());
    }

    /// Its own name; of a pod or a set whose owner was not read, the owner's without what is made up behind it.
    pub fn own_name(&self) -> String {
        let Some((_, owner)) = self.object.owners().into_iter().next() else {
            return plain(&self.object.name);
        };
        let hash = self.labels()["pod-template-hash"].as_str();
        let stem = hash.and_then(|hash| owner.strip_suffix(hash)).map(|stem| stem.trim_end_matches('-'));
        plain(stem.filter(|stem| !stem.is_empty()).unwrap_or(&owner))
    }
}
