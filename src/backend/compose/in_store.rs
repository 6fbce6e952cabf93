//! A store's container, as its engine sees it.

use bollard::exec::CreateExecOptions;
use tokio::io::{AsyncReadExt as _, DuplexStream, duplex};

use super::{
    super::{BackendError, Result, Target},
    Compose,
    exec::Ends,
    trouble::Doing as _,
};
use crate::{
    engine::{InStore, InStoreError, Later, Output, Reader},
    name::Name,
};

/// How much of each stream is kept, from its end.
const KEPT: usize = 1 << 20;

/// The main container of a store; found anew at each call, for the keeper may have replaced it.
///
/// Before a restart the keeper must be told, or it replaces the container that stops.
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
            tokio::join!(self.compose.exec_in(&id, options, None, ends), last(kept_out), last(kept_err));
        Ok(Output { code: code?, stdout, stderr })
    }

    async fn stop_and_start(&self) -> Result<()> {
        let id = self.compose.find(&self.target).await?;
        self.compose.stop(&id).await?;
        // Answers when the process runs.
        self.compose
            .docker
            .start_container(&id, None)
            .await
            .doing(format!("starting {}", self.target.service))
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
