//! What is listed: all of it stands in the role `view`, but for what a switch adds.

use crate::plan::url_encode;

use super::{Ask, Wider, calls::Which};

/// One kind of object, as the API serves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List {
    /// Empty: the core's.
    pub group: &'static str,
    pub version: &'static str,
    pub resource: &'static str,
    scope: Scope,
    /// Whether a selector of labels says which are meant.
    is_selected: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    Namespace,
    Cluster,
}

/// Something that was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The list, if it is one.
    pub list: Option<List>,
    /// `list deployments.apps`
    pub what: String,
    pub why: String,
    /// Whether the cluster has such objects at all.
    pub is_served: bool,
}

const fn own(group: &'static str, version: &'static str, resource: &'static str) -> List {
    List { group, version, resource, scope: Scope::Namespace, is_selected: true }
}

/// What workloads are configured with or held by carries labels of its own, or none.
const fn beside(group: &'static str, version: &'static str, resource: &'static str) -> List {
    List { group, version, resource, scope: Scope::Namespace, is_selected: false }
}

pub(super) const JOBS: List = own("batch", "v1", "jobs");
pub(super) const REPLICASETS: List = own("apps", "v1", "replicasets");
pub(super) const PODS: List = own("", "v1", "pods");
pub(super) const SERVICES: List = beside("", "v1", "services");
pub(super) const CONFIGMAPS: List = beside("", "v1", "configmaps");
pub(super) const CLAIMS: List = beside("", "v1", "persistentvolumeclaims");
pub(super) const SCALERS: List = beside("autoscaling", "v2", "horizontalpodautoscalers");

pub(super) const BUDGETS: List = beside("policy", "v1", "poddisruptionbudgets");

/// Workloads first, what they name after them.
pub(super) const VIEW: [List; 14] = [
    own("apps", "v1", "deployments"),
    own("apps", "v1", "statefulsets"),
    own("apps", "v1", "daemonsets"),
    JOBS,
    own("batch", "v1", "cronjobs"),
    REPLICASETS,
    PODS,
    SERVICES,
    beside("networking.k8s.io", "v1", "ingresses"),
    CONFIGMAPS,
    CLAIMS,
    SCALERS,
    BUDGETS,
    beside("networking.k8s.io", "v1", "networkpolicies"),
];
pub(super) const NODES: List =
    List { group: "", version: "v1", resource: "nodes", scope: Scope::Cluster, is_selected: false };
pub(super) const SECRETS: List = beside("", "v1", "secrets");

/// The list that holds workloads of a kind, `deployment`.
pub(super) fn of_kind(kind: &str) -> Option<&'static List> {
    VIEW.iter().find(|list| list.is_selected && list.resource.strip_suffix('s') == Some(kind))
}

pub(super) fn wanted(wider: Wider) -> impl Iterator<Item = &'static List> {
    let nodes = wider.nodes.then_some(&NODES);
    let secrets = wider.secrets.then_some(&SECRETS);
    VIEW.iter().chain(nodes).chain(secrets)
}

impl List {
    /// `deployments.apps`, as `kubectl` names it.
    pub fn title(&self) -> String {
        if self.group.is_empty() {
            self.resource.to_owned()
        } else {
            format!("{}.{}", self.resource, self.group)
        }
    }

    pub(super) fn is_secrets(&self) -> bool {
        *self == SECRETS
    }

    pub(super) fn is_cluster_wide(&self) -> bool {
        self.scope == Scope::Cluster
    }

    pub(super) fn path(&self, namespace: &str) -> String {
        let root = match self.group {
            "" => format!("/api/{}", self.version),
            group => format!("/apis/{group}/{}", self.version),
        };
        match self.scope {
            Scope::Cluster => format!("{root}/{}", self.resource),
            Scope::Namespace => format!("{root}/namespaces/{}/{}", url_encode(namespace), self.resource),
        }
    }

    pub(super) fn selected_by(&self, ask: &Ask) -> Which {
        match &ask.selector {
            Some(selector) if self.is_selected => Which::Labelled(selector.clone()),
            _ => Which::All,
        }
    }

    /// What of a profile is not known without it, as patterns of paths.
    pub fn tells(&self) -> &'static [&'static str] {
        match self.resource {
            "deployments" | "daemonsets" => &["services.*"],
            "statefulsets" => &["services.*", "stores.*"],
            "jobs" | "cronjobs" => &["jobs.*"],
            "services" => &["services.*.balancing", "services.*.ports"],
            "horizontalpodautoscalers" => &["services.*.autoscaling"],
            "poddisruptionbudgets" => &["services.*.disruption", "stores.*.disruption"],
            "nodes" => &["platform.*"],
            _ => &[],
        }
    }
}
