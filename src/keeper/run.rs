//! The keeper's day: look, listen, decide, act, show.

use std::{
    collections::BTreeMap,
    io,
    path::Path,
    time::{Duration, Instant},
};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

use super::{
    act::{self, Effect, Task},
    engine::{Engine, SOCKET},
    journal::{self, Places, Reader},
    lease::{self, LeaseKind},
    memory::{Memory, millis},
    publish::{Publisher, View},
    replica::{Action, Phase, Replica, Wish},
    seen::Millis,
    sweep,
    watch::{self, News},
    world::World,
};
use crate::{
    formats::{
        duties::PodKind,
        journal::{Event, UpState},
        ready::ReadyReplica,
    },
    log,
};

/// Probes are due, others write the journal, the lease ends: it looks that often.
const TICK: Duration = Duration::from_millis(100);
/// A sweeper that did not come is sent for again.
const SWEEP_AGAIN: Duration = Duration::from_secs(10);

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
    /// Without the engine's socket nothing is known of the mirror: no probe, no restart, no expiry.
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
        None => log::warn("no engine's socket: nothing is probed, restarted or expired", &[]),
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

type ReplicaKey = (String, u32);

struct Done {
    replica: ReplicaKey,
    member: Option<usize>,
    container: String,
    effect: Effect,
}

struct Keeper {
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
    swept: Option<Instant>,
    /// Wall and other clock at the start, so that time never runs backwards.
    epoch: (Millis, Instant),
}

impl Keeper {
    fn new(args: KeeperArgs, engine: Option<Engine>, effects: UnboundedSender<Done>) -> Self {
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
            swept: None,
            epoch: (wall, Instant::now()),
        };
        keeper.read_journal();
        keeper
    }

    fn now(&self) -> Millis {
        self.epoch.0 + Millis::try_from(self.epoch.1.elapsed().as_millis()).unwrap_or(Millis::MAX / 2)
    }

    fn take_in_all(&mut self, heard: &mut UnboundedReceiver<News>, done: &mut UnboundedReceiver<Done>) {
        while let Ok(news) = heard.try_recv() {
            self.take_in(news);
        }
        while let Ok(effect) = done.try_recv() {
            self.hear(effect);
        }
    }

    fn take_in(&mut self, news: News) {
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
        let duties = self.world.duties();
        self.replicas.retain(|key, replica| duties.get(key) == Some(&replica.duties));
        for (key, duties) in duties {
            self.replicas.entry(key).or_insert_with(|| Replica::new(duties, &self.memory));
        }
    }

    fn hear(&mut self, done: Done) {
        for (id, found) in done.effect.seen {
            self.world.put(&id, found);
        }
        let now = self.now();
        if let Some(replica) = self.replicas.get_mut(&done.replica) {
            let events = replica.hear(now, done.member, &done.container, done.effect.outcome);
            self.record(events);
        }
    }

    fn turn(&mut self) {
        self.read_journal();
        self.look_after_the_owner();
        let now = self.now();
        let keys: Vec<ReplicaKey> =
            if self.looked { self.replicas.keys().cloned().collect() } else { Vec::new() };
        for key in &keys {
            let wish = self.wish(key);
            let Some(replica) = self.replicas.get_mut(key) else { continue };
            let step = replica.advance(now, &self.world.replica(&replica.duties), wish);
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
        let phase = match self.memory.up {
            _ if self.memory.condemned => Phase::Ending,
            UpState::None | UpState::Begun => Phase::Launching,
            UpState::Done => Phase::Up,
            UpState::Failed => Phase::Kept,
            UpState::DownBegun => Phase::Ending,
        };
        let needs = self.replicas.get(key).map_or(&[][..], |replica| &replica.duties.needs);
        let needs_met = needs.iter().all(|need| self.is_met(need.as_str()));
        Wish { phase, ordered: self.memory.ordered(&key.0, key.1), needs_met }
    }

    /// Every replica that shall run is ready; a job ended with 0.
    fn is_met(&self, need: &str) -> bool {
        let mut of = self.replicas.iter().filter(|((service, _), _)| service == need);
        of.all(|((service, ordinal), replica)| match replica.duties.kind {
            PodKind::Job => self.memory.job_done(service) == Some(0),
            _ => {
                let stopped = self.memory.ordered(service, *ordinal) == super::memory::Ordered::Stop;
                stopped || replica.ready()
            }
        })
    }

    fn spawn(&self, key: &ReplicaKey, action: Action) {
        let Some(replica) = self.replicas.get(key) else { return };
        let pause = self.world.replica(&replica.duties).pause;
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
    fn record(&mut self, events: impl IntoIterator<Item = Event>) {
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
                self.memory.apply(&crate::formats::journal::Line { at: journal::now(), event });
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

    fn look_after_the_owner(&mut self) {
        if self.memory.condemned {
            return;
        }
        match lease::look(&self.args.places.journal) {
            Ok((false, Some(mark))) if mark.kind == LeaseKind::Run && !mark.done => {
                self.record([Event::OwnerDied { run: mark.run }]);
            }
            Ok(_) => {}
            Err(error) => log::error("lease not read", &[("why", &error)]),
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
        let text = if self.memory.up == UpState::None { own } else { self.memory.expires.clone() };
        text.as_deref().and_then(millis)
    }

    fn publish(&mut self) {
        if !self.looked {
            return;
        }
        let folder: &Path = &self.args.places.control;
        let mut services: BTreeMap<String, Vec<ReadyReplica>> = BTreeMap::new();
        for ((service, ordinal), replica) in &self.replicas {
            if replica.duties.kind == PodKind::Job {
                continue;
            }
            let pause = self.world.replica(&replica.duties).pause;
            let Some(address) = pause.and_then(|pause| pause.address) else { continue };
            let of = services.entry(service.clone()).or_default();
            of.push(ReadyReplica { ordinal: *ordinal, address, ready: replica.ready() });
        }
        let replicas = self.replicas.values().map(Replica::status).collect();
        let view = View { journal: self.journal.offset, replicas };
        let shown = self.publisher.ready(folder, services).and_then(|()| self.publisher.view(folder, view));
        if let Err(error) = shown {
            log::error("control volume not written", &[("why", &error)]);
        }
    }
}
