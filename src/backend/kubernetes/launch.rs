//! A plan's objects into the cluster, each part as a step of the plan says. Nothing is decided here.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, core::GroupVersionKind};
use serde_json::{Value, json};

use super::{
    Cluster, ClusterError, ObjectName, Result, Wanted, error, expiry, list::refuse_others,
    pull_secret::PULLS, record::RECORD, secrets::whole,
};
use crate::{
    backend::{Report, SecretValues},
    labels::kubernetes::{SPEC, VARIABLE},
    name::Name,
    plan::{
        ClusterPlan,
        kubernetes::{Body, Object, ObjectKey, ObjectKind},
    },
};

/// A plan, and what it is carried out with.
pub struct Launch<'a> {
    pub plan: &'a ClusterPlan,
    /// Of `render::manifests`.
    pub manifests: &'a [(ObjectKey, Value)],
    pub secrets: &'a SecretValues,
}

impl Cluster {
    /// Refuses a plan whose namespace is somebody else's. Makes nothing.
    ///
    /// # Errors
    /// [`ClusterError::NotOurs`].
    pub async fn admit(&self, plan: &ClusterPlan) -> Result<()> {
        match self.namespace(&plan.namespace).await? {
            Some(there) => refuse_others(&there, &plan.namespace, &plan.mirror, Some(&plan.owner)),
            None => Ok(()),
        }
    }

    /// Makes or changes objects of a plan. What has not changed stays as it is, running.
    ///
    /// A job cannot be changed: one that differs is removed with its pods, and made again.
    pub async fn place(&self, launch: &Launch<'_>, objects: &[ObjectKey]) -> Result<()> {
        let of = |key: &ObjectKey| launch.manifests.iter().find(|(known, _)| known == key);
        let manifests: Vec<_> = objects.iter().filter_map(of).collect();
        let (spaces, others): (Vec<_>, Vec<_>) =
            manifests.into_iter().partition(|(key, _)| key.kind == ObjectKind::Namespace);
        let spaces: Vec<&Value> = spaces.into_iter().map(|(_, manifest)| manifest).collect();
        if !spaces.is_empty() {
            self.until_not_leaving(&launch.plan.namespace).await?;
        }
        self.apply(spaces).await?;
        for (_, manifest) in others.iter().filter(|(key, _)| key.kind == ObjectKind::Job) {
            self.remove_changed(&launch.plan.namespace, manifest).await?;
        }
        // A pod that is made from a changed workload finds its changed files: one mounted alone is never changed later.
        let (workloads, parts): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|(key, _)| makes_pods(key.kind));
        for wave in [parts, workloads] {
            let wave: Vec<&Value> = wave.into_iter().map(|(_, manifest)| manifest).collect();
            self.apply(wave).await?;
        }
        Ok(())
    }

    /// Fills the Secrets of a plan: no file and no other object has their values. A process keeps the variables that it
    /// began with, so what was given another value before starts anew.
    ///
    /// # Errors
    /// [`ClusterError::NoValue`] for a variable that has none.
    pub async fn fill(&self, launch: &Launch<'_>, objects: &[ObjectKey]) -> Result<()> {
        let others = self.refilled(launch).await?;
        let secrets = objects.iter().filter_map(|key| launch.plan.object(key));
        let filled: Vec<Value> = secrets.map(|object| secret(launch, object)).collect::<Result<_>>()?;
        self.apply(&filled).await?;
        if !others.is_empty() {
            // Pods that start anew take the files of this plan with them.
            let is_file = |(key, _): &&(ObjectKey, Value)| key.kind == ObjectKind::ConfigMap;
            let files: Vec<&Value> = launch.manifests.iter().filter(is_file).map(|(_, file)| file).collect();
            self.apply(files).await?;
        }
        self.renew(launch, &others).await
    }

    /// Waits until the workloads of these services, jobs and stores are ready, jobs ended. What runs on demand is not
    /// among them.
    pub async fn ready(
        &self,
        launch: &Launch<'_>,
        services: &[Name],
        within: Duration,
        step: &str,
        report: &dyn Report,
    ) -> Result<()> {
        let of = |object: &&Object| object.service.as_ref().is_some_and(|name| services.contains(name));
        let wanted: Vec<_> = launch.plan.objects.iter().filter(of).filter_map(wanted).collect();
        let settled = self.settle(&launch.plan.namespace, &wanted, within, step, report);
        settled.await.map_err(|error| match error {
            ClusterError::Trouble(mut trouble) => {
                trouble.service = service_of(launch.plan, &trouble.workload);
                ClusterError::Trouble(trouble)
            }
            error => error,
        })
    }

    /// Removes what an earlier plan of the mirror had and this one has not, and answers it. Claims stay, with what they
    /// hold.
    pub async fn sweep(&self, plan: &ClusterPlan) -> Result<Vec<ObjectName>> {
        self.prune(&plan.namespace, &plan.mirror, &kept(plan)).await
    }

    /// What an earlier `down` still takes away is waited for: nothing can be made in it any more.
    async fn until_not_leaving(&self, namespace: &str) -> Result<()> {
        match self.namespace(namespace).await? {
            Some(there) if there.metadata.deletion_timestamp.is_some() => {
                let spaces: Api<Namespace> = Api::all(self.client.clone());
                self.delete_and_wait(&spaces, &format!("namespace/{namespace}"), namespace).await
            }
            _ => Ok(()),
        }
    }

    async fn remove_changed(&self, namespace: &str, manifest: &Value) -> Result<()> {
        let object = ObjectName::of(manifest);
        let api = self.api(&GroupVersionKind::gvk("batch", "v1", &object.kind), Some(namespace)).await?;
        let there = error::ask(format!("read {object}"), api.get_opt(&object.name)).await?;
        let seal = |labels: &BTreeMap<String, String>| labels.get(SPEC).cloned();
        let Some(there) = there else { return Ok(()) };
        let is_same = there.metadata.labels.as_ref().and_then(seal).as_deref()
            == manifest["metadata"]["labels"][SPEC].as_str();
        if is_same {
            return Ok(());
        }
        self.delete_and_wait(&api, &object.to_string(), &object.name).await
    }
}

