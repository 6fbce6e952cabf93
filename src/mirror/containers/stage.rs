//! Where the containers of a plan are made, and the copy of a store that is kept for `reset`.

use std::path::Path;

use crate::{
    backend::{Backend, Containers, Planned, Report, RunState, SecretValues, What},
    plan::{Plan, StorePlan},
};

use super::super::{Result, seed::Loading};

/// Everything that launching needs to hand around.
pub struct Stage<'a> {
    pub backend: &'a dyn Backend,
    pub place: &'a dyn Containers,
    pub plan: &'a Plan,
    pub secrets: &'a SecretValues,
    /// The profile's own folder, from which seeds are read.
    pub folder: &'a Path,
    pub report: &'a dyn Report,
}

impl<'a> Stage<'a> {
    pub async fn start(&self, what: What<'_>, state: RunState) -> Result<()> {
        let launch_labels = &std::collections::BTreeMap::new();
        let planned = Planned { plan: self.plan, secrets: self.secrets, launch_labels, what, state };
        Ok(self.place.start(planned, self.report).await?)
    }

    pub fn loading(&self) -> Loading<'a> {
        Loading {
            backend: self.backend,
            mirror: &self.plan.mirror,
            secrets: self.secrets,
            folder: self.folder,
            report: self.report,
        }
    }
}

/// Copies the store's volume while its server is halted, so that the copy is one moment's state.
pub async fn keep_copy(stage: &Stage<'_>, store: &StorePlan) -> Result<()> {
    let keys = [store.container.clone()];
    stage.start(What::Containers(&keys), RunState::Frozen).await?;
    let labels = store.copy.labels.clone().into_iter().collect();
    let copied = stage.place.volume().clone_of(&store.volume, &store.copy.name, &labels).await;
    stage.start(What::Containers(&keys), RunState::Running).await?;
    copied?;
    Ok(())
}
