//! What no source of a kind can tell.

use serde_json::Value as Json;

use super::{get, has_its_workload, matches, pattern, put};
use crate::{diff::Untold, profile::Captured};

/// What a profile was captured from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Teller {
    /// A Compose file.
    Compose,
    /// Containers of an engine, or what `docker inspect` says of them.
    Docker,
    /// Objects of a cluster, saved or live.
    Kubernetes,
}

impl Teller {
    /// What a profile says of itself; nothing where it does not say what its files held.
    pub fn of(captured: &Captured) -> Option<Self> {
        let word = match captured.from.as_str() {
            "files" => captured.of.as_deref()?,
            from => from,
        };
        [Self::Compose, Self::Docker, Self::Kubernetes].into_iter().find(|teller| teller.as_str() == word)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compose => "compose",
            Self::Docker => "docker",
            Self::Kubernetes => "kubernetes",
        }
    }
}

/// Of the mirror, and of nothing that runs in production.
const OURS: [(&str, &str); 9] = [
    ("secrets", "a mirror makes up secrets of its own"),
    ("stores.*.seed", "the data of a store is not captured"),
    ("stores.*.clock", "the clock of a store is the mirror's"),
    ("network.egress", "what may leave a mirror is said of the mirror"),
    ("network.expose", "what a mirror publishes is said of the mirror"),
    ("network.links", "links are made worse in a mirror alone"),
    ("externals", "what stands in for the outside world is the mirror's"),
    ("endpoints", "the names of endpoints are the mirror's"),
    ("scenarios", "scenarios are carried out in a mirror alone"),
];

const ALLOW: (&str, &str) = ("allow", "what a mirror may do is said of the mirror");

/// Of a file or an engine that knows one machine and one health check.
const ONE_MACHINE: [(&str, &str); 12] = [
    ("platform.*", "it does not say what machine it runs on"),
    ("services.*.autoscaling", "Docker does not scale"),
    ("services.*.disruption", "Docker evicts nothing"),
    ("stores.*.disruption", "Docker evicts nothing"),
    ("services.*.balancing", "Docker has one way to balance"),
    ("services.*.enable_service_links", "service links are Kubernetes' alone"),
    ("services.*.probes.startup", "Docker knows one health check, which is taken for readiness"),
    ("services.*.probes.liveness", "Docker knows one health check, which is taken for readiness"),
    ("services.*.init", "Docker has no init containers"),
    ("services.*.sidecars", "Docker has no sidecars"),
    ("services.*.post_start", "Docker has no hooks"),
    ("services.*.pre_stop", "Docker has no hooks"),
];

const CONTAINERS: [(&str, &str); 2] = [
    ("services.*.files", "files are not read out of containers"),
    ("jobs.*.files", "files are not read out of containers"),
];

const CLUSTER: [(&str, &str); 12] = [
    ("platform.cgroup", "no object of a cluster says it"),
    ("platform.swap", "no object of a cluster says it"),
    ("platform.timezone", "no object of a cluster says it"),
    ("platform.kubernetes.pods", "no object of a cluster says it"),
    ("platform.kubernetes.services", "no object of a cluster says it"),
    ("platform.kubernetes.feature_gates", "no object of a cluster says it"),
    ("services.*.needs", "Kubernetes orders no workloads"),
    ("jobs.*.needs", "Kubernetes orders no workloads"),
    ("services.*.pids", "it is a setting of the node"),
    ("services.*.ulimits", "it is a setting of the node"),
    ("services.*.shm_size", "Kubernetes has no field for it"),
    ("stores.*.shm_size", "Kubernetes has no field for it"),
];

/// Only what a kind of source *may* tell, and this one does not: machines without Nodes, order without labels.
const WHERE_NONE_IS_TOLD: [(&str, &str, &str); 4] = [
    ("platform.*", "platform", "no Node is among the objects"),
    // A pod may name an architecture without one.
    ("platform.kubernetes.*", "cluster", "no Node is among the objects"),
    ("services.*.needs", "needs", "nothing says what waits for what"),
    ("jobs.*.needs", "needs", "nothing says what waits for what"),
];

/// Takes as the other has it what cannot be told, and says so.
pub(super) fn fill(tree: &mut Json, teller: Teller, other: &Json) -> Vec<Untold> {
    let mut untold = Vec::new();
    let rows: Vec<(&str, &str)> = match teller {
        Teller::Compose => OURS.into_iter().chain([ALLOW]).chain(ONE_MACHINE).collect(),
        Teller::Docker => OURS.into_iter().chain([ALLOW]).chain(ONE_MACHINE).chain(CONTAINERS).collect(),
        Teller::Kubernetes => OURS.into_iter().chain([ALLOW]).chain(CLUSTER).collect(),
    };
    let silent = WHERE_NONE_IS_TOLD.into_iter().filter(|(_, what, _)| is_silent(tree, teller, what));
    let rows: Vec<(&str, &str)> = rows.into_iter().chain(silent.map(|(at, _, why)| (at, why))).collect();
    for (path, why) in rows {
        for at in matches(other, &pattern(path)) {
            // Secrets were given the other's names before; the whole section says how they are made.
            let is_there = get(tree, &at.0).is_some() && path != "secrets";
            let Some(value) = get(other, &at.0).filter(|_| !is_there && has_its_workload(tree, &at)) else {
                continue;
            };
            if path != "secrets" {
                put(tree, &at.0, value);
            }
            untold.push(Untold { path: at, why: why.to_owned() });
        }
    }
    untold
}

fn is_silent(tree: &Json, teller: Teller, what: &str) -> bool {
    match (what, teller) {
        ("platform", Teller::Kubernetes) => tree.get("platform").is_none(),
        ("cluster", Teller::Kubernetes) => tree.pointer("/platform/kubernetes").is_none(),
        ("needs", Teller::Docker) => {
            let needs = ["services.*.needs", "jobs.*.needs"].map(|path| matches(tree, &pattern(path)));
            needs.iter().all(Vec::is_empty)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_a_path_and_has_a_reason() {
        let all = OURS.into_iter().chain([ALLOW]).chain(ONE_MACHINE).chain(CONTAINERS).chain(CLUSTER);
        for (path, why) in all.chain(WHERE_NONE_IS_TOLD.into_iter().map(|(path, _, why)| (path, why))) {
            assert!(!pattern(path).0.is_empty() && !why.is_empty(), "{path}");
        }
    }
}
