//! A plan's objects and those of the cluster, for a launch that goes step by step.

use std::{collections::BTreeMap, time::Duration};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::PersistentVolumeClaim};
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, ListParams},
    core::GroupVersionKind,
};
use serde_json::Value;

use super::{
    Cluster, Launch, MANAGED_BY, MANAGER, MIRROR, Mirrors, ObjectName, Result, apply::group_and_version,
    destroy::until_gone, error, prune::KINDS,
};
use crate::{
    backend::{
        self, DockerLogins, Later, Names, Nodes, ObjectChange, ObjectDifference, Objects, Placing, Progress,
        Report, SecretValues,
    },
    labels::kubernetes::SPEC,
    name::Name,
    observed::ClusterObserved,
    plan::{
        ClusterPlan, ClusterStore,
        kubernetes::{ObjectKey, ObjectKind},
    },
    render,
};

const AT_ONCE: usize = 8;
const LEAVES: Duration = Duration::from_secs(300);

impl Objects for Mirrors {
    fn placing<'a>(
        &'a self,
        plan: &'a ClusterPlan,
        secrets: &'a SecretValues,
    ) -> backend::Result<Box<dyn Placing + 'a>> {
        let manifests = render::manifests(plan, &self.settings.templates).map_err(|error| {
            backend::BackendError::Engine { what: "manifests".to_owned(), why: error.to_string() }
        })?;
        let (cluster, nodes) = (&self.cluster, &*self.settings.nodes);
        let logins = self.settings.logins.as_ref();
        Ok(Box::new(InPlace { cluster, nodes, logins, plan, secrets, manifests }))
    }

    fn look<'a>(&'a self, plan: &'a ClusterPlan, secrets: &'a SecretValues) -> Later<'a, ClusterObserved> {
        Box::pin(async move { Ok(self.cluster.look(plan, secrets, true).await?) })
    }
}

struct InPlace<'a> {
    cluster: &'a Cluster,
    nodes: &'a dyn Nodes,
    logins: Option<&'a DockerLogins>,
    plan: &'a ClusterPlan,
    secrets: &'a SecretValues,
    manifests: Vec<(ObjectKey, Value)>,
}

impl InPlace<'_> {
    fn launch(&self) -> Launch<'_> {
        Launch { plan: self.plan, manifests: &self.manifests, secrets: self.secrets }
    }

    async fn all_changes(&self) -> Result<Vec<ObjectChange>> {
        self.cluster.admit(self.plan).await?;
        let seals = self.cluster.seals(&self.plan.namespace, &self.plan.mirror).await?;
        if seals.is_empty() && self.cluster.course(&self.plan.mirror).await?.is_none() {
            return Ok(Vec::new());
        }
        let mut changes = Vec::new();
        for object in self.plan.objects.iter().filter(|object| object.body.kind() != ObjectKind::Namespace) {
            let key = object.key();
            match seals.get(&key) {
                None => changes.push(ObjectChange::Created(key.to_string())),
                Some(seal) if seal.as_ref() != object.labels.get(SPEC) => {
                    changes.push(ObjectChange::Changed(key.to_string()));
                }
                Some(_) => {}
            }
        }
        let refilled = self.cluster.refilled(&self.launch()).await?;
        changes.extend(refilled.iter().map(|key| ObjectChange::Refilled(key.to_string())));
        // Claims outlive what mounts them.
        let gone = seals
            .keys()
            .filter(|key| key.kind != ObjectKind::PersistentVolumeClaim && self.plan.object(key).is_none());
        changes.extend(gone.map(|key| ObjectChange::Removed(key.to_string())));
        Ok(changes)
    }

    async fn take_away(&self, store: &ClusterStore) -> Result<()> {
        let Self { cluster, plan, .. } = self;
        let space = &plan.namespace;
        let sets: Api<StatefulSet> = Api::namespaced(cluster.client.clone(), space);
        let claims: Api<PersistentVolumeClaim> = Api::namespaced(cluster.client.clone(), space);
        let name = store.store.as_str();
        cluster.delete_and_wait(&sets, &format!("statefulset/{name}"), name).await?;
        cluster
            .delete_and_wait(&claims, &format!("persistentvolumeclaim/{}", store.claim), &store.claim)
            .await
    }

    async fn take_away_job(&self, job: &Name) -> Result<()> {
        let api = self
            .cluster
            .api(&GroupVersionKind::gvk("batch", "v1", "Job"), Some(&self.plan.namespace))
            .await?;
        self.cluster.delete_and_wait(&api, &format!("job/{job}"), job.as_str()).await
    }
}

