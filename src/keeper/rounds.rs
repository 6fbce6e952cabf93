//! One turn of the keeper: what is wished for each replica, the step that follows, and what is shown of it.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::{
    act::{self, Effect, Task},
    compact,
    engine::Engine,
    journal::{self, Reader},
    lease::{self, LeaseKind},
    memory::Memory,
    placed,
    publish::{Publisher, View},
    replica::{Action, Phase, Replica, Wish},
    run::KeeperArgs,
    seen::{Millis, ReplicaSeen},
    sweep,
    watch::News,
    world::World,
};
use crate::{
    formats::{
        course::{Ordered, millis},
        duties::{Duties, PodKind},
        journal::{Event, KeeperStatus, Line, UpState},
        ready::ReadyReplica,
    },
    log,
};

/// A sweeper that did not come is sent for again.
const SWEEP_AGAIN: Duration = Duration::from_secs(10);

type ReplicaKey = (String, u32);

pub struct Done {
    replica: ReplicaKey,
    member: Option<usize>,
    container: String,
    effect: Effect,
}

/// Everything between two turns.
pub struct Keeper {
    args: KeeperArgs,
    engine: Option<Engine>,
    effects: UnboundedSender<Done>,
    journal: Reader,
    memory: Memory,
    world: World,
    /// The engine told what is there: before, nothing is known, and nothing is shown.
    looked: bool,
    replicas: BTreeMap<ReplicaKey, Replica>,
    publisher: Publisher,
    leased: bool,
    swept: Option<Instant>,
    /// Wall and other clock at the start, so that time never runs backwards.
    epoch: (Millis, Instant),
}

impl Keeper {
    pub fn new(args: KeeperArgs, engine: Option<Engine>, effects: UnboundedSender<Done>) -> Self {
        let wall = Millis::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default();
        let journal = Reader::new(&args.places.journal);
        let looked = engine.is_none();
        let mut keeper = Self {
            args,
            engine,
            effects,
            journal,
            memory: Memory::default(),
            world: World::default(),
            looked,
            replicas: BTreeMap::new(),
            publisher: Publisher::default(),
            leased: false,
            swept: None,
            epoch: (wall, Instant::now()),
        };
        keeper.read_journal();
        keeper
    }

    fn now(&self) -> Millis {
        self.epoch.0 + Millis::try_from(self.epoch.1.elapsed().as_millis()).unwrap_or(Millis::MAX / 2)
    }

    pub fn take_in_all(&mut self, heard: &mut UnboundedReceiver<News>, done: &mut UnboundedReceiver<Done>) {
        while let Ok(news) = heard.try_recv() {
            self.take_in(news);
        }
        while let Ok(effect) = done.try_recv() {
            self.hear(effect);
        }
    }

    pub fn take_in(&mut self, news: News) {
        match news {
            News::All(all) => {
                self.world.set(all);
                self.looked = true;
            }
            News::One(id, found) => self.world.put(&id, found.map(|found| *found)),
        }
        self.meet_replicas();
    }

    /// Replicas come and go with their pauses; a pause with other duties is another replica.
    fn meet_replicas(&mut self) {
        let duties = match self.engine {
            Some(_) => self.world.duties(),
            None => self.memory.placed.iter().map(|(key, it)| (key.clone(), placed::duties(it))).collect(),
        };
        self.replicas.retain(|key, replica| duties.get(key) == Some(&replica.duties));
        for (key, duties) in duties {
            self.replicas.entry(key).or_insert_with(|| Replica::new(duties, &self.memory));
        }
    }

    /// A replica as it is.
    fn seen(&self, key: &ReplicaKey, duties: &Duties) -> ReplicaSeen {
        match self.engine {
            Some(_) => self.world.replica(duties),
            None => self.memory.placed.get(key).map(placed::seen).unwrap_or_default(),
        }
    }

    pub fn hear(&mut self, done: Done) {
        for (id, found) in done.effect.seen {
            self.world.put(&id, found);
        }
        let now = self.now();
        if let Some(replica) = self.replicas.get_mut(&done.replica) {
            let events = replica.hear(now, done.member, &done.container, done.effect.outcome);
            self.record(events);
        }
    }

    pub fn turn(&mut self) {
        self.read_journal();
        if self.engine.is_none() {
            self.meet_replicas();
        }
        self.keep_journal_short();
        self.look_after_the_owner();
        let now = self.now();
        let keys: Vec<ReplicaKey> =
            if self.looked { self.replicas.keys().cloned().collect() } else { Vec::new() };
        for key in &keys {
            let wish = self.wish(key);
            let Some(seen) = self.replicas.get(key).map(|replica| self.seen(key, &replica.duties)) else {
                continue;
            };
            let Some(replica) = self.replicas.get_mut(key) else { continue };
            let step = replica.advance(now, &seen, wish);
            // First the word, then the deed: a keeper that dies in between has lost neither.
            self.record(step.events);
            for action in step.actions {
                self.spawn(key, action);
            }
        }
        self.publish();
        self.end_if_over(now);
    }

    fn wish(&self, key: &ReplicaKey) -> Wish {
        let phase = match self.memory.course.up {
            _ if self.memory.condemned => Phase::Ending,
            UpState::None | UpState::Begun => Phase::Launching,
            UpState::Done => Phase::Up,
            UpState::Failed => Phase::Kept,
            UpState::DownBegun => Phase::Ending,
        };
        let needs = self.replicas.get(key).map_or(&[][..], |replica| &replica.duties.needs);
        let needs_met = needs.iter().all(|need| self.is_met(need.as_str()));
        let mut ordered = self.memory.course.ordered(&key.0, key.1);
        if ordered == Ordered::Stop && self.is_needed(key) {
            ordered = Ordered::Run;
        }
        Wish { phase, ordered, needs_met }
    }

