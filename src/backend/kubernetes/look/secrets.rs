//! Values that stand for secrets: compared where they are read, and kept nowhere.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, api::ListParams};
use serde_json::Value as Json;

use super::super::{Cluster, MANAGED_BY, MANAGER, Result, SERVICE, error};
use crate::{
    backend::SecretValues,
    observed::{ClusterObserved, Kept},
    plan::{
        ClusterPlan,
        kubernetes::{Body, ContainerSpec, EnvSource, ObjectKey, ObjectKind, PodSpec},
    },
};

/// What stands in the place of a text that should have come from a Secret.
const HIDDEN: &str = "***";

pub(super) type Compared = BTreeMap<String, BTreeMap<String, Kept>>;

impl Cluster {
    /// The Secrets of the mirror, each key by whether its value is the wanted one; the inner error is the cluster's word
    /// for why they may not be read.
    pub(super) async fn compare_secrets(
        &self,
        plan: &ClusterPlan,
        secrets: &SecretValues,
    ) -> Result<std::result::Result<Compared, String>> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), &plan.namespace);
        let ours = ListParams::default().labels(&format!("{MANAGED_BY}={MANAGER}"));
        let listed = match error::answer("list of secrets", api.list(&ours)).await? {
            Ok(listed) => listed,
            Err(no) if matches!(error::status(&no), Some(401 | 403)) => return Ok(Err(error::words(&no))),
            Err(no) => return Err(error::refused("list of secrets", &no)),
        };
        let of = |secret: Secret| {
            let name = secret.metadata.name.unwrap_or_default();
            let keys = secret.data.unwrap_or_default().into_iter().map(|(key, value)| {
                let kept = compare(&wanted(plan, secrets, &name, &key), &value.0);
                (key, kept)
            });
            (name.clone(), keys.collect())
        };
        Ok(Ok(listed.items.into_iter().map(of).collect()))
    }
}

/// What a key of a Secret shall hold; `None` where that is not known.
fn wanted(plan: &ClusterPlan, secrets: &SecretValues, name: &str, key: &str) -> Option<String> {
    let object = plan.object(&ObjectKey { kind: ObjectKind::Secret, name: name.to_owned() })?;
    match &object.body {
        Body::Secret { data } => data.get(key)?.fill(|variable| value(plan, secrets, variable)),
        _ => None,
    }
}

/// A variable's value; the form for a URL is made from the plain one where it was not given.
fn value(plan: &ClusterPlan, secrets: &SecretValues, variable: &str) -> Option<String> {
    let given = secrets.0.get(variable).cloned();
    given.or_else(|| {
        let of = plan.secrets.iter().find(|secret| secret.url_variable.as_deref() == Some(variable))?;
        Some(crate::plan::url_encode(secrets.0.get(&of.variable)?))
    })
}

fn compare(wanted: &Option<String>, live: &[u8]) -> Kept {
    match wanted {
        None => Kept::Unknown,
        Some(wanted) if wanted.as_bytes() == live => Kept::Wanted,
        Some(_) => Kept::Other,
    }
}

/// A variable that the plan takes from a Secret: whether a process has the wanted value.
pub(super) fn compare_variable(
    plan: &ClusterPlan,
    secrets: &SecretValues,
    container: Option<&ContainerSpec>,
    variable: &str,
    live: &str,
) -> Kept {
    match container.and_then(|container| container.env.get(variable)) {
        Some(EnvSource::Secret { name, key }) => compare(&wanted(plan, secrets, name, key), live.as_bytes()),
        _ => Kept::Unknown,
    }
}

/// The planned container of that name.
pub(super) fn planned<'p>(
    plan: &'p ClusterPlan,
    service: &str,
    container: &str,
) -> Option<(&'p PodSpec, &'p ContainerSpec)> {
    let mut pods = plan
        .objects
        .iter()
        .filter(|object| object.service.as_ref().is_some_and(|name| name.as_str() == service));
    let pod = pods.find_map(|object| object.pod())?;
    Some((pod, pod.containers().find(|spec| spec.name == container)?))
}

/// Takes out what somebody wrote in plain in the place of a secret.
pub(super) fn hide_literals(plan: &ClusterPlan, observed: &mut ClusterObserved) {
    for (kind, objects) in &mut observed.objects {
        for object in objects.values_mut() {
            let (labels, spec) = match kind.as_str() {
                "Pod" => ("/metadata/labels", "/spec"),
                "Deployment" | "StatefulSet" | "Job" => {
                    ("/spec/template/metadata/labels", "/spec/template/spec")
                }
                "CronJob" => (
                    "/spec/jobTemplate/spec/template/metadata/labels",
                    "/spec/jobTemplate/spec/template/spec",
                ),
                _ => continue,
            };
            let labels = object.pointer(labels);
            let service = labels.and_then(|labels| labels[SERVICE].as_str()).unwrap_or_default().to_owned();
            if let Some(spec) = object.pointer_mut(spec) {
                hide_in_pod(plan, &service, spec);
            }
        }
    }
}

fn hide_in_pod(plan: &ClusterPlan, service: &str, spec: &mut Json) {
    for list in ["containers", "initContainers"] {
        for container in items(spec, list) {
            let name = container["name"].as_str().unwrap_or_default().to_owned();
            let Some((_, of)) = planned(plan, service, &name) else { continue };
            for variable in items(container, "env") {
                let name = variable["name"].as_str().unwrap_or_default();
                if of.is_secret(name) && variable.get("value").is_some() {
                    variable["value"] = HIDDEN.into();
                }
            }
        }
    }
}

fn items<'o>(object: &'o mut Json, list: &str) -> impl Iterator<Item = &'o mut Json> {
    object.get_mut(list).and_then(Json::as_array_mut).into_iter().flatten()
}
