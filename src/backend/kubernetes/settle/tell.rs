//! What a failure says besides: asked for once, when there is one.

use k8s_openapi::api::core::v1::{Event, PersistentVolumeClaim, Pod};
use kube::{
    Api,
    api::{ListParams, LogParams},
};

use super::{
    super::{Cluster, ClusterError, ObjectName, error::ask, watch::time_of},
    Finding,
};

/// How many of the last events and lines are told.
const EVENTS: usize = 5;
const LINES: i64 = 20;

impl Cluster {
    /// The failure with all that can be had of it; what cannot be read is left out, as the finding itself matters more.
    pub(super) async fn tell(&self, namespace: &str, finding: Finding) -> ClusterError {
        let claims = self.unbound(namespace, &finding.object).await;
        let (events, log_tail) =
            tokio::join!(self.events_of(namespace, &finding, &claims), self.log_tail(namespace, &finding));
        let mut trouble = finding.trouble(events, log_tail);
        for claim in &claims {
            trouble.message.push_str(&format!("; its claim `{}` has no volume", claim.name));
        }
        ClusterError::Trouble(Box::new(trouble))
    }

    async fn events_of(&self, namespace: &str, finding: &Finding, claims: &[ObjectName]) -> Vec<String> {
        let mut events = Vec::new();
        for object in std::iter::once(&finding.object).chain(&finding.owner).chain(claims) {
            events.extend(self.events(namespace, object).await);
        }
        events.sort_by_key(time_of);
        let from = events.len().saturating_sub(EVENTS);
        events.drain(..from);
        let text = |event: Event| {
            let (reason, message) = (event.reason.unwrap_or_default(), event.message.unwrap_or_default());
            format!("{reason}: {}", message.trim())
        };
        events.into_iter().map(text).collect()
    }

    async fn events(&self, namespace: &str, object: &ObjectName) -> Vec<Event> {
        let of = format!("involvedObject.kind={},involvedObject.name={}", object.kind, object.name);
        let events: Api<Event> = Api::namespaced(self.client.clone(), namespace);
        let listed = ask("events", events.list(&ListParams::default().fields(&of))).await;
        listed.map(|listed| listed.items).unwrap_or_default()
    }

    /// The claims without a volume that a pod waits for. A scheduler that waits for them says nothing of it; one whose view
    /// is old gives the pod a node without them.
    async fn unbound(&self, namespace: &str, object: &ObjectName) -> Vec<ObjectName> {
        if object.kind != "Pod" {
            return Vec::new();
        }
        let named = |name: &str| ListParams::default().fields(&format!("metadata.name={name}"));
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let listed = ask("pod", pods.list(&named(&object.name))).await;
        let pod = listed.ok().and_then(|listed| listed.items.into_iter().next()?.spec);
        let Some(pod) = pod else { return Vec::new() };
        let claims: Api<PersistentVolumeClaim> = Api::namespaced(self.client.clone(), namespace);
        let mut unbound = Vec::new();
        for volume in pod.volumes.unwrap_or_default() {
            let Some(source) = volume.persistent_volume_claim else { continue };
            let listed = ask("claim", claims.list(&named(&source.claim_name))).await;
            let is_bound = listed.is_ok_and(|listed| listed.items.iter().any(is_bound));
            if !is_bound {
                unbound.push(ObjectName::new("PersistentVolumeClaim", &source.claim_name, Some(namespace)));
            }
        }
        unbound
    }

    async fn log_tail(&self, namespace: &str, finding: &Finding) -> Vec<String> {
        let (ObjectName { kind, name, .. }, Some(container)) = (&finding.object, &finding.container) else {
            return Vec::new();
        };
        if kind != "Pod" {
            return Vec::new();
        }
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let how = LogParams {
            container: Some(container.clone()),
            tail_lines: Some(LINES),
            previous: finding.ran_before,
            ..LogParams::default()
        };
        let printed = ask("log", pods.logs(name, &how)).await;
        printed.map(|text| text.lines().map(str::to_owned).collect()).unwrap_or_default()
    }
}

fn is_bound(claim: &PersistentVolumeClaim) -> bool {
    claim.status.as_ref().is_some_and(|status| status.phase.as_deref() == Some("Bound"))
}
