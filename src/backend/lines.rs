//! Lines that containers printed, whatever the place.

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;

use super::{LogLine, LogStream};

/// Whose line it is.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) service: String,
    pub(super) ordinal: u32,
    pub(super) container: String,
}

impl Source {
    pub(super) fn line(&self, stream: &str, at: String, line: Bytes) -> LogLine {
        let Self { service, ordinal, container } = self.clone();
        LogLine { at, service, ordinal, container, stream: stream.to_owned(), line }
    }
}

/// A line without a time that can be read is never left out.
pub(super) fn is_since(line: &LogLine, since: Option<Timestamp>) -> bool {
    since.is_none_or(|since| line.at.parse::<Timestamp>().map_or(true, |at| at >= since))
}

/// Splits off the time stamp that engines and clusters put before a line; a line without one keeps its text whole.
pub(super) fn timestamp(line: &[u8]) -> (String, &[u8]) {
    let space = line.iter().position(|b| *b == b' ').unwrap_or(line.len());
    match std::str::from_utf8(&line[..space]) {
        Ok(at) if at.len() >= 20 && at.as_bytes()[10] == b'T' => {
            (at.to_owned(), line.get(space + 1..).unwrap_or_default())
        }
        _ => (String::new(), line),
    }
}

/// Merges streams that are in order each, by time; one line of each is held.
pub(super) fn merge(streams: Vec<LogStream>) -> LogStream {
    let state: Vec<_> = streams.into_iter().map(|lines| Box::pin(lines.peekable())).collect();
    Box::pin(stream::unfold(state, |mut state| async move {
        let mut first: Option<(usize, String)> = None;
        for (at, lines) in state.iter_mut().enumerate() {
            let time = match lines.as_mut().peek().await {
                Some(Ok(line)) => line.at.clone(),
                // An error is told before any later line.
                Some(Err(_)) => String::new(),
                None => continue,
            };
            if first.as_ref().is_none_or(|(_, earliest)| time < *earliest) {
                first = Some((at, time));
            }
        }
        let line = state[first?.0].next().await?;
        Some((line, state))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "2026-11-22T10:00:00.000000000Z";

    #[test]
    fn lines_since_a_time_are_told_apart_to_the_nanosecond_and_in_any_century() {
        let source = Source { service: "a".to_owned(), ordinal: 0, container: "main".to_owned() };
        let is = |at: &str, since: &str| {
            is_since(&source.line("stdout", at.to_owned(), Bytes::new()), Some(since.parse().unwrap()))
        };
        assert!(is("2026-11-22T10:00:00.000000001Z", "2026-11-22T10:00:00.000000001Z"));
        assert!(!is("2026-11-22T10:00:00.000000001Z", "2026-11-22T10:00:00.000000002Z"));
        assert!(!is(AT, "2038-01-19T03:14:08Z") && !is(AT, "2999-01-01T00:00:00Z"));
        assert!(is(AT, "0001-01-01T00:00:00Z") && is("", "2999-01-01T00:00:00Z"));
    }

    #[tokio::test]
    async fn lines_of_several_containers_come_in_the_order_of_time() {
        let source = Source { service: "a".to_owned(), ordinal: 0, container: "main".to_owned() };
        let lines = |times: &[&str]| -> LogStream {
            let lines: Vec<_> =
                times.iter().map(|at| Ok(source.line("stdout", (*at).to_owned(), Bytes::new()))).collect();
            Box::pin(stream::iter(lines))
        };
        let merged: Vec<_> =
            merge(vec![lines(&["1", "4"]), lines(&["2", "3"])]).map(|line| line.unwrap().at).collect().await;
        assert_eq!(merged, ["1", "2", "3", "4"]);
    }
}
