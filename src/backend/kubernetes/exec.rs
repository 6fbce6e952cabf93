//! Running a command in a container of a pod.

use std::{
    io,
    pin::{Pin, pin},
    time::Duration,
};

use futures_util::{FutureExt, Sink, SinkExt as _, StreamExt as _, future::BoxFuture};
use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::apis::meta::v1::Status};
use kube::{
    Api,
    api::{AttachParams, AttachedProcess, TerminalSize},
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::{Cluster, ClusterError, Result, error};
use crate::backend::{Sizes, inside::not_run_code};

/// The pipes of the client's; its own are a kilobyte.
pub(super) const BUFFER: usize = 1 << 16;
/// What was printed before a connection broke is here already: no longer than its reader needs for it.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A command, and where its streams go.
pub struct Run<'a> {
    pub pod: &'a str,
    pub container: &'a str,
    pub argv: &'a [String],
    pub tty: bool,
    /// Columns and rows of the caller's terminal.
    pub size: Option<(u16, u16)>,
    /// The same each time that they change.
    pub resized: Option<Sizes>,
    pub stdin: Option<Pin<Box<dyn AsyncRead + Send>>>,
    pub stdout: Pin<Box<dyn AsyncWrite + Send>>,
    pub stderr: Pin<Box<dyn AsyncWrite + Send>>,
}

impl Cluster {
    /// Runs a command to its end and answers its exit code; 127 for a program that is not in the image, 126 for one
    /// that cannot be executed, with the reason on its standard error.
    ///
    /// The cluster has no way to set variables or the user of a command. Clusters before 1.30 do not pass on the end of
    /// the input.
    ///
    /// # Errors
    /// Where there is no such container, or the connection breaks: the command may go on then.
    pub async fn run(&self, namespace: &str, run: Run<'_>) -> Result<i64> {
        let Run { pod, container, argv, tty, size, resized, stdin, stdout, mut stderr } = run;
        let what = format!("exec in pod/{pod}, container `{container}`");
        let how = AttachParams {
            container: Some(container.to_owned()),
            stdin: stdin.is_some(),
            stdout: true,
            // A terminal has one output.
            stderr: !tty,
            tty,
            max_stdin_buf_size: Some(BUFFER),
            max_stdout_buf_size: Some(BUFFER),
            max_stderr_buf_size: Some(BUFFER),
        };
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let mut process = error::ask(&what, pods.exec(pod, argv, &how)).await?;
        let mut ways = Ways::of(&mut process);
        ways.resize(size).await;
        let status = ways.relay(resized, stdin, stdout, &mut stderr).await;
        let status = status.map_err(|error| broken(&what, &error))?;
        let status = status.ok_or_else(|| cut_off(&what))?;
        match code_of(&status) {
            Ok(code) => Ok(code),
            Err(why) => {
                let code = not_run_code(&why).ok_or_else(|| ClusterError::Api { what, why: why.clone() })?;
                // Nobody who reads it is no reason to fail otherwise.
                let _ = stderr.write_all(format!("{why}\n").as_bytes()).await;
                let _ = stderr.flush().await;
                Ok(code)
            }
        }
    }
}

/// The streams of a command in a container.
pub(super) struct Ways {
    input: Option<Writer>,
    output: Option<Reader>,
    complaints: Option<Reader>,
    terminal: Option<Pin<Box<dyn Sink<TerminalSize, Error = ()> + Send>>>,
    /// How the command ended; nothing where the connection broke before.
    end: BoxFuture<'static, Option<Status>>,
}

type Writer = Pin<Box<dyn AsyncWrite + Send>>;
type Reader = Pin<Box<dyn AsyncRead + Send>>;

impl Ways {
    pub(super) fn of(process: &mut AttachedProcess) -> Self {
        let (input, output, complaints) = (process.stdin(), process.stdout(), process.stderr());
        Self {
            input: input.map(|stream| Box::pin(stream) as Writer),
            output: output.map(|stream| Box::pin(stream) as Reader),
            complaints: complaints.map(|stream| Box::pin(stream) as Reader),
            terminal: process.terminal_size().map(|sizes| Box::pin(sizes.sink_map_err(drop)) as _),
            end: process.take_status().map_or_else(|| std::future::ready(None).boxed(), FutureExt::boxed),
        }
    }

