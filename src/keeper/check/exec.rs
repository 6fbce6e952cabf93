//! A command in a container, through the engine.

use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use futures_util::StreamExt;

use crate::keeper::engine::{Engine, words};

/// Bytes of output that an answer may need.
const OUTPUT: usize = 4096;

/// Ends with 0 or fails; the answer is what it printed, or its exit code where it printed nothing.
pub async fn run(engine: &Engine, container: &str, command: &[String]) -> Result<String, String> {
    let options = CreateExecOptions {
        cmd: Some(command.to_vec()),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        ..Default::default()
    };
    let exec = engine.docker.create_exec(container, options).await.map_err(words)?.id;
    let started = engine.docker.start_exec(&exec, None::<StartExecOptions>).await.map_err(words)?;
    let mut text = Vec::new();
    if let StartExecResults::Attached { mut output, input } = started {
        drop(input);
        while let Some(piece) = output.next().await {
            let piece = piece.map_err(words)?.into_bytes();
            // Read to the end in any case: its end is the end of the command.
            text.extend(piece.iter().take(OUTPUT.saturating_sub(text.len())));
        }
    }
    let text = String::from_utf8_lossy(&text).trim().to_owned();
    match engine.docker.inspect_exec(&exec).await.map_err(words)?.exit_code {
        Some(0) => Ok(if text.is_empty() { "exit code 0".to_owned() } else { text }),
        Some(code) if text.is_empty() => Err(format!("exit code {code}")),
        Some(code) => Err(format!("exit code {code}: {text}")),
        None => Err("it ended without an exit code".to_owned()),
    }
}
