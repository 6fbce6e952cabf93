//! `reset`: stores back to what they held after their seeding, the rest of the mirror running on.

use std::{path::Path, time::Duration};

use serde::Serialize;

use crate::{
    backend::{Backend, Report, SecretValues},
    name::Name,
};

use super::{Drawn, Result, StoryError, containers, objects, seed::Loading};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResetRow {
    pub store: String,
    pub millis: u64,
    pub bytes: u64,
}

/// What `reset` is asked for; no store named means all of them.
pub struct ResetRequest<'a> {
    pub drawn: &'a Drawn<'a>,
    pub secrets: &'a SecretValues,
    /// The profile's own folder: a place that keeps no copies reads the seeds again.
    pub folder: &'a Path,
    pub stores: &'a [Name],
    pub timeout: Duration,
}

pub async fn reset(
    backend: &dyn Backend,
    request: ResetRequest<'_>,
    report: &dyn Report,
) -> Result<Vec<ResetRow>> {
    let ResetRequest { drawn, secrets, folder, stores, timeout } = request;
    let known: Vec<&Name> = drawn.stores().map(|store| store.store).collect();
    if let Some(unknown) = stores.iter().find(|store| !known.contains(store)) {
        return Err(StoryError::NotThere { mirror: drawn.mirror().clone(), store: unknown.to_string() });
    }
    let wanted: Vec<&Name> =
        known.into_iter().filter(|store| stores.is_empty() || stores.contains(store)).collect();
    match drawn {
        Drawn::Containers { place, plan } => {
            let stage = containers::Stage { backend, place: *place, plan, secrets, folder, report };
            containers::reset(stage, &wanted, timeout).await
        }
        Drawn::Objects { place, plan } => {
            let loading = Loading { backend, mirror: &plan.mirror, secrets, folder, report };
            objects::reset(*place, plan, loading, &wanted, timeout).await
        }
    }
}
