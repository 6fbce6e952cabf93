//! Carries out a plan's steps, in its order.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use futures_util::{TryFutureExt as _, future::try_join_all};

use crate::{
    backend::{Placing, Progress},
    name::Name,
    plan::{ClusterPlan, kubernetes::ClusterDoes},
};

use super::super::{
    Result,
    document::Timing,
    ready::Deadline,
    seed::{self, Loading},
};

/// A launch in progress.
pub struct Launch<'a> {
    pub plan: &'a ClusterPlan,
    pub placing: &'a dyn Placing,
    pub loading: Loading<'a>,
    /// Stores to seed.
    pub anew: &'a BTreeSet<&'a Name>,
    pub timeout: Duration,
}

impl Launch<'_> {
    /// Does every step but verify, which comes last.
    pub async fn carry_out(&self) -> Result<Vec<Timing>> {
        let mut timings = Vec::new();
        // The deadline begins when images and seeds are in place, so seeding moves it.
        let mut deadline = Deadline::after(self.timeout);
        let mut at = 0;
        let steps = &self.plan.steps;
        while let Some(step) = steps.get(at) {
            at += 1;
            let began = Instant::now();
            match &step.does {
                ClusterDoes::Verify => continue,
                ClusterDoes::Seed { store } if !self.anew.contains(store) => continue,
                does => self.begin(&step.id, does.to_string()),
            }
            match &step.does {
                ClusterDoes::Apply { objects } => self.placing.place(objects).await?,
                ClusterDoes::Secrets { objects } => self.placing.fill(objects).await?,
                ClusterDoes::Ready { services } => {
                    let within = deadline.left();
                    self.placing.ready(services, within, &step.id, self.loading.report).await?;
                }
                ClusterDoes::Seed { store } => {
                    // Seeds that stand beside each other in the plan do not wait for one another.
                    let mut together = vec![store];
                    while let Some(ClusterDoes::Seed { store }) = steps.get(at).map(|step| &step.does) {
                        together.extend(self.anew.contains(store).then_some(store));
                        at += 1;
                    }
                    let seeding = try_join_all(together.iter().map(|store| self.seed(store, deadline)));
                    let stores: Vec<Name> = together.iter().copied().cloned().collect();
                    let within = deadline.left();
                    let ready = self.placing.ready(&stores, within, &step.id, self.loading.report);
                    seed::watched(seeding.map_ok(drop), ready.err_into()).await?;
                    deadline = Deadline::after(self.timeout);
                }
                ClusterDoes::Verify => {}
            }
            let millis = began.elapsed().as_millis() as u64;
            self.loading.report.event(Progress::Done { step: step.id.clone(), millis });
            timings.push(Timing { step: step.id.clone(), millis });
        }
        Ok(timings)
    }

    fn begin(&self, id: &str, what: String) {
        self.loading.report.event(Progress::Begun { step: id.to_owned(), what });
    }

    /// No copy is kept: a cluster has no volume that can be copied while its server stands still.
    async fn seed(&self, store: &Name, deadline: Deadline) -> Result<()> {
        match self.plan.stores.iter().find(|planned| planned.store == *store) {
            Some(store) => seed::seed(&self.loading, store.served(), deadline, async || Ok(())).await,
            None => Ok(()),
        }
    }
}
