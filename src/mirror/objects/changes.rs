//! From what was found to the last ready pod.

use std::{collections::BTreeSet, time::Instant};

use crate::{
    backend::{BackendError, Lease, ObjectChange, Objects, Placing, Progress, SecretValues},
    formats::journal::Event,
    name::Name,
    plan::{
        ClusterPlan, ClusterStore,
        kubernetes::{ObjectKey, ObjectKind},
    },
};

use super::{
    super::{
        Result,
        anew::{Anew, Holds},
        document::Timing,
        memory,
        seed::Loading,
        up::{self, timing},
    },
    launch::Launch,
};

/// What an `up` will do about each object and each store, decided before anything is changed.
pub struct Changes<'a> {
    plan: &'a ClusterPlan,
    values: &'a SecretValues,
    placing: Box<dyn Placing + 'a>,
    objects: Vec<ObjectChange>,
    stores: Anew,
    says: Vec<String>,
}

impl<'a> Changes<'a> {
    pub async fn read(
        stage: &up::Stage<'_>,
        place: &'a dyn Objects,
        plan: &'a ClusterPlan,
        values: &'a SecretValues,
    ) -> Result<Self> {
        let up::Stage { request, observed, status, report, .. } = stage;
        let placing = place.placing(plan, values)?;
        let objects = placing.changes().await?;
        let holds = |store: &ClusterStore| {
            let has = |volume: &crate::observed::Volume| volume.name == store.claim;
            if observed.volumes.iter().any(has) { Holds::State } else { Holds::Nothing }
        };
        let there = plan.stores.iter().map(|store| (store.served(), holds(store)));
        let stores = Anew::judge(there, &request.folder, status, *report).await?;
        let mut says = stores.says(plan.stores.iter().map(ClusterStore::served));
        says.extend(objects.iter().map(|change| match change {
            ObjectChange::Created(name) => format!("{name} is created"),
            ObjectChange::Changed(name) => format!("{name} is changed: its plan changed"),
            ObjectChange::Refilled(name) => {
                format!("{name} is changed: it has another value, and what was given the old one starts anew")
            }
            ObjectChange::Removed(name) => format!("{name} is removed: the profile no longer has it"),
        }));
        Ok(Self { plan, values, placing, objects, stores, says })
    }

    pub fn is_unchanged(&self) -> bool {
        self.objects.is_empty() && self.stores.stores.is_empty()
    }

    pub fn touched(&self) -> &[Event] {
        &self.stores.touched
    }

    pub fn says(&self) -> &[String] {
        &self.says
    }

    /// From the namespace, in which the mirror's record lies, to the last ready pod.
    pub async fn make(
        &self,
        up: &up::Stage<'_>,
        run: &str,
        timings: &mut Vec<Timing>,
    ) -> Result<Box<dyn Lease>> {
        let began = Instant::now();
        let up::Stage { backend, request, status, report, .. } = *up;
        let Self { plan, values, placing, stores, .. } = self;
        let mirror = &plan.mirror;
        let space = [ObjectKey { kind: ObjectKind::Namespace, name: plan.namespace.clone() }];
        placing.place(&space).await?;
        let lease = backend.lease(mirror, run, request.lease).await?;
        self.unless_outrun(up).await?;
        let begun = Event::UpBegun { run: run.to_owned(), profile: up.mark(), expires: up.expires() };
        backend.note(mirror, &begun, report).await?;
        memory::remember(backend, mirror, request).await?;
        if status.stopped || status.replicas.iter().any(|replica| replica.stopped) {
            backend.note(mirror, &Event::Started { service: None, ordinal: None }, report).await?;
        }
        placing.publish(report).await?;
        timings.push(timing("record", began));
        let began = Instant::now();
        placing.supply(report).await?;
        timings.push(timing("images", began));
        for event in &stores.touched {
            backend.note(mirror, event, report).await?;
        }
        self.clear(up).await?;
        let anew: BTreeSet<&Name> = stores.stores.keys().collect();
        let loading = Loading { backend, mirror, secrets: values, folder: &request.folder, report };
        let launch =
            Launch { plan, placing: placing.as_ref(), loading, anew: &anew, timeout: request.timeout };
        timings.extend(launch.carry_out().await?);
        let gone = placing.sweep().await?;
        if !gone.is_empty() {
            report.event(Progress::Note(format!("removed {}", gone.join(", "))));
        }
        Ok(lease)
    }

    /// Another `up` that began and ended between our look at the mirror and our lease has made it another one.
    async fn unless_outrun(&self, up: &up::Stage<'_>) -> Result<()> {
        let mirror = &self.plan.mirror;
        let now = up.backend.glance(mirror).await?.and_then(|status| status.run);
        match now == up.status.run {
            true => Ok(()),
            false => Err(BackendError::Leased { mirror: mirror.clone() }.into()),
        }
    }

    /// Throws away what the stores to seed hold, and the jobs that need them.
    ///
    /// Noted first: whoever is cut off in the middle leaves stores that are known to hold nothing whole.
    async fn clear(&self, up: &up::Stage<'_>) -> Result<()> {
        let Self { plan, placing, stores, .. } = self;
        // A mirror that begins has nothing to throw away.
        if up.observed.networks.is_empty() {
            return Ok(());
        }
        for store in plan.stores.iter().filter(|store| stores.stores.contains_key(&store.store)) {
            let event = Event::StoreCleared { store: store.store.to_string() };
            up.backend.note(&plan.mirror, &event, up.report).await?;
            placing.clear(store).await?;
        }
        let anew: Vec<&Name> = stores.stores.keys().collect();
        for job in plan.jobs_after(&anew) {
            placing.clear_job(job).await?;
        }
        Ok(())
    }
}
