//! A store's container, as its engine sees it.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, DuplexStream, duplex};

use crate::{
    backend::{self, Backend, BackendError, Exec, Part, Power, Report, Target},
    engine::{InStore, InStoreError, Later, Output, Reader},
    name::Name,
};

/// How much of each stream is kept, from its end.
const KEPT: usize = 1 << 20;
/// A container runs within this time after its start began, or something is wrong.
const TRIES: u32 = 600;
const BETWEEN: Duration = Duration::from_millis(50);

/// The main container of a store's only replica, found anew at each call: it may have been replaced meanwhile.
pub struct Inside<'b> {
    backend: &'b dyn Backend,
    report: &'b dyn Report,
    target: Target,
}

impl<'b> Inside<'b> {
    pub fn new(backend: &'b dyn Backend, report: &'b dyn Report, mirror: &Name, store: &Name) -> Self {
        let target =
            Target { mirror: mirror.clone(), service: store.clone(), ordinal: None, container: None };
        Self { backend, report, target }
    }

    async fn collected(
        &self,
        argv: &[String],
        env: &[(String, String)],
        stdin: Option<Reader>,
    ) -> backend::Result<Output> {
        let (stdout, kept_out) = duplex(1 << 16);
        let (stderr, kept_err) = duplex(1 << 16);
        let exec = self.backend.exec(Exec {
            target: &self.target,
            argv,
            env,
            user: None,
            tty: false,
            size: None,
            resized: None,
            stdin,
            stdout: Box::pin(stdout),
            stderr: Box::pin(stderr),
            fresh: false,
        });
        let (code, stdout, stderr) = tokio::join!(exec, last(kept_out), last(kept_err));
        Ok(Output { code: code?, stdout, stderr })
    }

    async fn stop_and_start(&self) -> backend::Result<()> {
        let part = &Part { service: Some(self.target.service.clone()), ordinal: None };
        for power in [Power::Stop, Power::Start] {
            self.backend.power(&self.target.mirror, part, power, self.report).await?;
        }
        self.until_running().await
    }

    /// A start answers when it begins. Whatever `true` is in the image, that it could be run is the answer.
    async fn until_running(&self) -> backend::Result<()> {
        let argv = ["true".to_owned()];
        for _ in 1..TRIES {
            if self.collected(&argv, &[], None).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(BETWEEN).await;
        }
        self.collected(&argv, &[], None).await.map(|_| ()).map_err(|error| BackendError::Engine {
            what: format!("starting {}", self.target.service),
            why: format!("its start began, and it does not run: {error}"),
        })
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

impl InStore for Inside<'_> {
    fn run<'a>(
        &'a self,
        argv: &'a [String],
        env: &'a [(String, String)],
        stdin: Option<Reader>,
    ) -> Later<'a, Result<Output, InStoreError>> {
        let what = argv.first().cloned().unwrap_or_default();
        Box::pin(async move { self.collected(argv, env, stdin).await.map_err(|error| failed(what, &error)) })
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
