//! Actions, carried out: the only place where the keeper changes something.

use std::{
    net::IpAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

use super::{
    check::{self, Subject},
    engine::{Engine, words},
    files,
    replica::{Act, Action, Outcome},
    world::Found,
};
use crate::{
    formats::duties::{ContainerDuty, FileDuty},
    formats::journal::ProbeKind,
    log,
};

/// Kubernetes gives a container whose `pre_stop` took all of its grace this much more.
const EXTRA: Duration = Duration::from_secs(2);
/// Kubernetes has no limit for `post_start`; a keeper that waits for ever would be none.
const POST_START: Duration = Duration::from_secs(600);

/// One action with everything that it needs to know.
pub struct Task {
    pub engine: Option<Engine>,
    pub action: Action,
    /// `None`: the pause.
    pub duty: Option<ContainerDuty>,
    pub files: Vec<FileDuty>,
    pub address: Option<IpAddr>,
    pub journal: PathBuf,
}

/// What became of it, and the containers as they are afterwards.
pub struct Effect {
    pub outcome: Outcome,
    pub seen: Vec<(String, Option<Found>)>,
}

pub async fn carry_out(task: Task) -> Effect {
    let id = &task.action.container;
    match &task.action.act {
        Act::Probe { kind, started } => {
            let (passed, answer) = task.probe(*kind).await;
            unseen(Outcome::Answer { kind: *kind, started: *started, passed, answer })
        }
        Act::PostStart { started } => {
            let (passed, answer) = task.post_start().await;
            unseen(Outcome::Hooked { started: *started, passed, answer })
        }
        change => {
            let Some(engine) = &task.engine else {
                return unseen(done(Some("there is no engine's socket".to_owned()), None));
            };
            let mut pre_stop = None;
            let mut ids = vec![id.clone()];
            let key = task.duty.as_ref().map_or("pause", |duty| duty.key.as_str());
            let changed = match change {
                Act::Replace { pause } => match engine.replace(id, pause, key, &task.journal).await {
                    Ok(new) => {
                        ids.extend(new);
                        Ok(())
                    }
                    Err(error) => Err(words(error)),
                },
                Act::Start => engine.start(id).await.map_err(words),
                Act::Fill => files::put_back(engine, id, &task.files).await,
                _ => {
                    let (grace, answer) = task.pre_stop().await;
                    pre_stop = answer;
                    engine.stop(id, grace).await.map_err(words)
                }
            };
            if let Err(why) = &changed {
                log::warn("the engine refuses", &[("container", &key), ("why", why)]);
            }
            Effect { outcome: done(changed.err(), pre_stop), seen: look(engine, ids).await }
        }
    }
}

fn done(error: Option<String>, pre_stop: Option<(bool, String)>) -> Outcome {
    Outcome::Done { error, pre_stop }
}

fn unseen(outcome: Outcome) -> Effect {
    Effect { outcome, seen: Vec::new() }
}

async fn look(engine: &Engine, ids: Vec<String>) -> Vec<(String, Option<Found>)> {
    let mut seen = Vec::new();
    for id in ids {
        // What cannot be read now the engine's events will tell.
        if let Ok(found) = engine.find(&id).await {
            seen.push((id, found));
        }
    }
    seen
}

impl Task {
    fn subject(&self) -> Subject<'_> {
        let inside = self.engine.as_ref().map(|engine| (engine, self.action.container.as_str()));
        Subject { address: self.address, inside }
    }

    async fn probe(&self, kind: ProbeKind) -> check::Answer {
        let probe = self.duty.as_ref().and_then(|duty| match kind {
            ProbeKind::Startup => duty.startup.as_ref(),
            ProbeKind::Readiness => duty.readiness.as_ref(),
            ProbeKind::Liveness => duty.liveness.as_ref(),
        });
        match probe {
            Some(probe) => check::probe(self.subject(), probe).await,
            None => (true, String::new()),
        }
    }

    async fn post_start(&self) -> check::Answer {
        match self.duty.as_ref().and_then(|duty| duty.post_start.as_ref()) {
            Some(hook) => check::hook(self.subject(), hook, POST_START).await,
            None => (true, String::new()),
        }
    }

    /// Runs the hook inside the grace period; answers what is left of the period.
    async fn pre_stop(&self) -> (Duration, Option<check::Answer>) {
        let Some(duty) = &self.duty else { return (Duration::ZERO, None) };
        let grace = Duration::from_millis(duty.grace_millis);
        let Some(hook) = &duty.pre_stop else { return (grace, None) };
        let began = Instant::now();
        let answer = check::hook(self.subject(), hook, grace).await;
        (grace.saturating_sub(began.elapsed()).max(EXTRA), Some(answer))
    }
}
