//! What a failure says besides: asked for once, when there is one.

use k8s_openapi::api::core::v1::{Event, Pod};
use kube::{
    Api,
    api::{ListParams, LogParams},
};

use super::{
    super::{Cluster, ClusterError, ObjectName, error::ask, trouble::Trouble, watch::time_of},
    Finding,
};

/// How many of the last events and lines are told.
const EVENTS: usize = 5;
const LINES: i64 = 20;

impl Cluster {
    /// The failure with all that can be had of it; what cannot be read is left out, as the finding itself matters more.
    pub(super) async fn tell(&self, namespace: &str, finding: Finding) -> ClusterError {
        let (events, log_tail) =
            tokio::join!(self.events_of(namespace, &finding), self.log_tail(namespace, &finding));
        let Finding { code, object, owner: _, container, ran_before: _, reason, message } = finding;
        ClusterError::Trouble(Box::new(Trouble {
            code,
            object,
            container,
            reason,
            message,
            events,
            log_tail,
        }))
    }

    async fn events_of(&self, namespace: &str, finding: &Finding) -> Vec<String> {
        let mut events = Vec::new();
        for object in [Some(&finding.object), finding.owner.as_ref()].into_iter().flatten() {
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
