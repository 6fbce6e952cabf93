//! Pods: a pause that owns the network, and the containers in it.

use indexmap::IndexMap;

use super::{
    Condition, ContainerPlan, NetworkMode, OwnNetwork, Pod, PodKind, Site, VolumePlan,
    containers::{self, Part, bare, container},
    duties, env,
    files::{self, Files},
    images,
    order::{self, Node},
    spec::{labels, sealed},
    stores, volumes,
};
use crate::{
    formats::duties::Duties,
    labels::{self as names, Kind},
    profile::Allow,
};

/// How long helpers get to end.
const HELPER_GRACE_MILLIS: u64 = 5_000;

/// One replica and the volumes that it brings; those of the whole service among them each time.
pub(crate) fn pod(
    site: &Site<'_>,
    nodes: &[Node<'_>],
    node: &Node<'_>,
    ordinal: u32,
) -> (Pod, Vec<VolumePlan>) {
    let files = files::files(site, node);
    let (_, facts) = Part::Main.image(site, node);
    let data_dir = node.store.map(|store| stores::data_dir(store.engine, facts));
    let mut mounts = volumes::of_pod(site, node, ordinal, data_dir.as_deref());
    let Files { mounts: of_files, duties: file_duties } = files;
    mounts.shared.extend(of_files.shared);
    mounts.held.extend(of_files.held);

    let parts: Vec<Part<'_>> = parts(node);
    let duties = duties::duties(node, ordinal, &parts, file_duties);
    let also = (files::content(&of_files.volumes), secret_forms(site, node));
    let mut brought = of_files.volumes.clone();
    brought.extend(mounts.volumes);
    let (mut init, mut sidecars, mut main) = (Vec::new(), Vec::new(), None);
    let pause_key = format!("{}.{ordinal}", node.name);
    for part in parts {
        let depends_on = depends_on(nodes, node, &pause_key, part, init.last());
        let (mut plan, covers) = container(site, node, ordinal, part, &mounts.shared, depends_on);
        seal(&mut plan, &also);
        brought.extend(covers);
        match part {
            Part::Init(..) => init.push(plan),
            Part::Sidecar(..) => sidecars.push(plan),
            Part::Main => main = Some(plan),
        }
    }
    let mut pause = pause(site, node, ordinal, &duties);
    pause.mounts = mounts.held;
    seal(&mut pause, &());
    let main = main.unwrap_or_else(|| pause.clone());
    let pod = Pod {
        service: node.name.clone(),
        kind: node.kind,
        ordinal,
        needs: node.needs.clone(),
        pause,
        init,
        sidecars,
        main,
        duties,
        on_demand: node.on_demand,
    };
    (pod, brought)
}

/// In the order in which they start.
fn parts<'a>(node: &Node<'a>) -> Vec<Part<'a>> {
    let init = node.run.init.iter().map(|(name, container)| Part::Init(name, container));
    let sidecars = node.run.sidecars.iter().map(|(name, container)| Part::Sidecar(name, container));
    init.chain(sidecars).chain([Part::Main]).collect()
}

/// Puts the seal on; the order of a bare launch is no part of the container, for it names other services.
pub(crate) fn seal(plan: &mut ContainerPlan, also: &impl serde::Serialize) {
    let depends_on = std::mem::take(&mut plan.depends_on);
    let labels = std::mem::take(&mut plan.labels);
    plan.labels = sealed(plan, labels, also);
    plan.depends_on = depends_on;
}

/// What a secret looks like is part of what holds it; its value is not.
fn secret_forms(site: &Site<'_>, node: &Node<'_>) -> Vec<super::SecretPlan> {
    let named = order::secrets_named(site.profile, node);
    named.iter().filter_map(|name| site.secret(name).cloned()).collect()
}

