//! What a changed profile no longer has.

use crate::{
    backend::{Progress, RunState, What},
    plan::Reconciliation,
};

use super::{super::Result, stage::Stage};

/// Removes the containers of services that the profile no longer has.
pub async fn orphans(stage: &Stage<'_>, changes: &Reconciliation) -> Result<()> {
    if changes.orphans.is_empty() {
        return Ok(());
    }
    stage.report.event(Progress::Note(format!(
        "removing {} containers that the profile no longer has",
        changes.orphans.len()
    )));
    stage.start(What::Orphans(&changes.orphans), RunState::Absent).await
}
