//! The plan: every decision, taken once, from a profile and a back end's capabilities.
//!
//! `plan` is pure and total: no clock, no environment, no engine; the same two
//! values give the same bytes on any machine. Render, launch, seed and verify
//! only obey what stands here.

pub mod capabilities;
mod container;
mod containers;
mod drift;
mod duties;
mod env;
mod files;
mod gateway;
mod holes;
mod images;
pub mod kubernetes;
mod network;
mod notes;
mod order;
mod pods;
mod reconcile;
mod refusals;
mod secrets;
mod site;
mod spec;
mod steps;
mod stores;
mod template;
mod text;
mod values;
pub mod variables;
mod volume;
mod volumes;

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde::Serialize;

pub use crate::formats::duties::PodKind;
use crate::{
    formats::{doors::Door, duties::Duties},
    ledger::{self, Wanted},
    name::Name,
    profile::{self, Origins, Profile},
};
pub use capabilities::{BackendKind, Capabilities, Subnet};
pub use container::{
    Condition, ContainerPlan, ImagePlan, ImageSource, LimitsPlan, Mount, NetworkMode, OwnNetwork, TmpfsPlan,
};
pub use holes::to_fill;
pub use kubernetes::{ClusterPlan, ClusterStore, cluster};
pub use reconcile::{Action, Reconciliation, jobs_after, key_of, reconcile};
pub use secrets::{declared_variables, url_encode};
pub(crate) use site::Site;
pub(crate) use stores::REDIS_CONF;
pub use template::{SecretPlan, Template, TemplatePiece};
pub(crate) use values::in_url;
pub use volume::{FileBytes, FilePlan, Served, StorePlan, VolumePlan, VolumeRole};

/// Takes every decision.
///
/// `origins` says where the values came from and passes through for people to read.
pub fn plan(profile: &Profile, capabilities: &Capabilities, origins: &Origins) -> Plan {
    let nodes = order::nodes(profile);
    let replicas: usize = nodes.iter().map(|node| node.replicas as usize).sum();
    let project = format!("pm-{}", capabilities.mirror);
    let (networks, subnets_found) = network::networks(capabilities, &project, replicas);
    let asking = nodes.iter().filter(|node| env::asks_for_address(node));
    let keys: Vec<String> =
        asking.flat_map(|node| (0..node.replicas).map(move |at| format!("{}.{at}", node.name))).collect();
    let site = Site {
        project,
        addresses: network::addresses(networks.inside.subnet, &keys),
        service_links: env::service_links(&nodes),
        ..Site::new(profile, capabilities, &nodes)
    };
    let (pods, volumes) = pods(&site, &nodes);
    let stores: Vec<StorePlan> =
        nodes.iter().filter_map(|node| Some(stores::store(&site, node, node.store?))).collect();
    let gateway = gateway::gateway(&site, &nodes);
    let keeper = gateway::keeper(&site);
    let mut secrets = site.secrets.clone();
    secrets::keep_used(&mut secrets, templates(&pods, &volumes));
    let mut plan = Plan {
        mirror: capabilities.mirror.clone(),
        owner: capabilities.owner.clone(),
        backend: capabilities.host.backend,
        steps: steps::steps(&nodes, &pods, &volumes),
        ledger: Vec::new(),
        origins: origins.0.iter().map(|(path, origin)| (path.to_string(), origin.to_string())).collect(),
        notes: notes::notes(&site, &nodes, &pods),
        refusals: refusals::refusals(&site, &nodes, &pods, subnets_found),
        project: site.project,
        networks,
        secrets,
        volumes,
        pods,
        stores,
        gateway,
        keeper,
    };
    plan.ledger = ledger::wanted(&profile::tree(profile), profile, capabilities, &plan);
    plan
}

/// Replicas in the order in which they start, those on demand last, and every volume once.
fn pods(site: &Site<'_>, nodes: &[order::Node<'_>]) -> (Vec<Pod>, Vec<VolumePlan>) {
    let mut in_order: Vec<&order::Node<'_>> = nodes.iter().collect();
    in_order.sort_by_key(|node| if node.on_demand { u32::MAX } else { node.wave });
    let (mut pods, mut volumes) = (Vec::new(), gateway::volumes(site));
    let mut known: BTreeSet<String> = volumes.iter().map(|volume| volume.name.clone()).collect();
    for node in in_order {
        for ordinal in 0..node.replicas {
            let (pod, brought) = pods::pod(site, nodes, node, ordinal);
            volumes.extend(brought.into_iter().filter(|volume| known.insert(volume.name.clone())));
            pods.push(pod);
        }
    }
    (pods, volumes)
}

fn templates<'a>(pods: &'a [Pod], volumes: &'a [VolumePlan]) -> impl Iterator<Item = &'a Template> {
    let in_files = volumes.iter().flat_map(|volume| &volume.files).filter_map(|file| match &file.content {
        FileBytes::Quoted(template) => Some(template),
        FileBytes::Inline(_) | FileBytes::Secret(_) => None,
    });
    pods.iter().flat_map(Pod::containers).flat_map(|container| container.env.values()).chain(in_files)
}

