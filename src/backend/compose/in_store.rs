//! A store's container, as its engine sees it.

use std::time::Duration;

use bollard::{
    exec::CreateExecOptions,
    models::{ContainerSummary, ContainerSummaryStateEnum},
};
use tokio::io::{AsyncReadExt as _, DuplexStream, duplex};

use super::{
    super::{BackendError, Result, Target},
    Compose, HELPER_PATH,
    exec::Ends,
    launch::id_of,
    trouble::Doing as _,
};
use crate::{
    engine::{InStore, InStoreError, Later, Output, Reader},
    labels::Kind,
    name::Name,
};

/// How much of each stream is kept, from its end.
const KEPT: usize = 1 << 20;
/// A container runs within this time after the keeper began to start it, or something is wrong.
const TRIES: u32 = 600;
const BETWEEN: Duration = Duration::from_millis(50);

/// The main container of a store; found anew at each call, for the keeper may have replaced it.
pub struct StoreContainer {
    compose: Compose,
    target: Target,
}

impl Compose {
    /// The container of a store's only replica.
    pub fn in_store(&self, mirror: &Name, store: &Name) -> StoreContainer {
        let target =
            Target { mirror: mirror.clone(), service: store.clone(), ordinal: None, container: None };
        StoreContainer { compose: self.clone(), target }
    }
}

impl StoreContainer {
    async fn run_collected(
        &self,
        argv: &[String],
        env: &[(String, String)],
        stdin: Option<Reader>,
    ) -> Result<Output> {
        let id = self.compose.find(&self.target).await?;
        self.collected(&id, argv, env, stdin).await
    }

    async fn collected(
        &self,
        id: &str,
        argv: &[String],
        env: &[(String, String)],
        stdin: Option<Reader>,
    ) -> Result<Output> {
        let (stdout, kept_out) = duplex(1 << 16);
        let (stderr, kept_err) = duplex(1 << 16);
        let options = CreateExecOptions {
            attach_stdin: Some(stdin.is_some()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            env: Some(env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
            cmd: Some(argv.to_vec()),
            ..Default::default()
        };
        let ends = Ends { stdin, stdout: Box::pin(stdout), stderr: Box::pin(stderr) };
        let (code, stdout, stderr) =
            tokio::join!(self.compose.exec_in(id, options, None, ends), last(kept_out), last(kept_err));
        Ok(Output { code: code?, stdout, stderr })
    }

    /// The keeper does it where there is one: what stops behind its back it would replace.
    async fn stop_and_start(&self) -> Result<()> {
        let Some(keeper) = self.keeper().await? else {
            let id = self.compose.find(&self.target).await?;
            self.compose.stop(&id).await?;
            // Answers when the process runs.
            let what = format!("starting {}", self.target.service);
            return self.compose.docker.start_container(&id, None).await.doing(what);
        };
        for word in ["stop", "start"] {
            self.tell(&keeper, word).await?;
        }
        self.until_running().await
    }

    /// The mirror's keeper, if it runs.
    async fn keeper(&self) -> Result<Option<String>> {
        let keeper = self.compose.helper_container(&self.target.mirror, Kind::Keeper).await?;
        let runs = |keeper: &ContainerSummary| {
            keeper.state == Some(ContainerSummaryStateEnum::RUNNING)
                && keeper.command.as_deref().is_some_and(|command| command.contains(" keeper"))
        };
        Ok(keeper.filter(runs).map(|keeper| id_of(&keeper).to_owned()))
    }

    async fn tell(&self, keeper: &str, word: &str) -> Result<()> {
        let argv =
            [HELPER_PATH, "keeper", word, "--service", self.target.service.as_str()].map(str::to_owned);
        let told = self.collected(keeper, &argv, &[], None).await?;
        if told.code == 0 {
            return Ok(());
        }
        Err(BackendError::Engine { what: format!("keeper {word}"), why: told.stderr.trim().to_owned() })
    }

    /// The keeper answers when it begins with a start.
    async fn until_running(&self) -> Result<()> {
        let running = async || {
            let id = self.compose.find(&self.target).await.ok()?;
            self.compose.inspect(&id).await.ok()??.state?.running
        };
        for _ in 0..TRIES {
            if running().await == Some(true) {
                return Ok(());
            }
            tokio::time::sleep(BETWEEN).await;
        }
        let why = "the keeper began to start it, and it does not run".to_owned();
        Err(BackendError::Engine { what: format!("starting {}", self.target.service), why })
    }
}

/// The end of a stream, as text.
async fn last(mut stream: DuplexStream) -> String {
    let (mut kept, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..read]);
        if kept.len() > 2 * KEPT {
            kept.drain(..kept.len() - KEPT);
        }
    }
    kept.drain(..kept.len().saturating_sub(KEPT));
    String::from_utf8_lossy(&kept).into_owned()
}

impl InStore for StoreContainer {
    fn run<'a>(
        &'a self,
        argv: &'a [String],
        env: &'a [(String, String)],
        stdin: Option<Reader>,
    ) -> Later<'a, Result<Output, InStoreError>> {
        let what = argv.first().cloned().unwrap_or_default();
        Box::pin(
            async move { self.run_collected(argv, env, stdin).await.map_err(|error| failed(what, &error)) },
        )
    }

    fn restart(&self) -> Later<'_, Result<(), InStoreError>> {
        Box::pin(
            async move { self.stop_and_start().await.map_err(|error| failed("restart".to_owned(), &error)) },
        )
    }
}

fn failed(what: String, error: &BackendError) -> InStoreError {
    InStoreError { what, why: error.to_string() }
}
