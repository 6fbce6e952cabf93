//! The lease: proof, held open in the keeper's container, that the process behind a run still lives.

use std::time::Duration;

use crate::{
    backend::compose::{Compose, KeeperPipe},
    formats::journal::Event,
    name::Name,
};

use super::Result;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseKind {
    Up,
    Run,
    Down,
}

impl LeaseKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Run => "run",
            Self::Down => "down",
        }
    }
}

/// Dropped without [`Lease::done`], it tells the keeper that its owner died.
pub struct Lease {
    pipe: KeeperPipe,
}

impl Lease {
    /// Takes the lease; fails at once if another process holds it.
    pub async fn take(backend: &Compose, mirror: &Name, run: &str, kind: LeaseKind) -> Result<Self> {
        let argv = ["lease", "--run", run, "--kind", kind.as_str()];
        let mut pipe = backend.keeper_pipe(mirror, &argv).await?;
        match pipe.line(Duration::from_secs(20)).await? {
            Some(line) if line.trim() == "leased" => Ok(Self { pipe }),
            _ => Err(crate::backend::BackendError::Leased { mirror: mirror.clone() }.into()),
        }
    }

    /// Gives the lease back in order.
    pub async fn done(mut self) -> Result<()> {
        self.pipe.write(b"done\n").await?;
        self.pipe.close().await?;
        Ok(())
    }
}

/// Writes an event to the keeper's journal.
pub async fn note(backend: &Compose, mirror: &Name, event: &Event) -> Result<()> {
    let json = serde_json::to_vec(event).unwrap_or_default();
    backend.keeper_call(mirror, &["note"], Some(json)).await?;
    Ok(())
}
