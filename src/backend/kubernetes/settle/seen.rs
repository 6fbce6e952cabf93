//! What was seen of a namespace so far.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, ReplicaSet, StatefulSet},
        batch::v1::Job,
        core::v1::{Event, Pod},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{Resource, ResourceExt as _};

use super::super::watch::Change;

/// One change of one kind.
pub(in super::super) enum Sight {
    Pod(Change<Pod>),
    ReplicaSet(Change<ReplicaSet>),
    Deployment(Change<Deployment>),
    StatefulSet(Change<StatefulSet>),
    Job(Change<Job>),
    Event(Change<Event>),
}

/// Objects by name; `None` until they were listed once.
type Known<K> = Option<BTreeMap<String, K>>;

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
            pods: None,
            replica_sets: None,
            deployments: None,
            stateful_sets: None,
            jobs: None,
            refusals: BTreeMap::new(),
        }
    }

    pub(super) fn take(&mut self, sight: Sight) {
        match sight {
            Sight::Pod(change) => put(&mut self.pods, change),
            Sight::ReplicaSet(change) => put(&mut self.replica_sets, change),
            Sight::Deployment(change) => put(&mut self.deployments, change),
            Sight::StatefulSet(change) => put(&mut self.stateful_sets, change),
            Sight::Job(change) => put(&mut self.jobs, change),
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
        pods.is_some()
            && replica_sets.is_some()
            && deployments.is_some()
            && stateful_sets.is_some()
            && jobs.is_some()
    }

    pub(super) fn deployment(&self, name: &str) -> Option<&Deployment> {
        self.deployments.as_ref()?.get(name)
    }

    pub(super) fn stateful_set(&self, name: &str) -> Option<&StatefulSet> {
        self.stateful_sets.as_ref()?.get(name)
    }

    pub(super) fn job(&self, name: &str) -> Option<&Job> {
        self.jobs.as_ref()?.get(name)
    }

    pub(super) fn pod(&self, name: &str) -> Option<&Pod> {
        self.pods.as_ref()?.get(name)
    }

    /// The replica set of a deployment's newest template; those before it are on their way out.
    pub(super) fn newest(&self, deployment: &Deployment) -> Option<&ReplicaSet> {
        const REVISION: &str = "deployment.kubernetes.io/revision";
        let revision = deployment.annotations().get(REVISION)?;
        let mut sets = self.replica_sets.iter().flat_map(BTreeMap::values);
        sets.find(|set| {
            is_owned(&set.metadata, &deployment.metadata) && set.annotations().get(REVISION) == Some(revision)
        })
    }

    /// The pods that a controller made and has not taken away, in order of name.
    pub(super) fn pods_of<'a>(&'a self, owner: &'a ObjectMeta) -> impl Iterator<Item = &'a Pod> {
        let pods = self.pods.iter().flat_map(BTreeMap::values);
        pods.filter(|pod| pod.metadata.deletion_timestamp.is_none() && is_owned(&pod.metadata, owner))
    }

    pub(super) fn refusal(&self, owner: &ObjectMeta) -> Option<&str> {
        self.refusals.get(owner.uid.as_ref()?).map(String::as_str)
    }
}

fn is_owned(object: &ObjectMeta, owner: &ObjectMeta) -> bool {
    let owners = object.owner_references.iter().flatten();
    owner.uid.as_ref().is_some_and(|uid| owners.into_iter().any(|reference| reference.uid == *uid))
}

fn put<K: Resource<DynamicType = ()>>(known: &mut Known<K>, change: Change<K>) {
    match change {
        Change::All(objects) => {
            *known = Some(objects.into_iter().map(|object| (object.name_any(), object)).collect());
        }
        Change::Put(object) => {
            known.get_or_insert_default().insert(object.name_any(), object);
        }
        Change::Gone(object) => {
            known.get_or_insert_default().remove(&object.name_any());
        }
    }
}
