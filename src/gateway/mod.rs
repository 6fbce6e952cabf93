//! The gateway: one per mirror, the only door.
//!
//! Each door listens on a port and relays every connection to one of its
//! service's ready replicas, chosen at random for each connection; with none
//! ready it resets. What is ready it reads from the control volume, which the
//! keeper writes. It has no Docker socket and forwards no packet.

mod door;
mod ready;
mod relay;

use std::{cell::RefCell, io, path::PathBuf, process::ExitCode, rc::Rc};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    task::LocalSet,
};

use crate::{
    formats::{
        doors::{Door, DoorError},
        ready::{CONTROL_DIR, READY_FILE},
    },
    log,
};

#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    #[error("`gateway` takes `--door LISTEN=SERVICE/PORT:TARGET`, not `{0}`")]
    Usage(String),
    #[error(transparent)]
    Door(#[from] DoorError),
    #[error("cannot listen on port {port}: {source}")]
    Listen { port: u16, source: io::Error },
    #[error("cannot run: {0}")]
    Runtime(#[from] io::Error),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayArgs {
    pub doors: Vec<Door>,
    /// The ready set, `/control/ready.json`.
    pub ready: PathBuf,
}

impl GatewayArgs {
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, GatewayError> {
        let mut doors = Vec::new();
        while let Some(word) = words.next() {
            match word.strip_prefix("--door=") {
                Some(door) => doors.push(door.parse()?),
                None if word == "--door" => doors.push(words.next().unwrap_or_default().parse()?),
                None => return Err(GatewayError::Usage(word)),
            }
        }
        Ok(Self { doors, ready: PathBuf::from(CONTROL_DIR).join(READY_FILE) })
    }
}

/// The program: exit code 0 when told to leave, 2 on a wrong argument, 4 when it cannot listen.
pub fn main(words: impl Iterator<Item = String>) -> ExitCode {
    match GatewayArgs::parse(words).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error("gateway ends", &[("why", &error)]);
            ExitCode::from(if matches!(error, GatewayError::Usage(_) | GatewayError::Door(_)) {
                2
            } else {
                4
            })
        }
    }
}

/// Serves its doors until SIGTERM or SIGINT. Connections end with it, as they do when a node's proxy dies.
pub fn run(args: GatewayArgs) -> Result<(), GatewayError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // A local set: one thread, so what doors share needs no lock.
    LocalSet::new().block_on(&runtime, async {
        let mut term = signal(SignalKind::terminate())?;
        let mut int = signal(SignalKind::interrupt())?;
        tokio::select! {
            served = serve(args) => served,
            _ = term.recv() => Ok(()),
            _ = int.recv() => Ok(()),
        }
    })
}

/// Serves forever; dropped when the gateway leaves. Runs inside a [`LocalSet`].
pub async fn serve(args: GatewayArgs) -> Result<(), GatewayError> {
    raise_open_files();
    let backends = Rc::new(RefCell::new(ready::Backends::default()));
    for door in args.doors {
        let listener = TcpListener::bind(("0.0.0.0", door.listen))
            .await
            .map_err(|source| GatewayError::Listen { port: door.listen, source })?;
        log::info("door open", &[("door", &door)]);
        tokio::task::spawn_local(door::keep(listener, door, Rc::clone(&backends)));
    }
    ready::watch(&args.ready, &backends).await
}

/// Two files a connection: the soft limit that an engine gives may be 1024.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if setrlimit(Resource::Nofile, wanted).is_err() {
        log::warn("cannot raise the limit of open files", &[("limit", &limit.current.unwrap_or(0))]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> impl Iterator<Item = String> {
        text.split(' ').map(str::to_owned)
    }

    #[test]
    fn a_door_is_one_word_or_two() {
        let args = GatewayArgs::parse(words("--door 1=api/http:80 --door=2=db/pg:5432")).unwrap();
        assert_eq!(
            args.doors.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["1=api/http:80", "2=db/pg:5432"]
        );
        assert!(matches!(GatewayArgs::parse(words("--listen 1")), Err(GatewayError::Usage(_))));
        assert!(matches!(GatewayArgs::parse(words("--door")), Err(GatewayError::Door(_))));
    }
}