/// The fully resolved list of what will be done.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    pub mirror: Name,
    pub owner: String,
    pub backend: BackendKind,
    /// The Compose project, `pm-MIRROR`; names of networks and volumes begin with it.
    pub project: String,
    pub networks: Networks,
    /// Secrets in the order of the profile, each with the variables through which the bundle takes it.
    pub secrets: Vec<SecretPlan>,
    pub volumes: Vec<VolumePlan>,
    /// Replicas in the order in which they start: stores, jobs and services by `needs`.
    pub pods: Vec<Pod>,
    pub stores: Vec<StorePlan>,
    pub gateway: GatewayPlan,
    pub keeper: ContainerPlan,
    pub steps: Vec<Step>,
    pub ledger: Vec<Wanted>,
    /// Where each value came from, for people: path to `file:line` or `--set`.
    pub origins: IndexMap<String, String>,
    /// Things to say before launching: substituted images, capped limits.
    pub notes: Vec<String>,
    /// Reasons why `up` must refuse before anything is made: snapshot seeds, holes, missing permissions.
    pub refusals: Vec<Refusal>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Refusal {
    /// Stable, kebab-case: `snapshot-seed`, `hole`, `not-allowed`, `image-missing`, `image-unpinned`,
    /// `helper-missing`, `too-many-replicas`, `no-subnet`.
    pub code: String,
    pub path: String,
    pub message: String,
    /// What to type or paste.
    pub fill: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Networks {
    /// Internal: no route out of it.
    pub inside: NetworkPlan,
    /// An ordinary bridge that only the gateway joins, to publish ports.
    pub door: NetworkPlan,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NetworkPlan {
    pub name: String,
    pub internal: bool,
    pub subnet: Subnet,
    /// The part of the subnet from which the engine gives addresses; the rest is the plan's.
    pub range: Subnet,
    pub labels: IndexMap<String, String>,
}

/// One replica: a pause that owns the network namespace, and the containers in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pod {
    pub service: Name,
    pub kind: PodKind,
    pub ordinal: u32,
    /// Services, jobs and stores that must be ready (a job: finished with 0) before.
    pub needs: Vec<Name>,
    pub pause: ContainerPlan,
    /// In order; each must end with 0 before the next starts.
    pub init: Vec<ContainerPlan>,
    pub sidecars: Vec<ContainerPlan>,
    pub main: ContainerPlan,
    pub duties: Duties,
    /// A job with a schedule: made on demand, never by `up`.
    pub on_demand: bool,
}

impl Pod {
    pub fn containers(&self) -> impl Iterator<Item = &ContainerPlan> {
        std::iter::once(&self.pause)
            .chain(&self.init)
            .chain(&self.sidecars)
            .chain(std::iter::once(&self.main))
    }

    /// What runs in the network that the pause holds.
    pub fn members(&self) -> impl Iterator<Item = &ContainerPlan> {
        self.containers().skip(1)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GatewayPlan {
    pub container: ContainerPlan,
    pub doors: Vec<Door>,
}

/// One step of a back end's own kind; `needs` are ids of earlier steps.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step<D = Does> {
    pub id: String,
    pub does: D,
    pub needs: Vec<String>,
}

/// What a step does. The order of the list in a plan is an order in which they can be done.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Does {
    Networks,
    Volumes,
    Keeper,
    /// Start the gateway and the pause of every replica, in one call: names and addresses stand, and tmpfs
    /// volumes are held, before the first process runs.
    Pauses {
        pods: Vec<(Name, u32)>,
    },
    /// Fill the volumes with files, and give their roots owner and mode, by name.
    Files {
        volumes: Vec<String>,
    },
    /// Start the replicas `(service, ordinal)` of one wave: their init containers, then the others.
    Start {
        wave: u32,
        pods: Vec<(Name, u32)>,
    },
    /// Wait until the store answers, load its seed (none: nothing), set its roles, keep a copy for `reset`.
    Seed {
        store: Name,
    },
    /// Wait until the services, jobs and stores are ready, jobs finished.
    Ready {
        services: Vec<Name>,
    },
    Verify,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn empty_profile() -> Profile {
        Profile {
            name: Name::new("empty").unwrap(),
            captured: None,
            platform: Default::default(),
            flags: IndexMap::new(),
            secrets: IndexMap::new(),
            services: IndexMap::new(),
            jobs: IndexMap::new(),
            stores: IndexMap::new(),
            network: Default::default(),
            externals: IndexMap::new(),
            endpoints: IndexMap::new(),
            scenarios: IndexMap::new(),
            allow: Vec::new(),
            holes: IndexMap::new(),
        }
    }
}
