//! One replica as the kubelet would keep it: what is there and what is wished go in, actions come out.
//!
//! It has no clock and does nothing itself. Every call looks at the whole replica,
//! so a keeper that begins in the middle of anything goes on from there.

mod steps;

use super::{
    life::HookState,
    member::Member,
    memory::Memory,
    seen::{Millis, ReplicaSeen},
};
use crate::formats::{
    course::Ordered,
    duties::{Duties, PodKind, Role},
    journal::{Event, ProbeKind, ReplicaStatus},
};

/// What the mirror's owner wants with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    pub phase: Phase,
    pub ordered: Ordered,
    /// What the replica needs is ready.
    pub needs_met: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Someone else creates and starts containers; the keeper only replaces those that ended.
    Launching,
    /// The keeper starts whatever should run.
    Up,
    /// An `up` failed and its mirror was kept to be looked at: as launching.
    Kept,
    /// Being removed: hands off.
    Ending,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// Index into the duties' containers; `None`: the pause.
    pub member: Option<usize>,
    /// The engine's id.
    pub container: String,
    pub act: Act,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Starts a container that is there.
    Start,
    /// A new container with the same configuration, in the namespace of this pause, in place of the old one.
    Replace {
        pause: String,
    },
    /// `pre_stop`, the stop signal, and after the grace period the kill.
    Stop,
    /// Ask in the life that began at `started`.
    Probe {
        kind: ProbeKind,
        started: Millis,
    },
    PostStart {
        started: Millis,
    },
    /// Put the files of the duties back, through the pause.
    Fill,
}

/// What became of an action.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Start, replace and stop; the view that comes next is as it is after them.
    Done {
        error: Option<String>,
        pre_stop: Option<(bool, String)>,
    },
    Answer {
        kind: ProbeKind,
        started: Millis,
        passed: bool,
        answer: String,
    },
    Hooked {
        started: Millis,
        passed: bool,
        answer: String,
    },
}

const PAUSE_AGAIN: Millis = 1000;

#[derive(Clone, Debug, Default)]
pub struct Step {
    pub actions: Vec<Action>,
    pub events: Vec<Event>,
}

#[derive(Clone, Debug)]
pub struct Replica {
    pub duties: Duties,
    members: Vec<Member>,
    ready: Option<bool>,
    initialized: bool,
    stopped: bool,
    /// The start of the namespace for which everything was begun anew.
    renewed: Option<Millis>,
    /// The start of the namespace for which the files are back, and for which they are being put back.
    filled: Option<Millis>,
    filling: Option<Millis>,
    pause_busy: bool,
    /// The engine refused something about the pause: not before this time again.
    pause_again: Millis,
    /// Since when the pause is down.
    pause_down: Option<Millis>,
    /// Since when it waits for what it needs.
    held: Option<Millis>,
}

impl Replica {
    pub fn new(duties: Duties, memory: &Memory) -> Self {
        let service = duties.service.as_str();
        let recall = |name: &str| memory.recall(service, duties.ordinal, name);
        let retries = (duties.kind == PodKind::Job).then_some(duties.retries);
        let members =
            duties.containers.iter().map(|c| Member::new(c.clone(), retries, recall(&c.name))).collect();
        Self {
            members,
            ready: memory.was_ready(service, duties.ordinal),
            initialized: false,
            stopped: false,
            renewed: None,
            filled: None,
            filling: None,
            pause_again: 0,
            pause_busy: false,
            pause_down: None,
            held: None,
            duties,
        }
    }

    pub fn ready(&self) -> bool {
        self.ready == Some(true)
    }

    /// Nothing of it runs.
    pub fn at_rest(&self) -> bool {
        self.members.iter().all(|member| member.life.is_none() && !member.busy)
    }

    /// Looks at everything once and says what to do now.
    pub fn advance(&mut self, now: Millis, seen: &ReplicaSeen, wish: Wish) -> Step {
        let mut step = Step::default();
        self.stopped = wish.ordered == Ordered::Stop;
        self.meet(seen, wish, &mut step);
        if self.stopped {
            // In a `down` too: it orders a stop first, so that hooks and graces are kept.
            self.stop_in_order(now, seen, &mut step);
        } else if wish.phase != Phase::Ending && self.keep_pause(now, seen, wish, &mut step) {
            self.walk(now, seen, wish, &mut step);
            self.attend(now, &mut step);
        }
        self.judge(seen, &mut step);
        step
    }