    /// Tells columns and rows. A command that has ended already has no terminal to resize.
    pub(super) async fn resize(&mut self, size: Option<(u16, u16)>) {
        if let (Some(terminal), Some((width, height))) = (&mut self.terminal, size) {
            let _ = terminal.send(TerminalSize { width, height }).await;
        }
    }

    /// Sends one empty line, and takes away what a terminal echoes of it.
    pub(super) async fn open(&mut self, tty: bool) -> io::Result<()> {
        if let Some(input) = &mut self.input {
            input.write_all(b"\n").await?;
            input.flush().await?;
        }
        if let (true, Some(output)) = (tty, &mut self.output) {
            output.read_exact(&mut [0; 2]).await?;
        }
        Ok(())
    }

    /// Carries input and output at once until the output ends, and answers how the command did; the end of the input is
    /// passed on.
    pub(super) async fn relay(
        mut self,
        resized: Option<Sizes>,
        stdin: Option<Reader>,
        mut stdout: Writer,
        stderr: &mut Writer,
    ) -> io::Result<Option<Status>> {
        let mut end = std::mem::replace(&mut self.end, std::future::ready(None).boxed());
        let (input, mut output, mut complaints) =
            (self.input.take(), self.output.take(), self.complaints.take());
        let feed = async {
            if let Some(mut input) = input {
                if let Some(mut stdin) = stdin {
                    // A command that does not read its input to the end is no error; its exit code tells.
                    let _ = tokio::io::copy(&mut stdin, &mut input).await;
                }
                let _ = input.shutdown().await;
            }
            std::future::pending::<()>().await;
        };
        let resize = async {
            if let Some(mut resized) = resized {
                while let Some(size) = resized.next().await {
                    self.resize(Some(size)).await;
                }
            }
            std::future::pending::<()>().await;
        };
        let drain = async {
            let printed = copied(output.as_mut(), &mut stdout);
            let complained = copied(complaints.as_mut(), stderr);
            tokio::try_join!(printed, complained).map(|_| ())
        };
        let carry = async {
            tokio::select! {
                drained = drain => drained,
                () = feed => Ok(()),
                () = resize => Ok(()),
            }
        };
        let mut carry = pin!(carry);
        tokio::select! {
            carried = &mut carry => {
                carried?;
                Ok(end.await)
            }
            status = &mut end => {
                match status {
                    Some(_) => carry.await?,
                    // The client lets go of its pipes without closing them, and whoever reads them waits for ever.
                    None => drop(tokio::time::timeout(LAST_WORDS, carry).await),
                }
                Ok(status)
            }
        }
    }
}

/// Of a command whose connection broke: it may go on.
pub(super) fn cut_off(what: &str) -> ClusterError {
    let why = "the connection broke before the command ended".to_owned();
    ClusterError::Api { what: what.to_owned(), why }
}

pub(super) fn broken(what: &str, error: &io::Error) -> ClusterError {
    ClusterError::Api { what: what.to_owned(), why: error.to_string() }
}

/// Passes on what comes as it comes.
async fn copied(
    from: Option<&mut (impl AsyncRead + Unpin)>,
    to: &mut (impl AsyncWrite + Unpin),
) -> io::Result<()> {
    let Some(from) = from else { return Ok(()) };
    let mut part = vec![0; BUFFER];
    loop {
        match from.read(&mut part).await? {
            0 => return Ok(()),
            read => to.write_all(&part[..read]).await?,
        }
        to.flush().await?;
    }
}

/// The exit code, or the cluster's words for why there is none.
fn code_of(status: &Status) -> Result<i64, String> {
    if status.status.as_deref() == Some("Success") {
        return Ok(0);
    }
    let causes = status.details.iter().flat_map(|details| details.causes.iter().flatten());
    let mut codes = causes.filter(|cause| cause.reason.as_deref() == Some("ExitCode"));
    let code = codes.find_map(|cause| cause.message.as_deref()?.parse().ok());
    code.ok_or_else(|| status.message.clone().unwrap_or_default())
}
