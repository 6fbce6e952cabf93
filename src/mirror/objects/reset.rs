//! A store made anew and seeded again: on a cluster no copy is kept to put back.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use crate::{
    backend::{Objects, Progress},
    formats::journal::Event,
    name::Name,
    plan::{ClusterPlan, kubernetes::ClusterDoes},
};

use super::{
    super::{Result, reset::ResetRow, seed::Loading},
    launch::Launch,
};

/// Throws these stores away, and makes and seeds them as the first `up` did; the jobs that need them run again.
pub async fn reset(
    place: &dyn Objects,
    plan: &ClusterPlan,
    loading: Loading<'_>,
    stores: &[&Name],
    timeout: Duration,
) -> Result<Vec<ResetRow>> {
    let placing = place.placing(plan, loading.secrets)?;
    let jobs = plan.jobs_after(stores);
    let part = ClusterPlan { steps: steps_of(plan, stores, &jobs), ..plan.clone() };
    let mut begun = Vec::new();
    for store in plan.stores.iter().filter(|store| stores.contains(&&store.store)) {
        let step = format!("reset-{}", store.store);
        loading
            .report
            .event(Progress::Begun { step: step.clone(), what: format!("resetting {}", store.store) });
        let event = Event::StoreCleared { store: store.store.to_string() };
        loading.backend.note(&plan.mirror, &event, loading.report).await?;
        placing.clear(store).await?;
        begun.push((store, step, Instant::now()));
    }
    for job in &jobs {
        placing.clear_job(job).await?;
    }
    let anew: BTreeSet<&Name> = stores.iter().copied().collect();
    let launch = Launch { plan: &part, placing: placing.as_ref(), loading, anew: &anew, timeout };
    launch.carry_out().await?;
    let status = loading.backend.says(&plan.mirror).await?.unwrap_or_default();
    let mut rows = Vec::new();
    for (store, step, began) in begun {
        let millis = began.elapsed().as_millis() as u64;
        loading.report.event(Progress::Done { step, millis });
        let name = store.store.to_string();
        let bytes = status.seeds.iter().find(|seed| seed.store == name).map_or(0, |seed| seed.bytes);
        rows.push(ResetRow { store: name, millis, bytes });
    }
    Ok(rows)
}

/// The plan's steps, as far as they are about these stores and jobs.
fn steps_of(plan: &ClusterPlan, stores: &[&Name], jobs: &[&Name]) -> Vec<crate::plan::Step<ClusterDoes>> {
    let is_meant = |name: &Name| stores.contains(&name) || jobs.contains(&name);
    let steps = plan.steps.iter().filter_map(|step| {
        let does = match &step.does {
            ClusterDoes::Apply { objects } => {
                let own = objects.iter().filter(|key| {
                    plan.object(key).and_then(|object| object.service.as_ref()).is_some_and(is_meant)
                });
                ClusterDoes::Apply { objects: own.cloned().collect() }
            }
            ClusterDoes::Ready { services } => ClusterDoes::Ready {
                services: services.iter().filter(|name| is_meant(name)).cloned().collect(),
            },
            ClusterDoes::Seed { store } => ClusterDoes::Seed { store: store.clone() },
            ClusterDoes::Secrets { .. } | ClusterDoes::Verify => return None,
        };
        let is_empty = match &does {
            ClusterDoes::Apply { objects } => objects.is_empty(),
            ClusterDoes::Ready { services } => services.is_empty(),
            _ => false,
        };
        (!is_empty).then(|| crate::plan::Step { does, ..step.clone() })
    });
    steps.collect()
}