fn pause(site: &Site<'_>, node: &Node<'_>, ordinal: u32, duties: &Duties) -> ContainerPlan {
    let run = node.run;
    let mut of = labels(site.capabilities, Kind::Pause, Some(node.name), Some(ordinal));
    of.insert(names::DUTIES.to_owned(), serde_json::to_string(duties).unwrap_or_default());
    let host_network = run.host_network == Some(true) && site.profile.allow.contains(&Allow::HostNetwork);
    ContainerPlan {
        command: Some(vec!["pause".to_owned()]),
        labels: of,
        network: if host_network {
            NetworkMode::Host
        } else {
            NetworkMode::Own(own_network(site, node, ordinal))
        },
        sysctls: if host_network { IndexMap::new() } else { network_sysctls(node) },
        cap_add: vec!["NET_ADMIN".to_owned()],
        cap_drop: vec!["ALL".to_owned()],
        read_only: true,
        restart_always: true,
        stop_grace_millis: HELPER_GRACE_MILLIS,
        ..bare(format!("{}.{ordinal}", node.name), Kind::Pause, images::helper(site.capabilities))
    }
}

fn own_network(site: &Site<'_>, node: &Node<'_>, ordinal: u32) -> OwnNetwork {
    let name = env::pod_name(node, ordinal);
    let dns = node.run.dns.clone().unwrap_or_default();
    let mut aliases = Vec::new();
    // Nothing calls a job.
    if node.kind != PodKind::Job {
        aliases.push(node.name.to_string());
    }
    if node.stateful {
        aliases.extend([name.clone(), format!("{name}.{}", node.name)]);
    }
    OwnNetwork {
        aliases,
        hostname: Some(node.run.hostname.clone().unwrap_or(name)),
        extra_hosts: node.run.extra_hosts.clone(),
        dns_servers: dns.servers,
        dns_search: dns.search,
        dns_options: dns.ndots.map(|ndots| format!("ndots:{ndots}")).into_iter().collect(),
        address: site.addresses.get(&format!("{}.{ordinal}", node.name)).copied(),
        door: false,
    }
}

/// The pod's kernel settings for the network, the main container's word first.
fn network_sysctls(node: &Node<'_>) -> IndexMap<String, String> {
    let sides = node.run.sidecars.values().chain(node.run.init.values()).map(|container| &container.process);
    let mut all = IndexMap::new();
    for process in std::iter::once(&node.run.process).chain(sides) {
        for (name, value) in containers::sysctls(process, true) {
            all.entry(name).or_insert(value);
        }
    }
    all
}

/// The order for a bare `docker compose up`.
fn depends_on(
    nodes: &[Node<'_>],
    node: &Node<'_>,
    pause: &str,
    part: Part<'_>,
    last_init: Option<&ContainerPlan>,
) -> Vec<(String, Condition)> {
    let mut on = vec![(pause.to_owned(), Condition::ServiceStarted)];
    match last_init {
        Some(init) => on.push((init.key.clone(), Condition::ServiceCompletedSuccessfully)),
        // What an init container has waited for, its successors have too.
        None => on.extend(needed(nodes, node)),
    }
    if let Part::Main = part {
        let sidecars = node.run.sidecars.iter().map(|(name, container)| Part::Sidecar(name, container));
        on.extend(sidecars.map(|part| (part.key(pause), Condition::ServiceStarted)));
    }
    on
}

fn needed<'a>(nodes: &'a [Node<'_>], node: &'a Node<'_>) -> impl Iterator<Item = (String, Condition)> + 'a {
    let needs = nodes.iter().filter(|other| node.needs.contains(other.name) && other.wave < node.wave.max(1));
    needs.flat_map(|other| {
        let condition = match other.kind {
            PodKind::Job => Condition::ServiceCompletedSuccessfully,
            PodKind::Service | PodKind::Store => Condition::ServiceStarted,
        };
        (0..other.replicas).map(move |ordinal| (format!("{}.{ordinal}.main", other.name), condition))
    })
}

/// What both helpers of a mirror have in common.
pub(crate) fn helper(site: &Site<'_>, key: &str, kind: Kind, network: OwnNetwork) -> ContainerPlan {
    ContainerPlan {
        labels: labels(site.capabilities, kind, None, None),
        network: NetworkMode::Own(network),
        cap_drop: vec!["ALL".to_owned()],
        read_only: true,
        restart_always: true,
        stop_grace_millis: HELPER_GRACE_MILLIS,
        ..bare(key.to_owned(), kind, images::helper(site.capabilities))
    }
}
