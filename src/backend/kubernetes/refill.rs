//! Secrets that have other values than those that they are to have, and what was started with the old ones.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, ResourceExt as _,
    api::{ListParams, Patch, PatchParams},
    core::GroupVersionKind,
};
use serde_json::{Value, json};

use super::{
    Cluster, Launch, MANAGED_BY, MANAGER, MIRROR, Result, apply::group_and_version, error, launch::secret,
};
use crate::{
    labels::kubernetes::RENEWED,
    plan::kubernetes::{Body, ObjectKey, ObjectKind},
};

impl Cluster {
    /// The Secrets of a plan that are there and hold other values than the launch has for them.
    pub(super) async fn refilled(&self, launch: &Launch<'_>) -> Result<Vec<ObjectKey>> {
        let Launch { plan, .. } = launch;
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &plan.namespace);
        let ours = ListParams::default().labels(&format!("{MANAGED_BY}={MANAGER},{MIRROR}={}", plan.mirror));
        let found = error::ask("list of secrets", secrets.list(&ours)).await?;
        let there: BTreeMap<String, Secret> =
            found.items.into_iter().map(|secret| (secret.name_any(), secret)).collect();
        let mut others = Vec::new();
        for object in plan.objects.iter().filter(|object| matches!(object.body, Body::Secret { .. })) {
            let Some(held) = there.get(&object.name).and_then(|secret| secret.data.as_ref()) else {
                continue;
            };
            let wanted = secret(launch, object)?;
            // A key that is new is a change of the plan.
            let is_other = |(key, value): (&String, &Value)| {
                held.get(key)
                    .is_some_and(|held| Some(BASE64_STANDARD.encode(&held.0).as_str()) != value.as_str())
            };
            if wanted["data"].as_object().is_some_and(|data| data.iter().any(is_other)) {
                others.push(object.key());
            }
        }
        Ok(others)
    }

    /// Has the workloads that are there and name one of these Secrets replace their pods, as a rollout does.
    pub(super) async fn renew(&self, launch: &Launch<'_>, secrets: &[ObjectKey]) -> Result<()> {
        if secrets.is_empty() {
            return Ok(());
        }
        let at = jiff::Timestamp::now().to_string();
        let patch = json!({"spec": {"template": {"metadata": {"annotations": {RENEWED: at}}}}});
        let how = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        for (key, manifest) in launch.manifests {
            let is_kept = matches!(key.kind, ObjectKind::Deployment | ObjectKind::StatefulSet);
            if !is_kept || !secrets.iter().any(|secret| names(manifest, &secret.name)) {
                continue;
            }
            let (group, version) = group_and_version(key.kind.api_version());
            let kind = GroupVersionKind::gvk(group, version, key.kind.as_str());
            let api = self.api(&kind, Some(&launch.plan.namespace)).await?;
            let what = format!("renew {key}");
            match error::answer(&what, api.patch(&key.name, &how, &Patch::Merge(&patch))).await? {
                Ok(_) => {}
                // It is made with the new value.
                Err(error) if error::status(&error) == Some(404) => {}
                Err(error) => return Err(error::refused(what, &error)),
            }
        }
        Ok(())
    }
}

/// Whether a manifest names a Secret, for a variable or for a file.
fn names(manifest: &Value, secret: &str) -> bool {
    match manifest {
        Value::Object(fields) => fields.iter().any(|(key, value)| {
            let is_named = matches!(key.as_str(), "secretKeyRef" | "secret") && value["name"] == secret;
            is_named || names(value, secret)
        }),
        Value::Array(items) => items.iter().any(|item| names(item, secret)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_named_by_variables_and_by_files_and_by_nothing_else() {
        let pod = json!({"spec": {"containers": [{
            "name": "web.env",
            "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "token.secret", "key": "value"}}}],
        }], "volumes": [{"projected": {"sources": [{"secret": {"name": "web.files"}}]}}]}});
        assert!(names(&pod, "token.secret") && names(&pod, "web.files"));
        assert!(!names(&pod, "web.env") && !names(&pod, "value"));
    }
}