    /// Takes in what became of an action on the container `id`.
    pub fn hear(&mut self, now: Millis, member: Option<usize>, id: &str, outcome: Outcome) -> Vec<Event> {
        let Some(index) = member else {
            self.pause_busy = false;
            match outcome {
                Outcome::Done { error: Some(_), .. } => self.pause_again = now + PAUSE_AGAIN,
                _ => self.filled = self.filling.take().or(self.filled),
            }
            return Vec::new();
        };
        let event = match outcome {
            Outcome::Done { error, pre_stop } => self.hear_done(now, index, error, pre_stop),
            Outcome::Answer { kind, started, passed, answer } => {
                self.hear_answer(now, index, (id, started), kind, passed, answer)
            }
            Outcome::Hooked { started, passed, answer } => {
                self.hear_hook(index, (id, started), passed, answer)
            }
        };
        event.into_iter().collect()
    }

    fn hear_done(
        &mut self,
        now: Millis,
        index: usize,
        error: Option<String>,
        pre_stop: Option<(bool, String)>,
    ) -> Option<Event> {
        let member = self.members.get_mut(index)?;
        member.busy = false;
        if let Some(error) = error {
            member.failed(now, error);
        }
        let (passed, answer) = pre_stop?;
        Some(self.hook_event(index, super::PRE_STOP, passed, answer))
    }

    fn hear_answer(
        &mut self,
        now: Millis,
        index: usize,
        (id, started): (&str, Millis),
        kind: ProbeKind,
        passed: bool,
        answer: String,
    ) -> Option<Event> {
        let member = self.members.get_mut(index)?;
        let life = member.life.as_mut().filter(|life| life.is(id, started))?;
        let passed = life.answer(now, kind, passed, answer.clone())?;
        if !passed && kind != ProbeKind::Readiness {
            let name = if kind == ProbeKind::Startup { "startup" } else { "liveness" };
            member.condemned = Some(format!("the {name} probe failed: {answer}"));
        }
        let (service, ordinal, container) = self.names(index);
        Some(Event::Probe { service, ordinal, container, probe: kind, passed, answer })
    }

    fn hear_hook(
        &mut self,
        index: usize,
        (id, started): (&str, Millis),
        passed: bool,
        answer: String,
    ) -> Option<Event> {
        let member = self.members.get_mut(index)?;
        let life = member.life.as_mut().filter(|life| life.is(id, started))?;
        life.hook = if passed { HookState::Passed } else { HookState::Failed };
        if !passed {
            member.condemned = Some(format!("post_start failed: {answer}"));
        }
        Some(self.hook_event(index, super::POST_START, passed, answer))
    }

    fn hook_event(&self, index: usize, hook: &str, passed: bool, answer: String) -> Event {
        let (service, ordinal, container) = self.names(index);
        Event::Hook { service, ordinal, container, hook: hook.to_owned(), passed, answer }
    }

    fn names(&self, index: usize) -> (String, u32, String) {
        (self.duties.service.to_string(), self.duties.ordinal, self.duties.containers[index].name.clone())
    }

    /// Ready when its pause runs, nothing stops, and every container but the init ones is ready.
    fn judge(&mut self, seen: &ReplicaSeen, step: &mut Step) {
        let up = seen.pause.as_ref().is_some_and(|pause| pause.running) && !self.stopped;
        let lasting = || self.members.iter().filter(|member| member.duty.role != Role::Init);
        let ready = up && self.initialized && lasting().count() > 0 && lasting().all(Member::ready);
        let before = self.ready.replace(ready);
        if before.unwrap_or(false) != ready && self.duties.kind != PodKind::Job {
            let (service, ordinal) = (self.duties.service.to_string(), self.duties.ordinal);
            step.events.push(Event::Ready { service, ordinal, ready });
        }
    }

    pub fn status(&self) -> ReplicaStatus {
        ReplicaStatus {
            service: self.duties.service.to_string(),
            ordinal: self.duties.ordinal,
            ready: self.ready(),
            initialized: self.initialized,
            stopped: self.stopped,
            containers: self.members.iter().map(Member::status).collect(),
        }
    }
}

#[cfg(test)]
pub(super) mod rig;
#[cfg(test)]
mod tests;
