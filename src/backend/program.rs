//! The one place where processes are started.

use std::{ffi::OsStr, path::PathBuf, process::Stdio};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::Command,
};

use super::{BackendError, Result, SecretValues};

/// How many of the last lines of a failed command are kept.
const LINES: usize = 20;

/// A program that works for us, and all that it finds around it.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    /// Our own file, whose `tether` holds the command; `None` ties it to nothing but this process's memory.
    pub(super) self_exe: Option<PathBuf>,
    /// Its whole environment, but for `shown`.
    pub(super) environment: Vec<(String, String)>,
    /// Variables of ours, which a line to paste has to say as well.
    pub(super) shown: Vec<(String, String)>,
}

impl Program {
    /// Runs it with these words, secrets in its environment alone, and answers its standard output.
    ///
    /// It runs behind `prodmirror tether`, whose standard input we hold: when we die, in whatever way, the kernel
    /// closes the pipe, and the tether kills the whole process group.
    ///
    /// # Errors
    /// [`BackendError::Command`] with a line to paste and the last lines of both streams.
    pub(super) async fn run<A: AsRef<OsStr>>(&self, args: &[A], secrets: &SecretValues) -> Result<String> {
        let mut command = self.tethered();
        command.args(args).envs(&secrets.0).stdout(Stdio::piped()).stderr(Stdio::piped());
        let paste = self.to_paste(args, secrets);
        let mut child = command.spawn().map_err(|source| BackendError::Io { what: paste.clone(), source })?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        // Dropped, and so closed, when this future is: a cancelled start kills its command as well.
        let _lifeline = child.stdin.take();
        let (printed, complaints) = tokio::join!(lines(stdout), lines(stderr));
        let status = child.wait().await.map_err(|source| BackendError::Io { what: paste.clone(), source })?;
        if status.success() {
            return Ok(printed.join("\n"));
        }
        let output: Vec<_> = printed.into_iter().chain(complaints).collect();
        let last = output.len().saturating_sub(LINES);
        Err(BackendError::Command {
            command: paste,
            status: status.to_string(),
            output: output[last..].join("\n"),
        })
    }

    /// Starts it with pipes for its standard input and output, and lets it go: it lives on when we die.
    #[cfg(feature = "kubernetes")]
    pub(super) fn detach(&self, args: &[&str]) -> std::io::Result<tokio::process::Child> {
        let mut command = Command::new(&self.path);
        command.args(args).env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        // It shall hold no folder that somebody wants to remove.
        command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.spawn()
    }

    fn tethered(&self) -> Command {
        let mut command = match &self.self_exe {
            Some(own) => {
                let mut command = Command::new(own);
                command.arg("tether").arg("--").arg(&self.path);
                command
            }
            None => Command::new(&self.path),
        };
        let environment = self.environment.iter().chain(&self.shown);
        command.env_clear().envs(environment.map(|(name, value)| (name, value)));
        // Ctrl-C of a terminal reaches its whole group: the tether must live on to end what it holds. So it is not
        // killed when we drop it either; it sees the end of its input.
        command.stdin(Stdio::piped()).process_group(0).kill_on_drop(self.self_exe.is_none());
        command
    }

    /// The command as a person would type it: secrets by name, without a value.
    fn to_paste<A: AsRef<OsStr>>(&self, args: &[A], secrets: &SecretValues) -> String {
        let shown = self.shown.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
        let mut words: Vec<_> = shown.collect();
        words.extend(secrets.0.keys().map(|name| format!("{name}=…")));
        words.push(quoted(&self.path.to_string_lossy()));
        words.extend(args.iter().map(|arg| quoted(&arg.as_ref().to_string_lossy())));
        words.join(" ")
    }
}
/// Everything of a stream, by lines; bytes that are no text are replaced.
async fn lines(stream: Option<impl AsyncRead + Unpin>) -> Vec<String> {
    let Some(stream) = stream else { return Vec::new() };
    let mut reader = BufReader::new(stream);
    let (mut lines, mut line) = (Vec::new(), Vec::new());
    while reader.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
        lines.push(String::from_utf8_lossy(&line).trim_end().to_owned());
        line.clear();
    }
    lines
}

/// A word as a POSIX shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_command_can_be_pasted_into_a_shell() {
        for word in ["plain", "two words", "it's", "$HOME", ""] {
            let script = format!("printf %s {}", quoted(word));
            let out = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&out.stdout), word);
        }
    }
}
