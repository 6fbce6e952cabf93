//! A mirror on a cluster, read back: from the objects as the API server holds them, from the pods' status, and from
//! inside of the containers that answer.
//!
//! A pod's spec never changes: what is read in it is what its processes were started with, while the spec of a workload
//! may be newer than its pods. So the pods are read, and of the workload what only it has.

mod added;
mod behaviour;
mod budget;
mod duties;
mod files;
mod life;
mod limits;
mod network;
mod nodes;
mod place;
mod platform;
mod process;
mod scene;
mod store;
#[cfg(test)]
mod tests;
mod unasked;
mod volumes;
mod walls;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{Captured, Reading, Sight, captured, known::Known, workload::Workload};
use crate::{ledger::Wanted, observed::ClusterObserved, path::Path, plan::ClusterPlan};
use scene::Scene;

/// Reads a mirror of ours on a cluster back.
///
/// `tree` is the profile in its long form, `plan` what was launched from it, `secrets` the values of the plan's
/// variables as far as they are known.
pub fn on_cluster(
    tree: &Json,
    plan: &ClusterPlan,
    observed: &ClusterObserved,
    secrets: &BTreeMap<String, String>,
) -> Captured {
    captured(tree, &Scene::new(tree, plan, observed, secrets))
}

impl Sight for Scene<'_> {
    fn ledger(&self) -> &[Wanted] {
        &self.plan.ledger
    }

    fn known(&self) -> &Known {
        &self.known
    }

    fn read(&self, at: &Path, wanted: &Json) -> Option<Reading> {
        match at.key_at(0)? {
            "services" | "jobs" | "stores" => {
                let of = Workload::at(at)?;
                let within = of.within(at);
                store::read(self, &of, &within, wanted)
                    .or_else(|| duties::read(self, &of, &within, wanted))
                    .or_else(|| life::read(self, &of, &within, wanted))
                    .or_else(|| budget::read(self, &of, &within, wanted))
                    .or_else(|| process::read(self, &of, &within, wanted))
                    .or_else(|| limits::read(self, &of, &within, wanted))
                    .or_else(|| walls::read(self, &of, &within, wanted))
                    .or_else(|| files::read(self, &of, &within, wanted))
                    .or_else(|| volumes::read(self, &of, &within, wanted))
                    .or_else(|| network::of_workload(self, &of, &within, wanted))
                    .or_else(|| place::read(self, &of, &within, wanted))
            }
            "network" => network::read(self, at, wanted),
            _ => platform::read(self, at, wanted),
        }
    }

    fn behaviour(&self, at: &Path, wanted: &Json) -> Reading {
        behaviour::read(self, at, wanted)
    }

    fn unasked(&self) -> BTreeMap<Path, Reading> {
        unasked::read(self)
    }
}
