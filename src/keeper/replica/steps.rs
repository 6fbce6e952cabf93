//! The order in which a replica's containers are met, stopped, renewed, started and asked.

use super::{Act, Action, Phase, Replica, Step, Wish};
use crate::{
    formats::{
        course::Ordered,
        duties::{PodKind, Role},
        journal::Event,
    },
    keeper::{
        life::{HookState, Life},
        member::{Look, Member},
        seen::{ContainerSeen, Exit, Millis, PauseSeen, ReplicaSeen, Run},
    },
};

/// Whoever removes a container stops it first: an end is left alone for a moment.
const SOON: Millis = 200;
/// While a launch is under way it is the likely reason.
const SOON_WHEN_LAUNCHING: Millis = 1000;
/// The engine restarts a pause by itself, as fast as it can, unless someone killed it through the engine.
const PAUSE_DOWN: Millis = 500;
/// The longest wait for what a replica needs; Kubernetes would not wait at all.
const HOLD: Millis = 30_000;

impl Replica {
    pub(super) fn meet(&mut self, seen: &ReplicaSeen, wish: Wish, step: &mut Step) {
        let pause = if wish.phase == Phase::Up { SOON } else { SOON_WHEN_LAUNCHING };
        self.initialized = self.is_initialized(seen);
        for index in 0..self.members.len() {
            let container = container(seen, index);
            let orderly = match wish.ordered {
                Ordered::Run => wish.phase == Phase::Ending,
                Ordered::Stop => true,
                Ordered::Resume(at) => {
                    container.and_then(ContainerSeen::exit).is_some_and(|exit| exit.at <= at)
                }
            };
            let stale = container.is_some_and(|c| stale(c, seen.pause.as_ref()));
            let Some(exit) = self.members[index].meet(container, Look { orderly, stale, pause }) else {
                continue;
            };
            let id = container.map(|c| c.id.clone()).unwrap_or_default();
            self.tell_exit(index, id, &exit, step);
            if !stale {
                self.tell_job(index, &exit, seen, step);
            }
        }
    }

    fn tell_exit(&self, index: usize, id: String, exit: &Exit, step: &mut Step) {
        let (service, ordinal, container) = self.names(index);
        step.events.push(Event::ContainerExited {
            service,
            ordinal,
            container,
            role: self.members[index].duty.role,
            code: exit.code,
            oom_killed: exit.oom_killed,
            id,
            finished: exit.finished.clone(),
        });
    }

    /// A job is over when its main container is, or when an init container failed for good.
    fn tell_job(&mut self, index: usize, exit: &Exit, seen: &ReplicaSeen, step: &mut Step) {
        let member = &self.members[index];
        let over = member.duty.role == Role::Main || (member.duty.role == Role::Init && exit.code != 0);
        if self.duties.kind != PodKind::Job || !over || member.restarts_after(exit) {
            return;
        }
        let main = self.members.iter().position(|member| member.duty.role == Role::Main);
        let spec = main.and_then(|main| container(seen, main)).map(|c| c.spec.clone()).unwrap_or_default();
        self.members[index].finish();
        let job = self.duties.service.to_string();
        step.events.push(Event::JobFinished { job, spec, code: exit.code });
    }

    /// Every init container ended with 0 in this namespace, or a later container began in it.
    fn is_initialized(&self, seen: &ReplicaSeen) -> bool {
        let of_another = |c: &ContainerSeen| seen.pause.as_ref().is_some_and(|pause| foreign(c, pause));
        let fresh =
            |c: &&ContainerSeen| c.started.is_some() && !stale(c, seen.pause.as_ref()) && !of_another(c);
        let of = |init: bool| {
            let indices = 0..self.members.len();
            indices.filter(move |index| (self.members[*index].duty.role == Role::Init) == init)
        };
        of(false).any(|index| container(seen, index).filter(fresh).is_some())
            || of(true).all(|index| {
                container(seen, index)
                    .filter(fresh)
                    .and_then(ContainerSeen::exit)
                    .is_some_and(|e| e.code == 0)
            })
    }

