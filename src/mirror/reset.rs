//! `reset`: a store back to the copy kept after its seeding, the rest of the mirror running on.

use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::{
    backend::{Backend, Part, Power, Progress, Report, SecretValues},
    formats::journal::Event,
    name::Name,
    plan::{Action, Plan, Reconciliation, StorePlan, jobs_after},
};

use super::{
    Result, StoryError,
    launch::Launch,
    power::power,
    seed::{self, Stage},
    wait::{self, Deadline},
};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResetRow {
    pub store: String,
    pub millis: u64,
    pub bytes: u64,
}

/// What `reset` is asked for; no store named means all of them.
pub struct ResetRequest<'a> {
    pub plan: &'a Plan,
    pub secrets: &'a SecretValues,
    pub stores: &'a [Name],
    pub timeout: Duration,
}

pub async fn reset(
    backend: &dyn Backend,
    request: ResetRequest<'_>,
    report: &dyn Report,
) -> Result<Vec<ResetRow>> {
    let ResetRequest { plan, secrets, stores, timeout } = request;
    for store in stores {
        if !plan.stores.iter().any(|planned| planned.store == *store) {
            return Err(StoryError::NotThere { mirror: plan.mirror.clone(), store: store.to_string() });
        }
    }
    let wanted: Vec<&StorePlan> =
        plan.stores.iter().filter(|store| stores.is_empty() || stores.contains(&store.store)).collect();
    let stage = Stage { backend, plan, secrets, folder: Path::new("."), report };
    let mut rows = Vec::new();
    for store in &wanted {
        rows.push(one(&stage, store, Deadline::after(timeout)).await?);
    }
    let reset: Vec<&Name> = wanted.iter().map(|store| &store.store).collect();
    jobs_again(stage, &reset, timeout).await?;
    Ok(rows)
}

async fn one(stage: &Stage<'_>, store: &StorePlan, deadline: Deadline) -> Result<ResetRow> {
    let began = Instant::now();
    let step = format!("reset-{}", store.store);
    stage.report.event(Progress::Begun { step: step.clone(), what: format!("resetting {}", store.store) });
    let copy = &store.copy.name;
    if !stage.backend.volume().has(copy).await? {
        return Err(StoryError::NoSeedCopy { store: store.store.clone() });
    }
    let part = Part { service: Some(store.store.clone()), ordinal: None };
    power(stage.backend, &stage.plan.mirror, &part, Power::Stop, stage.report).await?;
    let bytes = stage.backend.volume().restore(copy, &store.volume).await;
    // The server comes back whatever the copy came to: a store that is down helps nobody.
    power(stage.backend, &stage.plan.mirror, &part, Power::Start, stage.report).await?;
    let bytes = bytes?;
    let login = seed::login(store, stage.secrets);
    seed::answering(stage, store, &login, deadline, &step).await?;
    let services = [store.store.clone()];
    wait::ready(stage.backend, stage.plan, &services, deadline, &step, stage.report).await?;
    let millis = began.elapsed().as_millis() as u64;
    let event = Event::StoreReset { store: store.store.to_string(), millis };
    stage.backend.note(&stage.plan.mirror, &event).await?;
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