/// What the namespace of a mirror of this plan has, its record, what it may pull and its end included.
pub(super) fn kept(plan: &ClusterPlan) -> BTreeSet<ObjectName> {
    let name = |object: &Object| ObjectName::new(object.body.kind().as_str(), &object.name, None);
    let record = ObjectName::new(ObjectKind::ConfigMap.as_str(), RECORD, None);
    let pulls = ObjectName::new(ObjectKind::Secret.as_str(), PULLS, None);
    let end = [
        ObjectKind::ServiceAccount.as_str(),
        ObjectKind::NetworkPolicy.as_str(),
        ObjectKind::CronJob.as_str(),
    ];
    let end = end.map(|kind| ObjectName::new(kind, expiry::NAME, None));
    plan.objects.iter().map(name).chain([record, pulls]).chain(end).collect()
}

fn service_of(plan: &ClusterPlan, workload: &ObjectName) -> Option<Name> {
    let is_it =
        |object: &&Object| object.name == workload.name && object.body.kind().as_str() == workload.kind;
    plan.objects.iter().find(is_it)?.service.clone()
}

fn makes_pods(kind: ObjectKind) -> bool {
    use ObjectKind::{CronJob, Deployment, Job, StatefulSet};
    matches!(kind, Deployment | StatefulSet | Job | CronJob)
}

fn wanted(object: &Object) -> Option<Wanted> {
    let name = object.name.clone();
    match &object.body {
        Body::Deployment { .. } => Some(Wanted::Deployment(name)),
        Body::StatefulSet { .. } => Some(Wanted::StatefulSet(name)),
        Body::Job { .. } => Some(Wanted::Job(name)),
        Body::Namespace { .. }
        | Body::ServiceAccount
        | Body::NetworkPolicy { .. }
        | Body::Secret { .. }
        | Body::ConfigMap { .. }
        | Body::Claim { .. }
        | Body::Service { .. }
        | Body::CronJob { .. }
        | Body::Autoscaler { .. }
        | Body::DisruptionBudget { .. } => None,
    }
}

pub(super) fn secret(launch: &Launch<'_>, object: &Object) -> Result<Value> {
    let Body::Secret { data: texts } = &object.body else {
        let why = "it is no Secret, and cannot be filled".to_owned();
        return Err(ClusterError::Api { what: object.key().to_string(), why });
    };
    let mut data = BTreeMap::new();
    for (key, text) in texts {
        let value = text.fill(|name| launch.secrets.0.get(name).cloned());
        let value = value
            .ok_or_else(|| ClusterError::NoValue { object: object.key().to_string(), key: key.clone() })?;
        data.insert(key, BASE64_STANDARD.encode(value));
    }
    let mut annotations = object.annotations.clone();
    if let [only] = texts.values().collect::<Vec<_>>()[..] {
        annotations.extend(whole(only).map(|variable| (VARIABLE.to_owned(), variable.to_owned())));
    }
    Ok(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": object.name,
            "namespace": launch.plan.namespace,
            "labels": object.labels,
            "annotations": annotations,
        },
        "data": data,
    }))
}
