//! What is looked at: the plan's pods beside those of the cluster.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value as Json;

use super::super::{
    Reading,
    known::Known,
    scene::ON_DEMAND,
    workload::{Part, Workload},
};
use crate::{
    labels::kubernetes::SERVICE,
    observed::{ClusterObserved, Inside, Variable},
    plan::{
        ClusterPlan,
        kubernetes::{Body, ContainerSpec, Object, ObjectKey, ObjectKind, PodSpec},
    },
};

pub(super) const SPEC: &str = "the pod's spec";

pub(super) struct Scene<'a> {
    pub tree: &'a Json,
    pub plan: &'a ClusterPlan,
    pub observed: &'a ClusterObserved,
    pub known: Known,
    /// What makes pods, by its service, store or job.
    workloads: HashMap<&'a str, &'a Object>,
    /// Pods that are not on their way out, by their label. A cluster may have thousands, and every field asks.
    pods: HashMap<&'a str, Vec<(&'a str, &'a Json)>>,
}

/// One pod of a workload.
#[derive(Clone, Copy)]
pub(super) struct Pod<'a> {
    pub name: &'a str,
    pub plan: &'a PodSpec,
    /// As the API server holds it.
    pub found: &'a Json,
}

impl<'a> Pod<'a> {
    pub fn spec(&self) -> &'a Json {
        &self.found["spec"]
    }

    pub fn is_ready(&self) -> bool {
        is_ready(self.found)
    }
}

pub(super) fn is_ready(pod: &Json) -> bool {
    let mut conditions = items(&pod["status"]["conditions"]);
    conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// Whether a controller made an object, and not a person.
pub(super) fn is_made(object: &Json) -> bool {
    items(&object["metadata"]["ownerReferences"]).next().is_some()
}

/// One replica's container: planned, and as it was found.
pub(super) struct Pair<'a> {
    pub pod: Pod<'a>,
    pub plan: &'a ContainerSpec,
    /// In the pod's spec.
    pub spec: &'a Json,
    /// In the pod's status; null where it has none yet.
    pub status: &'a Json,
    pub inside: Option<&'a Inside>,
    pub environ: Option<&'a BTreeMap<String, Variable>>,
}

impl<'a> Scene<'a> {
    pub fn new(
        tree: &'a Json,
        plan: &'a ClusterPlan,
        observed: &'a ClusterObserved,
        secrets: &BTreeMap<String, String>,
    ) -> Self {
        let mut workloads = HashMap::new();
        for object in plan.objects.iter().filter(|object| object.pod().is_some()) {
            if let Some(service) = &object.service {
                workloads.entry(service.as_str()).or_insert(object);
            }
        }
        let mut pods: HashMap<&str, Vec<_>> = HashMap::new();
        let stay = |(_, pod): &(&str, &Json)| pod["metadata"].get("deletionTimestamp").is_none();
        for (name, pod) in observed.of_kind("Pod").filter(stay) {
            if let Some(service) = pod["metadata"]["labels"][SERVICE].as_str() {
                pods.entry(service).or_default().push((name, pod));
            }
        }
        Self { tree, plan, observed, known: Known::new(&plan.secrets, secrets), workloads, pods }
    }

