//! One command in each container of the profile that runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream};
use serde_json::Value as Json;
use tokio::io::{AsyncReadExt as _, duplex};

use super::{
    super::{Cluster, Run, SERVICE},
    secrets::{compare_variable, planned},
};
use crate::{
    backend::{SecretValues, questions::Questions},
    observed::{ClusterObserved, InContainer, Inside, Variable},
    plan::ClusterPlan,
};

/// How many commands run at once.
const AT_ONCE: usize = 16;
/// A container that does not answer by then is not asked.
const PATIENCE: Duration = Duration::from_secs(30);
/// What an answer may be at most.
const LONGEST: u64 = 8 << 20;

const ENVIRON: &str = "/proc/1/environ";

/// A container that runs.
pub(super) struct Running<'o> {
    pub pod: &'o str,
    pub service: &'o str,
    pub node: &'o str,
    pub spec: &'o Json,
    pub volumes: &'o Json,
}

impl Running<'_> {
    pub fn name(&self) -> &str {
        self.spec["name"].as_str().unwrap_or_default()
    }

    /// Where files of ConfigMaps and Secrets are mounted.
    fn targets(&self) -> impl Iterator<Item = &str> {
        let is_of_files = |name: &Json| {
            let mut volumes = self.volumes.as_array().into_iter().flatten();
            volumes.any(|volume| {
                let kinds = ["projected", "configMap", "secret"];
                volume["name"] == *name && kinds.iter().any(|kind| volume.get(kind).is_some())
            })
        };
        let mounts = self.spec["volumeMounts"].as_array().into_iter().flatten();
        mounts
            .filter(move |mount| is_of_files(&mount["name"]))
            .filter_map(|mount| mount["mountPath"].as_str())
    }
}

/// The containers of the profile's workloads that run now, in order of their pods.
pub(super) fn running(observed: &ClusterObserved) -> Vec<Running<'_>> {
    let mut all = Vec::new();
    for (name, pod) in observed.of_kind("Pod") {
        let Some(service) = pod["metadata"]["labels"][SERVICE].as_str() else { continue };
        let (spec, status) = (&pod["spec"], &pod["status"]);
        for (list, of) in [("containers", "containerStatuses"), ("initContainers", "initContainerStatuses")] {
            for container in spec[list].as_array().into_iter().flatten() {
                let mut statuses = status[of].as_array().into_iter().flatten();
                let status = statuses.find(|status| status["name"] == container["name"]);
                if status.is_some_and(|status| status["state"].get("running").is_some()) {
                    let node = spec["nodeName"].as_str().unwrap_or_default();
                    all.push(Running {
                        pod: name,
                        service,
                        node,
                        spec: container,
                        volumes: &spec["volumes"],
                    });
                }
            }
        }
    }
    all
}

/// Which nodes answer: each container of one that does not would be waited for in vain.
#[derive(Default)]
struct Heard(Mutex<(bool, BTreeSet<String>)>);

impl Heard {
    /// So many that do not answer, and none that does, and nobody is asked any more.
    const ENOUGH: usize = 3;

    fn is_silent(&self, node: &str) -> bool {
        let (any, silent) = &*self.lock();
        silent.contains(node) || (!any && silent.len() >= Self::ENOUGH)
    }

    /// What answers at once, if only that there is no shell, is not silent.
    fn note(&self, node: &str, printed: bool, after: Duration) {
        let (any, silent) = &mut *self.lock();
        if printed {
            *any = true;
        } else if after > PATIENCE / 2 {
            silent.insert(node.to_owned());
        }
    }

