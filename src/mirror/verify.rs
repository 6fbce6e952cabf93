//! Verify: what runs, read once, through the ledger.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use crate::{
    backend::{Backend, Scope, SecretValues, Unheard},
    engine,
    ledger::{self, Ledger},
    name::Name,
    observed::{Observed, StoreFacts},
    plan::Served,
};

use super::{Drawn, Inside, Result, containers, objects, seed};

/// Reads everything live, inside of containers included, and judges every entry of the plan's ledger.
pub async fn verify(
    backend: &dyn Backend,
    drawn: &Drawn<'_>,
    tree: &serde_json::Value,
    secrets: &SecretValues,
) -> Result<(Ledger, Observed)> {
    let (live, observed) = match drawn {
        Drawn::Containers { plan, .. } => {
            let observed = containers::look(backend, plan, secrets).await?;
            (ledger::live::live(plan, tree, &observed, &secrets.0), observed)
        }
        Drawn::Objects { place, plan } => {
            let found = objects::look(backend, *place, plan, secrets).await?;
            let live = ledger::live::live_on_cluster(plan, tree, found, &secrets.0);
            // Not beside the look: each has every pod in memory.
            (live, backend.observe(&Scope::of(&plan.mirror), false).await?)
        }
    };
    Ok((ledger::judge(drawn.mirror(), drawn.backend(), drawn.ledger(), &live), observed))
}

/// What the engines of stores answer, by store.
pub(super) async fn ask_stores<'p>(
    backend: &dyn Backend,
    mirror: &Name,
    stores: impl IntoIterator<Item = Served<'p>>,
    secrets: &SecretValues,
) -> BTreeMap<String, StoreFacts> {
    let asked = stores.into_iter().map(|store| async move {
        let inside = Inside::new(backend, &Unheard, mirror, store.store);
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
