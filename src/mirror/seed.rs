//! Stores get their seeds before anything that needs them starts, and a copy is kept for `reset`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use crate::{
    backend::{Backend, Planned, Progress, Report, RunState, SecretValues, Start, What},
    engine::{self, Answer, EngineError, Login, seed},
    formats::journal::Event,
    name::Name,
    plan::{Plan, StorePlan, Template},
};

use super::{Inside, Result, StoryError, wait::Deadline};

/// Everything that launching needs to hand around.
pub struct Stage<'a> {
    pub backend: &'a dyn Backend,
    pub plan: &'a Plan,
    pub secrets: &'a SecretValues,
    /// The profile's own folder, from which seeds are read.
    pub folder: &'a Path,
    pub report: &'a dyn Report,
}

impl Stage<'_> {
    pub async fn start(&self, what: What<'_>, state: RunState) -> Result<()> {
        let launch_labels = &std::collections::BTreeMap::new();
        let planned = Planned { plan: self.plan, secrets: self.secrets, launch_labels, what, state };
        Ok(self.backend.start(Start::Planned(planned), self.report).await?)
    }

    /// The store's main container, for its engine.
    pub fn inside(&self, store: &StorePlan) -> Inside<'_> {
        Inside::new(self.backend, self.report, &self.plan.mirror, &store.store)
    }
}

pub fn login(store: &StorePlan, secrets: &SecretValues) -> Login {
    let fill = |template: &Option<Template>| {
        template.as_ref().and_then(|t| t.fill(|name| secrets.0.get(name).cloned()))
    };
    Login {
        port: store.port,
        user: fill(&store.user),
        password: fill(&store.password),
        database: fill(&store.database),
    }
}

/// Waits until the store's server answers, loads its seed, and keeps a copy of the result.
pub async fn seed(stage: &Stage<'_>, store: &StorePlan, deadline: Deadline) -> Result<()> {
    let began = Instant::now();
    let step = format!("seed-{}", store.store);
    let login = login(store, stage.secrets);
    answering(stage, store, &login, deadline, &step).await?;
    let engine = engine::of(store.engine);
    let inside = stage.inside(store);
    let failed = |why: String| StoryError::Seed { store: store.store.clone(), why };
    let words = |error: EngineError| failed(error.to_string());

    let (mut bytes, mut hash, mut fingerprint, mut expired) = (0, None, None, None);
    if let Some(path) = &store.seed {
        let opened =
            seed::open(stage.folder, path, store.engine).map_err(|error| failed(error.to_string()))?;
        (bytes, fingerprint) = (opened.bytes(), Some(opened.fingerprint().to_owned()));
        let count = Arc::new(seed::Count::default());
        let mut loading = std::pin::pin!(opened.load(engine, &inside, &login, count.clone()));
        let mut tick = tokio::time::interval(std::time::Duration::from_millis(200));
        let (loaded, identity) = loop {
            tokio::select! {
                loaded = &mut loading => break loaded.map_err(words)?,
                _ = tick.tick() => stage.report.event(Progress::Bytes {
                    step: step.clone(), done: count.bytes(), total: Some(bytes),
                }),
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
    keep_copy(stage, store).await?;
    let event = Event::StoreSeeded {
        store: store.store.to_string(),
        seed: store.seed.clone(),
        hash,
        fingerprint,
        bytes,
        count,
        expired,
        millis: began.elapsed().as_millis() as u64,
    };
    Ok(stage.backend.note(&stage.plan.mirror, &event).await?)
}

/// Waits until the server answers a login.
pub async fn answering(
    stage: &Stage<'_>,
    store: &StorePlan,
    login: &Login,
    deadline: Deadline,
    step: &str,
) -> Result<()> {
    let engine = engine::of(store.engine);
    let inside = stage.inside(store);
    loop {
        let last = match engine.answers(&inside, login).await {
            Ok(Answer::Yes) => return Ok(()),
            Ok(Answer::NotYet(words)) => words,
            Err(error) => error.to_string(),
        };
        if deadline.is_over() {
            return Err(StoryError::NotReady(Box::new(super::NotReady {
                code: "timeout".to_owned(),
                message: format!("store `{}` never answered a login: {last}", store.store),
                service: Some(store.store.to_string()),
                ordinal: Some(0),
                last_answer: Some(last),
                log_tail: tail(stage, &store.store).await,
                ..super::NotReady::default()
            })));
        }
        stage
            .report
            .event(Progress::Waiting { step: step.to_owned(), what: format!("{} starts", store.store) });
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

async fn tail(stage: &Stage<'_>, store: &Name) -> Vec<String> {
    use futures_util::StreamExt;
    let query =
        crate::backend::LogQuery { service: Some(store.clone()), tail: Some(20), ..Default::default() };
    match stage.backend.logs(&stage.plan.mirror, query).await {
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

/// Copies the store's volume while its server is halted, so that the copy is one moment's state.
async fn keep_copy(stage: &Stage<'_>, store: &StorePlan) -> Result<()> {
    let keys = [store.container.clone()];
    stage.start(What::Containers(&keys), RunState::Frozen).await?;
    let labels = store.copy.labels.clone().into_iter().collect();
    let copied = stage.backend.volume().clone_of(&store.volume, &store.copy.name, &labels).await;
    stage.start(What::Containers(&keys), RunState::Running).await?;
    copied?;
    Ok(())
}

/// Opens every seed of a plan, so that what cannot be read is found before anything is made.
pub fn check_seeds(plan: &Plan, folder: &Path) -> Result<Vec<PathBuf>> {
    let mut opened = Vec::new();
    for store in &plan.stores {
        if let Some(path) = &store.seed {
            seed::open(folder, path, store.engine)
                .map_err(|error| StoryError::Seed { store: store.store.clone(), why: error.to_string() })?;
            opened.push(folder.join(path));
        }
    }
    Ok(opened)
}
