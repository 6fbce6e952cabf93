//! What is looked at: the plan's containers beside those that run.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::Reading;
use crate::{
    labels,
    observed::{Container, Observed},
    path::{Path, Segment},
    plan::{ContainerPlan, Plan, Pod, Template, capabilities::ImageFacts, url_encode},
};

pub(super) struct Scene<'a> {
    pub tree: &'a Json,
    pub plan: &'a Plan,
    pub observed: &'a Observed,
    /// By variable, those in the form of a URL included.
    secrets: BTreeMap<String, String>,
}

/// One workload of the profile, and which of its containers a path is about.
pub(super) struct Workload<'a> {
    /// `services`, `jobs` or `stores`.
    pub section: &'a str,
    pub name: &'a str,
    pub part: Part<'a>,
    /// How many segments of a path come before the field.
    depth: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'a> {
    Main,
    Init(&'a str),
    Sidecar(&'a str),
}

/// A field of a workload or of one of its containers: the segments after its name.
pub(super) struct Within(Vec<Segment>);

impl Within {
    /// The plain keys from the start.
    pub fn keys(&self) -> Vec<&str> {
        fn plain(segment: &Segment) -> Option<&str> {
            match segment {
                Segment::Key(key) => Some(key),
                Segment::Member { .. } | Segment::Index(_) => None,
            }
        }
        self.0.iter().map_while(plain).collect()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The name of a member of a list, `ports[name=http]`.
    pub fn member(&self) -> Option<&str> {
        match self.0.get(1)? {
            Segment::Member { value, .. } => Some(value),
            _ => None,
        }
    }
}

impl<'a> Workload<'a> {
    /// Where the fields of the container stand in the profile.
    pub fn path(&self) -> Path {
        let workload = Path::of([self.section, self.name]);
        match self.part {
            Part::Main => workload,
            Part::Init(name) => workload.key("init").key(name),
            Part::Sidecar(name) => workload.key("sidecars").key(name),
        }
    }

    pub fn within(&self, path: &Path) -> Within {
        Within(path.0.get(self.depth..).unwrap_or_default().to_vec())
    }
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
        let mut secrets = secrets.clone();
        for secret in &plan.secrets {
            let plain = secrets.get(&secret.variable).map(|value| url_encode(value));
            if let (Some(variable), Some(value)) = (&secret.url_variable, plain) {
                secrets.entry(variable.clone()).or_insert(value);
            }
        }
        Self { tree, plan, observed, secrets }
    }

    /// The workload that a path is in; `None` for the workload itself and for what is no workload.
    pub fn workload<'p>(&self, path: &'p Path) -> Option<Workload<'p>> {
        let (section, name) = (path.key_at(0)?, path.key_at(1)?);
        let side = path.key_at(3).filter(|_| path.0.len() > 4);
        let (part, depth) = match (path.key_at(2)?, side) {
            ("init", Some(name)) => (Part::Init(name), 4),
            ("sidecars", Some(name)) => (Part::Sidecar(name), 4),
            ("init" | "sidecars", None) => return None,
            _ => (Part::Main, 2),
        };
        Some(Workload { section, name, part, depth })
    }

    /// Every workload of the profile with each of its containers.
    pub fn workloads(&self) -> Vec<Workload<'a>> {
        let tree: &'a Json = self.tree;
        let members = |value: &'a Json| value.as_object().into_iter().flatten();
        let mut all = Vec::new();
        for section in ["services", "jobs", "stores"] {
            for (name, written) in members(&tree[section]) {
                let mut add = |part, depth| all.push(Workload { section, name, part, depth });
                add(Part::Main, 2);
                members(&written["init"]).for_each(|(name, _)| add(Part::Init(name), 4));
                members(&written["sidecars"]).for_each(|(name, _)| add(Part::Sidecar(name), 4));
            }
        }
        all
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

    /// The text with its secrets filled in; `None` while one is unknown.
    pub fn fill(&self, template: &Template) -> Option<String> {
        template.fill(|name| self.secrets.get(name).cloned())
    }

    pub fn secret(&self, variable: &str) -> Option<&str> {
        self.secrets.get(variable).map(String::as_str)
    }

    /// A text that was read, without any value of a secret.
    pub fn masked(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let mut values: Vec<&String> = self.secrets.values().filter(|value| !value.is_empty()).collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        for value in values.into_iter().filter(|value| text.contains(value.as_str())).collect::<Vec<_>>() {
            // A short value is a part of too many texts to be cut out of them: then nothing is shown.
            text = if value.len() < 4 { MASK.to_owned() } else { text.replace(value.as_str(), MASK) };
        }
        text
    }

    pub fn without_secrets(&self, value: Json) -> Json {
        match value {
            Json::String(text) => self.masked(&text).into(),
            Json::Array(items) => items.into_iter().map(|item| self.without_secrets(item)).collect(),
            Json::Object(object) => {
                object.into_iter().map(|(key, value)| (key, self.without_secrets(value))).collect()
            }
            plain => plain,
        }
    }
}

/// Why nothing is there of a job with a schedule.
pub(super) const ON_DEMAND: &str = "it runs on demand only";

/// What stands in the place of a secret's value.
pub(super) const MASK: &str = "***";

/// A list of texts as JSON.
pub(super) fn texts(list: &[String]) -> Json {
    list.iter().map(String::as_str).collect()
}

/// `NAME=value` by name.
pub(super) fn variables(list: &[String]) -> BTreeMap<&str, &str> {
    list.iter().filter_map(|variable| variable.split_once('=')).collect()
}
