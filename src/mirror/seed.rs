//! Stores get their seeds before anything that needs them starts.

use std::{future::Future, path::Path, pin::pin, sync::Arc, time::Instant};

use futures_util::future::{Either, select};

use crate::{
    backend::{Backend, Progress, Report, SecretValues},
    engine::{self, Answer, EngineError, Login, seed},
    formats::journal::Event,
    name::Name,
    plan::{Served, Template},
};

use super::{
    Inside, Result, StoryError,
    ready::{Deadline, TIMEOUT},
};

/// What loading a store needs to hand around.
#[derive(Clone, Copy)]
pub struct Loading<'a> {
    pub backend: &'a dyn Backend,
    pub mirror: &'a Name,
    pub secrets: &'a SecretValues,
    /// The profile's own folder, from which seeds are read.
    pub folder: &'a Path,
    pub report: &'a dyn Report,
}

impl<'a> Loading<'a> {
    /// The store's main container, for its engine.
    pub fn inside(&self, store: &Name) -> Inside<'a> {
        Inside::new(self.backend, self.report, self.mirror, store)
    }
}

pub fn login(store: Served<'_>, secrets: &SecretValues) -> Login {
    let fill = |template: Option<&Template>| template?.fill(|name| secrets.0.get(name).cloned());
    Login {
        port: store.port,
        user: fill(store.user),
        password: fill(store.password),
        database: fill(store.database),
    }
}

/// Waits until the store's server answers, loads its seed, and has it kept once all of it is on disk.
pub async fn seed(
    loading: &Loading<'_>,
    store: Served<'_>,
    deadline: Deadline,
    keep: impl AsyncFnOnce() -> Result<()>,
) -> Result<()> {
    let began = Instant::now();
    let step = format!("seed-{}", store.store);
    let login = login(store, loading.secrets);
    answering(loading, store, &login, deadline).await?;
    let engine = engine::of(store.engine);
    let inside = loading.inside(store.store);
    let failed = |why: String| StoryError::Seed { store: store.store.clone(), why };
    let words = |error: EngineError| match error {
        EngineError::InStore(error) => {
            StoryError::SeedCut { store: store.store.clone(), why: error.to_string() }
        }
        error => failed(error.to_string()),
    };

    let (mut bytes, mut hash, mut fingerprint, mut expired) = (0, None, None, None);
    if let Some(path) = store.seed {
        let opened =
            seed::open(loading.folder, path, store.engine).map_err(|error| failed(error.to_string()))?;
        (bytes, fingerprint) = (opened.bytes(), Some(opened.fingerprint().to_owned()));
        let mut tries = 0;
        let (loaded, identity) = loop {
            tries += 1;
            match load(loading, &opened, engine, &login, &step, store.store).await {
                // Some images start a server for their own ends, stop it, and start it for good.
                Err(EngineError::Unconnected { .. }) if tries < MOST_TRIES => {
                    answering(loading, store, &login, deadline).await?;
                }
                loaded => break loaded.map_err(words)?,
            }
        };
        (hash, expired) = (Some(identity), loaded.expired);
    }
    engine.set_roles(&inside, &login).await.map_err(words)?;
    let (count, whole) = tokio::join!(
        async { engine.ask(&inside, &login, &[]).await.count },
        engine.quiesce(&inside, &login),
    );
    whole.map_err(words)?;
    keep().await?;
    let event = Event::StoreSeeded {
        store: store.store.to_string(),
        seed: store.seed.map(str::to_owned),
        hash,
        fingerprint,
        bytes,
        count,
        expired,
        millis: began.elapsed().as_millis() as u64,
    };
    Ok(loading.backend.note(loading.mirror, &event, loading.report).await?)
}

/// How often a server may be gone between its answer and the first file.
const MOST_TRIES: usize = 3;

