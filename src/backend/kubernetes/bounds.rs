//! The quota of a mirror's namespace.

use std::{collections::BTreeMap, pin::pin, time::Duration};

use futures_util::StreamExt as _;
use k8s_openapi::{api::core::v1::ResourceQuota, apimachinery::pkg::api::resource::Quantity};
use kube::{
    Api,
    api::{ListParams, Patch, PatchParams, WatchEvent, WatchParams},
};
use serde_json::json;

use super::{Cluster, MANAGED_BY, MANAGER, MIRROR, Result, error};
use crate::plan::{ClusterPlan, kubernetes::Bounds};

const NAME: &str = "mirror.quota";
const PODS: &str = "pods";
const CLAIMS: &str = "persistentvolumeclaims";
const STORAGE: &str = "requests.storage";
/// Until a controller has counted what is there, the API server refuses all that a quota counts.
const COUNTED_WITHIN: Duration = Duration::from_secs(30);

impl Cluster {
    /// Bounds what a mirror, whose namespace must be there, takes of the cluster. What an earlier plan was given stays:
    /// its claims are still there.
    ///
    /// It is no part of the rendered files: whoever applies them at one go would be refused until it has been counted.
    ///
    /// # Errors
    /// What the API server says against it; a mirror lives without one.
    pub(super) async fn bound(&self, plan: &ClusterPlan) -> Result<()> {
        let quotas: Api<ResourceQuota> = Api::namespaced(self.client.clone(), &plan.namespace);
        let what = format!("quota of mirror `{}`", plan.mirror);
        let there = error::ask(&what, quotas.get_opt(NAME)).await?;
        let had = there.and_then(|quota| quota.spec?.hard).unwrap_or_default();
        let Bounds { pods, claims, storage } = plan.bounds;
        let most = |key: &str, planned: u64| {
            let had = had.get(key).and_then(|Quantity(text)| text.parse::<crate::profile::Bytes>().ok());
            had.map_or(planned, |had| planned.max(had.0))
        };
        let quota = json!({
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {
                "name": NAME,
                "labels": {MANAGED_BY: MANAGER, MIRROR: plan.mirror},
            },
            "spec": {"hard": {
                PODS: most(PODS, pods.into()).to_string(),
                CLAIMS: most(CLAIMS, claims.into()).to_string(),
                STORAGE: most(STORAGE, storage.0).to_string(),
                "services.nodeports": "0",
                "services.loadbalancers": "0",
            }},
        });
        let how = PatchParams::apply(MANAGER).force();
        match error::answer(&what, quotas.patch(NAME, &how, &Patch::Apply(&quota))).await? {
            Ok(quota) if is_counted(&quota) => Ok(()),
            Ok(_) => match tokio::time::timeout(COUNTED_WITHIN, until_counted(&quotas, &what)).await {
                Ok(counted) => counted,
                // Without such a controller nothing is refused for long, or the refusal says why.
                Err(_) => Ok(()),
            },
            Err(no) => Err(error::refused(what, &no)),
        }
    }
}

fn is_counted(quota: &ResourceQuota) -> bool {
    let asked = quota.spec.as_ref().and_then(|spec| spec.hard.as_ref());
    let counted = quota.status.as_ref().and_then(|status| status.hard.as_ref());
    let text = |hard: &BTreeMap<String, Quantity>| -> BTreeMap<String, String> {
        hard.iter().map(|(key, Quantity(text))| (key.clone(), text.clone())).collect()
    };
    asked.map(text) == counted.map(text)
}

async fn until_counted(quotas: &Api<ResourceQuota>, what: &str) -> Result<()> {
    let one = format!("metadata.name={NAME}");
    loop {
        let listed = error::ask(what, quotas.list(&ListParams::default().fields(&one))).await?;
        if listed.items.iter().all(is_counted) {
            return Ok(());
        }
        let version = listed.metadata.resource_version.unwrap_or_default();
        let how = WatchParams::default().fields(&one);
        let mut watch = pin!(error::ask(what, quotas.watch(&how, &version)).await?);
        while let Some(Ok(event)) = watch.next().await {
            match event {
                WatchEvent::Added(quota) | WatchEvent::Modified(quota) if is_counted(&quota) => return Ok(()),
                WatchEvent::Deleted(_) => return Ok(()),
                _ => {}
            }
        }
    }
}
