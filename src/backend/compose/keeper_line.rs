//! Talking to a mirror's keeper: its words are run in its own container, its files lie on its volumes.

use std::{collections::HashMap, pin::Pin, time::Duration};

use bollard::{
    body_full,
    container::LogOutput,
    exec::{StartExecOptions, StartExecResults},
    models::ExecConfig,
    query_parameters::{ListContainersOptions, StartContainerOptions, UploadToContainerOptions},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::{Compose, HELPER_PATH, oneshot::OneShot, trouble::Doing};
use crate::{
    backend::{BackendError, Result, Volumes as _},
    engine::Output,
    formats::{
        journal::{JOURNAL_DIR, JOURNAL_FILE, KeeperStatus},
        ready::CONTROL_DIR,
    },
    keeper::recall,
    labels::{self, Kind},
    name::Name,
    plan::{Plan, VolumeRole},
};

/// The keeper's own account of the mirror, beside the ready set.
const STATUS_FILE: &str = "status.json";

type Frames = Pin<Box<dyn Stream<Item = Result<LogOutput, bollard::errors::Error>> + Send>>;
type Writer = Pin<Box<dyn AsyncWrite + Send>>;

/// A word of the keeper's that runs on, with its input held open.
pub(super) struct KeeperPipe {
    frames: Frames,
    input: Option<Writer>,
    read: Vec<u8>,
}

impl KeeperPipe {
    /// The next line that it prints; `None` when it ended or the time is over.
    pub(super) async fn line(&mut self, patience: Duration) -> Result<Option<String>> {
        let next = async {
            loop {
                if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = self.read.drain(..=end).collect();
                    return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
                }
                match self.frames.next().await {
                    Some(frame) => {
                        self.read.extend_from_slice(&frame.doing("read from the keeper")?.into_bytes())
                    }
                    None => return Ok(None),
                }
            }
        };
        tokio::time::timeout(patience, next).await.unwrap_or(Ok(None))
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let failed = |source| BackendError::Io { what: "write to the keeper".to_owned(), source };
        let Some(input) = &mut self.input else { return Ok(()) };
        input.write_all(bytes).await.map_err(failed)?;
        input.flush().await.map_err(failed)
    }

    /// Ends its input and waits until it is gone.
    pub(super) async fn close(mut self) -> Result<()> {
        if let Some(mut input) = self.input.take() {
            let _ = input.shutdown().await;
        }
        let rest = async { while self.frames.next().await.is_some() {} };
        let _ = tokio::time::timeout(Duration::from_secs(5), rest).await;
        Ok(())
    }
}

impl Compose {
    /// The id of the mirror's keeper, running or not.
    pub(super) async fn keeper_id(&self, mirror: &Name) -> Result<Option<String>> {
        let wanted =
            [format!("{}={mirror}", labels::MIRROR), format!("{}={}", labels::KIND, Kind::Keeper.as_str())];
        let options = ListContainersOptions {
            all: true,
            filters: Some(HashMap::from([("label".to_owned(), wanted.to_vec())])),
            ..Default::default()
        };
        let found = self.docker.list_containers(Some(options)).await.doing("look for the keeper")?;
        Ok(found.into_iter().find_map(|container| container.id))
    }

    async fn keeper(&self, mirror: &Name) -> Result<String> {
        self.keeper_id(mirror)
            .await?
            .ok_or_else(|| BackendError::NoTarget { mirror: mirror.clone(), what: "keeper".to_owned() })
    }

    /// Runs one of the keeper's words to its end; a code other than 0 is an error with its own words.
    pub(super) async fn keeper_call(
        &self,
        mirror: &Name,
        words: &[&str],
        input: Option<Vec<u8>>,
    ) -> Result<Output> {
        let id = self.keeper(mirror).await?;
        let what = format!("keeper {}", words.first().copied().unwrap_or_default());
        let (exec, mut frames, writer) = self.keeper_exec(&id, words, input.is_some()).await?;
        if let Some(mut writer) = writer {
            let failed = |source| BackendError::Io { what: what.clone(), source };
            writer.write_all(&input.unwrap_or_default()).await.map_err(failed)?;
            writer.shutdown().await.map_err(failed)?;
        }
        let mut output = Output::default();
        while let Some(frame) = frames.next().await {
            match frame.doing(what.as_str())? {
                LogOutput::StdErr { message } => output.stderr.push_str(&String::from_utf8_lossy(&message)),
                other => output.stdout.push_str(&String::from_utf8_lossy(&other.into_bytes())),
            }
        }
        let ended = self.docker.inspect_exec(&exec).await.doing(what.as_str())?;
        output.code = ended.exit_code.unwrap_or(-1);
        if output.code == 0 {
            return Ok(output);
        }
        let why = match output.stderr.trim() {
            "" => format!("it ended with {}", output.code),
            words => words.to_owned(),
        };
        Err(BackendError::Engine { what, why })
    }

    /// Starts one of the keeper's words and keeps its input open.
    pub(super) async fn keeper_pipe(&self, mirror: &Name, words: &[&str]) -> Result<KeeperPipe> {
        let id = self.keeper(mirror).await?;
        let (_, frames, input) = self.keeper_exec(&id, words, true).await?;
        Ok(KeeperPipe { frames, input, read: Vec::new() })
    }

