//! A store back to the copy kept after its seeding, the rest of the mirror running on.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use crate::{
    backend::{Part, Power, Progress},
    formats::journal::Event,
    name::Name,
    plan::{Action, Reconciliation, StorePlan, jobs_after},
};

use super::{
    super::{Result, StoryError, power::power, ready::Deadline, reset::ResetRow, seed},
    launch::Launch,
    stage::Stage,
    wait,
};

/// Puts these stores of the stage's plan back, one after another, and runs the jobs that need them again.
pub async fn reset(stage: Stage<'_>, stores: &[&Name], timeout: Duration) -> Result<Vec<ResetRow>> {
    let mut rows = Vec::new();
    for store in stage.plan.stores.iter().filter(|store| stores.contains(&&store.store)) {
        rows.push(one(&stage, store, Deadline::after(timeout)).await?);
    }
    jobs_again(stage, stores, timeout).await?;
    Ok(rows)
}

async fn one(stage: &Stage<'_>, store: &StorePlan, deadline: Deadline) -> Result<ResetRow> {
    let began = Instant::now();
    let step = format!("reset-{}", store.store);
    stage.report.event(Progress::Begun { step: step.clone(), what: format!("resetting {}", store.store) });
    let copy = &store.copy.name;
    if !stage.place.volume().has(copy).await? {
        return Err(StoryError::NoSeedCopy { store: store.store.clone() });
    }
    let part = Part { service: Some(store.store.clone()), ordinal: None };
    power(stage.backend, &stage.plan.mirror, &part, Power::Stop, stage.report).await?;
    let bytes = stage.place.volume().restore(copy, &store.volume).await;
    // The server comes back whatever the copy came to: a store that is down helps nobody.
    power(stage.backend, &stage.plan.mirror, &part, Power::Start, stage.report).await?;
    let bytes = bytes?;
    let (served, loading) = (store.served(), stage.loading());
    let login = seed::login(served, stage.secrets);
    seed::answering(&loading, served, &login, deadline).await?;
    let services = [store.store.clone()];
    wait::ready(stage.backend, stage.plan, &services, deadline, &step, stage.report).await?;
    let millis = began.elapsed().as_millis() as u64;
    let event = Event::StoreReset { store: store.store.to_string(), millis };
    stage.backend.note(&stage.plan.mirror, &event, stage.report).await?;
    stage.report.event(Progress::Done { step, millis });
    Ok(ResetRow { store: store.store.to_string(), millis, bytes })
}

/// Jobs that need a store that was reset run again, in the plan's order, each as a replica that is made anew.
async fn jobs_again(stage: Stage<'_>, reset: &[&Name], timeout: Duration) -> Result<()> {
    let jobs = jobs_after(stage.plan, reset);
    let replaced = jobs.iter().flat_map(|pod| pod.containers()).map(|c| (c.key.clone(), Action::Replace));
    let changes = Reconciliation { actions: replaced.collect(), ..Reconciliation::default() };
    let launch = Launch { stage, changes: &changes, seeded: &BTreeSet::new(), timeout };
    for pod in jobs {
        let step = format!("job-{}", pod.service);
        let report = launch.stage.report;
        report.event(Progress::Begun { step: step.clone(), what: format!("running {} again", pod.service) });
        let began = Instant::now();
        launch.pod_anew(&step, pod, Deadline::after(timeout)).await?;
        report.event(Progress::Done { step, millis: began.elapsed().as_millis() as u64 });
    }
    Ok(())
}
