//! A plan in the form that its place takes.

use crate::{
    backend::{Backend, Containers, Form, Objects},
    ledger::Wanted,
    name::Name,
    plan::{self, BackendKind, Capabilities, ClusterPlan, Plan, Refusal, SecretPlan, Served},
};

use super::preflight::Source;

/// A plan, with the place that takes it in that form.
pub enum Drawn<'b> {
    Containers { place: &'b dyn Containers, plan: Box<Plan> },
    Objects { place: &'b dyn Objects, plan: Box<ClusterPlan> },
}

impl<'b> Drawn<'b> {
    /// Plans for a place. Makes nothing and asks nobody.
    pub fn new(backend: &'b dyn Backend, source: Source<'_>, capabilities: &Capabilities) -> Self {
        let Source { profile, origins } = source;
        match backend.form() {
            Form::Containers(place) => {
                Self::Containers { place, plan: Box::new(plan::plan(profile, capabilities, origins)) }
            }
            Form::Objects(place) => {
                Self::Objects { place, plan: Box::new(plan::cluster(profile, capabilities, origins)) }
            }
        }
    }

    pub fn mirror(&self) -> &Name {
        match self {
            Self::Containers { plan, .. } => &plan.mirror,
            Self::Objects { plan, .. } => &plan.mirror,
        }
    }

    pub fn owner(&self) -> &str {
        match self {
            Self::Containers { plan, .. } => &plan.owner,
            Self::Objects { plan, .. } => &plan.owner,
        }
    }

    pub fn backend(&self) -> BackendKind {
        match self {
            Self::Containers { plan, .. } => plan.backend,
            Self::Objects { plan, .. } => plan.backend,
        }
    }

    pub fn ledger(&self) -> &[Wanted] {
        match self {
            Self::Containers { plan, .. } => &plan.ledger,
            Self::Objects { plan, .. } => &plan.ledger,
        }
    }

    pub fn secrets(&self) -> &[SecretPlan] {
        match self {
            Self::Containers { plan, .. } => &plan.secrets,
            Self::Objects { plan, .. } => &plan.secrets,
        }
    }

    pub fn notes(&self) -> &[String] {
        match self {
            Self::Containers { plan, .. } => &plan.notes,
            Self::Objects { plan, .. } => &plan.notes,
        }
    }

    pub fn refusals(&self) -> &[Refusal] {
        match self {
            Self::Containers { plan, .. } => &plan.refusals,
            Self::Objects { plan, .. } => &plan.refusals,
        }
    }

    pub fn stores(&self) -> Box<dyn Iterator<Item = Served<'_>> + '_> {
        match self {
            Self::Containers { plan, .. } => Box::new(plan.stores.iter().map(plan::StorePlan::served)),
            Self::Objects { plan, .. } => Box::new(plan.stores.iter().map(plan::ClusterStore::served)),
        }
    }
}
