//! Services that are stopped and started: their workloads have no replicas for a while, and know how many they had.

use std::{pin::pin, time::Duration};

use futures_util::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, ListParams, Patch, PatchParams, WatchEvent, WatchParams},
    core::{DynamicObject, GroupVersionKind},
};
use serde_json::json;

use super::{Cluster, ClusterError, MANAGED_BY, MANAGER, MIRROR, Result, SERVICE, Wanted, error};
use crate::{
    backend::{Part, Power, Report},
    formats::journal::Event,
    labels::kubernetes as keys,
    name::Name,
    plan::kubernetes::namespace,
};

const STEP: &str = "power";
/// A pod has its grace to go, and a new one its probes to come.
const WITHIN: Duration = Duration::from_secs(600);
const KINDS: [&str; 2] = ["Deployment", "StatefulSet"];

/// A workload that can be without replicas.
struct Workload {
    kind: &'static str,
    name: String,
    service: String,
    stage: u32,
    replicas: i64,
    /// How many it had when it was stopped.
    had: Option<i64>,
}

impl Cluster {
    /// Stops in the reverse of the order in which a launch starts, and starts in that order, each wave when the one
    /// before is ready. Jobs are left alone.
    ///
    /// # Errors
    /// [`ClusterError::OneReplica`] for one replica of several: a cluster has no such thing. It can be restarted.
    pub(super) async fn power(
        &self,
        mirror: &Name,
        part: &Part,
        power: Power,
        report: &dyn Report,
    ) -> Result<()> {
        let space = namespace(mirror);
        let Part { service, ordinal } = part;
        if let (Some(service), Some(ordinal)) = (service, ordinal) {
            return match power {
                Power::Restart => self.replace(mirror, service, *ordinal, report).await,
                Power::Stop | Power::Start => Err(ClusterError::OneReplica { service: service.to_string() }),
            };
        }
        let mut workloads = self.workloads(mirror).await?;
        workloads
            .retain(|workload| service.as_ref().is_none_or(|service| service.as_str() == workload.service));
        workloads.sort_by_key(|workload| workload.stage);
        let told = service.as_ref().map(ToString::to_string);
        if matches!(power, Power::Stop | Power::Restart) {
            self.add(mirror, &Event::Stopped { service: told.clone(), ordinal: None }).await?;
            for wave in waves(&workloads).into_iter().rev() {
                for workload in wave {
                    self.scale_down(&space, workload).await?;
                }
                for workload in wave {
                    self.until_without_pods(&space, &workload.service).await?;
                }
            }
        }
        if matches!(power, Power::Start | Power::Restart) {
            self.add(mirror, &Event::Started { service: told, ordinal: None }).await?;
            let workloads =
                if power == Power::Restart { self.refreshed(mirror, &workloads).await? } else { workloads };
            for wave in waves(&workloads) {
                let mut wanted = Vec::new();
                for workload in wave {
                    self.scale_up(&space, workload).await?;
                    wanted.push(workload.wanted());
                }
                self.settle(&space, &wanted, WITHIN, STEP, report).await?;
            }
        }
        Ok(())
    }

    /// A new pod in the place of one.
    async fn replace(&self, mirror: &Name, service: &Name, ordinal: u32, report: &dyn Report) -> Result<()> {
        let space = namespace(mirror);
        let pods = self.pods(&space).await?;
        let Some(pod) = pods.iter().find(|pod| pod.service == service.as_str() && pod.ordinal == ordinal)
        else {
            return Err(ClusterError::Api {
                what: format!("restart of {service}/{ordinal}"),
                why: "there is no such pod".to_owned(),
            });
        };
        let api: Api<Pod> = Api::namespaced(self.client.clone(), &space);
        let what = format!("delete pod/{}", pod.pod);
        let uid = error::ask(&what, api.get_opt(&pod.pod)).await?.and_then(|pod| pod.metadata.uid);
        error::ask(&what, api.delete(&pod.pod, &DeleteParams::default())).await?;
        self.until_other(&api, &pod.pod, uid).await?;
        let workloads = self.workloads(mirror).await?;
        let own =
            workloads.iter().filter(|workload| workload.service == service.as_str()).map(Workload::wanted);
        self.settle(&space, &own.collect::<Vec<_>>(), WITHIN, STEP, report).await
    }

    async fn workloads(&self, mirror: &Name) -> Result<Vec<Workload>> {
        let space = namespace(mirror);
        let ours = ListParams::default().labels(&format!("{MANAGED_BY}={MANAGER},{MIRROR}={mirror}"));
        let mut all = Vec::new();
        for kind in KINDS {
            let api = self.workload_api(&space, kind).await?;
            let listed = error::ask(format!("list of {kind}"), api.list(&ours)).await?;
            all.extend(listed.items.iter().filter_map(|object| Workload::read(kind, object)));
        }
        Ok(all)
    }