/// Loads a seed, telling how far it is; with the seed's hash.
async fn load(
    loading: &Loading<'_>,
    seed: &seed::Seed,
    engine: &dyn engine::Engine,
    login: &Login,
    step: &str,
    store: &Name,
) -> Result<(engine::Loaded, String), EngineError> {
    let count = Arc::new(seed::Count::default());
    let inside = loading.inside(store);
    let mut load = pin!(seed.load(engine, &inside, login, count.clone()));
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(200));
    loop {
        tokio::select! {
            loaded = &mut load => return loaded,
            _ = tick.tick() => loading.report.event(Progress::Bytes {
                step: step.to_owned(), done: count.bytes(), total: Some(seed.bytes()),
            }),
        }
    }
}

/// Stores seeded beside each other, unless whoever watches their containers knows that one will never be ready. At the
/// deadline the watcher's reason is told where a server was never heard, else the server's last words.
///
/// `ready` ends when all of them are ready, which some are only with their seed, or with why they are not.
pub async fn watched(
    seeding: impl Future<Output = Result<()>>,
    ready: impl Future<Output = Result<()>>,
) -> Result<()> {
    let (seeding, ready) = (pin!(seeding), pin!(ready));
    match select(seeding, ready).await {
        Either::Left((Err(late), ready)) if is_unheard(&late) => ready.await.and(Err(late)),
        Either::Left((seeded, _)) => seeded,
        Either::Right((Err(lack), _)) if is_final(&lack) => Err(lack),
        Either::Right((watched, seeding)) => match (seeding.await, watched) {
            (Err(late), Err(lack)) if is_unheard(&late) => Err(lack),
            (seeded, _) => seeded,
        },
    }
}

/// Whether time ran out before anything could be asked of the server.
fn is_unheard(error: &StoryError) -> bool {
    matches!(error, StoryError::NotReady(why) if why.last_answer.is_none())
}

/// Whether waiting longer is in vain, as opposed to over.
fn is_final(error: &StoryError) -> bool {
    match error {
        StoryError::NotReady(why) => why.code != TIMEOUT,
        StoryError::Backend(error) => error.is_final(),
        _ => false,
    }
}

/// Waits until the server answers a login.
pub async fn answering(
    loading: &Loading<'_>,
    store: Served<'_>,
    login: &Login,
    deadline: Deadline,
) -> Result<()> {
    let engine = engine::of(store.engine);
    let inside = loading.inside(store.store);
    loop {
        let (was_heard, last) = match engine.answers(&inside, login).await {
            Ok(Answer::Yes) => return Ok(()),
            Ok(Answer::NotYet(words)) => (true, words),
            Err(error) => (false, error.to_string()),
        };
        if deadline.is_over() {
            return Err(StoryError::NotReady(Box::new(super::NotReady {
                code: TIMEOUT.to_owned(),
                message: format!("store `{}` never answered a login: {last}", store.store),
                service: Some(store.store.to_string()),
                ordinal: Some(0),
                last_answer: was_heard.then_some(last),
                log_tail: tail(loading, store.store).await,
                ..super::NotReady::default()
            })));
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

async fn tail(loading: &Loading<'_>, store: &Name) -> Vec<String> {
    use futures_util::StreamExt;
    let query =
        crate::backend::LogQuery { service: Some(store.clone()), tail: Some(20), ..Default::default() };
    match loading.backend.logs(loading.mirror, query).await {
        Ok(lines) => {
            lines
                .filter_map(|line| async {
                    line.ok().map(|line| String::from_utf8_lossy(&line.line).trim_end().to_owned())
                })
                .collect()
                .await
        }
        Err(_) => Vec::new(),
    }
}

/// Opens every seed of a plan, so that what cannot be read is found before anything is made.
pub fn check_seeds<'p>(stores: impl IntoIterator<Item = Served<'p>>, folder: &Path) -> Result<()> {
    for store in stores {
        if let Some(path) = store.seed {
            seed::open(folder, path, store.engine)
                .map_err(|error| StoryError::Seed { store: store.store.clone(), why: error.to_string() })?;
        }
    }
    Ok(())
}
