//! Objects: what a cluster is asked for, each with its place in the order.

use std::fmt;

use indexmap::IndexMap;
use serde::Serialize;

use super::{PodSecurity, PodSpec};
use crate::{
    name::Name,
    plan::Template,
    profile::{Bytes, Disruption, Protocol},
};

/// One object of the mirror's namespace, or the namespace itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Object {
    pub name: String,
    /// Objects of a lower stage are there before; 0 is what belongs to no service, 1 the names, from 2 on the waves.
    pub stage: u32,
    /// The service, job or store that it belongs to.
    pub service: Option<Name>,
    /// All labels, `prodmirror/spec` included.
    pub labels: IndexMap<String, String>,
    pub annotations: IndexMap<String, String>,
    pub body: Body,
}

impl Object {
    pub fn key(&self) -> ObjectKey {
        ObjectKey { kind: self.body.kind(), name: self.name.clone() }
    }

    /// The pods that a workload makes.
    pub fn pod(&self) -> Option<&PodSpec> {
        match &self.body {
            Body::Deployment { pod, .. }
            | Body::StatefulSet { pod, .. }
            | Body::Job { pod, .. }
            | Body::CronJob { pod, .. } => Some(pod),
            Body::Namespace { .. }
            | Body::ServiceAccount
            | Body::NetworkPolicy { .. }
            | Body::Secret { .. }
            | Body::ConfigMap { .. }
            | Body::Claim { .. }
            | Body::Service { .. }
            | Body::Autoscaler { .. }
            | Body::DisruptionBudget { .. } => None,
        }
    }
}

/// What an object is called in its namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct ObjectKey {
    pub kind: ObjectKind,
    pub name: String,
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.as_str(), self.name)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum ObjectKind {
    Namespace,
    ServiceAccount,
    NetworkPolicy,
    Secret,
    ConfigMap,
    PersistentVolumeClaim,
    Service,
    Deployment,
    StatefulSet,
    Job,
    CronJob,
    HorizontalPodAutoscaler,
    PodDisruptionBudget,
}

impl ObjectKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Namespace => "Namespace",
            Self::ServiceAccount => "ServiceAccount",
            Self::NetworkPolicy => "NetworkPolicy",
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
            Self::PersistentVolumeClaim => "PersistentVolumeClaim",
            Self::Service => "Service",
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::Job => "Job",
            Self::CronJob => "CronJob",
            Self::HorizontalPodAutoscaler => "HorizontalPodAutoscaler",
            Self::PodDisruptionBudget => "PodDisruptionBudget",
        }
    }

    pub fn api_version(self) -> &'static str {
        match self {
            Self::Namespace
            | Self::ServiceAccount
            | Self::Secret
            | Self::ConfigMap
            | Self::PersistentVolumeClaim
            | Self::Service => "v1",
            Self::NetworkPolicy => "networking.k8s.io/v1",
            Self::Deployment | Self::StatefulSet => "apps/v1",
            Self::Job | Self::CronJob => "batch/v1",
            Self::HorizontalPodAutoscaler => "autoscaling/v2",
            Self::PodDisruptionBudget => "policy/v1",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    Namespace {
        security: PodSecurity,
    },
    ServiceAccount,
    /// Nothing gets out of any pod but what is listed.
    NetworkPolicy {
        egress: Vec<EgressRule>,
    },
    /// Rendered nowhere: the launch fills it.
    Secret {
        data: IndexMap<String, SecretText>,
    },
    ConfigMap {
        #[serde(serialize_with = "bytes_as_hashes")]
        data: IndexMap<String, Vec<u8>>,
    },
    Claim {
        size: Bytes,
    },
    Service {
        headless: bool,
        ports: Vec<ServicePort>,
    },
    Deployment {
        replicas: u32,
        pod: Box<PodSpec>,
    },
    StatefulSet {
        replicas: u32,
        /// The headless Service under which its pods have names.
        governing: String,
        /// A claim of each pod's own, by the volume's name.
        claims: IndexMap<String, Bytes>,
        pod: Box<PodSpec>,
    },
    Job {
        retries: u32,
        pod: Box<PodSpec>,
    },
    /// Suspended: it runs when somebody makes a job from it.
    CronJob {
        schedule: String,
        retries: u32,
        pod: Box<PodSpec>,
    },
    Autoscaler {
        kind: ObjectKind,
        min: u32,
        max: u32,
        /// Percent of the requested CPU.
        target_cpu: Option<u32>,
    },
    /// How many pods of its service or store an eviction leaves alone.
    DisruptionBudget {
        bound: Disruption,
    },
}

impl Body {
    pub fn kind(&self) -> ObjectKind {
        match self {
            Self::Namespace { .. } => ObjectKind::Namespace,
            Self::ServiceAccount => ObjectKind::ServiceAccount,
            Self::NetworkPolicy { .. } => ObjectKind::NetworkPolicy,
            Self::Secret { .. } => ObjectKind::Secret,
            Self::ConfigMap { .. } => ObjectKind::ConfigMap,
            Self::Claim { .. } => ObjectKind::PersistentVolumeClaim,
            Self::Service { .. } => ObjectKind::Service,
            Self::Deployment { .. } => ObjectKind::Deployment,
            Self::StatefulSet { .. } => ObjectKind::StatefulSet,
            Self::Job { .. } => ObjectKind::Job,
            Self::CronJob { .. } => ObjectKind::CronJob,
            Self::Autoscaler { .. } => ObjectKind::HorizontalPodAutoscaler,
            Self::DisruptionBudget { .. } => ObjectKind::PodDisruptionBudget,
        }
    }
}

/// Where a pod may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EgressRule {
    /// Every pod of the same namespace, at every port.
    Inside,
    /// The cluster's DNS, at its port.
    Dns,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ServicePort {
    pub name: Name,
    pub port: u16,
    #[serde(serialize_with = "protocol_as_text")]
    pub protocol: Protocol,
}

pub(super) fn protocol_as_text<S: serde::Serializer>(protocol: &Protocol, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(protocol_text(*protocol))
}

/// As Kubernetes writes it.
pub fn protocol_text(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "TCP",
        Protocol::Udp => "UDP",
    }
}

/// One value of a Secret, in which secrets of the profile stand as variables of [`crate::plan::SecretPlan`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretText {
    Text(Template),
    /// Variables stand inside quoted strings of the Redis configuration, and are escaped as these need it.
    Quoted(Template),
}

impl SecretText {
    pub fn template(&self) -> &Template {
        match self {
            Self::Text(template) | Self::Quoted(template) => template,
        }
    }

    /// The value with every variable filled in; `None` if one is unknown.
    pub fn fill(&self, value_of: impl Fn(&str) -> Option<String>) -> Option<String> {
        match self {
            Self::Text(template) => template.fill(value_of),
            Self::Quoted(template) => {
                template.fill(|name| value_of(name).map(|value| crate::plan::volume::in_quotes(&value)))
            }
        }
    }
}

/// A plan prints the hash of a file, not the file.
fn bytes_as_hashes<S: serde::Serializer>(data: &IndexMap<String, Vec<u8>>, s: S) -> Result<S::Ok, S::Error> {
    s.collect_map(data.iter().map(|(key, bytes)| (key, crate::digest::sha256(bytes))))
}
