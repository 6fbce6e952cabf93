//! What runs, read once, inside of containers and stores included.

use crate::{
    backend::{Backend, Scope, SecretValues},
    observed::Observed,
    plan::{Plan, StorePlan},
};

use super::super::{Result, verify::ask_stores};

pub async fn look(backend: &dyn Backend, plan: &Plan, secrets: &SecretValues) -> Result<Observed> {
    let scope = Scope::of(&plan.mirror);
    let stores = plan.stores.iter().map(StorePlan::served);
    let (observed, stores) =
        tokio::join!(backend.observe(&scope, true), ask_stores(backend, &plan.mirror, stores, secrets));
    Ok(Observed { stores, ..observed? })
}
