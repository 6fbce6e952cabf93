//! Which pod is meant by a service and an ordinal.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;
use kube::{Api, ResourceExt as _, api::ListParams};

use super::{Cluster, MANAGED_BY, MANAGER, Result, SERVICE, pages};
use crate::backend::LogQuery;

/// The label by which a stateful set numbers its pods.
const INDEX: &str = "apps.kubernetes.io/pod-index";

/// One pod of a mirror, as a person names it.
#[derive(Clone, Debug, PartialEq)]
pub struct PodOf {
    pub service: String,
    /// A stateful set's own number; else the place among the service's pods by age, then by name. It changes when an
    /// older pod goes.
    pub ordinal: u32,
    pub pod: String,
    /// Whether services send it anything.
    pub ready: bool,
    /// The order of the specification, init containers first.
    pub containers: Vec<String>,
}

impl PodOf {
    /// Whether a query of logs is about it.
    pub(super) fn is_meant(&self, query: &LogQuery) -> bool {
        query.service.as_ref().is_none_or(|service| service.as_str() == self.service)
            && query.ordinal.is_none_or(|ordinal| ordinal == self.ordinal)
    }
}

impl Cluster {
    /// The pods of a mirror's namespace that are not on their way out, in order of service and ordinal.
    pub async fn pods(&self, namespace: &str) -> Result<Vec<PodOf>> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let ours = ListParams::default().labels(&format!("{MANAGED_BY}={MANAGER},{SERVICE}"));
        let listed = pages::all("list of pods", &pods, &ours, lean).await?;
        Ok(numbered(listed.items).iter().filter_map(|(ordinal, pod)| read(*ordinal, pod)).collect())
    }
}

/// A pod without what nobody asks of its specification here, which is most of it.
pub(super) fn lean(mut pod: Pod) -> Pod {
    if let Some(spec) = &mut pod.spec {
        (spec.volumes, spec.tolerations) = (None, None);
        for container in spec.init_containers.iter_mut().flatten().chain(&mut spec.containers) {
            container.volume_mounts = None;
        }
    }
    pod
}

/// The pods that are not on their way out, each with its ordinal, in order of service and ordinal.
pub(super) fn numbered(mut pods: Vec<Pod>) -> Vec<(u32, Pod)> {
    let service = |pod: &Pod| pod.labels().get(SERVICE).cloned();
    pods.retain(|pod| pod.metadata.deletion_timestamp.is_none() && service(pod).is_some());
    pods.sort_by_key(|pod| (pod.metadata.creation_timestamp.clone(), pod.name_any()));
    let mut next: BTreeMap<Option<String>, u32> = BTreeMap::new();
    let mut number = |pod: &Pod| {
        let place = next.entry(service(pod)).or_default();
        let ordinal = pod.labels().get(INDEX).and_then(|index| index.parse().ok()).unwrap_or(*place);
        *place += 1;
        ordinal
    };
    let mut numbered: Vec<(u32, Pod)> = pods.into_iter().map(|pod| (number(&pod), pod)).collect();
    numbered.sort_by_key(|(ordinal, pod)| (service(pod), *ordinal));
    numbered
}

pub(super) fn read(ordinal: u32, pod: &Pod) -> Option<PodOf> {
    let service = pod.labels().get(SERVICE)?.clone();
    let spec = pod.spec.as_ref()?;
    let all = spec.init_containers.iter().flatten().chain(&spec.containers);
    let containers = all.map(|container| container.name.clone()).collect();
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let ready =
        conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True");
    Some(PodOf { service, ordinal, pod: pod.name_any(), ready, containers })
}
