//! A place that is told what to be, and keeps it by itself.

use std::time::Duration;

use super::{Later, ObjectDifference, Report, Result, SecretValues};
use crate::{
    name::Name,
    observed::ClusterObserved,
    plan::{ClusterPlan, ClusterStore, kubernetes::ObjectKey},
};

/// A place that takes objects.
pub trait Objects: Send + Sync {
    /// A plan that is to be placed here. Asks nobody yet.
    ///
    /// # Errors
    /// Where the plan cannot be written as what the place reads.
    fn placing<'a>(
        &'a self,
        plan: &'a ClusterPlan,
        secrets: &'a SecretValues,
    ) -> Result<Box<dyn Placing + 'a>>;

    /// Reads once everything that there is of a plan, inside of its containers as well.
    fn look<'a>(&'a self, plan: &'a ClusterPlan, secrets: &'a SecretValues) -> Later<'a, ClusterObserved>;
}

/// The nodes of a place, as far as their images go.
pub trait Nodes: Send + Sync {
    /// Makes sure that pods can have these images, by the references of their manifests.
    fn supply<'a>(&'a self, references: &'a [String], report: &'a dyn Report) -> Later<'a, ()>;
}

/// Nodes that pull what they need by themselves.
pub struct Pulling;

impl Nodes for Pulling {
    fn supply<'a>(&'a self, _: &'a [String], _: &'a dyn Report) -> Later<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// A plan in the course of being placed. Every method may be called again after any failure.
pub trait Placing: Send + Sync {
    /// What is not there as planned; nothing of a mirror that is not there at all. Makes nothing.
    ///
    /// # Errors
    /// Where what stands under the mirror's name is somebody else's.
    fn changes(&self) -> Later<'_, Vec<ObjectChange>>;

    /// What the place itself says that a launch would change, field by field. Makes nothing.
    fn preview(&self) -> Later<'_, Vec<ObjectDifference>>;

    /// Has the mirror's record say which ports are open on whichever host asks for them, and the place how much of it
    /// the mirror may take; a note tells that it will not hold it to that.
    fn publish<'s>(&'s self, report: &'s dyn Report) -> Later<'s, ()>;

    /// Makes sure that the nodes can have the images.
    fn supply<'s>(&'s self, report: &'s dyn Report) -> Later<'s, ()>;

    /// Makes or changes objects; what is as planned stays as it is, running.
    fn place<'s>(&'s self, objects: &'s [ObjectKey]) -> Later<'s, ()>;

    /// Gives the Secrets their values; what runs with another value of one starts anew.
    fn fill<'s>(&'s self, objects: &'s [ObjectKey]) -> Later<'s, ()>;

    /// Waits until what is of these services is ready, jobs ended.
    fn ready<'s>(
        &'s self,
        services: &'s [Name],
        within: Duration,
        step: &'s str,
        report: &'s dyn Report,
    ) -> Later<'s, ()>;

    /// Removes what the mirror had and the plan has not, and answers it.
    fn sweep(&self) -> Later<'_, Vec<String>>;

    /// Removes a store with its state.
    fn clear<'s>(&'s self, store: &'s ClusterStore) -> Later<'s, ()>;

    /// Removes a job, so that it runs again.
    fn clear_job<'s>(&'s self, job: &'s Name) -> Later<'s, ()>;
}

/// One object that is not as planned, by kind and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectChange {
    Created(String),
    Changed(String),
    /// A Secret whose values are others now.
    Refilled(String),
    Removed(String),
}