    fn lock(&self) -> MutexGuard<'_, (bool, BTreeSet<String>)> {
        // Nothing that holds it can panic between two steps.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cluster {
    pub(super) async fn ask_containers(
        &self,
        plan: &ClusterPlan,
        secrets: &SecretValues,
        observed: &ClusterObserved,
    ) -> BTreeMap<String, BTreeMap<String, InContainer>> {
        let heard = Heard::default();
        let heard = &heard;
        let all = running(observed);
        let all = &all;
        // By place: of thousands no question is made up before its turn.
        let asked = stream::iter(0..all.len()).map(|at| async move {
            let one = &all[at];
            if heard.is_silent(one.node) {
                return None;
            }
            let began = Instant::now();
            let (pod, _) = planned(plan, one.service, one.name()).unzip();
            let sysctls = pod.into_iter().flat_map(|pod| pod.sysctls.keys().map(String::as_str));
            let questions = Questions::new(sysctls, one.targets());
            let printed = self.printed(&plan.namespace, one, &["sh", "-c", &questions.script()]).await;
            heard.note(one.node, printed.is_some(), began.elapsed());
            let inside = questions.read(&printed?)?;
            let (pod, container) = (one.pod.to_owned(), one.name().to_owned());
            Some((pod, container, without_values(plan, secrets, one, inside)))
        });
        let mut found: BTreeMap<String, BTreeMap<String, InContainer>> = BTreeMap::new();
        let answers: Vec<_> = asked.buffer_unordered(AT_ONCE).collect().await;
        for (pod, container, inside) in answers.into_iter().flatten() {
            found.entry(pod).or_default().insert(container, inside);
        }
        found
    }

    /// What a command prints, if it could be run and ended with 0.
    pub(super) async fn printed(&self, namespace: &str, of: &Running<'_>, argv: &[&str]) -> Option<Vec<u8>> {
        let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
        let (stdout, printed) = duplex(1 << 16);
        let run = Run {
            pod: of.pod,
            container: of.name(),
            argv: &argv,
            tty: false,
            size: None,
            resized: None,
            stdin: None,
            stdout: Box::pin(stdout),
            stderr: Box::pin(tokio::io::sink()),
        };
        let mut answer = Vec::new();
        let mut printed = printed.take(LONGEST);
        let both = async { tokio::join!(self.run(namespace, run), printed.read_to_end(&mut answer)) };
        let (code, read) = tokio::time::timeout(PATIENCE, both).await.ok()?;
        (code.ok()? == 0 && read.is_ok()).then_some(answer)
    }
}

/// The answers, with the variables apart: those that stand for secrets are compared and forgotten.
fn without_values(
    plan: &ClusterPlan,
    secrets: &SecretValues,
    of: &Running<'_>,
    mut inside: Inside,
) -> InContainer {
    let planned = planned(plan, of.service, of.name()).map(|(_, container)| container);
    let written = |name: &str| {
        let mut all = of.spec["env"].as_array().into_iter().flatten();
        all.rfind(|variable| variable["name"].as_str() == Some(name))
    };
    // What comes from objects as a whole, without a name in the pod, may be anything.
    let has_others = of.spec["envFrom"].as_array().is_some_and(|from| !from.is_empty());
    let text = inside.files.remove(ENVIRON);
    let environ = text.map(|text| {
        let variables = text.split('\0').filter_map(|variable| variable.split_once('='));
        let told = variables.filter(|(name, _)| !has_others || written(name).is_some());
        told.map(|(name, value)| {
            let is_secret = written(name).is_some_and(|w| w["valueFrom"].get("secretKeyRef").is_some())
                || planned.is_some_and(|container| container.is_secret(name));
            let variable = if is_secret {
                Variable::Secret(compare_variable(plan, secrets, planned, name, value))
            } else {
                Variable::Text(value.to_owned())
            };
            (name.to_owned(), variable)
        })
        .collect()
    });
    InContainer { inside, environ }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_lets_one_wait_is_not_asked_again_and_where_none_answers_nobody_is() {
        let heard = Heard::default();
        heard.note("a", false, Duration::from_millis(20));
        assert!(!heard.is_silent("a"), "it said no at once");
        heard.note("a", false, PATIENCE);
        assert!(heard.is_silent("a") && !heard.is_silent("b"));
        heard.note("b", false, PATIENCE);
        heard.note("c", false, PATIENCE);
        assert!(heard.is_silent("d"));
        heard.note("e", true, Duration::from_millis(20));
        assert!(!heard.is_silent("d") && heard.is_silent("c"));
    }
}
