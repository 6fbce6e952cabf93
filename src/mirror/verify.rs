//! Verify: what runs, read once, through the ledger.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use crate::{
    backend::{Backend, Scope, SecretValues, Unheard},
    engine,
    ledger::{self, Ledger},
    name::Name,
    observed::{Observed, StoreFacts},
    plan::Plan,
};

use super::{Inside, Result, seed};

/// Reads everything live, inside of containers included, and judges every entry of the plan's ledger.
pub async fn verify(
    backend: &dyn Backend,
    plan: &Plan,
    tree: &serde_json::Value,
    secrets: &SecretValues,
) -> Result<(Ledger, Observed)> {
    let observed = look(backend, plan, secrets).await?;
    let live = ledger::live::live(plan, tree, &observed, &secrets.0);
    Ok((ledger::judge(&plan.mirror, plan.backend, &plan.ledger, &live), observed))
}

/// Everything live, inside of containers and stores included.
pub(super) async fn look(backend: &dyn Backend, plan: &Plan, secrets: &SecretValues) -> Result<Observed> {
    let scope = Scope::of(&plan.mirror);
    let (observed, stores) = tokio::join!(backend.observe(&scope, true), ask_stores(backend, plan, secrets));
    Ok(Observed { stores, ..observed? })
}

async fn ask_stores(
    backend: &dyn Backend,
    plan: &Plan,
    secrets: &SecretValues,
) -> BTreeMap<String, StoreFacts> {
    let asked = plan.stores.iter().map(|store| async move {
        let inside = Inside::new(backend, &Unheard, &plan.mirror, &store.store);
        let login = seed::login(store, secrets);
        let settings: Vec<String> = store.settings.keys().cloned().collect();
        let facts = engine::of(store.engine).ask(&inside, &login, &settings).await;
        (store.store.to_string(), facts)
    });
    join_all(asked).await.into_iter().collect()
}

/// Whether a mirror of that name is there at all.
pub async fn exists(backend: &dyn Backend, mirror: &Name) -> Result<bool> {
    let scope = Scope::of(mirror);
    let observed = backend.observe(&scope, false).await?;
    Ok(!observed.containers.is_empty() || !observed.volumes.is_empty() || !observed.networks.is_empty())
}
