//! Pods: what the replicas of a service, store or job are.

use std::{collections::BTreeSet, net::IpAddr};

use indexmap::IndexMap;

use super::{
    DnsSpec, PodSpec, RestartPolicy,
    container::{container, id},
    files::Files,
    labels::Labels,
    names::{is_dns_label, is_dns_name},
    network::{is_namespaced_sysctl, is_safe_sysctl},
    seconds,
    secrets::SecretKeys,
    volumes::Volumes,
};
use crate::{
    labels as keys,
    plan::{BackendKind, PodKind, Site, containers::Part, order::Node, spec as seals},
    profile::{Allow, Arch, Dns, Process, Restart, Workload},
};

/// Kubernetes takes at most so many nameservers.
const MOST_SERVERS: usize = 3;

pub(super) fn pod(
    site: &Site<'_>,
    node: &Node<'_>,
    labels: Labels,
    files: Files,
    mut volumes: Volumes,
    secrets: &mut SecretKeys<'_>,
) -> PodSpec {
    let run = node.run;
    let allowed = |what| site.profile.allow.contains(&what);
    let host_network = run.host_network == Some(true) && allowed(Allow::HostNetwork);
    volumes.sources.extend(files.volumes);
    volumes.mounts.extend(files.mounts);
    let mut names = BTreeSet::new();
    let mut spec = |part: Part<'_>| {
        let mounts = volumes.of_container(part.process(node));
        container(site, node, part, unique(part.name(), &mut names), mounts, secrets)
    };
    let main = spec(Part::Main);
    let init = run.init.iter().map(|(name, side)| spec(Part::Init(name, side))).collect();
    let sidecars = run.sidecars.iter().map(|(name, side)| spec(Part::Sidecar(name, side))).collect();
    let inputs = (&secrets.data, &files.fixed);
    let has_inputs = !secrets.data.is_empty() || !files.fixed.is_empty();
    let mut annotations = labels.refused;
    if has_inputs {
        annotations.insert(keys::kubernetes::INPUTS.to_owned(), seals::seal(&inputs));
    }
    PodSpec {
        labels: labels.taken,
        annotations,
        service_account: run.service_account.clone().filter(|name| is_dns_name(name)),
        automount_token: run.service_account.is_some(),
        enable_service_links: run.enable_service_links == Some(true),
        host_network,
        host_pid: run.host_pid == Some(true) && allowed(Allow::HostPid),
        // A StatefulSet gives each pod its own.
        hostname: run.hostname.clone().filter(|name| is_dns_label(name) && !node.stateful),
        host_aliases: host_aliases(node),
        dns: dns(run.dns.as_ref()),
        arch: arch(site),
        restart: restart(node),
        grace_seconds: seconds::grace(run),
        fs_group: run.fs_group.filter(|group| id(&group.to_string()).is_some()),
        groups: groups(node),
        sysctls: if host_network { IndexMap::new() } else { sysctls(site, node) },
        volumes: volumes.sources,
        init,
        sidecars,
        main,
        on_demand: node.on_demand,
    }
}

/// Init containers and sidecars share one space of names.
fn unique(name: &str, taken: &mut BTreeSet<String>) -> String {
    let mut name = name.to_owned();
    while !taken.insert(name.clone()) {
        name.push_str("-x");
    }
    name
}

/// Every process of the pod, the main one first.
pub(crate) fn processes_of(run: &Workload) -> impl Iterator<Item = &Process> {
    let sides = run.sidecars.values().chain(run.init.values()).map(|container| &container.process);
    std::iter::once(&run.process).chain(sides)
}

/// Groups are the pod's: every container has those of all.
fn groups(node: &Node<'_>) -> Vec<u32> {
    let all: BTreeSet<u32> = processes_of(node.run)
        .flat_map(|process| &process.groups)
        .filter_map(|group| group.parse().ok())
        .collect();
    all.into_iter().collect()
}

/// The pod's kernel settings, the main container's word first; a node refuses a pod with others. One of ours takes all
/// that a pod can have of its own.
fn sysctls(site: &Site<'_>, node: &Node<'_>) -> IndexMap<String, String> {
    let is_ours = site.capabilities.host.backend == BackendKind::Kind;
    let is_taken = |name: &str| is_safe_sysctl(name) || is_ours && is_namespaced_sysctl(name);
    let mut all = IndexMap::new();
    let written = processes_of(node.run).flat_map(|process| &process.sysctls);
    for (name, value) in written.filter(|(name, _)| is_taken(name)) {
        all.entry(name.replace('/', ".")).or_insert_with(|| value.clone());
    }
    all
}

fn host_aliases(node: &Node<'_>) -> IndexMap<IpAddr, Vec<String>> {
    let mut all: IndexMap<IpAddr, Vec<String>> = IndexMap::new();
    for (name, address) in &node.run.extra_hosts {
        if let Some(address) = address.parse().ok().filter(|_| is_dns_name(name)) {
            all.entry(address).or_default().push(name.clone());
        }
    }
    all
}

fn dns(written: Option<&Dns>) -> DnsSpec {
    let Some(dns) = written else { return DnsSpec::default() };
    DnsSpec {
        servers: dns.servers.iter().filter_map(|server| server.parse().ok()).take(MOST_SERVERS).collect(),
        searches: dns.search.iter().filter(|name| is_search(name)).cloned().collect(),
        ndots: dns.ndots,
    }
}

pub(crate) fn is_search(name: &str) -> bool {
    is_dns_name(name.trim_end_matches('.'))
}

/// A Kind node has this machine's architecture; an image of another one runs there emulated.
fn arch(site: &Site<'_>) -> Option<String> {
    let wanted = match site.profile.platform.arch? {
        Arch::Amd64 => "amd64",
        Arch::Arm64 => "arm64",
    };
    let host = &site.capabilities.host;
    (host.backend != BackendKind::Kind || host.arch == wanted).then(|| wanted.to_owned())
}

/// Deployments and StatefulSets know nothing but `Always`, jobs everything else.
fn restart(node: &Node<'_>) -> RestartPolicy {
    match (node.kind, node.run.restart) {
        (PodKind::Job, Some(Restart::OnFailure)) => RestartPolicy::OnFailure,
        (PodKind::Job, _) => RestartPolicy::Never,
        (PodKind::Service | PodKind::Store, _) => RestartPolicy::Always,
    }
}
