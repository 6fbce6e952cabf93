//! Grades of what a Kubernetes cluster does.

mod cluster;
mod lifecycle;
mod network;
mod platform;
mod process;
mod storage;

use super::{Approximated, Dropped, ENFORCED, Enforced, Verdict, because};
use crate::{
    ledger::{Grade, wanted::Shape},
    plan::{
        ClusterPlan, ImagePlan,
        capabilities::ImageFacts,
        kubernetes::{ContainerSpec, PodSpec},
    },
};
use Grade::Emulated;

pub(crate) use cluster::{made, nodes, version, zones};
pub(crate) use lifecycle::{grace, hook, probe, probe_time, restart, stop_signal, threshold};
pub(crate) use network::{balancing, egress, extra_host, hostname, identity, port, search, stateful};
pub(crate) use platform::{arch, autoscaling, cgroup, cores, kernel, node_memory, oom_group};
pub(crate) use process::{
    entrypoint, flag, fs_group, groups, label, no_new_privileges, pids, service_account, sysctl, user,
    variable,
};
pub(crate) use storage::{file, shm, tmpfs, volume};

type Case<'a> = crate::ledger::wanted::Case<'a, ClusterPlan>;

impl Shape for ClusterPlan {
    type Pod = PodSpec;
    type Container = ContainerSpec;

    fn column(row: &'static crate::ledger::table::Row) -> &'static crate::ledger::table::Column<Self> {
        row.kubernetes()
    }

    fn first(&self) -> impl Iterator<Item = (&crate::name::Name, &PodSpec)> {
        self.pods()
    }

    fn is_on_demand(pod: &PodSpec) -> bool {
        pod.on_demand
    }

    fn main(pod: &PodSpec) -> &ContainerSpec {
        &pod.main
    }

    fn init(pod: &PodSpec) -> &[ContainerSpec] {
        &pod.init
    }

    fn sidecars(pod: &PodSpec) -> &[ContainerSpec] {
        &pod.sidecars
    }

    fn image(container: &ContainerSpec) -> &ImagePlan {
        &container.image
    }

    fn doors(&self) -> &[crate::formats::doors::Door] {
        &self.doors
    }
}

/// What is known of a container's image.
fn facts<'a>(case: &Case<'a>) -> Option<&'a ImageFacts> {
    let written = case.owner?.container?.image.written.as_ref()?;
    case.capabilities.images.get(&written.to_engine())
}

/// Whether the field belongs to an init container.
fn is_init(case: &Case<'_>) -> bool {
    case.path.key_at(2) == Some("init") && case.path.0.len() > 4
}

/// Whether a StatefulSet makes the pods.
fn is_stateful(case: &Case<'_>) -> bool {
    case.owner.is_some_and(|owner| {
        owner.store.is_some() || owner.service.is_some_and(|service| service.stateful == Some(true))
    })
}

/// Whether the owner is a job.
fn is_job(case: &Case<'_>) -> bool {
    case.path.key_at(0) == Some("jobs")
}
