//! What a changed plan no longer has.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use kube::{
    api::{DeleteParams, ListParams},
    core::GroupVersionKind,
};

use super::{
    Cluster, MANAGED_BY, MANAGER, MIRROR, ObjectName, Result, apply::group_and_version, error, names,
};
use crate::{name::Name, plan::kubernetes::ObjectKind};

/// The kinds that mirrors are made of, but for claims of volumes: what a store holds goes with its mirror alone.
pub(super) const KINDS: [ObjectKind; 11] = [
    ObjectKind::ServiceAccount,
    ObjectKind::NetworkPolicy,
    ObjectKind::Secret,
    ObjectKind::ConfigMap,
    ObjectKind::Service,
    ObjectKind::Deployment,
    ObjectKind::StatefulSet,
    ObjectKind::Job,
    ObjectKind::CronJob,
    ObjectKind::HorizontalPodAutoscaler,
    ObjectKind::PodDisruptionBudget,
];
const AT_ONCE: usize = 8;

impl Cluster {
    /// Deletes from a namespace what carries the mirror's label and is not among `keep`, and answers it in order.
    ///
    /// What a controller made of an object of ours, as a job of a cron job, carries the label too: it has an owner, and
    /// goes with it. A field in `keep` but for kind and name is not looked at.
    pub async fn prune(
        &self,
        namespace: &str,
        mirror: &Name,
        keep: &BTreeSet<ObjectName>,
    ) -> Result<Vec<ObjectName>> {
        let kinds: Vec<_> =
            KINDS.iter().map(|kind| self.prune_kind(namespace, mirror, keep, *kind)).collect();
        let gone: Vec<Vec<ObjectName>> = stream::iter(kinds).buffered(AT_ONCE).try_collect().await?;
        Ok(gone.into_iter().flatten().collect())
    }

    /// What [`Cluster::prune`] would delete.
    pub(super) async fn prunable(
        &self,
        namespace: &str,
        mirror: &Name,
        keep: &BTreeSet<ObjectName>,
    ) -> Result<Vec<ObjectName>> {
        let kinds: Vec<_> = KINDS.iter().map(|kind| self.needless(namespace, mirror, keep, *kind)).collect();
        let found: Vec<Vec<ObjectName>> = stream::iter(kinds).buffered(AT_ONCE).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn prune_kind(
        &self,
        namespace: &str,
        mirror: &Name,
        keep: &BTreeSet<ObjectName>,
        kind: ObjectKind,
    ) -> Result<Vec<ObjectName>> {
        let api = self.api(&of(kind), Some(namespace)).await?;
        let mut gone = Vec::new();
        for name in self.needless(namespace, mirror, keep, kind).await? {
            let what = format!("delete {name}");
            match error::answer(&what, api.delete(&name.name, &DeleteParams::background())).await? {
                Ok(_) => gone.push(name),
                Err(error) if error::status(&error) == Some(404) => {}
                Err(error) => return Err(error::refused(what, &error)),
            }
        }
        Ok(gone)
    }

    async fn needless(
        &self,
        namespace: &str,
        mirror: &Name,
        keep: &BTreeSet<ObjectName>,
        kind: ObjectKind,
    ) -> Result<Vec<ObjectName>> {
        let api = self.api(&of(kind), Some(namespace)).await?;
        let kind = kind.as_str();
        let ours = ListParams::default().labels(&format!("{MANAGED_BY}={MANAGER},{MIRROR}={mirror}"));
        let mut found = Vec::new();
        for object in error::ask(format!("list of {kind}"), api.list(&ours)).await? {
            let name = names::of_object(kind, &object);
            let is_made_by_another =
                object.metadata.owner_references.is_some_and(|owners| !owners.is_empty());
            let is_kept = keep.iter().any(|kept| kept.kind == name.kind && kept.name == name.name);
            if !is_made_by_another && !is_kept {
                found.push(name);
            }
        }
        Ok(found)
    }
}

fn of(kind: ObjectKind) -> GroupVersionKind {
    let (group, version) = group_and_version(kind.api_version());
    GroupVersionKind::gvk(group, version, kind.as_str())
}
