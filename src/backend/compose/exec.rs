//! Running a command beside a container's main process, or in a fresh container of its image.

use std::pin::Pin;

use bollard::{
    Docker,
    container::{AttachContainerResults, LogOutput},
    errors::Error,
    exec::{CreateExecOptions, StartExecOptions, StartExecResults},
    models::{ContainerCreateBody, ContainerInspectResponse, ExecConfig},
    query_parameters::{
        AttachContainerOptionsBuilder, ResizeContainerTTYOptionsBuilder, ResizeExecOptionsBuilder,
        WaitContainerOptions,
    },
};
use futures_util::{Stream, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

use super::{
    super::{BackendError, Exec, Result, Sizes, inside::not_run_code},
    Compose,
    trouble::{self, Doing as _},
};
use crate::labels;

const NOT_BEGUN: &[u8] = b"OCI runtime exec failed: ";

type Input = Pin<Box<dyn AsyncWrite + Send>>;
type Output = Pin<Box<dyn Stream<Item = Result<LogOutput, Error>> + Send>>;

/// Where a command's streams go.
pub(super) struct Ends {
    pub stdin: Option<Pin<Box<dyn AsyncRead + Send>>>,
    pub stdout: Pin<Box<dyn AsyncWrite + Send>>,
    pub stderr: Pin<Box<dyn AsyncWrite + Send>>,
}

impl Compose {
    pub(super) async fn run_exec(&self, exec: Exec<'_>) -> Result<i64> {
        let id = self.find(exec.target).await?;
        if exec.fresh { self.exec_fresh(&id, exec).await } else { self.exec_beside(&id, exec).await }
    }

    async fn exec_beside(&self, id: &str, exec: Exec<'_>) -> Result<i64> {
        let options = CreateExecOptions {
            attach_stdin: Some(exec.stdin.is_some()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            tty: Some(exec.tty),
            env: Some(variables(exec.env)),
            cmd: Some(exec.argv.to_vec()),
            user: exec.user.map(str::to_owned),
            ..Default::default()
        };
        let ends = Ends { stdin: exec.stdin, stdout: exec.stdout, stderr: exec.stderr };
        let terminal = Terminal { size: exec.size, resized: exec.resized };
        self.exec_in(id, options, terminal, ends).await
    }

    /// Runs an exec to its end and answers its exit code.
    pub(super) async fn exec_in(
        &self,
        id: &str,
        options: CreateExecOptions<String>,
        terminal: Terminal,
        mut ends: Ends,
    ) -> Result<i64> {
        let what = options.cmd.as_ref().and_then(|argv| argv.first()).cloned().unwrap_or_default();
        let tty = options.tty.unwrap_or_default();
        let config = ExecConfig { console_size: terminal.console(tty), ..options.into() };
        let exec = self.docker.create_exec(id, config).await.doing(format!("exec {what}"))?.id;
        let start = StartExecOptions { tty, output_capacity: Some(1 << 16), ..Default::default() };
        let started = match self.docker.start_exec(&exec, Some(start)).await {
            Ok(started) => started,
            Err(error) => {
                return not_run(&error, &mut ends)
                    .await
                    .ok_or_else(|| trouble::engine(format!("exec {what}"), &error));
            }
        };
        let StartExecResults::Attached { output, input } = started else {
            return Err(BackendError::Engine {
                what: format!("exec {what}"),
                why: "the engine detached it".to_owned(),
            });
        };
        let resize = resize(terminal.resized.filter(|_| tty), Resized::Exec(&exec), &self.docker);
        relay(input, output, ends, resize).await?;
        let end = self.docker.inspect_exec(&exec).await.doing(format!("exec {what}"))?;
        Ok(end.exit_code.unwrap_or_default())
    }

    /// A container like the one that is meant, but for its command; removed when it ends.
    async fn exec_fresh(&self, like: &str, exec: Exec<'_>) -> Result<i64> {
        let what = format!("fresh container of {}", exec.target.service);
        let mut terminal = Terminal { size: exec.size, resized: None };
        let body =
            fresh_body(self.inspect(like).await?.unwrap_or_default(), &exec, terminal.console(exec.tty));
        let id = self.docker.create_container(None, body).await.doing(what.clone())?.id;
        let ends = Ends { stdin: exec.stdin, stdout: exec.stdout, stderr: exec.stderr };
        terminal.resized = exec.resized.filter(|_| exec.tty);
        let ended = self.run_attached(&id, terminal, ends).await;
        self.remove_container(&id).await?;
        ended
    }

    async fn run_attached(&self, id: &str, terminal: Terminal, mut ends: Ends) -> Result<i64> {
        let what = "fresh container";
        let attach = AttachContainerOptionsBuilder::new()
            .stream(true)
            .stdin(ends.stdin.is_some())
            .stdout(true)
            .stderr(true);
        let AttachContainerResults { output, input } =
            self.docker.attach_container(id, Some(attach.build())).await.doing(what)?;
        let mut wait = self.docker.wait_container(id, None::<WaitContainerOptions>);
        if let Err(error) = self.docker.start_container(id, None).await {
            return not_run(&error, &mut ends).await.ok_or_else(|| trouble::engine(what, &error));
        }
        relay(input, output, ends, resize(terminal.resized, Resized::Container(id), &self.docker)).await?;
        match wait.next().await {
            Some(Ok(end)) => Ok(end.status_code),
            Some(Err(Error::DockerContainerWaitError { code, .. })) => Ok(code),
            Some(Err(error)) => Err(trouble::engine(what, &error)),
            None => Ok(0),
        }
    }
}

/// What the container that is meant was made from, with another command and no part in the mirror's services.
fn fresh_body(
    there: ContainerInspectResponse,
    exec: &Exec<'_>,
    console: Option<Vec<usize>>,
) -> ContainerCreateBody {
    let (config, mut host) = (there.config.unwrap_or_default(), there.host_config.unwrap_or_default());
    host.restart_policy = None;
    host.port_bindings = None;
    host.console_size = console;
    let mut env = config.env.unwrap_or_default();
    env.extend(variables(exec.env));
    // Not a replica: it carries only what makes it the mirror's to remove.
    let own = |(name, _): &(String, String)| [labels::MIRROR, labels::OWNER].contains(&name.as_str());
    let mut kept: std::collections::HashMap<_, _> =
        config.labels.unwrap_or_default().into_iter().filter(own).collect();
    kept.insert(labels::KIND.to_owned(), labels::Kind::Files.as_str().to_owned());
    let (program, args) =
        exec.argv.split_first().map(|(first, rest)| (vec![first.clone()], rest.to_vec())).unzip();
    ContainerCreateBody {
        image: config.image,
        env: Some(env),
        entrypoint: program,
        cmd: args,
        user: exec.user.map(str::to_owned).or(config.user),
        working_dir: config.working_dir,
        labels: Some(kept),
        tty: Some(exec.tty),
        open_stdin: Some(exec.stdin.is_some()),
        stdin_once: Some(exec.stdin.is_some()),
        host_config: Some(host),
        ..Default::default()
    }
}

fn variables(env: &[(String, String)]) -> Vec<String> {
    env.iter().map(|(name, value)| format!("{name}={value}")).collect()
}

/// The exit code of a shell for a command that could not be run at all; why stands where its complaints would.
async fn not_run(error: &Error, ends: &mut Ends) -> Option<i64> {
    let why = trouble::words(error);
    let code = not_run_code(&why)?;
    // Nobody who reads it is no reason to fail otherwise.
    let _ = ends.stderr.write_all(format!("{why}\n").as_bytes()).await;
    let _ = ends.stderr.flush().await;
    Some(code)
}

/// The terminal of the one who asked.
#[derive(Default)]
pub(super) struct Terminal {
    pub size: Option<(u16, u16)>,
    pub resized: Option<Sizes>,
}

impl Terminal {
    /// Rows and columns, as the engine wants them before a command with a terminal starts: set later, its first look
    /// at its own terminal may find none.
    fn console(&self, tty: bool) -> Option<Vec<usize>> {
        self.size.filter(|_| tty).map(|(columns, rows)| vec![rows.into(), columns.into()])
    }
}

enum Resized<'a> {
    Exec(&'a str),
    Container(&'a str),
}

/// Passes on each change of the size; never ends.
async fn resize(sizes: Option<Sizes>, what: Resized<'_>, docker: &Docker) {
    if let Some(mut sizes) = sizes {
        while let Some((columns, rows)) = sizes.next().await {
            // A command that has ended already has no terminal to resize.
            let _ = match what {
                Resized::Exec(id) => {
                    let size = ResizeExecOptionsBuilder::new().w(columns.into()).h(rows.into()).build();
                    docker.resize_exec(id, size).await
                }
                Resized::Container(id) => {
                    let size =
                        ResizeContainerTTYOptionsBuilder::new().w(columns.into()).h(rows.into()).build();
                    docker.resize_container_tty(id, size).await
                }
            };
        }
    }
    std::future::pending().await
}

/// Carries input and output at once until the output ends; the end of the input is passed on.
async fn relay(
    mut input: Input,
    mut output: Output,
    mut ends: Ends,
    resize: impl Future<Output = ()>,
) -> Result<()> {
    let stdin = ends.stdin.take();
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A command that does not read its input to the end is no error; its exit code tells.
            let _ = tokio::io::copy(&mut stdin, &mut input).await;
        }
        let _ = input.shutdown().await;
        std::future::pending::<()>().await;
    };
    let drain = async {
        let mut first = true;
        while let Some(part) = output.next().await {
            let (end, bytes) = match part.doing("output of a command")? {
                LogOutput::StdErr { message } => (&mut ends.stderr, message),
                // The engine says why a command could not begin where the command would have spoken.
                LogOutput::StdOut { message } if first && message.starts_with(NOT_BEGUN) => {
                    (&mut ends.stderr, message)
                }
                LogOutput::StdOut { message }
                | LogOutput::Console { message }
                | LogOutput::StdIn { message } => (&mut ends.stdout, message),
            };
            end.write_all(&bytes).await.map_err(trouble::io("output of a command"))?;
            end.flush().await.map_err(trouble::io("output of a command"))?;
            first = false;
        }
        Ok(())
    };
    tokio::select! {
        drained = drain => drained,
        () = feed => Ok(()),
        () = resize => Ok(()),
    }
}
