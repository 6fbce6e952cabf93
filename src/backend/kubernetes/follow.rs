//! What the containers of a mirror print from now on, those that come later among them.

use std::{
    collections::{BTreeMap, HashSet},
    pin::Pin,
};

use futures_util::{StreamExt as _, stream, stream::SelectAll};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::{Api, ResourceExt as _};

use super::{
    Cluster, Result,
    destroy::until_gone,
    observe::statuses,
    pods,
    watch::{Change, Watches},
};
use crate::backend::{LogLine, LogQuery, LogStream};

struct Follower {
    cluster: Cluster,
    namespace: String,
    query: LogQuery,
    watches: Watches<Change<Pod>>,
    pods: BTreeMap<String, Pod>,
    /// The containers that are followed, by the id that each run of one has for itself.
    followed: HashSet<String>,
    lines: SelectAll<LogStream>,
    /// Whether those that there were are followed, and what comes now came later.
    has_begun: bool,
    /// Ends when the namespace has.
    end: Pin<Box<dyn Future<Output = Result<()>> + Send>>,
    is_over: bool,
}

impl Cluster {
    /// Lines as they come, of the containers that there are and of all that come, until the namespace is gone.
    pub(super) fn followed(&self, namespace: &str, query: &LogQuery) -> LogStream {
        let mut watches = Watches::new(&self.client, namespace);
        watches.over::<Pod>(|change| change);
        let spaces: Api<Namespace> = Api::all(self.client.clone());
        let name = namespace.to_owned();
        let follower = Follower {
            cluster: self.clone(),
            namespace: namespace.to_owned(),
            query: query.clone(),
            watches,
            pods: BTreeMap::new(),
            followed: HashSet::new(),
            lines: SelectAll::new(),
            has_begun: false,
            end: Box::pin(async move { until_gone(&spaces, "watch over the namespace", &name).await }),
            is_over: false,
        };
        Box::pin(stream::unfold(follower, |mut follower| async move {
            let line = follower.next().await?;
            Some((line, follower))
        }))
    }
}

impl Follower {
    async fn next(&mut self) -> Option<crate::backend::Result<LogLine>> {
        loop {
            if self.is_over {
                // What was printed last is still on its way.
                return self.lines.next().await;
            }
            tokio::select! {
                Some(line) = self.lines.next(), if !self.lines.is_empty() => return Some(line),
                change = self.watches.next() => {
                    // A list that cannot be read now is read again.
                    let Ok(change) = change else { continue };
                    self.take(change);
                    if let Err(error) = self.attend().await {
                        return Some(Err(error.into()));
                    }
                }
                ended = &mut self.end => {
                    self.is_over = true;
                    if let Err(error) = ended {
                        return Some(Err(error.into()));
                    }
                }
            }
        }
    }

    fn take(&mut self, change: Change<Pod>) {
        match change {
            Change::All(pods) => {
                self.pods = pods.into_iter().map(|pod| (pod.name_any(), pod)).collect();
            }
            Change::Put(pod) => {
                self.pods.insert(pod.name_any(), pod);
            }
            Change::Gone(pod) => {
                self.pods.remove(&pod.name_any());
            }
        }
    }

    /// Begins with every container that has begun since the last look.
    async fn attend(&mut self) -> Result<()> {
        for (ordinal, pod) in pods::numbered(self.pods.values().cloned().collect()) {
            let Some(meant) = pods::read(ordinal, &pod).filter(|pod| pod.is_meant(&self.query)) else {
                continue;
            };
            for status in statuses(&pod) {
                let Some(id) = &status.container_id else { continue };
                let is_asked = self.query.container.as_ref().is_none_or(|name| *name == status.name);
                if !is_asked || self.followed.contains(id) {
                    continue;
                }
                // What came later is told from its first line on.
                let query = match self.has_begun {
                    true => LogQuery { since: None, tail: None, ..self.query.clone() },
                    false => self.query.clone(),
                };
                let lines = self.cluster.lines_of(&self.namespace, &meant, &status.name, &query).await?;
                if let Some(lines) = lines {
                    self.followed.insert(id.clone());
                    self.lines.push(lines);
                }
            }
        }
        self.has_begun = true;
        Ok(())
    }
}
