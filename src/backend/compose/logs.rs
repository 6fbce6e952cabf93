//! What containers printed, in the order of time.

use bollard::{
    container::LogOutput,
    models::ContainerSummary,
    query_parameters::{DownloadFromContainerOptionsBuilder, LogsOptionsBuilder},
};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;

use super::{
    super::{
        BackendError, LogLine, LogQuery, LogStream, Result,
        lines::{Source, is_since, merge, timestamp},
    },
    Compose,
    launch::id_of,
    target::{container_name, label, ordinal_of},
    trouble::Doing as _,
};
use crate::{
    formats::journal::JOURNAL_DIR,
    labels::{self, Kind},
    name::Name,
};

impl Compose {
    pub(super) async fn read_logs(&self, mirror: &Name, query: LogQuery) -> Result<LogStream> {
        if query.follow {
            return self.follow_logs(mirror, query).await;
        }
        let containers = self.wanted(mirror, &query).await?;
        if query.previous {
            return self.previous(mirror, &containers, &query).await;
        }
        let streams: Vec<_> = containers.iter().map(|container| self.lines_of(container, &query)).collect();
        Ok(merge(streams))
    }

    /// The containers that a query means.
    ///
    /// # Errors
    /// [`BackendError::NoTarget`] where there is none.
    pub(super) async fn wanted(&self, mirror: &Name, query: &LogQuery) -> Result<Vec<ContainerSummary>> {
        let mut containers = self.containers_labelled(&[format!("{}={mirror}", labels::MIRROR)]).await?;
        containers.retain(|container| matches(container, query));
        containers.sort_by_key(|container| {
            (label(container, labels::SERVICE).map(str::to_owned), ordinal_of(container))
        });
        if containers.is_empty() {
            return Err(BackendError::NoTarget { mirror: mirror.clone(), what: in_words(query) });
        }
        Ok(containers)
    }

    pub(super) fn lines_of(&self, container: &ContainerSummary, query: &LogQuery) -> LogStream {
        let tail = query.tail.map_or_else(|| "all".to_owned(), |lines| lines.to_string());
        let options = LogsOptionsBuilder::new()
            .follow(query.follow)
            .stdout(true)
            .stderr(true)
            .timestamps(true)
            .since(seconds(query.since))
            .tail(&tail);
        let source = Source::of(container);
        let parts = self.docker.logs(id_of(container), Some(options.build()));
        let parts = parts.map(|part| part.doing("logs"));
        let mut joiner = Joiner::default();
        let since = query.since;
        Box::pin(parts.try_filter_map(move |part| {
            let line = joiner.take(part).map(|(stream, at, line)| source.line(stream, at, line));
            std::future::ready(Ok(line.filter(|line| is_since(line, since))))
        }))
    }

    /// The logs that the keeper kept of the containers it replaced last.
    async fn previous(
        &self,
        mirror: &Name,
        containers: &[ContainerSummary],
        query: &LogQuery,
    ) -> Result<LogStream> {
        let keeper = self.helper_container(mirror, Kind::Keeper).await?;
        let keeper = keeper
            .ok_or_else(|| BackendError::NoTarget { mirror: mirror.clone(), what: "keeper".to_owned() })?;
        let mut streams: Vec<LogStream> = Vec::new();
        for container in containers {
            let key = label(container, labels::COMPOSE_SERVICE).unwrap_or_default();
            let path = format!("{JOURNAL_DIR}/previous/{key}.log");
            let Some(text) = self.file_of(id_of(&keeper), &path).await? else { continue };
            let source = Source::of(container);
            let kept = text.split(|b| *b == b'\n').filter(|line| !line.is_empty());
            let mut lines: Vec<LogLine> = kept.map(|line| source.kept(line)).collect();
            lines.retain(|line| is_since(line, query.since));
            let tail = query.tail.map_or(usize::MAX, |tail| tail as usize);
            lines.drain(..lines.len().saturating_sub(tail));
            streams.push(Box::pin(stream::iter(lines.into_iter().map(Ok))));
        }
        Ok(merge(streams))
    }

    /// One file of a container, if it is there.
    pub(super) async fn file_of(&self, id: &str, path: &str) -> Result<Option<Vec<u8>>> {
        let options = DownloadFromContainerOptionsBuilder::new().path(path).build();
        let parts: Result<Vec<Bytes>, _> =
            self.docker.download_from_container(id, Some(options)).try_collect().await;
        let Some(parts) = parts.if_there(path)? else { return Ok(None) };
        let bytes = parts.concat();
        let read = || -> std::io::Result<Option<Vec<u8>>> {
            let mut archive = tar::Archive::new(bytes.as_slice());
            let Some(entry) = archive.entries()?.next() else { return Ok(None) };
            let mut content = Vec::new();
            std::io::Read::read_to_end(&mut entry?, &mut content)?;
            Ok(Some(content))
        };
        read().map_err(super::trouble::io(path))
    }
}

