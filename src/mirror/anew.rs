//! Which stores' state an `up` makes anew, and why; decided before anything is changed.

use std::{path::Path, sync::Arc};

use indexmap::IndexMap;

use crate::{
    backend::{Progress, Report},
    engine::seed::{self, Seed},
    formats::journal::{Event, KeeperStatus, SeedStatus},
    name::Name,
    plan::Served,
};

use super::{Result, StoryError};

/// Why a store's state is made anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// There is nothing of it yet.
    New,
    /// Its seeding was cut off.
    Unseeded,
    /// The profile names another seed than the one that was loaded.
    OtherSeed,
    /// The seed holds something else than what was loaded.
    Changed,
    /// Its volume is gone.
    Gone,
}

/// What is there of a store before an `up`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    Nothing,
    /// A server without its state.
    Server,
    State,
}

/// The stores to seed, in the plan's order, and what was learnt about the others on the way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Anew {
    pub stores: IndexMap<Name, Why>,
    /// Seeds whose files were touched and hold what they held: worth a note, so that they are not read again.
    pub touched: Vec<Event>,
}

impl Anew {
    /// Compares every store with what the mirror's record says of its seeding, and with what is there.
    ///
    /// Names, sizes and times of a seed's files are enough to know that it is the same; only where they differ is it
    /// read and hashed.
    pub async fn judge<'p>(
        stores: impl IntoIterator<Item = (Served<'p>, Holds)>,
        folder: &Path,
        status: &KeeperStatus,
        report: &dyn Report,
    ) -> Result<Self> {
        let mut anew = Self::default();
        for (store, holds) in stores {
            let known = status.seeds.iter().find(|seed| seed.store == store.store.as_str());
            let why = match known {
                None if holds == Holds::Nothing => Some(Why::New),
                None => Some(Why::Unseeded),
                Some(_) if holds != Holds::State => Some(Why::Gone),
                Some(known) if known.seed.as_deref() != store.seed => Some(Why::OtherSeed),
                Some(known) => anew.compare(store, known, folder, report).await?,
            };
            anew.stores.extend(why.map(|why| (store.store.clone(), why)));
        }
        Ok(anew)
    }

    async fn compare(
        &mut self,
        store: Served<'_>,
        known: &SeedStatus,
        folder: &Path,
        report: &dyn Report,
    ) -> Result<Option<Why>> {
        let Some(path) = store.seed else { return Ok(None) };
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
    pub fn says<'p>(&self, stores: impl IntoIterator<Item = Served<'p>>) -> Vec<String> {
        let line = |store: Served<'p>| {
            let name = store.store;
            let seed = store.seed.unwrap_or("nothing");
            let why = match self.stores.get(name)? {
                Why::New => return None,
                Why::Unseeded => "its seeding was not finished".to_owned(),
                Why::OtherSeed => format!("its seed is {seed} now, and what it holds is lost"),
                Why::Changed => {
                    format!("{seed} changed since it was loaded, and what the store holds is lost")
                }
                Why::Gone => "its volume is gone".to_owned(),
            };
            Some(format!("{name} is seeded anew: {why}"))
        };
        stores.into_iter().filter_map(line).collect()
    }
}

/// The hash of a seed's files as loading it would find it.
async fn read_through(seed: &Seed) -> std::result::Result<String, crate::engine::EngineError> {
    let mut files = seed.read(Arc::new(seed::Count::default()));
    while files.next().is_some() {}
    files.hash().await
}
