//! What the user of a context may do.

use std::fmt;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::{Api, api::PostParams};

use super::{Cluster, ClusterError, Result, error::ask};
use crate::backend::{Progress, Report};

/// One thing to do to one sort of object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    pub verb: &'static str,
    /// Empty for the core group.
    pub group: &'static str,
    /// In the plural, with a subresource behind a slash: `pods/log`.
    pub resource: &'static str,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verb, group, resource } = self;
        match *group {
            "" => write!(f, "{verb} {resource}"),
            group => write!(f, "{verb} {resource}.{group}"),
        }
    }
}

/// A group, resources of it, and what is done to each of them.
type Rule = (&'static str, &'static [&'static str], &'static [&'static str]);

/// What a mirror's life asks for: making, changing and removing what it is of, watching it come about, reading logs,
/// running commands, opening ports. A server-side apply is a patch, and of what is not there a create as well; a
/// stream to a pod begins as a get, and is asked for as a create too.
const LAUNCH: [Rule; 10] = [
    ("", &["namespaces"], &["get", "list", "watch", "create", "patch", "delete"]),
    (
        "",
        &["serviceaccounts", "secrets", "configmaps", "services"],
        &["get", "list", "create", "patch", "delete"],
    ),
    ("", &["persistentvolumeclaims"], &["list", "create", "patch", "delete"]),
    ("coordination.k8s.io", &["leases"], &["get", "create", "patch"]),
    ("networking.k8s.io", &["networkpolicies"], &["list", "create", "patch", "delete"]),
    ("apps", &["deployments", "statefulsets"], &["list", "watch", "create", "patch", "delete"]),
    ("batch", &["jobs", "cronjobs"], &["get", "list", "watch", "create", "patch", "delete"]),
    ("autoscaling", &["horizontalpodautoscalers"], &["list", "create", "patch", "delete"]),
    ("policy", &["poddisruptionbudgets"], &["list", "create", "patch", "delete"]),
    ("", &["pods/exec", "pods/attach", "pods/portforward"], &["get", "create"]),
];
const WATCHED: [Rule; 4] = [
    ("", &["pods"], &["get", "list", "watch", "create", "delete"]),
    ("", &["events"], &["list", "watch"]),
    ("", &["pods/log"], &["get"]),
    ("apps", &["replicasets"], &["list", "watch"]),
];

/// What a mirror's quota and its own end ask for, without which it lives as well.
const BOUNDS: [Rule; 2] = [
    ("", &["resourcequotas"], &["get", "list", "watch", "create", "patch"]),
    ("rbac.authorization.k8s.io", &["roles", "rolebindings"], &["list", "create", "patch", "delete"]),
];

impl Right {
    /// Every right that a mirror needs, in a fixed order.
    pub fn of_a_mirror() -> Vec<Self> {
        LAUNCH.iter().chain(&WATCHED).flat_map(Self::of_rule).collect()
    }

    /// Those for its quota, and for the end that it comes to by itself.
    pub fn of_its_bounds() -> Vec<Self> {
        BOUNDS.iter().flat_map(Self::of_rule).collect()
    }

    fn of_rule(&(group, resources, verbs): &Rule) -> impl Iterator<Item = Self> + use<> {
        let of =
            move |&resource: &&'static str| verbs.iter().map(move |&verb| Self { verb, group, resource });
        resources.iter().flat_map(of)
    }
}

/// How many questions are asked at once.
const AT_ONCE: usize = 8;

impl Cluster {
    /// Asks for every right, and answers all that are missing, in the order of the question.
    pub async fn missing_rights(&self, namespace: &str, needed: &[Right]) -> Result<Vec<Right>> {
        let answers: Vec<_> = needed.iter().map(|right| self.may(namespace, right)).collect();
        let answers: Vec<bool> = stream::iter(answers).buffered(AT_ONCE).try_collect().await?;
        Ok(needed.iter().zip(answers).filter(|(_, may)| !may).map(|(right, _)| right.clone()).collect())
    }

    /// # Errors
    /// [`ClusterError::Rights`] with every right that is missing.
    pub async fn require_rights(&self, namespace: &str, needed: &[Right]) -> Result<()> {
        let missing = self.missing_rights(namespace, needed).await?;
        if missing.is_empty() {
            return Ok(());
        }
        Err(ClusterError::Rights { namespace: namespace.to_owned(), missing })
    }

    /// Whether a mirror has to live without its quota or its end, as these could not be made; a note tells why and what
    /// follows. Whoever lacks the rights was told so before anything was made, and is not told again.
    pub(super) async fn lives_without(
        &self,
        namespace: &str,
        made: Result<()>,
        then: &str,
        report: &dyn Report,
    ) -> Result<bool> {
        match made {
            Ok(()) => Ok(false),
            Err(no @ (ClusterError::Refused { .. } | ClusterError::Api { .. })) => {
                if self.missing_rights(namespace, &Right::of_its_bounds()).await?.is_empty() {
                    report.event(Progress::Note(format!("{no}; {then}")));
                }
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    async fn may(&self, namespace: &str, right: &Right) -> Result<bool> {
        let (resource, subresource) = match right.resource.split_once('/') {
            Some((resource, sub)) => (resource, Some(sub.to_owned())),
            None => (right.resource, None),
        };
        let attributes = ResourceAttributes {
            namespace: Some(namespace.to_owned()),
            verb: Some(right.verb.to_owned()),
            group: Some(right.group.to_owned()),
            resource: Some(resource.to_owned()),
            subresource,
            ..ResourceAttributes::default()
        };
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..Default::default() },
            ..SelfSubjectAccessReview::default()
        };
        let reviews = Api::all(self.client.clone());
        let asked: SelfSubjectAccessReview =
            ask(format!("right to {right}"), reviews.create(&PostParams::default(), &review)).await?;
        Ok(asked.status.is_some_and(|status| status.allowed))
    }
}