    /// The planned object that makes the pods of a service, store or job.
    pub fn planned(&self, name: &str) -> Option<&'a Object> {
        self.workloads.get(name).copied()
    }

    /// An object of the plan as the cluster holds it.
    pub fn found(&self, object: &Object) -> Option<&'a Json> {
        self.observed.object(object.body.kind().as_str(), &object.name)
    }

    pub fn planned_object(&self, kind: ObjectKind, name: &str) -> Option<&'a Object> {
        self.plan.object(&ObjectKey { kind, name: name.to_owned() })
    }

    pub fn is_on_demand(&self, of: &Workload<'_>) -> bool {
        self.planned(of.name).is_some_and(|object| matches!(object.body, Body::CronJob { .. }))
    }

    /// The pods that a workload made and that are not on their way out, in order of name. Of a job the last one counts:
    /// those before it failed, or ran under another spec.
    pub fn pods(&self, of: &Workload<'_>) -> Vec<Pod<'a>> {
        let Some(object) = self.planned(of.name) else { return Vec::new() };
        let Some(plan) = object.pod().filter(|pod| !pod.on_demand) else { return Vec::new() };
        let pods = self.labelled(of.name).filter(|(_, pod)| is_made(pod));
        let pods = pods.map(|(name, found)| Pod { name, plan, found });
        if let Body::Job { .. } = object.body {
            return pods.max_by_key(|pod| created(pod.found).to_owned()).into_iter().collect();
        }
        // One that ended, as after an eviction, is replaced and serves nobody.
        let ended =
            |pod: &Pod<'_>| matches!(pod.found["status"]["phase"].as_str(), Some("Failed" | "Succeeded"));
        pods.filter(|pod| !ended(pod)).collect()
    }

    /// The pods under the label of a service, job or store, whoever made them.
    pub fn labelled(&self, name: &str) -> impl Iterator<Item = (&'a str, &'a Json)> {
        self.pods.get(name).into_iter().flatten().copied()
    }

    /// The planned container that a path is about.
    pub fn container(&self, of: &Workload<'_>) -> Option<&'a ContainerSpec> {
        let pod = self.planned(of.name)?.pod()?;
        let written = &self.tree[of.section][of.name];
        let at = |list: &str, name: &str| written[list].as_object()?.keys().position(|key| key == name);
        match of.part {
            Part::Main => Some(&pod.main),
            Part::Init(name) => pod.init.get(at("init", name)?),
            Part::Sidecar(name) => pod.sidecars.get(at("sidecars", name)?),
        }
    }

    pub fn pairs(&self, of: &Workload<'_>) -> Vec<Pair<'a>> {
        let Some(plan) = self.container(of) else { return Vec::new() };
        let (list, statuses) = match of.part {
            Part::Main => ("containers", "containerStatuses"),
            Part::Init(_) | Part::Sidecar(_) => ("initContainers", "initContainerStatuses"),
        };
        let pair = |pod: Pod<'a>| {
            let asked = self.observed.inside.get(pod.name).and_then(|pod| pod.get(&plan.name));
            Pair {
                pod,
                plan,
                spec: named(&pod.spec()[list], &plan.name),
                status: named(&pod.found["status"][statuses], &plan.name),
                inside: asked.map(|asked| &asked.inside),
                environ: asked.and_then(|asked| asked.environ.as_ref()),
            }
        };
        self.pods(of).into_iter().map(pair).collect()
    }

    /// Reads the container in every pod; the answer is that of the one that departs.
    pub fn each(&self, of: &Workload<'_>, read: impl Fn(&Pair<'a>) -> Reading) -> Reading {
        let pairs = self.pairs(of);
        let readings = pairs.iter().map(|pair| {
            let reading = match pair.spec {
                Json::Null => Reading::absent(SPEC, "the container is not in it"),
                _ => read(pair),
            };
            (pair.pod.name.to_owned(), reading)
        });
        Reading::of_all(readings).unwrap_or_else(|| self.nothing(of))
    }

    /// Reads every pod.
    pub fn each_pod(&self, of: &Workload<'_>, read: impl Fn(&Pod<'a>) -> Reading) -> Reading {
        let readings = self.pods(of).into_iter().map(|pod| (pod.name.to_owned(), read(&pod)));
        Reading::of_all(readings).unwrap_or_else(|| self.nothing(of))
    }

    /// An object that was looked for and not found: it is not there, unless its kind may not be listed.
    pub fn missing(&self, kind: &str, from: &str) -> Reading {
        match self.observed.unlisted.get(kind) {
            Some(why) => Reading::unread(format!("objects of kind {kind} may not be listed: {why}")),
            None => Reading::absent(from, "it is not there"),
        }
    }

    fn nothing(&self, of: &Workload<'_>) -> Reading {
        if self.is_on_demand(of) {
            return Reading::unread(ON_DEMAND);
        }
        match self.observed.unlisted.get("Pod") {
            Some(why) => Reading::unread(format!("pods may not be listed: {why}")),
            None => Reading::unread("no pod of it is there"),
        }
    }
}

/// When an object was made, as the API writes it: texts of one form, which sort as times do.
pub(super) fn created(object: &Json) -> &str {
    object["metadata"]["creationTimestamp"].as_str().unwrap_or_default()
}

/// The items of a list; nothing is an empty one.
pub(super) fn items(list: &Json) -> impl DoubleEndedIterator<Item = &Json> {
    list.as_array().into_iter().flatten()
}

static NOTHING: Json = Json::Null;

/// The member of a list with that name, or null.
pub(super) fn named<'a>(list: &'a Json, name: &str) -> &'a Json {
    items(list).find(|item| item["name"].as_str() == Some(name)).unwrap_or(&NOTHING)
}

/// Whether the cluster holds all that it was told; it writes its own defaults beside.
pub(super) fn is_as_told(told: &Json, found: &Json) -> bool {
    match (told, found) {
        (Json::Object(told), found) => {
            found.is_object() && told.iter().all(|(key, value)| is_as_told(value, &found[key]))
        }
        (Json::Array(told), Json::Array(found)) => {
            told.len() == found.len() && told.iter().zip(found).all(|(told, found)| is_as_told(told, found))
        }
        (told, found) => told == found,
    }
}
