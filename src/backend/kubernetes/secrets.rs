//! The values of a mirror's secrets, which its namespace alone keeps.

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, api::ListParams};

use super::{Cluster, MANAGED_BY, MANAGER, MIRROR, Result, error::ask};
use crate::{
    backend::SecretValues,
    plan::{
        ClusterPlan, Template, TemplatePiece,
        kubernetes::{Body, SecretText},
    },
};

impl Cluster {
    /// The values that a mirror of this plan was launched with before, by variable; none of a secret that it did not
    /// have.
    pub async fn kept_secrets(&self, plan: &ClusterPlan) -> Result<SecretValues> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &plan.namespace);
        let ours = ListParams::default().labels(&format!("{MANAGED_BY}={MANAGER},{MIRROR}={}", plan.mirror));
        let found = ask("list of secrets", secrets.list(&ours)).await?;
        let mut values = SecretValues::default();
        for object in &plan.objects {
            let Body::Secret { data } = &object.body else { continue };
            let mut same =
                found.items.iter().filter(|secret| secret.metadata.name.as_ref() == Some(&object.name));
            let Some(kept) = same.next().and_then(|secret| secret.data.as_ref()) else { continue };
            for (key, text) in data {
                // Only what is a secret and nothing else can be told from what it was made into.
                let (Some(variable), Some(value)) = (whole(text), kept.get(key)) else { continue };
                if let Ok(value) = String::from_utf8(value.0.clone()) {
                    values.0.insert(variable.to_owned(), value);
                }
            }
        }
        Ok(values)
    }
}

/// The variable of a text that is that variable alone.
pub(super) fn whole(text: &SecretText) -> Option<&str> {
    match text {
        SecretText::Text(Template(pieces)) => match pieces.as_slice() {
            [TemplatePiece::Variable(variable)] => Some(variable),
            _ => None,
        },
        SecretText::Quoted(_) => None,
    }
}
