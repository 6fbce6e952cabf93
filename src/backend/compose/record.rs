//! The record of a mirror: its keeper has it. Words of the keeper are run in its own container, its documents lie beside
//! its journal, secrets stand in its environment.

use std::time::Duration;

use super::{
    super::{BackendError, Later, Lease, LeaseKind, Listed, Record, Report, Result, Scope, SecretValues},
    Compose,
    keeper_line::KeeperPipe,
};
use crate::{
    formats::journal::{Event, KeeperStatus},
    name::Name,
};

/// The one document, beside the journal.
const DOCUMENT: &str = "profile.json";
/// How long a keeper may take to say whether the lease is taken.
const PATIENCE: Duration = Duration::from_secs(20);

impl Record for Compose {
    fn list<'a>(&'a self, scope: &'a Scope) -> Later<'a, Vec<Listed>> {
        Box::pin(self.list_mirrors(scope))
    }

    fn says<'a>(&'a self, mirror: &'a Name) -> Later<'a, Option<KeeperStatus>> {
        Box::pin(self.keeper_says(mirror))
    }

    fn glance<'a>(&'a self, mirror: &'a Name) -> Later<'a, Option<KeeperStatus>> {
        Box::pin(self.keeper_glance(mirror))
    }

    fn note<'a>(&'a self, mirror: &'a Name, event: &'a Event, _: &'a dyn Report) -> Later<'a, ()> {
        Box::pin(async move {
            let json = serde_json::to_vec(event).map_err(|error| BackendError::Engine {
                what: "an event for the journal".to_owned(),
                why: error.to_string(),
            })?;
            self.keeper_call(mirror, &["note"], Some(json)).await.map(|_| ())
        })
    }

    fn remember<'a>(&'a self, mirror: &'a Name, document: Vec<u8>) -> Later<'a, ()> {
        Box::pin(self.keeper_put(mirror, DOCUMENT, document))
    }

    fn recall<'a>(&'a self, mirror: &'a Name) -> Later<'a, Option<Vec<u8>>> {
        Box::pin(self.keeper_get(mirror, DOCUMENT))
    }

    fn secrets<'a>(&'a self, mirror: &'a Name) -> Later<'a, SecretValues> {
        Box::pin(self.read_secrets(mirror))
    }

    fn lease<'a>(&'a self, mirror: &'a Name, run: &'a str, kind: LeaseKind) -> Later<'a, Box<dyn Lease>> {
        Box::pin(async move { Ok(Box::new(self.hold(mirror, run, kind).await?) as Box<dyn Lease>) })
    }
}

/// A word of the keeper's with its input held open: at its end, however it comes, the keeper knows.
struct Held(KeeperPipe);

impl Compose {
    async fn hold(&self, mirror: &Name, run: &str, kind: LeaseKind) -> Result<Held> {
        let argv = ["lease", "--run", run, "--kind", kind.as_str()];
        let mut pipe = self.keeper_pipe(mirror, &argv).await?;
        match pipe.line(PATIENCE).await? {
            Some(line) if line.trim() == "leased" => Ok(Held(pipe)),
            _ => Err(BackendError::Leased { mirror: mirror.clone() }),
        }
    }
}

impl Lease for Held {
    fn done(mut self: Box<Self>) -> Later<'static, ()> {
        Box::pin(async move {
            self.0.write(b"done\n").await?;
            self.0.close().await
        })
    }
}
