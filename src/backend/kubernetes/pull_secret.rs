//! The right to pull, given to the pods of one mirror.

use std::collections::BTreeSet;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::json;

use super::{Cluster, MANAGED_BY, MANAGER, MIRROR, OWNER, error};
use crate::{
    backend::{DockerLogins, Result, logins::Logins},
    plan::{
        ClusterPlan, ImageSource,
        kubernetes::{Body, Object, PodSpec},
    },
    profile::Image,
};

/// Its name in the namespace; names of a profile hold no dot.
pub(super) const PULLS: &str = "registries.pull";
/// Another than that of the accounts' own manifests, which would take the field away again.
const FIELD_MANAGER: &str = "prodmirror-pulls";

impl Cluster {
    /// Gives the pods of a mirror what the user may pull, for the registries that its images name and no others: a
    /// Secret in its namespace, which must be there, that every account of its pods uses. Pods that are there already
    /// are not changed, so it comes before the first. It goes with the namespace.
    ///
    /// Answers why there is no login where one was expected, for people.
    ///
    /// # Errors
    /// Where Docker's configuration cannot be read, or the cluster says no.
    pub async fn allow_pulls(&self, plan: &ClusterPlan, logins: &DockerLogins) -> Result<Vec<String>> {
        let found = logins.of(registries(plan).iter().map(String::as_str)).await?;
        if !found.is_empty() {
            self.place_logins(plan, &found).await?;
        }
        Ok(found.notes)
    }

    async fn place_logins(&self, plan: &ClusterPlan, logins: &Logins) -> super::Result<()> {
        let document = BASE64_STANDARD.encode(logins.document().to_string());
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": PULLS,
                "namespace": plan.namespace,
                "labels": {MANAGED_BY: MANAGER, MIRROR: plan.mirror},
                "annotations": {OWNER: plan.owner},
            },
            "type": "kubernetes.io/dockerconfigjson",
            "data": {".dockerconfigjson": document},
        });
        self.apply([&secret]).await?;
        let named = plan.objects.iter().filter_map(|object| match object.body {
            Body::ServiceAccount => Some(object.name.as_str()),
            _ => None,
        });
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), &plan.namespace);
        let how = PatchParams::apply(FIELD_MANAGER).force();
        for account in named.chain(["default"]).collect::<BTreeSet<_>>() {
            let manifest = json!({
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": account, "namespace": plan.namespace},
                "imagePullSecrets": [{"name": PULLS}],
            });
            let patch = Patch::Apply(&manifest);
            error::ask(format!("serviceaccount/{account}"), accounts.patch(account, &how, &patch)).await?;
        }
        Ok(())
    }
}

/// Where the nodes pull from.
fn registries(plan: &ClusterPlan) -> BTreeSet<String> {
    let pods = plan.objects.iter().filter_map(Object::pod);
    let images = pods.flat_map(PodSpec::containers).map(|container| &container.image);
    let pulled = images.filter(|image| matches!(image.source, ImageSource::Digest | ImageSource::Tag));
    let registry = |reference: &str| match reference.parse() {
        Ok(Image::Registry(image)) => Some(image.registry()),
        _ => None,
    };
    pulled.filter_map(|image| registry(&image.reference)).collect()
}
