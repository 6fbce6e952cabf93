//! The objects of a namespace, as the API server holds them.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use kube::{
    Api,
    api::ListParams,
    core::{DynamicObject, GroupVersionKind, Request},
};
use serde_json::Value as Json;

use super::super::{Cluster, MANAGED_BY, MANAGER, Result, error, pages};
use crate::{
    labels::{Kind, kubernetes::KIND},
    observed::ClusterObserved,
};

/// What is read of a namespace, whoever made it, and for ConfigMaps those of ours alone: others may be large.
const KINDS: [(&str, &str, &str); 14] = [
    ("apps", "v1", "Deployment"),
    ("apps", "v1", "StatefulSet"),
    ("apps", "v1", "DaemonSet"),
    ("batch", "v1", "Job"),
    ("batch", "v1", "CronJob"),
    ("", "v1", "Pod"),
    ("", "v1", "Service"),
    ("discovery.k8s.io", "v1", "EndpointSlice"),
    ("", "v1", "ConfigMap"),
    ("", "v1", "PersistentVolumeClaim"),
    ("", "v1", "ServiceAccount"),
    ("networking.k8s.io", "v1", "NetworkPolicy"),
    ("autoscaling", "v2", "HorizontalPodAutoscaler"),
    ("policy", "v1", "PodDisruptionBudget"),
];
const AT_ONCE: usize = 8;
/// What is read of a pod's status, of each condition and of each container's.
const STATUS: [&str; 6] = [
    "phase",
    "podIP",
    "conditions",
    "initContainerStatuses",
    "containerStatuses",
    "ephemeralContainerStatuses",
];
const CONDITION: &[&str] = &["type", "status"];
const CONTAINER_STATUS: &[&str] = &["name", "state", "imageID"];

type Objects = BTreeMap<String, BTreeMap<String, Json>>;
type Unlisted = BTreeMap<String, String>;

impl Cluster {
    /// All kinds; one that the user may not list is named with the cluster's words.
    pub(super) async fn list_all(&self, namespace: &str) -> Result<(Objects, Unlisted)> {
        // What removes a mirror at its end is no part of what production has.
        let asked = format!("{KIND}!={}", Kind::Expiry.as_str());
        let asked = &asked;
        let listed = KINDS.iter().map(|(group, version, kind)| async move {
            let of = GroupVersionKind::gvk(group, version, kind);
            let api = self.api(&of, Some(namespace)).await?;
            let params = match *kind {
                "ConfigMap" => ListParams::default().labels(&format!("{MANAGED_BY}={MANAGER},{asked}")),
                _ => ListParams::default().labels(asked),
            };
            Ok::<_, super::super::ClusterError>(((*kind).to_owned(), whole(&api, kind, &params).await?))
        });
        let listed: Vec<_> = listed.collect();
        let listed: Vec<_> = stream::iter(listed).buffered(AT_ONCE).try_collect().await?;
        let (mut objects, mut unlisted) = (Objects::new(), Unlisted::new());
        for (kind, found) in listed {
            match found {
                Ok(found) => drop(objects.insert(kind, found)),
                Err(why) => drop(unlisted.insert(kind, why)),
            }
        }
        Ok((objects, unlisted))
    }

    /// The nodes on which pods of the mirror are.
    pub(super) async fn add_nodes(&self, observed: &mut ClusterObserved) -> Result<()> {
        let named = observed.of_kind("Pod").filter_map(|(_, pod)| pod["spec"]["nodeName"].as_str());
        let names: BTreeSet<String> = named.map(str::to_owned).collect();
        let api = self.api(&GroupVersionKind::gvk("", "v1", "Node"), None).await?;
        let one = |name: String| {
            let api = &api;
            async move {
                let what = format!("node `{name}`");
                Ok::<_, super::super::ClusterError>((
                    name.clone(),
                    error::answer(&what, api.get(&name)).await?,
                ))
            }
        };
        let found: Vec<_> = stream::iter(names.into_iter().map(one).collect::<Vec<_>>())
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        for (name, answer) in found {
            match answer {
                Ok(node) => {
                    observed
                        .objects
                        .entry("Node".to_owned())
                        .or_default()
                        .insert(name, document(&pages::without_account(node)));
                }
                Err(no) if may_not(&no) => {
                    observed.unlisted.insert("Node".to_owned(), error::words(&no));
                }
                // Gone with its pods a moment ago.
                Err(no) if error::status(&no) == Some(404) => {}
                Err(no) => return Err(error::refused(format!("node `{name}`"), &no)),
            }
        }
        Ok(())
    }

    /// What the kubelets of those nodes hold pods to. One that does not answer, or may not be asked, tells nothing.
    pub(super) async fn add_pids(&self, observed: &mut ClusterObserved) -> Result<()> {
        let names: Vec<String> = observed.of_kind("Node").map(|(name, _)| name.to_owned()).collect();
        let asked = names.into_iter().map(|name| async move {
            let what = format!("configuration of the kubelet of node `{name}`");
            let Ok(request) = Request::new("/api/v1/nodes").get_subresource("proxy/configz", &name) else {
                return Ok(None);
            };
            let told = error::answer(&what, self.client.request::<Json>(request)).await?;
            let most = told.ok().and_then(|told| told["kubeletconfig"]["podPidsLimit"].as_i64());
            Ok::<_, super::super::ClusterError>(most.map(|most| (name, most)))
        });
        let told: Vec<_> = stream::iter(asked.collect::<Vec<_>>()).buffered(AT_ONCE).try_collect().await?;
        observed.pids.extend(told.into_iter().flatten());
        Ok(())
    }
}

/// A whole list by name; the inner error is the cluster's word for why it may not be read.
pub(super) async fn whole(
    api: &Api<DynamicObject>,
    kind: &str,
    params: &ListParams,
) -> Result<std::result::Result<BTreeMap<String, Json>, String>> {
    let what = format!("list of {kind}");
    let named = |object: DynamicObject| {
        let name = object.metadata.name.clone().unwrap_or_default();
        (name, if kind == "Pod" { pod(&object) } else { document(&object) })
    };
    match pages::answered(&what, api, params, named).await? {
        Ok(listed) => Ok(Ok(listed.items.into_iter().collect())),
        Err(no) if may_not(&no) => Ok(Err(error::words(&no))),
        Err(no) => Err(error::refused(what, &no)),
    }
}

fn may_not(no: &kube::Error) -> bool {
    matches!(error::status(no), Some(401 | 403))
}

/// A pod with as much of its status as is read: there are thousands, and each has most of it alike.
fn pod(object: &DynamicObject) -> Json {
    let mut pod = document(object);
    if let Some(status) = pod["status"].as_object_mut() {
        status.retain(|field, _| STATUS.contains(&field.as_str()));
        for (field, all) in status.iter_mut() {
            let read = if field == "conditions" { CONDITION } else { CONTAINER_STATUS };
            for one in all.as_array_mut().into_iter().flatten().filter_map(Json::as_object_mut) {
                one.retain(|field, _| read.contains(&field.as_str()));
            }
        }
    }
    pod
}

fn document(object: &DynamicObject) -> Json {
    serde_json::to_value(object).expect("the client's own types are JSON's")
}
