//! Which stores' state an `up` makes anew, and why; decided before anything is changed.

use std::{path::Path, sync::Arc};

use indexmap::IndexMap;

use crate::{
    backend::{Progress, Report, RunState, What},
    engine::seed::{self, Seed},
    formats::journal::{Event, KeeperStatus, SeedStatus},
    name::Name,
    observed::Observed,
    plan::{Plan, Pod, StorePlan, jobs_after, key_of},
};

use super::{Result, StoryError, launch::take_away, seed::Stage};

/// Why a store's state is made anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It was never seeded, or its seeding was cut off.
    Unseeded,
    /// The profile names another seed than the one that was loaded.
    OtherSeed,
    /// The seed holds something else than what was loaded.
    Changed,
    /// Its volume is gone.
    Gone,
}

/// The stores to seed, in the plan's order, and what was learnt about the others on the way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Anew {
    pub stores: IndexMap<Name, Why>,
    /// Seeds whose files were touched and hold what they held: worth a note, so that they are not read again.
    pub touched: Vec<Event>,
}

impl Anew {
    /// Compares every store with what the keeper says of its seeding, and with what is there.
    ///
    /// Names, sizes and times of a seed's files are enough to know that it is the same; only where they differ is it
    /// read and hashed.
    pub async fn judge(
        plan: &Plan,
        folder: &Path,
        status: &KeeperStatus,
        observed: &Observed,
        report: &dyn Report,
    ) -> Result<Self> {
        let mut anew = Self::default();
        for store in &plan.stores {
            let known = status.seeds.iter().find(|seed| seed.store == store.store.as_str());
            let there = observed.volumes.iter().any(|volume| volume.name == store.volume);
            let why = match known {
                None => Some(Why::Unseeded),
                Some(_) if !there => Some(Why::Gone),
                Some(known) if known.seed != store.seed => Some(Why::OtherSeed),
                Some(known) => anew.compare(store, known, folder, report).await?,
            };
            anew.stores.extend(why.map(|why| (store.store.clone(), why)));
        }
        Ok(anew)
    }

    async fn compare(
        &mut self,
        store: &StorePlan,
        known: &SeedStatus,
        folder: &Path,
        report: &dyn Report,
    ) -> Result<Option<Why>> {
        let Some(path) = &store.seed else { return Ok(None) };
        let failed = |why: String| StoryError::Seed { store: store.store.clone(), why };
        let seed = seed::open(folder, path, store.engine).map_err(|error| failed(error.to_string()))?;
        if known.fingerprint.as_deref() == Some(seed.fingerprint()) {
            return Ok(None);
        }
        report.event(Progress::Note(format!(
            "{path} was touched: comparing it with what {} was loaded from",
            store.store
        )));
        let hash = read_through(&seed).await.map_err(|error| failed(error.to_string()))?;
        if known.hash.as_ref() != Some(&hash) {
            return Ok(Some(Why::Changed));
        }
        let (store, fingerprint) = (store.store.to_string(), seed.fingerprint().to_owned());
        self.touched.push(Event::SeedTouched { store, fingerprint });
        Ok(None)
    }

    /// One line for each store whose state is thrown away; a mirror that begins has none.
    pub fn says(&self, plan: &Plan, observed: &Observed) -> Vec<String> {
        let of = |name: &Name| plan.stores.iter().find(|store| store.store == *name);
        let line = |(name, why): (&Name, &Why)| {
            let store = of(name)?;
            let seed = store.seed.as_deref().unwrap_or("nothing");
            let why = match why {
                Why::Unseeded if holds_something(store, observed) => {
                    "its seeding was not finished".to_owned()
                }
                Why::Unseeded => return None,
                Why::OtherSeed => format!("its seed is {seed} now, and what it holds is lost"),
                Why::Changed => {
                    format!("{seed} changed since it was loaded, and what the store holds is lost")
                }
                Why::Gone => "its volume is gone".to_owned(),
            };
            Some(format!("{name} is seeded anew: {why}"))
        };
        self.stores.iter().filter_map(line).collect()
    }

    /// Throws away what these stores hold, so that their seeds meet empty servers, and the jobs that need them.
    ///
    /// Noted first: whoever is cut off in the middle leaves stores that are known to hold nothing whole.
    pub async fn clear(&self, stage: &Stage<'_>, observed: &Observed) -> Result<()> {
        if observed.containers.is_empty() {
            return Ok(());
        }
        for store in stage.plan.stores.iter().filter(|store| self.stores.contains_key(&store.store)) {
            let copy = &store.copy.name;
            let copied = observed.volumes.iter().any(|volume| volume.name == *copy);
            if !copied && !holds_something(store, observed) {
                continue;
            }
            let event = Event::StoreCleared { store: store.store.to_string() };
            stage.backend.note(&stage.plan.mirror, &event).await?;
            let pods = stage.plan.pods.iter().filter(|pod| pod.service == store.store);
            let keys: Vec<String> =
                pods.flat_map(Pod::members).map(|container| container.key.clone()).collect();
            stage.start(What::Containers(&keys), RunState::Absent).await?;
            for volume in [&store.volume, copy] {
                stage.backend.volume().remove(volume).await?;
            }
        }
        for job in jobs_after(stage.plan, &self.stores.keys().collect::<Vec<_>>()) {
            take_away(stage, job).await?;
        }
        Ok(())
    }
}

fn holds_something(store: &StorePlan, observed: &Observed) -> bool {
    observed.volumes.iter().any(|volume| volume.name == store.volume)
        || observed.containers.iter().any(|container| key_of(container) == Some(&store.container))
}

/// The hash of a seed's files as loading it would find it.
async fn read_through(seed: &Seed) -> std::result::Result<String, crate::engine::EngineError> {
    let mut files = seed.read(Arc::new(seed::Count::default()));
    while files.next().is_some() {}
    files.hash().await
}
