//! Commands and files in the containers of a mirror, as a person names them.

use std::{
    io::{self, Cursor},
    pin::Pin,
};

use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, duplex};
use tokio_util::io::ReaderStream;

use super::{Cluster, Run, observe::MAIN};
use crate::{
    backend::{BackendError, Exec, PathKind, Result, TarReader, TarStream, Target},
    name::Name,
    plan::kubernetes::namespace,
};

/// A pod and a container of it.
struct Place {
    space: String,
    pod: String,
    container: String,
}

/// How much of what a command complains is kept.
const WORDS: u64 = 4096;
const PIPE: usize = 1 << 16;

impl Cluster {
    pub(super) async fn exec(&self, exec: Exec<'_>) -> Result<i64> {
        let Exec { target, argv, env, user, tty, size, resized, stdin, stdout, stderr, fresh } = exec;
        if user.is_some() {
            return Err(no_way("a command as another user"));
        }
        if fresh {
            let exec = Exec { target, argv, env, user, tty, size, resized, stdin, stdout, stderr, fresh };
            return self.exec_fresh(exec).await;
        }
        let Place { space, pod, container } = self.place_of(target).await?;
        let (argv, stdin) = with_variables(env, argv, stdin);
        let run =
            Run { pod: &pod, container: &container, argv: &argv, tty, size, resized, stdin, stdout, stderr };
        Ok(self.run(&space, run).await?)
    }

    pub(super) async fn kind_of_path(&self, target: &Target, path: &str) -> Result<Option<PathKind>> {
        // A link that leads nowhere is a link all the same.
        let script = "if [ -L \"$1\" ]; then echo l; readlink -f -- \"$1\" || readlink -- \"$1\"; \
                      elif [ -d \"$1\" ]; then echo d; elif [ -e \"$1\" ]; then echo f; fi";
        let argv = ["sh", "-c", script, "sh", path].map(str::to_owned);
        let answer = self.answer(target, &argv, "to look at a path").await?;
        let (kind, leads) = answer.split_once('\n').unwrap_or((&answer, ""));
        Ok(match kind {
            "l" => Some(PathKind::Link(leads.trim_end_matches('\n').to_owned())),
            "d" => Some(PathKind::Folder),
            "f" => Some(PathKind::File),
            _ => None,
        })
    }

    pub(super) async fn tar_from(&self, target: &Target, path: &str) -> Result<TarStream> {
        let place = self.place_of(target).await?;
        let trimmed = path.trim_end_matches('/');
        let (folder, name) = trimmed.rsplit_once('/').unwrap_or((".", trimmed));
        let folder = if folder.is_empty() { "/" } else { folder };
        let name = if name.is_empty() { "." } else { name };
        let argv = ["tar", "-c", "-f", "-", "-C", folder, "--", name].map(str::to_owned);
        let (stdout, read) = duplex(PIPE);
        let (stderr, complaints) = duplex(PIPE);
        let (cluster, path) = (self.clone(), path.to_owned());
        let ending = tokio::spawn(async move {
            let (pod, container) = (&place.pod, &place.container);
            let run = Run {
                pod,
                container,
                argv: &argv,
                tty: false,
                size: None,
                resized: None,
                stdin: None,
                stdout: Box::pin(stdout),
                stderr: Box::pin(stderr),
            };
            let (code, words) = tokio::join!(cluster.run(&place.space, run), words_of(complaints));
            match code {
                Ok(0) => None,
                Ok(code) => Some(io::Error::other(told(code, &words, &path))),
                Err(error) => Some(io::Error::other(error)),
            }
        });
        // What tar says comes after what it wrote.
        let ended = futures_util::stream::once(async move {
            match ending.await {
                Ok(None) => None,
                Ok(Some(error)) => Some(Err(error)),
                Err(error) => Some(Err(io::Error::other(error))),
            }
        });
        let bytes = ReaderStream::new(read);
        Ok(Box::pin(bytes.chain(ended.filter_map(async |ended: Option<io::Result<Bytes>>| ended))))
    }

    pub(super) async fn tar_into(&self, target: &Target, folder: &str, tar: TarReader) -> Result<()> {
        let argv = ["tar", "-x", "-p", "-f", "-", "-C", folder].map(str::to_owned);
        let Place { space, pod, container } = self.place_of(target).await?;
        let (stderr, complaints) = duplex(PIPE);
        let run = Run {
            pod: &pod,
            container: &container,
            argv: &argv,
            tty: false,
            size: None,
            resized: None,
            stdin: Some(tar),
            stdout: Box::pin(tokio::io::sink()),
            stderr: Box::pin(stderr),
        };
        let (code, words) = tokio::join!(self.run(&space, run), words_of(complaints));
        match code? {
            0 => Ok(()),
            code => Err(BackendError::Engine {
                what: format!("copy into {folder}"),
                why: told(code, &words, folder),
            }),
        }
    }

