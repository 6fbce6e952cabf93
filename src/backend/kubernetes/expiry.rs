//! The end of a mirror that needs nobody's machine: a CronJob in its namespace that removes the namespace.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use k8s_openapi::api::{
    batch::v1::CronJob,
    core::v1::ServiceAccount,
    networking::v1::NetworkPolicy,
    rbac::v1::{Role, RoleBinding},
};
use kube::{Api, api::DeleteParams};
use serde_json::{Value, json};

use super::{Cluster, MANAGED_BY, MANAGER, MIRROR, Result, error};
use crate::{
    labels::{Kind, kubernetes::KIND},
    name::Name,
    plan::kubernetes::namespace,
};

/// Of every object of it; names of a profile hold no dot.
pub(super) const NAME: &str = "mirror.expiry";
/// A schedule that is over when the controller first sees it would wait for a year.
const AHEAD: SignedDuration = SignedDuration::from_secs(15);

impl Cluster {
    /// Has the cluster itself remove a mirror, whose namespace must be there, in the minute after its time is over.
    ///
    /// `image` has kubectl as its entry. What runs there may delete that one namespace and do nothing else, and is the
    /// one pod of the mirror that reaches beyond it, to the API server.
    ///
    /// # Errors
    /// As [`Cluster::apply`]; a mirror without goes with the next `gc`.
    pub(super) async fn expire(&self, mirror: &Name, at: Timestamp, image: &str) -> Result<()> {
        let space = namespace(mirror);
        let parts = manifests(mirror, &space);
        self.apply(&parts).await?;
        self.apply([&cron_job(mirror, &space, at.max(Timestamp::now() + AHEAD), image)]).await
    }

    /// The public image of kubectl in the version of the cluster: <https://kubernetes.io/releases/download/#container-images>.
    pub(super) async fn kubectl_image(&self) -> Result<String> {
        let version = error::ask("version of the API server", self.client.apiserver_version()).await?;
        // Distributions add their own word behind it.
        let released = version.git_version.split(['+', '-']).next().unwrap_or_default();
        Ok(format!("registry.k8s.io/kubectl:{released}"))
    }

    /// Takes the end of a mirror away, if it has one.
    pub(super) async fn never_expire(&self, mirror: &Name) -> Result<()> {
        let space = namespace(mirror);
        let jobs: Api<CronJob> = Api::namespaced(self.client.clone(), &space);
        match error::answer("end of the mirror", jobs.delete(NAME, &DeleteParams::background())).await? {
            Ok(_) => {}
            // There is none, or none that this user could have made.
            Err(no) if matches!(error::status(&no), Some(403 | 404)) => return Ok(()),
            Err(no) => return Err(error::refused("end of the mirror", &no)),
        }
        self.drop_part::<RoleBinding>(&space).await?;
        self.drop_part::<Role>(&space).await?;
        self.drop_part::<NetworkPolicy>(&space).await?;
        self.drop_part::<ServiceAccount>(&space).await
    }

    async fn drop_part<K>(&self, space: &str) -> Result<()>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + std::fmt::Debug
            + serde::de::DeserializeOwned,
    {
        let api: Api<K> = Api::namespaced(self.client.clone(), space);
        self.delete_and_wait(&api, NAME, NAME).await
    }
}

/// What it may do, and where it may go.
fn manifests(mirror: &Name, space: &str) -> [Value; 4] {
    let metadata = metadata(mirror, space);
    [
        json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": metadata,
            "automountServiceAccountToken": false,
        }),
        // A namespace counts as lying in itself, so that no right beyond it is needed.
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": metadata,
            "rules": [
                {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": [space], "verbs": ["delete"]},
            ],
        }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": NAME},
            "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": space}],
        }),
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": metadata,
            "spec": {
                "podSelector": {"matchLabels": of_pods()},
                "policyTypes": ["Egress"],
                "egress": [{}],
            },
        }),
    ]
}

fn cron_job(mirror: &Name, space: &str, at: Timestamp, image: &str) -> Value {
    let container = json!({
        "name": "kubectl",
        "image": image,
        "args": ["delete", "namespace", space, "--ignore-not-found", "--wait=false"],
        "resources": {
            "requests": {"cpu": "10m", "memory": "32Mi"},
            "limits": {"memory": "256Mi"},
        },
        // The strictest of the Pod Security Standards.
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": true,
        },
    });
    let pod = json!({
        "serviceAccountName": NAME,
        "automountServiceAccountToken": true,
        "enableServiceLinks": false,
        "restartPolicy": "OnFailure",
        "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
    });
    json!({
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": metadata(mirror, space),
        "spec": {
            "schedule": minute_after(at),
            "timeZone": "Etc/UTC",
            "concurrencyPolicy": "Forbid",
            "jobTemplate": {
                "metadata": {"labels": of_pods()},
                "spec": {"template": {"metadata": {"labels": of_pods()}, "spec": pod}},
            },
        },
    })
}

fn metadata(mirror: &Name, space: &str) -> Value {
    let kind = Kind::Expiry.as_str();
    json!({
        "name": NAME,
        "namespace": space,
        "labels": {MANAGED_BY: MANAGER, MIRROR: mirror, KIND: kind},
    })
}

/// Without the mirror's name, which stands on what a profile asks for.
fn of_pods() -> Value {
    json!({MANAGED_BY: MANAGER, KIND: Kind::Expiry.as_str()})
}

/// As cron writes the first whole minute after an instant. It holds no year; whatever stands that long goes later.
fn minute_after(at: Timestamp) -> String {
    let into = at.as_second().rem_euclid(60);
    let whole = at.saturating_add(SignedDuration::from_secs(60 - into)).unwrap_or(at);
    let time = whole.to_zoned(TimeZone::UTC);
    format!("{} {} {} {} *", time.minute(), time.hour(), time.day(), time.month())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_goes_in_the_whole_minute_after_its_time() {
        for (at, cron) in [
            ("2026-01-31T23:59:30Z", "0 0 1 2 *"),
            ("2026-03-04T05:06:00Z", "7 5 4 3 *"),
            ("2026-03-04T05:06:59.9Z", "7 5 4 3 *"),
        ] {
            assert_eq!(minute_after(at.parse().unwrap()), cron, "{at}");
        }
    }

    #[test]
    fn what_runs_there_may_delete_one_namespace_and_no_more() {
        let mirror = Name::new("shop").unwrap();
        let [_, role, ..] = manifests(&mirror, "pm-shop");
        let only = json!([{
            "apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["pm-shop"], "verbs": ["delete"],
        }]);
        assert_eq!(role["rules"], only);
    }
}