pub(super) fn matches(container: &ContainerSummary, query: &LogQuery) -> bool {
    let Some(name) = container_name(container) else { return false };
    query.container.as_ref().is_none_or(|wanted| wanted == name)
        && query
            .service
            .as_ref()
            .is_none_or(|service| label(container, labels::SERVICE) == Some(service.as_str()))
        && query.ordinal.is_none_or(|ordinal| ordinal_of(container) == ordinal)
}

fn in_words(query: &LogQuery) -> String {
    let service = query.service.as_ref().map(Name::to_string).unwrap_or_default();
    let ordinal = query.ordinal.map(|ordinal| format!("/{ordinal}")).unwrap_or_default();
    match (&query.container, service.is_empty()) {
        (Some(container), true) => format!("container `{container}`"),
        (Some(container), false) => format!("container `{container}` of {service}{ordinal}"),
        (None, true) => "container".to_owned(),
        (None, false) => format!("{service}{ordinal}"),
    }
}

/// The engine counts in seconds, and its client's no further than 2038: what it sends too much is left out by us.
fn seconds(since: Option<Timestamp>) -> i32 {
    since.map_or(0, |since| i32::try_from(since.as_second().max(0)).unwrap_or(i32::MAX))
}

impl Source {
    fn of(container: &ContainerSummary) -> Self {
        Self {
            service: label(container, labels::SERVICE).unwrap_or_default().to_owned(),
            ordinal: ordinal_of(container),
            container: container_name(container).unwrap_or_default().to_owned(),
        }
    }

    /// A line of a kept log, as the CRI writes them: `TIME STREAM F TEXT`.
    fn kept(&self, line: &[u8]) -> LogLine {
        let (at, rest) = timestamp(line);
        for stream in ["stdout", "stderr"] {
            if let Some(text) = rest.strip_prefix(format!("{stream} F ").as_bytes()) {
                return self.line(stream, at, Bytes::copy_from_slice(text));
            }
        }
        self.line("stdout", at, Bytes::copy_from_slice(rest))
    }
}

/// Puts lines together that the engine's log driver cut at 16 KiB.
#[derive(Default)]
struct Joiner {
    open: [Option<(String, BytesMut)>; 2],
}

impl Joiner {
    fn take(&mut self, part: LogOutput) -> Option<(&'static str, String, Bytes)> {
        let (slot, stream) =
            if matches!(part, LogOutput::StdErr { .. }) { (1, "stderr") } else { (0, "stdout") };
        let bytes = part.into_bytes();
        let (at, text) = timestamp(&bytes);
        let (ended, text) = match text.strip_suffix(b"\n") {
            Some(text) => (true, text.strip_suffix(b"\r").unwrap_or(text)),
            None => (false, text),
        };
        let (_, line) = self.open[slot].get_or_insert_with(|| (at, BytesMut::new()));
        line.extend_from_slice(text);
        if !ended {
            return None;
        }
        self.open[slot].take().map(|(at, line)| (stream, at, line.freeze()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "2026-11-22T10:00:00.000000000Z";

    #[test]
    fn a_line_that_was_cut_is_one_line_again() {
        let mut joiner = Joiner::default();
        let part = |text: &str| LogOutput::StdOut { message: Bytes::from(format!("{AT} {text}")) };
        assert_eq!(joiner.take(part("half")), None);
        let (stream, at, line) = joiner.take(part(" whole\n")).unwrap();
        assert_eq!((stream, at.as_str(), line.as_ref()), ("stdout", AT, b"half whole".as_slice()));
    }

    #[test]
    fn a_time_is_counted_as_far_as_the_engines_client_counts() {
        assert_eq!(seconds(Some("2999-01-01T00:00:00Z".parse().unwrap())), i32::MAX);
        assert_eq!(seconds(Some("1900-01-01T00:00:00Z".parse().unwrap())), 0);
    }

    #[test]
    fn a_kept_line_has_its_stream_and_its_text() {
        let source = Source { service: "a".to_owned(), ordinal: 0, container: "main".to_owned() };
        let line = source.kept(format!("{AT} stderr F two words").as_bytes());
        assert_eq!(
            (line.stream.as_str(), line.at.as_str(), line.line.as_ref()),
            ("stderr", AT, b"two words".as_slice())
        );
    }
}
