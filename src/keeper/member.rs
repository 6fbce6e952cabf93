//! One container of a replica, across the containers that take its place: ends, restarts, lives.

use super::{
    backoff::BackOff,
    life::Life,
    memory::Recall,
    seen::{ContainerSeen, Exit, Millis, reason},
};
use crate::formats::{
    duties::{ContainerDuty, RestartRule, Role},
    journal::{ContainerStatus, LastExit},
};

#[derive(Clone, Debug)]
pub struct Member {
    pub duty: ContainerDuty,
    /// A job: how often it is tried again.
    retries: Option<u32>,
    recall: Recall,
    /// Something is being done to it right now.
    pub busy: bool,
    pub life: Option<Life>,
    pub restarts: u32,
    back_off: BackOff,
    pub waiting: Option<Waiting>,
    /// The last end that was told: container id and time.
    told: Option<(String, String)>,
    finished: Option<(String, String)>,
    last_exit: Option<LastExit>,
    ever_started: bool,
    /// Why it must end: a probe or a hook failed.
    pub condemned: Option<String>,
    /// What the engine said when something could not be done.
    pub trouble: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    pub due: Millis,
    pub back_off: Millis,
    finished: Millis,
    why: String,
}

/// The circumstances under which a container is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Its end, if it ended, was ordered.
    pub orderly: bool,
    /// Its namespace is gone; it ended with it or must.
    pub stale: bool,
    /// How long an end is left alone, for someone else may be about to remove the container.
    pub pause: Millis,
}

impl Member {
    pub fn new(duty: ContainerDuty, retries: Option<u32>, recall: Recall) -> Self {
        Self {
            duty,
            retries,
            busy: false,
            life: None,
            restarts: recall.restarts,
            back_off: recall.back_off,
            waiting: None,
            told: recall.told.clone(),
            finished: recall.finished.clone(),
            last_exit: recall.last_exit.clone(),
            ever_started: recall.restarts > 0 || recall.last_exit.is_some(),
            condemned: None,
            trouble: None,
            recall,
        }
    }

    /// Takes in what is there. Answers an end that was not told yet.
    pub fn meet(&mut self, seen: Option<&ContainerSeen>, look: Look) -> Option<Exit> {
        let Some(seen) = seen else {
            (self.life, self.waiting) = (None, None);
            return None;
        };
        self.ever_started |= seen.started.is_some();
        if seen.running() {
            self.live(seen);
            return None;
        }
        self.life = None;
        let exit = seen.exit()?.clone();
        let reason = reason(exit.code, exit.oom_killed).to_owned();
        let (at, code, oom_killed) = (exit.finished.clone(), exit.code, exit.oom_killed);
        self.last_exit = Some(LastExit { at, code, oom_killed, reason });
        if look.orderly {
            self.condemned = None;
            self.waiting = self.waiting.take().filter(|_| self.trouble.is_some());
            return None;
        }
        let mark = Some((seen.id.clone(), exit.finished.clone()));
        let news = self.told != mark;
        self.told = mark;
        if look.stale {
            (self.waiting, self.condemned) = (None, None);
        } else if (news || self.waiting.is_none()) && self.restarts_after(&exit) {
            // A new end counts from itself, whatever is waited for: an old look may have shown the end before it again.
            let back_off = self.back_off.wait(exit.at);
            self.waiting = Some(Waiting {
                due: exit.at + back_off.max(look.pause),
                back_off,
                finished: exit.at,
                why: self.condemned.clone().unwrap_or_else(|| why(&exit)),
            });
        }
        news.then_some(exit)
    }

    fn live(&mut self, seen: &ContainerSeen) {
        let started = seen.started.unwrap_or_default();
        if self.life.as_ref().is_some_and(|life| life.is(&seen.id, started)) {
            return;
        }
        self.life = Some(Life::new(&seen.id, started, &self.duty, &self.recall));
        (self.waiting, self.condemned, self.trouble) = (None, None, None);
    }

    /// Whether the rule wants another container after this end.
    pub fn restarts_after(&self, exit: &Exit) -> bool {
        let failed = exit.code != 0 || self.condemned.is_some();
        if failed && self.retries.is_some_and(|retries| self.restarts >= retries) {
            return false;
        }
        match (self.duty.role, self.duty.restart) {
            (Role::Sidecar, _) => true,
            (_, RestartRule::Never) => false,
            (Role::Init, _) | (Role::Main, RestartRule::OnFailure) => failed,
            (Role::Main, RestartRule::Always) => true,
        }
    }

    /// The end that was told last was the last: a job is over.
    pub fn finish(&mut self) {
        self.finished = self.told.clone();
    }

    pub fn finished(&self, seen: &ContainerSeen) -> bool {
        let mark = seen.exit().map(|exit| (seen.id.clone(), exit.finished.clone()));
        mark.is_some() && self.finished == mark
    }

    /// What could not be done is tried again, later each time.
    pub fn failed(&mut self, now: Millis, why: String) {
        let back_off = self.back_off.wait(now).max(1000);
        self.waiting = Some(Waiting { due: now + back_off, back_off, finished: now, why: why.clone() });
        self.trouble = Some(why);
    }

    pub fn restart_due(&self, now: Millis) -> bool {
        self.waiting.as_ref().is_some_and(|waiting| now >= waiting.due)
    }

    /// It is replaced now: the count of restarts, the back-off that was kept, and why.
    pub fn restart(&mut self, now: Millis, because: &str) -> (u32, Millis, String) {
        let waiting = self.waiting.take().unwrap_or_else(|| Waiting {
            due: now,
            back_off: 0,
            finished: now,
            why: because.to_owned(),
        });
        self.condemned = None;
        self.restarts += 1;
        self.back_off.restarted(now, waiting.finished);
        (self.restarts, waiting.back_off, waiting.why)
    }

    pub fn ready(&self) -> bool {
        !self.busy && self.condemned.is_none() && self.life.as_ref().is_some_and(Life::ready)
    }

    pub fn status(&self) -> ContainerStatus {
        let in_the_way = self.life.as_ref().and_then(Life::in_the_way);
        let (probe, answer) = in_the_way.map_or((None, None), |(probe, answer)| (Some(probe), answer));
        ContainerStatus {
            key: self.duty.key.clone(),
            name: self.duty.name.clone(),
            role: self.duty.role,
            running: self.life.is_some(),
            restarts: self.restarts,
            starts: if self.ever_started { self.restarts + 1 } else { 0 },
            waiting_millis: self.waiting.as_ref().map(|waiting| waiting.back_off),
            last_exit: self.last_exit.clone(),
            probe,
            last_answer: self.condemned.clone().or(answer).or_else(|| self.trouble.clone()),
        }
    }
}

fn why(exit: &Exit) -> String {
    if exit.oom_killed { "out of memory".to_owned() } else { format!("it ended with {}", exit.code) }
}
