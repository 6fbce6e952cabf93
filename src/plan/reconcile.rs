//! What a second `up` must do: the plan against what is there, container by container.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::{ContainerPlan, Plan, Pod, PodKind, drift};
use crate::{
    formats::journal::KeeperStatus,
    labels,
    name::Name,
    observed::{Container, Observed},
};

/// What happens to one container of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// It runs as planned.
    Keep,
    /// It is as planned, but does not run.
    Start,
    /// It is there, but changed behind our back.
    Repair,
    /// Its plan changed.
    Replace,
    Create,
}

/// Everything that an `up` will change, decided before it changes anything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reconciliation {
    /// By Compose key, in the plan's order.
    pub actions: IndexMap<String, Action>,
    /// Containers, volumes and networks of the mirror that the plan does not have.
    pub orphans: Vec<Container>,
    /// Keys that are replaced for the sake of a store's new state, though their plan may be the same.
    pub renewed: BTreeSet<String>,
    /// Lines to say before anything is done; empty when nothing changes.
    pub says: Vec<String>,
}

impl Reconciliation {
    pub fn is_unchanged(&self) -> bool {
        self.orphans.is_empty() && self.actions.values().all(|action| *action == Action::Keep)
    }

    pub fn of(&self, key: &str) -> Action {
        self.actions.get(key).copied().unwrap_or(Action::Create)
    }

    /// Stores that are seeded anew get new containers, and so do the jobs that need them; `why` is said before all else.
    pub fn renew(&mut self, plan: &Plan, stores: &[&Name], why: Vec<String>, observed: &Observed) {
        if observed.containers.is_empty() {
            return;
        }
        let of_stores = plan.pods.iter().filter(|pod| stores.contains(&&pod.service)).flat_map(Pod::members);
        let of_jobs = jobs_after(plan, stores).into_iter().flat_map(Pod::containers);
        for container in of_stores.chain(of_jobs) {
            let action = self.actions.entry(container.key.clone()).or_insert(Action::Create);
            if *action < Action::Replace {
                self.renewed.insert(container.key.clone());
                *action = Action::Replace;
            }
        }
        self.says = why;
        self.says.extend(says(self));
    }

    /// Whether the replica gets a new network namespace and with it new members.
    pub fn pod_action(&self, pod: &Pod) -> Action {
        pod.containers().map(|container| self.of(&container.key)).max().unwrap_or(Action::Keep)
    }
}

/// The Compose key of a container of ours.
pub fn key_of(container: &Container) -> Option<&str> {
    container.labels.get(labels::COMPOSE_SERVICE).map(String::as_str)
}

/// Compares. Jobs whose present spec ran to its end with 0 are kept as they are.
pub fn reconcile(plan: &Plan, observed: &Observed) -> Reconciliation {
    let mut reconciliation = Reconciliation::default();
    let done_jobs = observed.keeper.as_ref().map(|status| done_jobs(plan, status)).unwrap_or_default();
    let there: IndexMap<&str, &Container> =
        observed.containers.iter().filter_map(|container| Some((key_of(container)?, container))).collect();
    for helper in [&plan.keeper, &plan.gateway.container] {
        reconciliation
            .actions
            .insert(helper.key.clone(), action(helper, there.get(helper.key.as_str()).copied(), true));
    }
    for pod in plan.pods.iter().filter(|pod| !pod.on_demand) {
        let done = done_jobs.contains(&pod.service);
        pod_actions(pod, &there, done, &mut reconciliation.actions);
    }
    let planned: BTreeSet<&str> = plan
        .pods
        .iter()
        .flat_map(Pod::containers)
        .map(|container| container.key.as_str())
        .chain([plan.keeper.key.as_str(), plan.gateway.container.key.as_str()])
        .collect();
    reconciliation.orphans = observed
        .containers
        .iter()
        .filter(|container| key_of(container).is_none_or(|key| !planned.contains(key)))
        .cloned()
        .collect();
    let fresh = observed.containers.is_empty();
    if !fresh {
        reconciliation.says = says(&reconciliation);
    }
    reconciliation
}

