//! Carries out a plan's steps, in its order, as far as what is there makes them needed.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use futures_util::{TryFutureExt as _, future::try_join_all};

use crate::{
    backend::{Part, Power, Progress, RunState, Scope, What},
    formats::journal::Event,
    name::Name,
    plan::{Action, Does, Mount, Pod, Reconciliation, VolumeRole, key_of},
};

use super::{
    super::{Result, document::Timing, ready::Deadline, seed},
    stage::{Stage, keep_copy},
    wait,
};

/// What a launch took, step by step.
#[derive(Clone, Debug, Default)]
pub struct Launched {
    pub timings: Vec<Timing>,
}

/// A launch in progress.
pub struct Launch<'a> {
    pub stage: Stage<'a>,
    pub changes: &'a Reconciliation,
    /// Stores whose state is there already.
    pub seeded: &'a BTreeSet<String>,
    pub timeout: std::time::Duration,
}

impl Launch<'_> {
    /// Does every step but the keeper's, which came first, and verify, which comes last.
    pub async fn carry_out(&self) -> Result<Launched> {
        let mut launched = Launched::default();
        try_join_all(self.others().map(|pod| self.leave(pod))).await?;
        // The deadline begins when images and seeds are in place, so seeding moves it.
        let mut deadline = Deadline::after(self.timeout);
        let mut at = 0;
        let steps = &self.stage.plan.steps;
        while let Some(step) = steps.get(at) {
            at += 1;
            if matches!(step.does, Does::Keeper | Does::Verify) || !self.is_needed(&step.does) {
                continue;
            }
            let began = Instant::now();
            self.begin(&step.id, &step.does);
            if let Does::Seed { store } = &step.does {
                // Seeds that stand beside each other in the plan do not wait for one another.
                let mut together = vec![store];
                while let Some(Does::Seed { store }) = steps.get(at).map(|step| &step.does) {
                    together.push(store);
                    at += 1;
                }
                let seeding = try_join_all(together.iter().map(|store| self.seed(store, deadline)));
                let stores: Vec<Name> = together.iter().copied().cloned().collect();
                let Stage { backend, plan, report, .. } = self.stage;
                let ready = wait::ready(backend, plan, &stores, deadline, &step.id, report);
                seed::watched(seeding.map_ok(drop), ready).await?;
                deadline = Deadline::after(self.timeout);
            } else {
                self.step(&step.id, &step.does, deadline).await?;
            }
            let millis = began.elapsed().as_millis() as u64;
            self.stage.report.event(Progress::Done { step: step.id.clone(), millis });
            launched.timings.push(Timing { step: step.id.clone(), millis });
        }
        Ok(launched)
    }

    /// Replicas that are there and have another plan.
    fn others(&self) -> impl Iterator<Item = &Pod> {
        self.stage.plan.pods.iter().filter(|pod| self.changes.of(&pod.pause.key) == Action::Replace)
    }

    /// Ends a replica, and takes it away with what is its own. The plan's steps make the other.
    async fn leave(&self, pod: &Pod) -> Result<()> {
        end(&self.stage, pod).await?;
        take_away(&self.stage, pod).await?;
        may_begin(&self.stage, pod).await
    }

    fn is_needed(&self, does: &Does) -> bool {
        match does {
            Does::Start { pods, .. } => pods.iter().any(|pod| self.changed_pod(pod).is_some()),
            Does::Pauses { pods } => {
                self.gateway_changed() || pods.iter().any(|pod| self.changed_pod(pod).is_some())
            }
            Does::Seed { store } => !self.seeded.contains(store.as_str()),
            Does::Networks
            | Does::Volumes
            | Does::Files { .. }
            | Does::Ready { .. }
            | Does::Keeper
            | Does::Verify => true,
        }
    }

    fn begin(&self, id: &str, does: &Does) {
        let what = match does {
            Does::Networks => "making networks".to_owned(),
            Does::Volumes => "making volumes".to_owned(),
            Does::Keeper => "starting the keeper".to_owned(),
            Does::Files { .. } => "filling files".to_owned(),
            Does::Start { pods, .. } => format!("starting {}", names(pods.iter().map(|(name, _)| name))),
            Does::Seed { store } => format!("seeding {store}"),
            Does::Ready { services } => format!("waiting for {}", names(services.iter())),
            Does::Pauses { .. } => "starting networks' owners and the gateway".to_owned(),
            Does::Verify => "verifying".to_owned(),
        };
        self.stage.report.event(Progress::Begun { step: id.to_owned(), what });
    }

    async fn step(&self, id: &str, does: &Does, deadline: Deadline) -> Result<()> {
        let stage = &self.stage;
        match does {
            Does::Networks => stage.start(What::Networks, RunState::Running).await,
            Does::Volumes => stage.start(What::Volumes, RunState::Running).await,
            Does::Pauses { pods } => {
                let changed =
                    pods.iter().filter_map(|pod| self.changed_pod(pod)).map(|pod| pod.pause.key.clone());
                let gateway = self.gateway_changed().then(|| stage.plan.gateway.container.key.clone());
                let keys: Vec<String> = gateway.into_iter().chain(changed).collect();
                self.bring(&keys).await?;
                if is_blind(&self.stage) { self.place(pods).await } else { Ok(()) }
            }
            Does::Files { volumes } => stage.start(What::Files(volumes), RunState::Running).await,
            Does::Start { pods, .. } => {
                let changed: Vec<&Pod> = pods.iter().filter_map(|pod| self.changed_pod(pod)).collect();
                self.start_pods(id, &changed, deadline).await
            }
            Does::Ready { services } => {
                wait::ready(stage.backend, stage.plan, services, deadline, id, stage.report).await
            }
            Does::Seed { .. } | Does::Keeper | Does::Verify => Ok(()),
        }
    }

    /// The pod, if something about it is to be done.
    fn changed_pod(&self, (service, ordinal): &(Name, u32)) -> Option<&Pod> {
        let pod =
            self.stage.plan.pods.iter().find(|pod| pod.service == *service && pod.ordinal == *ordinal)?;
        (self.changes.pod_action(pod) != Action::Keep).then_some(pod)
    }

    /// Tells a blind keeper where each replica stands.
    async fn place(&self, pods: &[(Name, u32)]) -> Result<()> {
        let plan = self.stage.plan;
        let scope = Scope::of(&plan.mirror);
        let observed = self.stage.backend.observe(&scope, false).await?;
        for (service, ordinal) in pods {
            let pod = plan.pods.iter().find(|pod| pod.service == *service && pod.ordinal == *ordinal);
            let Some(pod) = pod else { continue };
            let pause = observed.containers.iter().find(|there| key_of(there) == Some(&pod.pause.key));
            let attachment = pause.and_then(|pause| pause.networks.get(&plan.networks.inside.name));
            if let Some(address) = attachment.and_then(|attachment| attachment.address) {
                let placed = Event::Placed { duties: pod.duties.clone(), address };
                self.stage.backend.note(&plan.mirror, &placed, self.stage.report).await?;
            }
        }
        Ok(())
    }

    /// A replica in place of another, as Kubernetes replaces a pod: nothing of its own outlives it, and what it mounts
    /// is filled once its pause holds it.
    pub async fn pod_anew(&self, id: &str, pod: &Pod, deadline: Deadline) -> Result<()> {
        let stage = &self.stage;
        take_away(stage, pod).await?;
        let mounted = mounted(pod);
        stage.start(What::Volumes, RunState::Running).await?;
        self.bring(std::slice::from_ref(&pod.pause.key)).await?;
        let filled = stage.plan.steps.iter().filter_map(|step| match &step.does {
            Does::Files { volumes } => Some(volumes),
            _ => None,
        });
        let own = filled.flatten().filter(|volume| mounted.contains(volume.as_str()));
        stage.start(What::Files(&own.cloned().collect::<Vec<_>>()), RunState::Running).await?;
        self.start_pods(id, &[pod], deadline).await?;
        let services = std::slice::from_ref(&pod.service);
        wait::ready(stage.backend, stage.plan, services, deadline, id, stage.report).await
    }

    fn gateway_changed(&self) -> bool {
        self.changes.of(&self.stage.plan.gateway.container.key) != Action::Keep
    }

    /// Starts replicas whose namespaces stand: what must run before the main containers, then those.
    async fn start_pods(&self, id: &str, pods: &[&Pod], deadline: Deadline) -> Result<()> {
        let (with_init, without): (Vec<&Pod>, Vec<&Pod>) = pods.iter().partition(|pod| self.needs_init(pod));
        // Those with nothing to run before do not wait for others' init containers.
        let mut keys = main_keys(&without);
        let rounds = with_init.iter().map(|pod| pod.init.len()).max().unwrap_or(0);
        for round in 0..rounds {
            let inits: Vec<String> =
                with_init.iter().filter_map(|pod| pod.init.get(round)).map(|c| c.key.clone()).collect();
            keys.extend(inits.iter().cloned());
            self.bring(&keys).await?;
            keys.clear();
            if round + 1 < rounds {
                self.round_over(&inits, deadline).await?;
            }
        }
        if !with_init.is_empty() {
            let stage = &self.stage;
            wait::initialized(stage.backend, stage.plan, &with_init, deadline, id, stage.report).await?;
        }
        keys.extend(main_keys(&with_init));
        self.bring(&keys).await
    }

    /// Init containers run when the replica is new or one of them is; not when its main container alone was repaired.
    fn needs_init(&self, pod: &Pod) -> bool {
        !pod.init.is_empty()
            && (self.changes.of(&pod.pause.key) > Action::Start
                || pod.init.iter().any(|init| self.changes.of(&init.key) != Action::Keep))
    }

    /// Waits until init containers that others follow have ended with 0; the keeper tries them again.
    async fn round_over(&self, keys: &[String], deadline: Deadline) -> Result<()> {
        loop {
            let status = self.stage.backend.glance(&self.stage.plan.mirror).await?.unwrap_or_default();
            let over = keys.iter().all(|key| {
                let containers = status.replicas.iter().flat_map(|replica| &replica.containers);
                containers.into_iter().any(|c| {
                    c.key == *key && !c.running && c.last_exit.as_ref().is_some_and(|exit| exit.code == 0)
                })
            });
            if over || deadline.is_over() {
                // What is late shows in the wait for `initialized`, with its name and log.
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    /// Brings containers to run, each by what was found of it.
    async fn bring(&self, keys: &[String]) -> Result<()> {
        let mut by_state: BTreeMap<bool, Vec<String>> = BTreeMap::new();
        for key in keys {
            match self.changes.of(key) {
                Action::Keep => {}
                Action::Repair | Action::Replace => by_state.entry(true).or_default().push(key.clone()),
                Action::Start | Action::Create => by_state.entry(false).or_default().push(key.clone()),
            }
        }
        for (fresh, keys) in by_state {
            let state = if fresh { RunState::Fresh } else { RunState::Running };
            self.stage.start(What::Containers(&keys), state).await?;
        }
        Ok(())
    }

    async fn seed(&self, store: &Name, deadline: Deadline) -> Result<()> {
        match self.stage.plan.stores.iter().find(|planned| planned.store == *store) {
            Some(store) => {
                let keep = async || keep_copy(&self.stage, store).await;
                seed::seed(&self.stage.loading(), store.served(), deadline, keep).await
            }
            None => Ok(()),
        }
    }
}

/// Ends a replica as it wishes to be ended. The keeper makes no other of it until [`may_begin`].
pub async fn end(stage: &Stage<'_>, pod: &Pod) -> Result<()> {
    let Stage { backend, plan, report, .. } = *stage;
    if is_blind(stage) {
        let keys: Vec<String> = pod.members().map(|container| container.key.clone()).collect();
        return stage.start(What::Containers(&keys), RunState::Stopped).await;
    }
    let part = Part { service: Some(pod.service.clone()), ordinal: Some(pod.ordinal) };
    Ok(backend.power(&plan.mirror, &part, Power::Stop, report).await?)
}

/// Has the keeper mind a replica again that was ended.
pub async fn may_begin(stage: &Stage<'_>, pod: &Pod) -> Result<()> {
    let (service, ordinal) = (Some(pod.service.to_string()), Some(pod.ordinal));
    let started = Event::Started { service, ordinal };
    Ok(stage.backend.note(&stage.plan.mirror, &started, stage.report).await?)
}

/// Whether the keeper has no socket of the engine's and cannot look by itself.
fn is_blind(stage: &Stage<'_>) -> bool {
    stage.plan.keeper.command.iter().flatten().any(|word| word == "--no-socket")
}

/// Removes a replica with all that is its own.
pub async fn take_away(stage: &Stage<'_>, pod: &Pod) -> Result<()> {
    let keys: Vec<String> = pod.containers().map(|container| container.key.clone()).collect();
    stage.start(What::Containers(&keys), RunState::Absent).await?;
    let mounted = mounted(pod);
    for volume in stage.plan.volumes.iter().filter(|volume| mounted.contains(volume.name.as_str())) {
        if volume.role == VolumeRole::Replica {
            stage.place.volume().remove(&volume.name).await?;
        }
    }
    Ok(())
}

fn mounted(pod: &Pod) -> BTreeSet<&str> {
    pod.containers().flat_map(|container| &container.mounts).filter_map(Mount::volume).collect()
}

/// What runs for as long as the replica does.
fn main_keys(pods: &[&Pod]) -> Vec<String> {
    let containers = pods.iter().flat_map(|pod| pod.sidecars.iter().chain(std::iter::once(&pod.main)));
    containers.map(|container| container.key.clone()).collect()
}

fn names<'a>(names: impl Iterator<Item = &'a Name>) -> String {
    let mut unique: Vec<&str> = names.map(Name::as_str).collect();
    unique.dedup();
    unique.join(", ")
}