    async fn refreshed(&self, mirror: &Name, of: &[Workload]) -> Result<Vec<Workload>> {
        let mut all = self.workloads(mirror).await?;
        all.retain(|one| of.iter().any(|other| one.kind == other.kind && one.name == other.name));
        all.sort_by_key(|workload| workload.stage);
        Ok(all)
    }

    async fn scale_down(&self, space: &str, workload: &Workload) -> Result<()> {
        if workload.replicas == 0 {
            return Ok(());
        }
        let had = workload.replicas.to_string();
        let patch = json!({"metadata": {"annotations": {keys::REPLICAS: had}}, "spec": {"replicas": 0}});
        self.patch(space, workload, patch).await
    }

    async fn scale_up(&self, space: &str, workload: &Workload) -> Result<()> {
        let Some(had) = workload.had.filter(|_| workload.replicas == 0) else { return Ok(()) };
        let patch = json!({"metadata": {"annotations": {keys::REPLICAS: null}}, "spec": {"replicas": had}});
        self.patch(space, workload, patch).await
    }

    async fn patch(&self, space: &str, workload: &Workload, patch: serde_json::Value) -> Result<()> {
        let Workload { kind, name, .. } = workload;
        let api = self.workload_api(space, kind).await?;
        let how = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        let what = format!("scale {}/{name}", kind.to_lowercase());
        error::ask(what, api.patch(name, &how, &Patch::Merge(patch))).await.map(|_| ())
    }

    async fn workload_api(&self, space: &str, kind: &str) -> Result<Api<DynamicObject>> {
        self.api(&GroupVersionKind::gvk("apps", "v1", kind), Some(space)).await
    }

    /// Until no pod of a service is there any more, those on their way out included.
    async fn until_without_pods(&self, space: &str, service: &str) -> Result<()> {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), space);
        let selector = format!("{MANAGED_BY}={MANAGER},{SERVICE}={service}");
        let what = format!("pods of {service}");
        let gone = async {
            loop {
                let listed = error::ask(&what, api.list(&ListParams::default().labels(&selector))).await?;
                let mut left = listed.items.len();
                if left == 0 {
                    return Ok(());
                }
                let version = listed.metadata.resource_version.unwrap_or_default();
                let how = WatchParams::default().labels(&selector);
                let mut watch = pin!(error::ask(&what, api.watch(&how, &version)).await?);
                while let Some(Ok(event)) = watch.next().await {
                    if let WatchEvent::Deleted(_) = event {
                        left = left.saturating_sub(1);
                        if left == 0 {
                            break;
                        }
                    }
                }
            }
        };
        tokio::time::timeout(WITHIN, gone).await.unwrap_or_else(|_| Err(slow(&what)))
    }

    /// Until a pod of that name is gone or is another one.
    async fn until_other(&self, api: &Api<Pod>, name: &str, uid: Option<String>) -> Result<()> {
        let what = format!("pod/{name}");
        let other = async {
            loop {
                let found = error::ask(&what, api.get_opt(name)).await?;
                let Some(found) = found.filter(|pod| pod.uid() == uid) else { return Ok(()) };
                let one = format!("metadata.name={name}");
                let version = found.metadata.resource_version.unwrap_or_default();
                let how = WatchParams::default().fields(&one);
                let mut watch = pin!(error::ask(&what, api.watch(&how, &version)).await?);
                while let Some(Ok(event)) = watch.next().await {
                    if let WatchEvent::Deleted(_) = event {
                        break;
                    }
                }
            }
        };
        tokio::time::timeout(WITHIN, other).await.unwrap_or_else(|_| Err(slow(&what)))
    }
}

fn slow(what: &str) -> ClusterError {
    ClusterError::Api { what: what.to_owned(), why: format!("not gone after {} s", WITHIN.as_secs()) }
}

impl Workload {
    fn read(kind: &'static str, object: &DynamicObject) -> Option<Self> {
        let annotation = |key: &str| object.annotations().get(key).and_then(|text| text.parse().ok());
        let had = annotation(keys::REPLICAS);
        Some(Self {
            kind,
            name: object.name_any(),
            service: object.labels().get(SERVICE)?.clone(),
            stage: object
                .annotations()
                .get(keys::STAGE)
                .and_then(|text| text.parse().ok())
                .unwrap_or_default(),
            replicas: object.data["spec"]["replicas"].as_i64().unwrap_or(1),
            had,
        })
    }

    fn wanted(&self) -> Wanted {
        match self.kind {
            "StatefulSet" => Wanted::StatefulSet(self.name.clone()),
            _ => Wanted::Deployment(self.name.clone()),
        }
    }
}

/// Runs of one stage.
fn waves(workloads: &[Workload]) -> Vec<&[Workload]> {
    workloads.chunk_by(|one, other| one.stage == other.stage).collect()
}