fn pod_actions(
    pod: &Pod,
    there: &IndexMap<&str, &Container>,
    done: bool,
    actions: &mut IndexMap<String, Action>,
) {
    let find = |container: &ContainerPlan| there.get(container.key.as_str()).copied();
    let mut pause = action(&pod.pause, find(&pod.pause), true);
    // As Kubernetes has it: a replica of which anything has another plan is another replica.
    let is_other = |container: &ContainerPlan| action(container, find(container), true) == Action::Replace;
    if pod.containers().any(is_other) {
        pause = pause.max(Action::Replace);
    }
    // A finished job needs no namespace any more.
    if done && pause == Action::Start {
        pause = Action::Keep;
    }
    let renewed = pause > Action::Start;
    // Containers of a namespace that is made anew are made anew with it, init containers included.
    let member = |container: &ContainerPlan, runs: bool| {
        let mut wanted = action(container, find(container), runs);
        if renewed || (pause == Action::Start && wanted == Action::Keep) {
            wanted = wanted.max(Action::Replace);
        }
        wanted
    };
    let main = member(&pod.main, !done);
    actions.insert(pod.pause.key.clone(), pause);
    for init in &pod.init {
        let there = find(init)
            .is_some_and(|container| container.state.exit_code == 0 && container.state.status == "exited");
        let mut wanted = member(init, false);
        if wanted == Action::Start && there {
            wanted = Action::Keep;
        }
        actions.insert(init.key.clone(), wanted);
    }
    for sidecar in &pod.sidecars {
        actions.insert(sidecar.key.clone(), member(sidecar, !done));
    }
    actions.insert(pod.main.key.clone(), main);
}

fn action(planned: &ContainerPlan, there: Option<&Container>, runs: bool) -> Action {
    let Some(there) = there else { return Action::Create };
    if there.labels.get(labels::SPEC) != planned.labels.get(labels::SPEC) {
        return Action::Replace;
    }
    if drift::is_drifted(planned, there) {
        return Action::Repair;
    }
    match there.state.status.as_str() {
        "running" => Action::Keep,
        "exited" | "created" if !runs => Action::Keep,
        "exited" | "created" | "paused" => Action::Start,
        _ => Action::Repair,
    }
}

fn says(reconciliation: &Reconciliation) -> Vec<String> {
    let mut lines = Vec::new();
    for (key, action) in &reconciliation.actions {
        let word = match action {
            Action::Keep => continue,
            Action::Start => "starts",
            Action::Repair => "is repaired: it was changed behind the mirror's back",
            Action::Replace if reconciliation.renewed.contains(key) => "is made anew",
            Action::Replace => "is replaced: its plan changed",
            Action::Create => "is created",
        };
        lines.push(format!("{key} {word}"));
    }
    for orphan in &reconciliation.orphans {
        lines.push(format!(
            "{} is removed: the profile no longer has it",
            key_of(orphan).unwrap_or(&orphan.name)
        ));
    }
    lines
}

/// Jobs of the plan that ran to their end with 0 under their present spec.
fn done_jobs<'a>(plan: &'a Plan, status: &KeeperStatus) -> BTreeSet<&'a Name> {
    let is_done = |pod: &&Pod| {
        let spec = pod.main.labels.get(labels::SPEC);
        let ended = status.jobs.iter().filter(|job| job.job == pod.service.as_str() && job.code == 0);
        pod.kind == PodKind::Job && ended.into_iter().any(|job| Some(&job.spec) == spec)
    };
    plan.pods.iter().filter(is_done).map(|pod| &pod.service).collect()
}

/// Jobs that must run again once these stores hold their seeds: those that need one, and those that need such a job.
pub fn jobs_after<'a>(plan: &'a Plan, stores: &[&Name]) -> Vec<&'a Pod> {
    let mut renewed: BTreeSet<&Name> = stores.iter().copied().collect();
    let mut jobs = Vec::new();
    // The plan has what is needed before what needs it.
    for pod in plan.pods.iter().filter(|pod| pod.kind == PodKind::Job && !pod.on_demand) {
        if pod.needs.iter().any(|need| renewed.contains(need)) {
            renewed.insert(&pod.service);
            jobs.push(pod);
        }
    }
    jobs
}