    /// One after another: main first, then the sidecars from the last to the first.
    pub(super) fn stop_in_order(&mut self, now: Millis, seen: &ReplicaSeen, step: &mut Step) {
        let wait = |member: &Member| member.busy || member.waiting.as_ref().is_some_and(|w| now < w.due);
        if self.members.iter().any(wait) {
            return;
        }
        let rank = |index: &usize| match self.members[*index].duty.role {
            Role::Main => 2,
            Role::Sidecar => 1,
            Role::Init => 0,
        };
        let running =
            (0..self.members.len()).filter(|i| container(seen, *i).is_some_and(ContainerSeen::running));
        if let Some(index) = running.max_by_key(|index| (rank(index), *index)) {
            self.act(index, seen, Act::Stop, step);
        }
    }

    /// Whether the pause runs; one that is down is started.
    pub(super) fn keep_pause(
        &mut self,
        now: Millis,
        seen: &ReplicaSeen,
        wish: Wish,
        step: &mut Step,
    ) -> bool {
        let Some(pause) = &seen.pause else { return false };
        if pause.running {
            self.pause_down = None;
            return true;
        }
        let since = *self.pause_down.get_or_insert(now);
        // One that never ran waits for the launch.
        let ours = pause.started > 0 || wish.phase == Phase::Up;
        if ours && !self.pause_busy && now >= (since + PAUSE_DOWN).max(self.pause_again) {
            self.pause_busy = true;
            step.actions.push(Action { member: None, container: pause.id.clone(), act: Act::Start });
        }
        false
    }

    /// Goes through the containers in their order and brings each a step nearer to running.
    pub(super) fn walk(&mut self, now: Millis, seen: &ReplicaSeen, wish: Wish, step: &mut Step) {
        let Some(pause) = seen.pause.as_ref() else { return };
        if self.job_is_over(seen) {
            return self.stop_in_order(now, seen, step);
        }
        if self.renew(now, seen, pause, wish, step) {
            return;
        }
        let mut hold = self.hold(now, wish);
        for index in 0..self.members.len() {
            let role = self.members[index].duty.role;
            let Some(container) = container(seen, index) else {
                hold |= !(role == Role::Init && self.initialized);
                continue;
            };
            let member = &self.members[index];
            if member.busy || container.doubled {
                hold = true;
                continue;
            }
            let outdated = stale(container, Some(pause)) || foreign(container, pause);
            let mine = wish.phase == Phase::Up;
            match &container.run {
                _ if outdated => {
                    if role == Role::Init && self.initialized {
                        continue;
                    }
                    if !hold && (mine || stale(container, Some(pause))) {
                        self.replace(now, index, seen, pause, "its namespace is a new one", step);
                    }
                    hold = true;
                }
                Run::Running => {
                    let begun = member.life.as_ref().is_some_and(Life::begun);
                    hold |= role == Role::Init || (role == Role::Sidecar && !begun);
                }
                Run::Created => {
                    if member.restart_due(now) {
                        self.replace(now, index, seen, pause, "it did not start", step);
                    } else if member.waiting.is_none() && mine && !hold {
                        self.act(index, seen, Act::Start, step);
                    }
                    hold = true;
                }
                Run::Exited(exit) if role == Role::Init && (exit.code == 0 || self.initialized) => {}
                Run::Exited(exit) => {
                    let stopped = matches!(wish.ordered, Ordered::Resume(at) if exit.at <= at);
                    if stopped && member.trouble.is_none() {
                        // What was stopped for a while is a new container as well: no orchestrator keeps its layer.
                        if !hold {
                            self.act(index, seen, Act::Replace { pause: pause.id.clone() }, step);
                        }
                    } else if member.restart_due(now) {
                        self.replace(now, index, seen, pause, "it ended", step);
                    }
                    hold |= role != Role::Main;
                }
            }
        }
    }

    /// With a new namespace everything begins anew: what still runs in the old one is stopped first.
    fn renew(
        &mut self,
        now: Millis,
        seen: &ReplicaSeen,
        pause: &PauseSeen,
        wish: Wish,
        step: &mut Step,
    ) -> bool {
        let skipped = |index: usize| self.initialized && self.members[index].duty.role == Role::Init;
        let outdated = |index: &usize| {
            !skipped(*index)
                && container(seen, *index).is_some_and(|c| {
                    !c.doubled && (stale(c, Some(pause)) || (wish.phase == Phase::Up && foreign(c, pause)))
                })
        };
        let all: Vec<usize> = (0..self.members.len()).filter(outdated).collect();
        if all.is_empty() {
            return false;
        }
        if self.renewed != Some(pause.started) {
            self.renewed = Some(pause.started);
            let (service, ordinal) = (self.duties.service.to_string(), self.duties.ordinal);
            let why = "the pause began anew, and with it the network namespace".to_owned();
            step.events.push(Event::ReplicaReplaced { service, ordinal, why });
        }
        let running: Vec<usize> =
            all.into_iter().filter(|i| container(seen, *i).is_some_and(ContainerSeen::running)).collect();
        for index in &running {
            self.act(*index, seen, Act::Stop, step);
        }
        !running.is_empty() || !self.fill(now, pause, step)
    }