    async fn keeper_exec(
        &self,
        id: &str,
        words: &[&str],
        input: bool,
    ) -> Result<(String, Frames, Option<Writer>)> {
        let what = "run a word of the keeper";
        let command = [HELPER_PATH, "keeper"].iter().chain(words).map(|word| (*word).to_owned()).collect();
        let config = ExecConfig {
            attach_stdin: Some(input),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(command),
            ..Default::default()
        };
        let exec = self.docker.create_exec(id, config).await.doing(what)?.id;
        match self.docker.start_exec(&exec, None::<StartExecOptions>).await.doing(what)? {
            StartExecResults::Attached { output, input: writer } => {
                Ok((exec, output, input.then_some(writer)))
            }
            StartExecResults::Detached => Err(BackendError::Engine {
                what: what.to_owned(),
                why: "the engine did not attach".to_owned(),
            }),
        }
    }

    /// What the keeper says of the mirror; where it does not run, what its journal says. `None` without either.
    pub(super) async fn keeper_says(&self, mirror: &Name) -> Result<Option<KeeperStatus>> {
        let Some(id) = self.keeper_id(mirror).await? else { return Ok(None) };
        match self.keeper_call(mirror, &["status"], None).await {
            Ok(output) => read_status(&output.stdout).map(Some),
            Err(_) if !self.runs(&id).await? => self.keeper_left(&id).await,
            Err(error) => Err(error),
        }
    }

    /// What a keeper that does not run wrote down; `None` if it never ran.
    pub(super) async fn keeper_left(&self, id: &str) -> Result<Option<KeeperStatus>> {
        let journal = self.file_of(id, &format!("{JOURNAL_DIR}/{JOURNAL_FILE}")).await?;
        Ok(journal.map(|journal| recall(&journal)))
    }

    /// Whether the journal's volume of a mirror without containers holds a journal.
    pub(super) async fn keeper_was_here(&self, plan: &Plan) -> Result<bool> {
        let journal = plan.volumes.iter().find(|volume| volume.role == VolumeRole::Journal);
        let Some(journal) = journal else { return Ok(false) };
        if !self.has(&journal.name).await? {
            return Ok(false);
        }
        self.keep_helper(&plan.keeper.image.reference);
        let mounts = vec![(journal.name.as_str(), JOURNAL_DIR.to_owned())];
        let labels = journal.labels.clone().into_iter().collect();
        let shot = self.make_oneshot(&OneShot { mounts, args: Vec::new(), labels }).await?;
        let found = self.keeper_left(&shot).await;
        self.remove_container(&shot).await?;
        Ok(found?.is_some())
    }

    /// Lets a keeper run that does not, as after `docker stop` or `docker pause` of it. One that is not there is no
    /// error.
    pub(super) async fn wake_keeper(&self, mirror: &Name) -> Result<()> {
        let Some(id) = self.keeper_id(mirror).await? else { return Ok(()) };
        let state = self.inspect(&id).await?.and_then(|keeper| keeper.state).unwrap_or_default();
        let what = "starting the keeper";
        if state.paused == Some(true) {
            return self.docker.unpause_container(&id).await.doing(what);
        }
        if state.running == Some(true) {
            return Ok(());
        }
        self.docker.start_container(&id, None::<StartContainerOptions>).await.doing(what)
    }

    /// The same from the file that the keeper writes at each change: no process is started, but the lease is not asked.
    pub(super) async fn keeper_glance(&self, mirror: &Name) -> Result<Option<KeeperStatus>> {
        let Some(id) = self.keeper_id(mirror).await? else { return Ok(None) };
        let file = format!("{CONTROL_DIR}/{STATUS_FILE}");
        match self.file_of(&id, &file).await? {
            Some(bytes) => read_status(&String::from_utf8_lossy(&bytes)).map(Some),
            None => Ok(None),
        }
    }

    async fn runs(&self, id: &str) -> Result<bool> {
        let found = self
            .docker
            .inspect_container(id, None::<bollard::query_parameters::InspectContainerOptions>)
            .await
            .if_there("look at the keeper")?;
        let state = found.and_then(|found| found.state).unwrap_or_default();
        Ok(state.running == Some(true) && state.paused != Some(true))
    }

    /// Puts a file beside the journal.
    pub(super) async fn keeper_put(&self, mirror: &Name, name: &str, bytes: Vec<u8>) -> Result<()> {
        let id = self.keeper(mirror).await?;
        let what = format!("leave {name} with the keeper");
        let failed = |source| BackendError::Io { what: what.clone(), source };
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        header.set_cksum();
        tar.append_data(&mut header, name, bytes.as_slice()).map_err(failed)?;
        let archive = tar.into_inner().map_err(failed)?;
        let options = UploadToContainerOptions { path: JOURNAL_DIR.to_owned(), ..Default::default() };
        self.docker
            .upload_to_container(&id, Some(options), body_full(Bytes::from(archive)))
            .await
            .doing(what.as_str())
    }

    /// Reads a file beside the journal; `None` if there is no keeper or no such file.
    pub(super) async fn keeper_get(&self, mirror: &Name, name: &str) -> Result<Option<Vec<u8>>> {
        let Some(id) = self.keeper_id(mirror).await? else { return Ok(None) };
        self.file_of(&id, &format!("{JOURNAL_DIR}/{name}")).await
    }
}

fn read_status(text: &str) -> Result<KeeperStatus> {
    serde_json::from_str(text.trim())
        .map_err(|error| BackendError::Engine { what: "keeper status".to_owned(), why: error.to_string() })
}
