//! The log tail of a container that is replaced, kept for `logs --previous`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bollard::{container::LogOutput, query_parameters::LogsOptions};
use futures_util::StreamExt;

use super::engine::Engine;
use crate::{formats::journal::PREVIOUS_DIR, log};

/// Lines asked for, and bytes kept, of the end.
const LINES: &str = "5000";
const BYTES: usize = 256 * 1024;

pub fn file(journal: &Path, key: &str) -> PathBuf {
    journal.join(PREVIOUS_DIR).join(format!("{key}.log"))
}

/// Best effort: a log that cannot be kept must not keep a container from being replaced.
pub async fn keep(engine: &Engine, id: &str, key: &str, journal: &Path) {
    let text = match tokio::time::timeout(std::time::Duration::from_secs(5), tail(engine, id)).await {
        Ok(text) => text,
        Err(_) => return log::warn("previous log not read in time", &[("container", &key)]),
    };
    let file = file(journal, key);
    let write = || {
        fs::create_dir_all(journal.join(PREVIOUS_DIR))?;
        fs::write(file, &text)
    };
    if let Err(error) = write() {
        log::warn("previous log not kept", &[("container", &key), ("why", &error)]);
    }
}

/// As the CRI writes logs: `TIME STREAM F TEXT`, a line each.
async fn tail(engine: &Engine, id: &str) -> Vec<u8> {
    let options = LogsOptions {
        stdout: true,
        stderr: true,
        timestamps: true,
        tail: LINES.to_owned(),
        ..Default::default()
    };
    let mut lines = engine.docker.logs(id, Some(options));
    let mut text = Vec::new();
    while let Some(Ok(line)) = lines.next().await {
        let stream = if matches!(line, LogOutput::StdErr { .. }) { "stderr" } else { "stdout" };
        text.extend(cri(stream, &line.into_bytes()));
        if text.len() > 2 * BYTES {
            cut(&mut text);
        }
    }
    cut(&mut text);
    text
}

fn cri(stream: &str, line: &[u8]) -> Vec<u8> {
    let space = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
    let (time, rest) = line.split_at(space);
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    let rest = rest.strip_suffix(b"\n").unwrap_or(rest);
    [time, b" ", stream.as_bytes(), b" F ", rest, b"\n"].concat()
}

/// Leaves whole lines of the end.
fn cut(text: &mut Vec<u8>) {
    let Some(surplus) = text.len().checked_sub(BYTES).filter(|surplus| *surplus > 0) else { return };
    let start =
        text[surplus..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |end| surplus + end + 1);
    text.drain(..start);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_the_cri_writes_them() {
        assert_eq!(
            cri("stderr", b"2026-01-01T00:00:00.5Z two words\n"),
            b"2026-01-01T00:00:00.5Z stderr F two words\n"
        );
        assert_eq!(cri("stdout", b"2026-01-01T00:00:00Z"), b"2026-01-01T00:00:00Z stdout F \n");
    }

    #[test]
    fn only_whole_lines_of_the_end_are_kept() {
        let mut text = b"0123456789\n".repeat(BYTES / 10);
        cut(&mut text);
        assert!(text.len() <= BYTES && text.len() > BYTES - 11, "{}", text.len());
        assert!(text.starts_with(b"0123456789\n"));
    }
}