impl Placing for InPlace<'_> {
    fn changes(&self) -> Later<'_, Vec<ObjectChange>> {
        Box::pin(async move { Ok(self.all_changes().await?) })
    }

    fn supply<'s>(&'s self, report: &'s dyn Report) -> Later<'s, ()> {
        Box::pin(async move {
            self.nodes.supply(&self.plan.images(), report).await?;
            if let Some(logins) = self.logins {
                for note in self.cluster.allow_pulls(self.plan, logins).await? {
                    report.event(Progress::Note(note));
                }
            }
            Ok(())
        })
    }

    fn place<'s>(&'s self, objects: &'s [ObjectKey]) -> Later<'s, ()> {
        Box::pin(async move { Ok(self.cluster.place(&self.launch(), objects).await?) })
    }

    fn fill<'s>(&'s self, objects: &'s [ObjectKey]) -> Later<'s, ()> {
        Box::pin(async move { Ok(self.cluster.fill(&self.launch(), objects).await?) })
    }

    fn ready<'s>(
        &'s self,
        services: &'s [Name],
        within: Duration,
        step: &'s str,
        report: &'s dyn Report,
    ) -> Later<'s, ()> {
        Box::pin(async move { Ok(self.cluster.ready(&self.launch(), services, within, step, report).await?) })
    }

    fn publish<'s>(&'s self, report: &'s dyn Report) -> Later<'s, ()> {
        Box::pin(async move {
            let published = self.cluster.keep_doors(&self.plan.mirror, &self.plan.doors);
            let (bounded, published) = tokio::join!(self.cluster.bound(self.plan), published);
            published?;
            self.cluster.lives_without(&self.plan.namespace, bounded, "the mirror has none", report).await?;
            Ok(())
        })
    }

    fn preview(&self) -> Later<'_, Vec<ObjectDifference>> {
        Box::pin(async move { Ok(self.cluster.preview(&self.launch()).await?) })
    }

    fn sweep(&self) -> Later<'_, Vec<String>> {
        Box::pin(async move {
            let gone = self.cluster.sweep(self.plan).await?;
            Ok(gone.iter().map(ToString::to_string).collect())
        })
    }

    fn clear<'s>(&'s self, store: &'s ClusterStore) -> Later<'s, ()> {
        Box::pin(async move { Ok(self.take_away(store).await?) })
    }

    fn clear_job<'s>(&'s self, job: &'s Name) -> Later<'s, ()> {
        Box::pin(async move { Ok(self.take_away_job(job).await?) })
    }
}

impl Cluster {
    /// What a mirror is made of, and the seal of each object.
    async fn seals(&self, space: &str, mirror: &Name) -> Result<BTreeMap<ObjectKey, Option<String>>> {
        let ours = ListParams::default().labels(&format!("{MANAGED_BY}={MANAGER},{MIRROR}={mirror}"));
        let of_kind = async |kind: ObjectKind| -> Result<Vec<(ObjectKey, Option<String>)>> {
            let (group, version) = group_and_version(kind.api_version());
            let api = self.api(&GroupVersionKind::gvk(group, version, kind.as_str()), Some(space)).await?;
            let listed = error::ask(format!("list of {}", kind.as_str()), api.list_metadata(&ours)).await?;
            let own = listed.items.into_iter().filter(|object| {
                // What a controller made, and our own memory, are no part of a plan.
                object.owner_references().is_empty() && object.labels().contains_key(SPEC)
            });
            let seal = |name: String, labels: &BTreeMap<String, String>| {
                (ObjectKey { kind, name }, labels.get(SPEC).cloned())
            };
            Ok(own.map(|object| seal(object.name_any(), object.labels())).collect())
        };
        let kinds: Vec<_> =
            KINDS.iter().copied().chain([ObjectKind::PersistentVolumeClaim]).map(of_kind).collect();
        let found: Vec<_> = stream::iter(kinds).buffered(AT_ONCE).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Everything of ours in a namespace, by name.
    pub(super) async fn objects_of(&self, space: &str) -> Result<Names> {
        let ours = ListParams::default().labels(&format!("{MANAGED_BY}={MANAGER}"));
        let of_kind = async |kind: ObjectKind| -> Result<Vec<ObjectName>> {
            let (group, version) = group_and_version(kind.api_version());
            let api = self.api(&GroupVersionKind::gvk(group, version, kind.as_str()), Some(space)).await?;
            let listed = error::ask(format!("list of {}", kind.as_str()), api.list_metadata(&ours)).await?;
            Ok(listed.items.iter().map(|one| ObjectName::new(kind.as_str(), &one.name_any(), None)).collect())
        };
        let kinds: Vec<_> = KINDS.iter().copied().map(of_kind).collect();
        let found: Vec<_> = stream::iter(kinds).buffered(AT_ONCE).try_collect().await?;
        let claims: Api<PersistentVolumeClaim> = Api::namespaced(self.client.clone(), space);
        let claims = error::ask("list of claims", claims.list_metadata(&ListParams::default())).await?;
        let mut names = Names {
            volumes: claims.items.iter().map(|claim| claim.name_any()).collect(),
            ..Names::default()
        };
        names.objects.push(format!("namespace/{space}"));
        names.objects.extend(found.iter().flatten().map(ToString::to_string));
        Ok(names)
    }

    /// Deletes one object with what is its own, and waits until it is gone; one that is not there is no error.
    pub(super) async fn delete_and_wait<K>(&self, api: &Api<K>, what: &str, name: &str) -> Result<()>
    where
        K: Clone + std::fmt::Debug + serde::de::DeserializeOwned,
    {
        let what = format!("delete {what}");
        match error::answer(&what, api.delete(name, &DeleteParams::foreground())).await? {
            Ok(_) => {}
            Err(error) if error::status(&error) == Some(404) => return Ok(()),
            Err(error) => return Err(error::refused(what, &error)),
        }
        match tokio::time::timeout(LEAVES, until_gone(api, &what, name)).await {
            Ok(gone) => gone,
            Err(_) => Err(super::ClusterError::Api {
                what,
                why: format!("it is not gone after {} s", LEAVES.as_secs()),
            }),
        }
    }
}