    /// Whether the files that lay in memory are there again.
    fn fill(&mut self, now: Millis, pause: &PauseSeen, step: &mut Step) -> bool {
        if self.duties.files.is_empty() || self.filled == Some(pause.started) {
            return true;
        }
        if !self.pause_busy && now >= self.pause_again {
            self.pause_busy = true;
            self.filling = Some(pause.started);
            step.actions.push(Action { member: None, container: pause.id.clone(), act: Act::Fill });
        }
        false
    }

    /// Containers do not begin before what their replica needs is ready, for a while.
    fn hold(&mut self, now: Millis, wish: Wish) -> bool {
        if wish.needs_met {
            self.held = None;
            return false;
        }
        now < *self.held.get_or_insert(now) + HOLD
    }

    /// Hooks and probes of what runs, and the end of what failed them.
    pub(super) fn attend(&mut self, now: Millis, step: &mut Step) {
        for (index, member) in self.members.iter_mut().enumerate() {
            let waits = member.waiting.is_some() && !member.restart_due(now);
            let Some(life) = member.life.as_mut().filter(|_| !member.busy) else { continue };
            let mut push =
                |act| step.actions.push(Action { member: Some(index), container: life.id.clone(), act });
            if member.condemned.is_some() {
                if waits {
                    continue;
                }
                member.busy = true;
                push(Act::Stop);
            } else if life.hook == HookState::Due {
                life.hook = HookState::UnderWay;
                push(Act::PostStart { started: life.started });
            } else {
                let started = life.started;
                let due = life.probe(now);
                let container = life.id.clone();
                step.actions.extend(due.into_iter().map(|kind| Action {
                    member: Some(index),
                    container: container.clone(),
                    act: Act::Probe { kind, started },
                }));
            }
        }
    }

    fn job_is_over(&self, seen: &ReplicaSeen) -> bool {
        self.duties.kind == PodKind::Job
            && self.members.iter().enumerate().any(|(index, member)| {
                container(seen, index).is_some_and(|container| member.finished(container))
            })
    }

    fn replace(
        &mut self,
        now: Millis,
        index: usize,
        seen: &ReplicaSeen,
        pause: &PauseSeen,
        why: &str,
        step: &mut Step,
    ) {
        let (count, wait_millis, why) = self.members[index].restart(now, why);
        let role = self.members[index].duty.role;
        let (service, ordinal, container) = self.names(index);
        step.events.push(Event::ContainerRestarted {
            service,
            ordinal,
            container,
            role,
            count,
            wait_millis,
            why,
        });
        self.act(index, seen, Act::Replace { pause: pause.id.clone() }, step);
    }

    fn act(&mut self, index: usize, seen: &ReplicaSeen, act: Act, step: &mut Step) {
        if self.members[index].busy {
            return;
        }
        if let Some(container) = container(seen, index) {
            self.members[index].busy = true;
            step.actions.push(Action { member: Some(index), container: container.id.clone(), act });
        }
    }
}

fn container(seen: &ReplicaSeen, index: usize) -> Option<&ContainerSeen> {
    seen.containers.get(index).and_then(Option::as_ref)
}

/// It belongs to a namespace that this pause had before.
fn stale(container: &ContainerSeen, pause: Option<&PauseSeen>) -> bool {
    pause.is_some_and(|pause| {
        container.joins == pause.id && container.started.is_some_and(|started| started < pause.started)
    })
}

/// It belongs to the namespace of another pause, one that this replica had before.
fn foreign(container: &ContainerSeen, pause: &PauseSeen) -> bool {
    !container.joins.is_empty() && container.joins != pause.id
}
