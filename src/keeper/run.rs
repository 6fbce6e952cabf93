//! The keeper's day: look, listen, decide, act, show.

use std::{io, time::Duration};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc::unbounded_channel,
};

use super::{
    engine::{Engine, SOCKET},
    journal::Places,
    lease,
    rounds::Keeper,
    watch,
};
use crate::{formats::journal::Event, log};

/// Probes are due, others write the journal, the lease ends: it looks that often.
const TICK: Duration = Duration::from_millis(100);

#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    #[error("{0}")]
    Usage(String),
    #[error("cannot reach the engine: {0}")]
    Engine(#[from] bollard::errors::Error),
    #[error("cannot run: {0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Lease(#[from] lease::LeaseError),
    #[error("not swept: {0}")]
    Sweep(String),
    #[error("the keeper did not do it within {0} s")]
    Late(u64),
}

#[derive(Clone, Debug)]
pub struct KeeperArgs {
    pub mirror: String,
    /// Without the engine's socket it knows of replicas what the launch tells it, asks them over the network,
    /// and restarts, hooks and removes nothing.
    pub socket: bool,
    pub places: Places,
}

/// Keeps the mirror until SIGTERM or SIGINT. What it leaves half done the next keeper finishes.
pub fn run(args: KeeperArgs) -> Result<(), KeeperError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let kept = runtime.block_on(async {
        let mut term = signal(SignalKind::terminate())?;
        let mut int = signal(SignalKind::interrupt())?;
        tokio::select! {
            kept = keep(args) => kept,
            _ = term.recv() => Ok(()),
            _ = int.recv() => Ok(()),
        }
    });
    runtime.shutdown_background();
    kept
}

async fn keep(args: KeeperArgs) -> Result<(), KeeperError> {
    let (news, mut heard) = unbounded_channel();
    let (effects, mut done) = unbounded_channel();
    let engine = if args.socket { Some(Engine::connect(SOCKET, &args.mirror)?) } else { None };
    let mut keeper = Keeper::new(args, engine.clone(), effects);
    keeper.record([Event::KeeperStarted { version: env!("CARGO_PKG_VERSION").to_owned() }]);
    match engine {
        Some(engine) => drop(tokio::spawn(watch::watch(engine, news.clone()))),
        None => {
            log::warn("no engine's socket: nothing is restarted or removed, no command or hook is run", &[])
        }
    }
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            Some(news) = heard.recv() => keeper.take_in(news),
            Some(effect) = done.recv() => keeper.hear(effect),
        }
        keeper.take_in_all(&mut heard, &mut done);
        keeper.turn();
    }
}
