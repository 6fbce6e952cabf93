//! What is looked at: the plan's containers beside those that run.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{
    Reading, Sight, behaviour, duty, files,
    known::Known,
    life, limits, network, place, process, stack, store, unasked, walls,
    workload::{Part, Workload},
};
use crate::{
    labels,
    ledger::Wanted,
    observed::{Container, Observed},
    path::Path,
    plan::{ContainerPlan, Plan, Pod, capabilities::ImageFacts},
};

pub(super) struct Scene<'a> {
    pub tree: &'a Json,
    pub plan: &'a Plan,
    pub observed: &'a Observed,
    pub known: Known,
}

/// One replica's container: planned, and as it was found.
pub(super) struct Pair<'a> {
    pub pod: &'a Pod,
    pub plan: &'a ContainerPlan,
    pub found: Option<&'a Container>,
}

impl<'a> Scene<'a> {
    pub fn new(
        tree: &'a Json,
        plan: &'a Plan,
        observed: &'a Observed,
        secrets: &'a BTreeMap<String, String>,
    ) -> Self {
        Self { tree, plan, observed, known: Known::new(&plan.secrets, secrets) }
    }

    /// What the image of a container says of itself.
    pub fn image(&self, found: &Container) -> Option<&'a ImageFacts> {
        self.observed.images.get(&found.image_id)
    }

    pub fn pods<'s>(&'s self, of: &Workload<'_>) -> impl Iterator<Item = &'a Pod> + use<'s, 'a> {
        let name = of.name.to_owned();
        self.plan.pods.iter().filter(move |pod| pod.service.as_str() == name && !pod.on_demand)
    }

    pub fn find(&self, key: &str) -> Option<&'a Container> {
        let is = |container: &&Container| {
            container.labels.get(labels::COMPOSE_SERVICE).map(String::as_str) == Some(key)
        };
        let mut all: Vec<&Container> = self.observed.containers.iter().filter(is).collect();
        all.sort_by_key(|container| container.state.status == "running");
        all.pop()
    }

    pub fn pairs(&self, of: &Workload<'_>) -> Vec<Pair<'a>> {
        let pair = |pod: &'a Pod, plan: &'a ContainerPlan| Pair { pod, plan, found: self.find(&plan.key) };
        self.pods(of)
            .filter_map(|pod| {
                let named = |list: &'a [ContainerPlan], name: &str| {
                    list.iter()
                        .find(|plan| plan.labels.get(labels::CONTAINER).map(String::as_str) == Some(name))
                };
                match of.part {
                    Part::Main => Some(pair(pod, &pod.main)),
                    Part::Init(name) => named(&pod.init, name).map(|plan| pair(pod, plan)),
                    Part::Sidecar(name) => named(&pod.sidecars, name).map(|plan| pair(pod, plan)),
                }
            })
            .collect()
    }

    /// Reads every replica; the answer is that of the one that departs.
    pub fn each(&self, of: &Workload<'_>, read: impl Fn(&Pair<'a>, &'a Container) -> Reading) -> Reading {
        let pairs = self.pairs(of);
        let readings = pairs.iter().map(|pair| {
            let reading = match pair.found {
                Some(found) => read(pair, found),
                None => Reading::unread("the container is not there"),
            };
            (pair.plan.key.clone(), reading)
        });
        Reading::of_all(readings).unwrap_or_else(|| Reading::unread(ON_DEMAND))
    }

    /// Reads the pause of every replica.
    pub fn each_pause(&self, of: &Workload<'_>, read: impl Fn(&'a Pod, &'a Container) -> Reading) -> Reading {
        let readings = self.pods(of).map(|pod| {
            let reading = match self.find(&pod.pause.key) {
                Some(pause) => read(pod, pause),
                None => Reading::unread("the pause is not there"),
            };
            (pod.pause.key.clone(), reading)
        });
        Reading::of_all(readings).unwrap_or_else(|| Reading::unread(ON_DEMAND))
    }
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
                    .or_else(|| duty::read(self, &of, &within, wanted))
                    .or_else(|| life::read(self, &of, &within, wanted))
                    .or_else(|| process::read(self, &of, &within, wanted))
                    .or_else(|| limits::read(self, &of, &within, wanted))
                    .or_else(|| walls::read(self, &of, &within, wanted))
                    .or_else(|| files::read(self, &of, &within, wanted))
                    .or_else(|| place::read(self, &of, &within, wanted))
            }
            "network" => network::read(self, at, wanted),
            _ => stack::read(self, at, wanted),
        }
    }

    fn behaviour(&self, at: &Path, wanted: &Json) -> Reading {
        behaviour::read(self, at, wanted)
    }

    fn unasked(&self) -> BTreeMap<Path, Reading> {
        unasked::read(self)
    }
}

/// Why nothing is there of a job with a schedule.
pub(super) const ON_DEMAND: &str = "it runs on demand only";

/// A list of texts as JSON.
pub(super) fn texts(list: &[String]) -> Json {
    list.iter().map(String::as_str).collect()
}

/// `NAME=value` by name.
pub(super) fn variables(list: &[String]) -> BTreeMap<&str, &str> {
    list.iter().filter_map(|variable| variable.split_once('=')).collect()
}
