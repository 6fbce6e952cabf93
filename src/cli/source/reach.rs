//! How far a live source is reached into, and where every call is written down.

use std::{
    fs::File,
    io::Write as _,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use clap::Args;
use prodmirror::{env::HashKey, mirror, readers::kubernetes::Call};

use crate::cli::{failure::Failure, host::Host};

/// What a command may do to a cluster beyond reading what the role `view` shows.
#[derive(Debug, Args)]
pub struct ReachArgs {
    /// Of a cluster, read Secrets too, for keyed hashes by which they are compared. More than the role `view`; no value
    /// is kept
    #[arg(long, env = "PRODMIRROR_HASH_SECRETS", hide_env = true)]
    hash_secrets: bool,
    /// Write every call to a cluster down, one JSON object a line
    #[arg(long, value_name = "FILE", env = "PRODMIRROR_JOURNAL", hide_env = true)]
    journal: Option<PathBuf>,
}

/// The same, ready to be used.
pub struct Reach {
    /// Secrets are read under this key.
    pub hash_key: Option<HashKey>,
    journal: Mutex<Journal>,
}

/// Whether the journal is that of an earlier run, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Journalling {
    Anew,
    On,
}

/// Calls as lines of JSON; the first fault is told at the end.
struct Journal {
    to: Option<(PathBuf, File)>,
    fault: Option<std::io::Error>,
}

impl ReachArgs {
    pub fn open(&self, host: &Host) -> Result<Reach, Failure> {
        Reach::new(host, self.hash_secrets, self.journal.as_ref(), Journalling::Anew)
    }
}

impl Reach {
    pub fn new(
        host: &Host,
        hash_secrets: bool,
        journal: Option<&PathBuf>,
        journalling: Journalling,
    ) -> Result<Self, Failure> {
        let opened = |file: &PathBuf| match journalling {
            Journalling::Anew => File::create(file),
            Journalling::On => File::options().append(true).create(true).open(file),
        };
        let open = |file: &PathBuf| match opened(file) {
            Ok(opened) => Ok((file.clone(), opened)),
            Err(error) => Err(Failure::unwritten(file, &error)),
        };
        let hash_key = hash_secrets.then(|| mirror::hash_key(&host.hash_key)).transpose()?;
        let journal = Mutex::new(Journal { to: journal.map(open).transpose()?, fault: None });
        Ok(Self { hash_key, journal })
    }

    /// Whether somebody said how objects shall be read, so that it is them who are meant.
    pub fn is_said(&self) -> bool {
        let journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        self.hash_key.is_some() || journal.to.is_some()
    }

    pub fn write(&self, call: &Call) {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let Journal { to: Some((_, file)), fault } = &mut *journal else { return };
        let line = serde_json::to_string(call).map_err(std::io::Error::other);
        if let Err(error) = line.and_then(|line| writeln!(file, "{line}")) {
            fault.get_or_insert(error);
        }
    }

    /// # Errors
    /// A call could not be written down.
    pub fn close(&self) -> Result<(), Failure> {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = journal.fault.take();
        match (&journal.to, fault) {
            (Some((file, _)), Some(error)) => Err(Failure::unwritten(file, &error)),
            _ => Ok(()),
        }
    }
}
