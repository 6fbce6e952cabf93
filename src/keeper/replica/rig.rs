//! An engine made of plain data: every action is carried out at once, time is a number.

use super::*;
use crate::{
    formats::{
        duties::{ContainerDuty, ProbeAct, ProbeDuty, RestartRule},
        journal::Line,
    },
    keeper::seen::{ContainerSeen, Exit, PauseSeen, Run},
    name::Name,
};

pub struct Rig {
    pub replica: Replica,
    pub seen: ReplicaSeen,
    pub wish: Wish,
    pub now: Millis,
    /// What was done, in order: `start main`, `replace main`, `stop main`, `hook main` …
    pub done: Vec<String>,
    pub events: Vec<Event>,
    /// Answers of probes: by probe, whether it passes.
    pub passes: std::collections::BTreeMap<ProbeKind, bool>,
    pub hook_passes: bool,
    /// The next actions that the engine refuses.
    pub refuse: u32,
    pub ids: u32,
}

pub fn duty(name: &str, role: Role, restart: RestartRule) -> ContainerDuty {
    ContainerDuty {
        key: format!("api.0.{name}"),
        name: name.to_owned(),
        role,
        restart,
        startup: None,
        readiness: None,
        liveness: None,
        post_start: None,
        pre_stop: None,
        grace_millis: 1000,
    }
}

pub fn probe(period: u64, failure: u32) -> Option<ProbeDuty> {
    Some(ProbeDuty {
        action: ProbeAct::Tcp { port: 80 },
        initial_delay_millis: 0,
        period_millis: period,
        timeout_millis: 1000,
        success_threshold: 1,
        failure_threshold: failure,
    })
}

pub fn main_of(restart: RestartRule) -> ContainerDuty {
    duty("main", Role::Main, restart)
}

impl Rig {
    /// All containers created, none started, the mirror up.
    pub fn new(kind: PodKind, containers: Vec<ContainerDuty>) -> Self {
        let duties = Duties {
            retries: 6,
            files: Vec::new(),
            service: Name::new("api").unwrap(),
            ordinal: 0,
            kind,
            needs: Vec::new(),
            containers,
            ports: Vec::new(),
        };
        let now = 1_000_000;
        let containers = duties.containers.iter().map(|c| Some(created(&c.name))).collect();
        let pause = Some(PauseSeen { id: "pause".into(), running: true, started: now - 1000, address: None });
        let wish = Wish { phase: Phase::Up, ordered: Ordered::Run, needs_met: true };
        let replica = Replica::new(duties, &Memory::default());
        let passes = [ProbeKind::Startup, ProbeKind::Readiness, ProbeKind::Liveness].map(|kind| (kind, true));
        Self {
            replica,
            seen: ReplicaSeen { pause, containers },
            wish,
            now,
            done: Vec::new(),
            events: Vec::new(),
            passes: passes.into(),
            hook_passes: true,
            refuse: 0,
            ids: 0,
        }
    }

    /// Lets time pass in steps of 50 ms.
    pub fn pass(&mut self, millis: Millis) -> &mut Self {
        let end = self.now + millis;
        while self.now < end {
            self.now += 50;
            let step = self.replica.advance(self.now, &self.seen, self.wish);
            self.events.extend(step.events);
            for action in step.actions {
                self.carry_out(action);
            }
        }
        self
    }

    pub fn carry_out(&mut self, action: Action) {
        let name =
            action.member.map_or("pause", |index| &self.replica.duties.containers[index].name).to_owned();
        let done = |error| Outcome::Done { error, pre_stop: None };
        let outcome = match action.act {
            Act::Probe { kind, started } => {
                let passed = self.passes[&kind];
                Outcome::Answer { kind, started, passed, answer: format!("{passed}") }
            }
            Act::PostStart { started } => {
                self.done.push(format!("hook {name}"));
                Outcome::Hooked { started, passed: self.hook_passes, answer: String::new() }
            }
            Act::Fill => {
                self.done.push("fill".to_owned());
                done(None)
            }
            _ if self.refuse > 0 => {
                self.refuse -= 1;
                self.done.push(format!("refused {name}"));
                done(Some("no".to_owned()))
            }
            Act::Start => {
                self.done.push(format!("start {name}"));
                match action.member {
                    Some(index) => self.run(index),
                    None => {
                        let pause = self.seen.pause.as_mut().unwrap();
                        (pause.running, pause.started) = (true, self.now);
                    }
                }
                done(None)
            }
            Act::Replace { .. } => {
                self.done.push(format!("replace {name}"));
                self.ids += 1;
                let index = action.member.unwrap();
                self.seen.containers[index] = Some(created(&format!("{name}{}", self.ids)));
                self.run(index);
                done(None)
            }
            Act::Stop => {
                self.done.push(format!("stop {name}"));
                self.end(action.member.unwrap(), 143);
                done(None)
            }
        };
        let events = self.replica.hear(self.now, action.member, &action.container, outcome);
        self.events.extend(events);
    }

    pub fn run(&mut self, index: usize) {
        let container = self.seen.containers[index].as_mut().unwrap();
        (container.run, container.started) = (Run::Running, Some(self.now));
        container.joins = self.seen.pause.as_ref().unwrap().id.clone();
    }

    /// The container ends by itself.
    pub fn end(&mut self, index: usize, code: i64) -> &mut Self {
        let (at, finished) = (self.now, self.now.to_string());
        let container = self.seen.containers[index].as_mut().unwrap();
        container.run = Run::Exited(Exit { code, oom_killed: false, at, finished });
        self
    }

    pub fn order(&mut self, ordered: Ordered) -> &mut Self {
        self.wish.ordered = ordered;
        self
    }

    pub fn done(&mut self) -> String {
        std::mem::take(&mut self.done).join(", ")
    }

    pub fn forget(&mut self) {
        self.done.clear();
        self.events.clear();
    }

    /// The events' names since the last call.
    pub fn told(&mut self) -> String {
        let name = |event: Event| match event {
            Event::Ready { ready, .. } => format!("ready={ready}"),
            Event::ContainerExited { container, code, .. } => format!("exited({container},{code})"),
            Event::ContainerRestarted { container, count, wait_millis, .. } => {
                format!("restarted({container},{count},{wait_millis})")
            }
            Event::Probe { probe, passed, .. } => format!("{probe:?}={passed}"),
            Event::Hook { passed, .. } => format!("hook={passed}"),
            Event::JobFinished { code, .. } => format!("job({code})"),
            Event::ReplicaReplaced { .. } => "renewed".to_owned(),
            other => format!("{other:?}"),
        };
        std::mem::take(&mut self.events).into_iter().map(name).collect::<Vec<_>>().join(", ")
    }

    /// Another keeper takes over, with nothing but the journal of the first.
    pub fn keeper_restarts(&mut self, journal: &[Event]) -> &mut Self {
        let mut memory = Memory::default();
        for event in journal {
            let at = jiff::Timestamp::from_millisecond(i64::try_from(self.now).unwrap()).unwrap().to_string();
            memory.apply(&Line { at, event: event.clone() });
        }
        self.replica = Replica::new(self.replica.duties.clone(), &memory);
        self
    }
}

pub fn created(id: &str) -> ContainerSeen {
    ContainerSeen {
        id: id.to_owned(),
        run: Run::Created,
        started: None,
        joins: "pause".to_owned(),
        spec: "spec".to_owned(),
        doubled: false,
    }
}
