//! A plan in the form that its place takes.

use crate::{
    backend::{Backend, Containers, Form},
    ledger::Wanted,
    name::Name,
    plan::{self, BackendKind, Capabilities, Plan, Refusal, SecretPlan, Served},
};

use super::preflight::Source;

/// A plan, with the place that takes it in that form.
pub enum Drawn<'b> {
    Containers { place: &'b dyn Containers, plan: Box<Plan> },
}

impl<'b> Drawn<'b> {
    /// Plans for a place. Makes nothing and asks nobody.
    pub fn new(backend: &'b dyn Backend, source: Source<'_>, capabilities: &Capabilities) -> Self {
        let Source { profile, origins } = source;
        match backend.form() {
            Form::Containers(place) => {
                Self::Containers { place, plan: Box::new(plan::plan(profile, capabilities, origins)) }
            }
        }
    }

    pub fn mirror(&self) -> &Name {
        match self {
            Self::Containers { plan, .. } => &plan.mirror,
        }
    }

    pub fn owner(&self) -> &str {
        match self {
            Self::Containers { plan, .. } => &plan.owner,
        }
    }

    pub fn backend(&self) -> BackendKind {
        match self {
            Self::Containers { plan, .. } => plan.backend,
        }
    }

    pub fn ledger(&self) -> &[Wanted] {
        match self {
            Self::Containers { plan, .. } => &plan.ledger,
        }
    }

    pub fn secrets(&self) -> &[SecretPlan] {
        match self {
            Self::Containers { plan, .. } => &plan.secrets,
        }
    }

    pub fn notes(&self) -> &[String] {
        match self {
            Self::Containers { plan, .. } => &plan.notes,
        }
    }

    pub fn refusals(&self) -> &[Refusal] {
        match self {
            Self::Containers { plan, .. } => &plan.refusals,
        }
    }

    pub fn stores(&self) -> Box<dyn Iterator<Item = Served<'_>> + '_> {
        match self {
            Self::Containers { plan, .. } => Box::new(plan.stores.iter().map(plan::StorePlan::served)),
        }
    }
}
