//! The variables of a profile's workloads without a host: what only a launch can tell is left open.

use indexmap::IndexMap;

use super::{BackendKind, Capabilities, PodKind, SecretPlan, Site, Template, env, order, secrets, stores};
use crate::{
    name::Name,
    path::Path,
    profile::{PodField, Process, Profile, Value},
};

/// What the main process of a service, job or store is given.
#[derive(Clone, Debug, PartialEq)]
pub struct Variables {
    pub service: Name,
    pub kind: PodKind,
    pub given: IndexMap<String, Given>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// The text, or why it is not known before a launch.
    pub value: Result<Template, String>,
    /// The field of the pod that the profile asks for.
    pub field: Option<PodField>,
    pub by: Giver,
}

/// Which part of the profile gives a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Giver {
    Env,
    Flag,
    Store,
    Timezone,
    ServiceLink,
}

/// The variables of every workload, stores first, as [`super::plan`] would give them to ordinal 0.
pub fn variables(profile: &Profile) -> Vec<Variables> {
    // No host at all: nothing that is read here depends on one.
    let capabilities = Capabilities::unknown(BackendKind::Compose, profile.name.clone(), String::new());
    let nodes = order::nodes(profile);
    let site =
        Site { service_links: env::service_links(&nodes), ..Site::new(profile, &capabilities, &nodes) };
    nodes.iter().map(|node| of(&site, node)).collect()
}

/// The secrets of a profile, and the variables that stand for them in a [`Template`].
pub fn carriers(profile: &Profile) -> Vec<SecretPlan> {
    secrets::of(profile, &order::nodes(profile))
}

fn of(site: &Site<'_>, node: &order::Node<'_>) -> Variables {
    let process = &node.run.process;
    let planned = env::variables(site, node, 0, process, true);
    let of_store = node.store.map(|store| stores::env(site, store)).unwrap_or_default();
    let giver = |name: &str| {
        if process.env.contains_key(name) {
            Giver::Env
        } else if node.run.flags.iter().any(|flag| flag == name) {
            Giver::Flag
        } else if of_store.iter().any(|(known, _)| known == name) {
            Giver::Store
        } else if name == "TZ" {
            Giver::Timezone
        } else {
            Giver::ServiceLink
        }
    };
    let mut given = IndexMap::new();
    for (name, value) in &process.env {
        let open = match value {
            Value::Text(_) => None,
            Value::Hole => Some((why_not(site.profile, node, name), None)),
            Value::Field(field) => told_by_a_launch(site, process, *field).map(|why| (why, Some(*field))),
        };
        if let Some((why, field)) = open {
            given.insert(name.clone(), Given { value: Err(why), field, by: Giver::Env });
        }
    }
    for (name, template) in planned {
        let by = giver(&name);
        given.entry(name).or_insert(Given { value: Ok(template), field: None, by });
    }
    Variables { service: node.name.clone(), kind: node.kind, given }
}

/// The reason of a variable's hole.
fn why_not(profile: &Profile, node: &order::Node<'_>, name: &str) -> String {
    let section = match node.kind {
        PodKind::Service => "services",
        PodKind::Job => "jobs",
        PodKind::Store => "stores",
    };
    let path = Path::of([section, node.name.as_str(), "env", name]);
    profile
        .holes
        .get(&path)
        .cloned()
        .unwrap_or_else(|| "it was not read when the profile was captured".to_owned())
}

/// Why a field of the pod has no value before there is one.
fn told_by_a_launch(site: &Site<'_>, process: &Process, field: PodField) -> Option<String> {
    let (limits, platform) = (&process.resources.limits, &site.profile.platform);
    let what = match field {
        PodField::PodName => "the pod's name",
        PodField::PodAddress => "the pod's address",
        PodField::NodeName => "the node's name",
        PodField::LimitsCpu if limits.cpu.is_none() && platform.cores.is_none() => "the node's cores",
        PodField::LimitsMemory if limits.memory.is_none() && platform.memory.is_none() => "the node's memory",
        PodField::LimitsCpu | PodField::LimitsMemory | PodField::RequestsCpu | PodField::RequestsMemory => {
            return None;
        }
    };
    Some(format!("{what}, which only what runs can tell"))
}
