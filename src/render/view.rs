//! What the templates see: the plan in Compose's shapes, with nothing decided anew.

use indexmap::IndexMap;
use serde::Serialize;

use super::{
    Form, HELPER_FILE,
    fill::{self, Filler},
    service::{ServiceView, filler, service},
};
use crate::{
    labels,
    plan::{ContainerPlan, NetworkPlan, Plan, Pod, TemplatePiece, VolumePlan},
};

/// The keys of the two networks in the file; their full names stand in the plan.
pub const INSIDE: &str = "inside";
pub const DOOR: &str = "door";

#[derive(Serialize)]
pub struct View<'a> {
    standalone: bool,
    mirror: &'a str,
    project: &'a str,
    helper_file: &'static str,
    variables: Vec<VariableView<'a>>,
    /// Services that belong together, under one comment.
    groups: Vec<GroupView<'a>>,
    networks: Vec<NetworkView<'a>>,
    volumes: Vec<VolumeView<'a>>,
}

/// A variable that must be set, and for what.
#[derive(Serialize)]
struct VariableView<'a> {
    name: &'a str,
    what: String,
}

#[derive(Serialize)]
struct GroupView<'a> {
    title: String,
    services: Vec<ServiceView<'a>>,
}

#[derive(Serialize)]
struct NetworkView<'a> {
    key: &'static str,
    name: &'a str,
    internal: bool,
    subnet: String,
    range: String,
    labels: Vec<String>,
}

#[derive(Serialize)]
struct VolumeView<'a> {
    key: &'a str,
    name: &'a str,
    labels: Vec<String>,
    /// Mount options of a volume in memory, `size=1048576`; may be empty.
    memory: Option<String>,
}

pub fn view<'a>(plan: &'a Plan, form: Form, fillers: &'a [Filler<'a>]) -> View<'a> {
    let helpers = GroupView {
        title: "The mirror's own: its kubelet, and its only door".to_owned(),
        services: [&plan.keeper, &plan.gateway.container]
            .into_iter()
            .map(|container| service(plan, form, container, fillers))
            .collect(),
    };
    let pods = plan.pods.iter().map(|pod| group(plan, form, pod, fillers));
    View {
        standalone: form == Form::Standalone,
        mirror: plan.mirror.as_str(),
        project: &plan.project,
        helper_file: HELPER_FILE,
        variables: variables(plan),
        groups: std::iter::once(helpers).chain(pods).collect(),
        networks: vec![network(INSIDE, &plan.networks.inside), network(DOOR, &plan.networks.door)],
        volumes: plan.volumes.iter().map(|volume| volume_view(plan, volume)).collect(),
    }
}

/// A replica, after the one-shot that fills its service's volumes where this replica is the first.
fn group<'a>(plan: &'a Plan, form: Form, pod: &'a Pod, fillers: &'a [Filler<'a>]) -> GroupView<'a> {
    let first = plan.pods.iter().find(|other| other.service == pod.service);
    let is_first = first.is_some_and(|first| first.ordinal == pod.ordinal);
    let own = fillers.iter().filter(|filler| is_first && filler.service == pod.service.as_str());
    let kind = pod.main.labels.get(labels::KIND).map_or("service", String::as_str);
    let on_demand = if pod.on_demand { ", on demand: its schedule is not kept" } else { "" };
    let services = pod.containers().map(|container| {
        let mut service = service(plan, form, container, fillers);
        service.profiles.extend(pod.on_demand.then_some(super::ON_DEMAND));
        service
    });
    GroupView {
        title: format!("{kind} {}, replica {}{on_demand}", pod.service, pod.ordinal),
        services: own.map(filler).chain(services).collect(),
    }
}

/// The variables that the bundle takes, in the order of the plan's secrets.
fn variables(plan: &Plan) -> Vec<VariableView<'_>> {
    let uses = |container: &ContainerPlan, name: &str| {
        let is_it = |piece: &TemplatePiece| matches!(piece, TemplatePiece::Variable(used) if used == name);
        container.env.values().any(|template| template.0.iter().any(is_it))
    };
    let is_used = |name: &str| {
        let files = plan.volumes.iter().flat_map(|volume| &volume.files);
        containers(plan).any(|container| uses(container, name))
            || files.into_iter().any(|file| fill::variables(&file.content).contains(&name))
    };
    let mut variables = IndexMap::new();
    for secret in &plan.secrets {
        variables.insert(secret.variable.as_str(), format!("secret {}", secret.secret));
        if let Some(name) = &secret.url_variable {
            variables.insert(name, format!("secret {}, percent-encoded", secret.secret));
        }
    }
    variables.retain(|name, _| is_used(name));
    variables.into_iter().map(|(name, what)| VariableView { name, what }).collect()
}

pub fn containers(plan: &Plan) -> impl Iterator<Item = &ContainerPlan> {
    [&plan.keeper, &plan.gateway.container].into_iter().chain(plan.pods.iter().flat_map(Pod::containers))
}

fn network<'a>(key: &'static str, network: &'a NetworkPlan) -> NetworkView<'a> {
    NetworkView {
        key,
        name: &network.name,
        internal: network.internal,
        subnet: network.subnet.to_string(),
        range: network.range.to_string(),
        labels: pairs(&network.labels),
    }
}

fn volume_view<'a>(plan: &Plan, volume: &'a VolumePlan) -> VolumeView<'a> {
    VolumeView {
        key: volume_key(plan, &volume.name),
        name: &volume.name,
        labels: pairs(&volume.labels),
        memory: volume.memory.map(|size| memory_options(volume, size)),
    }
}

/// Mount options of a tmpfs volume, which is mounted anew, and empty, whenever nobody held it.
fn memory_options(volume: &VolumePlan, size: Option<u64>) -> String {
    let size = size.map(|size| format!("size={size}"));
    // As `fill` does it on a disk: a group of its own may write, and its files stay the group's.
    let mode = match volume.group {
        Some(_) => Some(volume.mode.unwrap_or(0o775) | 0o2070),
        None => volume.mode,
    };
    let mode = mode.map(|mode| format!("mode={mode:o}"));
    let group = volume.group.map(|group| format!("gid={group}"));
    size.into_iter().chain(mode).chain(group).collect::<Vec<_>>().join(",")
}

/// A volume's key in the file: its name without the project, `db.0.data`.
pub fn volume_key<'a>(plan: &Plan, name: &'a str) -> &'a str {
    name.strip_prefix(plan.project.as_str())
        .and_then(|rest| rest.strip_prefix('_'))
        .filter(|rest| !rest.is_empty())
        .unwrap_or(name)
}

/// `NAME=value` lists: in a map, Compose takes names that begin with `x-` for extensions.
pub fn pairs(map: &IndexMap<String, String>) -> Vec<String> {
    map.iter().map(|(name, value)| format!("{name}={value}")).collect()
}
