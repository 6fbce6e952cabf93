//! From what was found to the last ready replica, container by container.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use crate::{
    backend::{Containers, Lease, Planned, RunState, SecretValues, What},
    formats::journal::{Event, KeeperStatus, UpState},
    labels,
    name::Name,
    plan::{Action, Plan, Reconciliation, StorePlan, reconcile},
};

use super::{
    super::{
        Result, admit,
        anew::Anew,
        document::Timing,
        memory,
        up::{self, expiry, is_race, timing},
    },
    clear::{clear, holds},
    launch::Launch,
    orphans::orphans,
    stage::Stage,
};

/// What an `up` will do about each container and each store, decided before anything is changed.
pub struct Changes<'a> {
    place: &'a dyn Containers,
    plan: &'a Plan,
    values: &'a SecretValues,
    containers: Reconciliation,
    stores: Anew,
    /// The profile is another one, and some of its files are seen by who runs.
    followed: bool,
}

impl<'a> Changes<'a> {
    pub async fn read(
        stage: &up::Stage<'_>,
        place: &'a dyn Containers,
        plan: &'a Plan,
        values: &'a SecretValues,
    ) -> Result<Self> {
        let up::Stage { request, observed, status, report, .. } = stage;
        let mut containers = reconcile(plan, observed);
        let there = plan.stores.iter().map(|store| (store.served(), holds(store, observed)));
        let stores = Anew::judge(there, &request.folder, status, *report).await?;
        let anew: Vec<&Name> = stores.stores.keys().collect();
        let why = stores.says(plan.stores.iter().map(StorePlan::served));
        containers.renew(plan, &anew, why, observed);
        let is_another = status.profile.as_ref().is_some_and(|known| known.hash != stage.mark().hash);
        let has_followed =
            plan.volumes.iter().any(|volume| volume.files.iter().any(|file| volume.is_followed(file)));
        Ok(Self { place, plan, values, containers, stores, followed: is_another && has_followed })
    }

    pub fn is_unchanged(&self) -> bool {
        !self.followed && self.containers.is_unchanged() && self.stores.stores.is_empty()
    }

    pub fn touched(&self) -> &[Event] {
        &self.stores.touched
    }

    pub fn says(&self) -> &[String] {
        &self.containers.says
    }

    /// From the keeper to the last ready replica.
    pub async fn make(
        &self,
        up: &up::Stage<'_>,
        run: &str,
        timings: &mut Vec<Timing>,
    ) -> Result<Box<dyn Lease>> {
        let began = Instant::now();
        let up::Stage { backend, request, observed, status, report } = *up;
        let Self { place, plan, values, containers, stores, followed: _ } = self;
        let stage = Stage { backend, place: *place, plan, secrets: values, folder: &request.folder, report };
        let kept = keeper(&stage, containers, up, run).await;
        match kept {
            Err(error) if *status == KeeperStatus::default() && !is_race(&error) => {
                return Err(admit::outrun(backend, &plan.mirror, run, error).await);
            }
            kept => kept?,
        }
        let lease = backend.lease(&plan.mirror, run, request.lease).await?;
        let begun = Event::UpBegun { run: run.to_owned(), profile: up.mark(), expires: up.expires() };
        backend.note(&plan.mirror, &begun, report).await?;
        memory::remember(backend, &plan.mirror, request).await?;
        // One that was cut off may have stopped a replica to make another of it: nothing stays stopped.
        if status.up != UpState::Done
            || status.stopped
            || status.replicas.iter().any(|replica| replica.stopped)
        {
            backend.note(&plan.mirror, &Event::Started { service: None, ordinal: None }, report).await?;
        }
        timings.push(timing("keeper", began));
        orphans(&stage, containers).await?;
        for event in &stores.touched {
            backend.note(&plan.mirror, event, report).await?;
        }
        clear(stores, &stage, observed).await?;
        let all = plan.stores.iter().map(|store| &store.store);
        let seeded: BTreeSet<String> =
            all.filter(|store| !stores.stores.contains_key(*store)).map(Name::to_string).collect();
        let launch = Launch { stage, changes: containers, seeded: &seeded, timeout: request.timeout };
        timings.extend(launch.carry_out().await?.timings);
        Ok(lease)
    }
}

/// The networks it stands in, its volumes, and the keeper itself: the first container of a mirror.
async fn keeper(stage: &Stage<'_>, changes: &Reconciliation, up: &up::Stage<'_>, run: &str) -> Result<()> {
    let Stage { place, plan, secrets, report, .. } = *stage;
    let state = match changes.of(&plan.keeper.key) {
        Action::Keep => return Ok(()),
        Action::Start | Action::Create => RunState::Running,
        Action::Repair | Action::Replace => RunState::Fresh,
    };
    let mut labels = BTreeMap::from([
        (labels::RUN.to_owned(), run.to_owned()),
        (labels::PROFILE.to_owned(), up.mark().hash),
    ]);
    if let Some(expires) = up.request.ttl.and_then(expiry) {
        labels.insert(labels::EXPIRES.to_owned(), expires);
    }
    for what in [What::Networks, What::Volumes, What::Keeper] {
        let state = if matches!(what, What::Keeper) { state } else { RunState::Running };
        let planned = Planned { plan, secrets, launch_labels: &labels, what, state };
        place.start(planned, report).await?;
    }
    Ok(())
}
