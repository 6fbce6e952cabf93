//! What was seen of a namespace so far.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, ReplicaSet, StatefulSet},
        batch::v1::Job,
        core::v1::{Container, Event, Pod, PodSpec},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::ResourceExt as _;

use super::{super::watch::Change, known::Known};

/// One change of one kind.
pub(in super::super) enum Sight {
    Pod(Change<Pod>),
    ReplicaSet(Change<ReplicaSet>),
    Deployment(Change<Deployment>),
    StatefulSet(Change<StatefulSet>),
    Job(Change<Job>),
    Event(Change<Event>),
}

pub(super) struct Seen {
    pub(super) namespace: String,
    pods: Known<Pod>,
    replica_sets: Known<ReplicaSet>,
    deployments: Known<Deployment>,
    stateful_sets: Known<StatefulSet>,
    jobs: Known<Job>,
    /// By the uid of a controller, the last no to making a pod, heard since the watch began. Older ones may be of a
    /// try before.
    refusals: BTreeMap<String, String>,
}

impl Seen {
    pub(super) fn new(namespace: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            pods: Known::default(),
            replica_sets: Known::default(),
            deployments: Known::default(),
            stateful_sets: Known::default(),
            jobs: Known::default(),
            refusals: BTreeMap::new(),
        }
    }

    pub(super) fn take(&mut self, sight: Sight) {
        match sight {
            Sight::Pod(change) => self.pods.take(change.map(lean_pod)),
            Sight::ReplicaSet(change) => self.replica_sets.take(change.map(lean_set)),
            Sight::Deployment(change) => self.deployments.take(change),
            Sight::StatefulSet(change) => self.stateful_sets.take(change),
            Sight::Job(change) => self.jobs.take(change),
            Sight::Event(Change::Put(event)) => {
                if event.reason.as_deref() == Some("FailedCreate")
                    && let Some(uid) = event.involved_object.uid
                {
                    self.refusals.insert(uid, event.message.unwrap_or_default());
                }
            }
            Sight::Event(Change::All(_) | Change::Gone(_)) => {}
        }
    }

    /// Whether every kind was listed: a verdict before would be one on half a picture.
    pub(super) fn is_whole(&self) -> bool {
        let Self { namespace: _, pods, replica_sets, deployments, stateful_sets, jobs, refusals: _ } = self;
        pods.is_listed()
            && replica_sets.is_listed()
            && deployments.is_listed()
            && stateful_sets.is_listed()
            && jobs.is_listed()
    }

    pub(super) fn deployment(&self, name: &str) -> Option<&Deployment> {
        self.deployments.get(name)
    }

    pub(super) fn stateful_set(&self, name: &str) -> Option<&StatefulSet> {
        self.stateful_sets.get(name)
    }

    pub(super) fn job(&self, name: &str) -> Option<&Job> {
        self.jobs.get(name)
    }

    pub(super) fn pod(&self, name: &str) -> Option<&Pod> {
        self.pods.get(name)
    }

    /// The replica set of a deployment's newest template; those before it are on their way out.
    pub(super) fn newest(&self, deployment: &Deployment) -> Option<&ReplicaSet> {
        const REVISION: &str = "deployment.kubernetes.io/revision";
        let revision = deployment.annotations().get(REVISION)?;
        let mut sets = self.replica_sets.made_by(deployment.metadata.uid.as_deref());
        sets.find(|set| set.annotations().get(REVISION) == Some(revision))
    }

    /// The pods that a controller made and has not taken away, in order of name.
    pub(super) fn pods_of<'a>(&'a self, owner: &'a ObjectMeta) -> impl Iterator<Item = &'a Pod> {
        let pods = self.pods.made_by(owner.uid.as_deref());
        pods.filter(|pod| pod.metadata.deletion_timestamp.is_none())
    }

    pub(super) fn refusal(&self, owner: &ObjectMeta) -> Option<&str> {
        self.refusals.get(owner.uid.as_ref()?).map(String::as_str)
    }
}

/// Of thousands of pods at once, no more than a verdict looks at.
fn lean_pod(pod: Pod) -> Pod {
    let Pod { mut metadata, spec, status } = pod;
    (metadata.annotations, metadata.labels) = (None, None);
    let container = |Container { name, readiness_probe, .. }: Container| Container {
        name,
        readiness_probe,
        ..Container::default()
    };
    let spec = spec.map(|spec| PodSpec {
        containers: spec.containers.into_iter().map(container).collect(),
        ..PodSpec::default()
    });
    Pod { metadata, spec, status }
}

/// The same of a replica set, which is known by its revision.
fn lean_set(set: ReplicaSet) -> ReplicaSet {
    ReplicaSet { metadata: set.metadata, ..ReplicaSet::default() }
}