    /// What a command prints that must end well.
    async fn answer(&self, target: &Target, argv: &[String], what: &str) -> Result<String> {
        let Place { space, pod, container } = self.place_of(target).await?;
        let ((stdout, printed), (stderr, complaints)) = (duplex(PIPE), duplex(PIPE));
        let run = Run {
            pod: &pod,
            container: &container,
            argv,
            tty: false,
            size: None,
            resized: None,
            stdin: None,
            stdout: Box::pin(stdout),
            stderr: Box::pin(stderr),
        };
        let (code, printed, words) =
            tokio::join!(self.run(&space, run), words_of(printed), words_of(complaints));
        match code? {
            0 => Ok(printed),
            code => {
                Err(BackendError::Engine { what: what.to_owned(), why: told(code, &words, &argv.join(" ")) })
            }
        }
    }

    async fn place_of(&self, target: &Target) -> Result<Place> {
        let Target { mirror, service, ordinal, container } = target;
        let space = namespace(mirror);
        let pods = self.pods(&space).await?;
        let of_service =
            |name: &Name| pods.iter().filter(|pod| pod.service == name.as_str()).collect::<Vec<_>>();
        let found = of_service(service);
        let pod = match ordinal {
            Some(ordinal) => found.iter().find(|pod| pod.ordinal == *ordinal),
            None => found.first(),
        };
        let replica = || ordinal.map_or_else(|| service.to_string(), |at| format!("{service}/{at}"));
        let pod = pod.ok_or_else(|| none(target, replica()))?;
        let container = container.as_deref().unwrap_or(MAIN);
        if !pod.containers.iter().any(|name| name == container) {
            return Err(none(target, format!("container `{container}` of {}", replica())));
        }
        Ok(Place { space, pod: pod.pod.clone(), container: container.to_owned() })
    }
}

pub(super) fn none(target: &Target, what: String) -> BackendError {
    BackendError::NoTarget { mirror: target.mirror.clone(), what }
}

fn no_way(what: &str) -> BackendError {
    BackendError::Engine {
        what: what.to_owned(),
        why: "a Kubernetes cluster has no way to run it".to_owned(),
    }
}

/// The API gives a command no variables. They come before its input, a line each, so that no value stands in its
/// arguments, where the cluster's own log would keep it; a shell of the image reads them and becomes the command.
pub(super) fn with_variables(
    env: &[(String, String)],
    argv: &[String],
    stdin: Option<Pin<Box<dyn AsyncRead + Send>>>,
) -> (Vec<String>, Option<Pin<Box<dyn AsyncRead + Send>>>) {
    // Every line ends in a letter, as a shell would take away newlines at the end of what it substitutes.
    const READ: &str = "while IFS= read -r line && [ -n \"$line\" ]; do \
                        value=$(printf '%b' \"$line\"); export \"${value%x}\"; done; \
                        unset line value; exec \"$@\"";
    if env.is_empty() {
        return (argv.to_vec(), stdin);
    }
    let mut head = String::new();
    for (name, value) in env {
        head.push_str(&escaped(&format!("{name}={value}")));
        head.push_str("x\n");
    }
    head.push('\n');
    let wrapped =
        ["sh", "-c", READ, "sh"].into_iter().map(str::to_owned).chain(argv.iter().cloned()).collect();
    let head = Cursor::new(head.into_bytes());
    let stdin: Pin<Box<dyn AsyncRead + Send>> = match stdin {
        Some(stdin) => Box::pin(head.chain(stdin)),
        None => Box::pin(head),
    };
    (wrapped, Some(stdin))
}

/// For `printf '%b'`: a backslash and a newline would not stay as they are.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r")
}

async fn words_of(from: impl AsyncRead + Unpin) -> String {
    let mut words = Vec::new();
    let mut first = from.take(WORDS);
    let _ = first.read_to_end(&mut words).await;
    // The rest is read so that nobody waits for room.
    let _ = tokio::io::copy(&mut first.into_inner(), &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&words).into_owned()
}

fn told(code: i64, words: &str, what: &str) -> String {
    match (code, words.trim()) {
        (127, _) => {
            format!("{what}: its image has no program for it (`sh` and `tar` are needed on a cluster)")
        }
        (code, "") => format!("{what}: it ended with {code}"),
        (_, words) => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn variables_reach_a_command_byte_for_byte_before_its_input() {
        let env = [
            ("PLAIN", "a b"),
            ("LINES", "one\ntwo\n"),
            ("ODD", "\\n 'x' \"$HOME\" %s\\\\ é\t"),
            ("EMPTY", ""),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let script = "printf '<%s>' \"$PLAIN\" \"$LINES\" \"$ODD\" \"${EMPTY-none}\" \"${line-none}\"; cat";
        let argv = ["sh", "-c", script].map(str::to_owned);
        let input = Cursor::new(b"the input\n".to_vec());
        let (argv, stdin) = with_variables(&env, &argv, Some(Box::pin(input)));
        let mut child = tokio::process::Command::new(&argv[0])
            .args(&argv[1..])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        tokio::io::copy(&mut stdin.unwrap(), &mut pipe).await.unwrap();
        drop(pipe);
        let output = child.wait_with_output().await.unwrap();
        let wanted = "<a b><one\ntwo\n><\\n 'x' \"$HOME\" %s\\\\ é\t><><none>the input\n";
        assert_eq!(String::from_utf8(output.stdout).unwrap(), wanted);
    }
}