    /// It runs, and so does something that needs it and stops as well: that one goes first.
    fn is_needed(&self, key: &ReplicaKey) -> bool {
        let runs = |replica: &Replica| !replica.at_rest();
        self.replicas.get(key).is_some_and(runs)
            && self.replicas.iter().any(|((service, ordinal), other)| {
                let needs = other.duties.needs.iter().any(|need| need.as_str() == key.0);
                needs && runs(other) && self.memory.course.ordered(service, *ordinal) == Ordered::Stop
            })
    }

    /// Every replica that shall run is ready; a job ended with 0.
    fn is_met(&self, need: &str) -> bool {
        let mut of = self.replicas.iter().filter(|((service, _), _)| service == need);
        of.all(|((service, ordinal), replica)| match replica.duties.kind {
            PodKind::Job => self.memory.job_done(service) == Some(0),
            _ => {
                let stopped = self.memory.course.ordered(service, *ordinal) == Ordered::Stop;
                stopped || replica.ready()
            }
        })
    }

    fn spawn(&self, key: &ReplicaKey, action: Action) {
        let Some(replica) = self.replicas.get(key) else { return };
        let pause = self.seen(key, &replica.duties).pause;
        let (member, container) = (action.member, action.container.clone());
        let task = Task {
            engine: self.engine.clone(),
            duty: member.and_then(|index| replica.duties.containers.get(index)).cloned(),
            files: replica.duties.files.clone(),
            address: pause.and_then(|pause| pause.address),
            journal: self.args.places.journal.clone(),
            action,
        };
        let (effects, replica) = (self.effects.clone(), key.clone());
        tokio::spawn(async move {
            let effect = act::carry_out(task).await;
            // Nobody listens once the keeper ends.
            let _ = effects.send(Done { replica, member, container, effect });
        });
    }

    /// Writes events down, and takes in what others wrote before them.
    pub fn record(&mut self, events: impl IntoIterator<Item = Event>) {
        let events: Vec<Event> = events.into_iter().collect();
        if events.is_empty() {
            return;
        }
        for event in &events {
            let text = serde_json::to_string(event).unwrap_or_default();
            log::info("event", &[("is", &text)]);
        }
        if let Err(error) = journal::append(&self.args.places.journal, events.clone()) {
            log::error("journal not written", &[("why", &error)]);
            // Better a memory of this life than none.
            for event in events {
                self.memory.apply(&Line { at: journal::now(), event });
            }
        }
        self.read_journal();
    }

    fn read_journal(&mut self) {
        match self.journal.more() {
            Ok(lines) => lines.iter().for_each(|line| self.memory.apply(line)),
            Err(error) => log::error("journal not read", &[("why", &error)]),
        }
    }

    fn keep_journal_short(&mut self) {
        if !compact::is_due(self.journal.length(), &self.memory) {
            return;
        }
        let folder = self.args.places.journal.clone();
        if let Err(error) = compact::compact(&folder, &mut self.journal, &mut self.memory) {
            log::error("journal not compacted", &[("why", &error)]);
        }
    }

    fn look_after_the_owner(&mut self) {
        let (held, mark) = match lease::look(&self.args.places.journal) {
            Ok(looked) => looked,
            Err(error) => return log::error("lease not read", &[("why", &error)]),
        };
        self.leased = held;
        let cut_off = mark.filter(|mark| !held && mark.kind == LeaseKind::Run && !mark.done);
        if let Some(mark) = cut_off.filter(|_| !self.memory.condemned) {
            self.record([Event::OwnerDied { run: mark.run }]);
        }
    }

    fn end_if_over(&mut self, now: Millis) {
        if !self.memory.condemned && self.expires().is_some_and(|at| at <= now) {
            self.record([Event::Expired]);
        }
        let due = self.swept.is_none_or(|at| at.elapsed() >= SWEEP_AGAIN);
        if !self.memory.condemned || !due {
            return;
        }
        let (Some(engine), Some(own)) = (self.engine.clone(), self.world.keeper().cloned()) else { return };
        self.swept = Some(Instant::now());
        let mirror = self.args.mirror.clone();
        tokio::spawn(async move {
            if let Err(why) = sweep::start(&engine, &own, &mirror).await {
                log::error("cannot start the sweeper", &[("why", &why)]);
            }
        });
    }

    /// The journal's word; the label's where no `up` was ever begun.
    fn expires(&self) -> Option<Millis> {
        let own = self.world.keeper().and_then(|keeper| keeper.expires.clone());
        let text =
            if self.memory.course.up == UpState::None { own } else { self.memory.course.expires.clone() };
        text.as_deref().and_then(millis)
    }

    fn publish(&mut self) {
        if !self.looked {
            return;
        }
        let folder: &Path = &self.args.places.control;
        let mut services: BTreeMap<String, Vec<ReadyReplica>> = BTreeMap::new();
        for (key @ (service, ordinal), replica) in &self.replicas {
            if replica.duties.kind == PodKind::Job {
                continue;
            }
            let pause = self.seen(key, &replica.duties).pause;
            let Some(address) = pause.and_then(|pause| pause.address) else { continue };
            let of = services.entry(service.clone()).or_default();
            of.push(ReadyReplica { ordinal: *ordinal, address, ready: replica.ready() });
        }
        let replicas = self.replicas.values().map(Replica::status).collect();
        let status = KeeperStatus { leased: self.leased, replicas, ..self.memory.status() };
        let view = View { journal: self.journal.offset, status };
        let shown = self.publisher.ready(folder, services).and_then(|()| self.publisher.view(folder, view));
        if let Err(error) = shown {
            log::error("control volume not written", &[("why", &error)]);
        }
    }
}
