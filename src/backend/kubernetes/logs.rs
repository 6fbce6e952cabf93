//! What the containers of a mirror printed.

use std::io;

use bytes::Bytes;
use futures_util::{AsyncBufRead, AsyncBufReadExt as _, Stream, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::LogParams};

use super::{Cluster, ClusterError, PodOf, Result, error};
use crate::{
    backend::{
        self, BackendError, LogLine, LogQuery, LogStream,
        lines::{self, Source},
    },
    name::Name,
    plan::kubernetes::namespace,
};

/// The cluster does not tell what came by standard output from what came by standard error.
const STREAM: &str = "output";

impl Cluster {
    /// The lines of a mirror's containers in the order of time; for a follower as they come, those of later containers
    /// too, until the namespace is gone.
    ///
    /// Empty where nothing matches the query.
    pub async fn logs(&self, namespace: &str, query: &LogQuery) -> Result<LogStream> {
        if query.follow {
            return Ok(self.followed(namespace, query));
        }
        let mut streams = Vec::new();
        for pod in self.pods(namespace).await? {
            if !pod.is_meant(query) {
                continue;
            }
            let containers = pod.containers.iter();
            for container in
                containers.filter(|name| query.container.as_ref().is_none_or(|meant| meant == *name))
            {
                streams.extend(self.lines_of(namespace, &pod, container, query).await?);
            }
        }
        Ok(lines::merge(streams))
    }

    /// Refuses a query for a container that no pod of it has.
    pub(super) async fn must_have(&self, mirror: &Name, query: &LogQuery) -> backend::Result<()> {
        let Some(container) = &query.container else { return Ok(()) };
        let pods = self.pods(&namespace(mirror)).await?;
        let mut meant = pods.iter().filter(|pod| pod.is_meant(query));
        if meant.any(|pod| pod.containers.contains(container)) {
            return Ok(());
        }
        let of = query.service.as_ref().map(|service| format!(" of {service}")).unwrap_or_default();
        Err(BackendError::NoTarget { mirror: mirror.clone(), what: format!("container `{container}`{of}") })
    }

    /// Nothing for a container that has not begun, has no run before this one, or is gone.
    pub(super) async fn lines_of(
        &self,
        namespace: &str,
        pod: &PodOf,
        container: &str,
        query: &LogQuery,
    ) -> Result<Option<LogStream>> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let how = LogParams {
            container: Some(container.to_owned()),
            follow: query.follow,
            previous: query.previous,
            since_time: query.since,
            tail_lines: query.tail.map(i64::from),
            timestamps: true,
            ..LogParams::default()
        };
        let what = format!("log of pod/{}, container `{container}`", pod.pod);
        let printed = match error::answer(&what, pods.log_stream(&pod.pod, &how)).await? {
            Ok(printed) => printed,
            Err(error) if matches!(error::status(&error), Some(400 | 404)) => return Ok(None),
            Err(error) => return Err(error::refused(what, &error)),
        };
        let source =
            Source { service: pod.service.clone(), ordinal: pod.ordinal, container: container.to_owned() };
        let since = query.since;
        let lines = split(printed).map_ok(move |line| read(&source, &line));
        let lines =
            lines.map_err(move |error| ClusterError::Api { what: what.clone(), why: error.to_string() });
        // The cluster counts in seconds.
        let lines = lines.try_filter(move |line| std::future::ready(lines::is_since(line, since)));
        Ok(Some(Box::pin(lines.map_err(Into::into))))
    }
}

/// Lines without their ends. After an error nothing comes any more.
fn split(printed: impl AsyncBufRead + Send + 'static) -> impl Stream<Item = io::Result<Vec<u8>>> + Send {
    stream::unfold(Some(Box::pin(printed)), |printed| async {
        let (mut printed, mut line) = (printed?, Vec::new());
        match printed.read_until(b'\n', &mut line).await {
            Ok(0) => None,
            Ok(_) => {
                line.pop_if(|last| *last == b'\n');
                Some((Ok(line), Some(printed)))
            }
            Err(error) => Some((Err(error), None)),
        }
    })
}

fn read(source: &Source, line: &[u8]) -> LogLine {
    let (at, text) = lines::timestamp(line);
    source.line(STREAM, at, Bytes::copy_from_slice(text))
}
