//! A pod in Kubernetes' words.

use serde::Serialize;

use super::{
    container::{ContainerView, container},
    view::{Pair, pairs},
};
use crate::plan::kubernetes::{DnsSpec, PodSpec, ProjectionSource, VolumeSource};

/// What is `None` or empty is not written.
#[derive(Serialize)]
pub struct PodView<'a> {
    labels: Vec<Pair<'a>>,
    annotations: Vec<Pair<'a>>,
    service_account: Option<&'a str>,
    automount_token: bool,
    enable_service_links: bool,
    host_network: bool,
    host_pid: bool,
    hostname: Option<&'a str>,
    host_aliases: Vec<AliasView<'a>>,
    dns: Option<DnsView<'a>>,
    arch: Option<&'a str>,
    restart: &'static str,
    grace_seconds: u64,
    security: Option<SecurityView<'a>>,
    volumes: Vec<VolumeView<'a>>,
    /// With the sidecars behind, as Kubernetes wants them.
    init: Vec<ContainerView<'a>>,
    containers: Vec<ContainerView<'a>>,
}

#[derive(Serialize)]
struct AliasView<'a> {
    ip: String,
    names: &'a [String],
}

#[derive(Serialize)]
struct DnsView<'a> {
    servers: Vec<String>,
    searches: &'a [String],
    /// Kubernetes wants a text.
    ndots: Option<String>,
}

#[derive(Serialize)]
struct SecurityView<'a> {
    fs_group: Option<u32>,
    groups: &'a [u32],
    sysctls: Vec<Pair<'a>>,
}

#[derive(Serialize)]
struct VolumeView<'a> {
    name: &'a str,
    /// `empty`, `claim`, `host` or `files`.
    kind: &'static str,
    memory: bool,
    size: Option<String>,
    source: Option<&'a str>,
    parts: Vec<PartView<'a>>,
}

#[derive(Serialize)]
struct PartView<'a> {
    /// `configMap` or `secret`.
    kind: &'static str,
    name: &'a str,
    items: Vec<ItemView<'a>>,
}

#[derive(Serialize)]
struct ItemView<'a> {
    key: &'a str,
    path: &'a str,
    /// JSON knows no octal numbers.
    mode: u32,
    octal: String,
}

pub fn view(pod: &PodSpec) -> PodView<'_> {
    let PodSpec {
        labels,
        annotations,
        service_account,
        automount_token,
        enable_service_links,
        host_network,
        host_pid,
        hostname,
        host_aliases,
        dns,
        arch,
        restart,
        grace_seconds,
        fs_group,
        groups,
        sysctls,
        volumes,
        init,
        sidecars,
        main,
        // The kind of the workload says it.
        on_demand: _,
    } = pod;
    let security = SecurityView { fs_group: *fs_group, groups, sysctls: pairs(sysctls) };
    let has_security = fs_group.is_some() || !groups.is_empty() || !sysctls.is_empty();
    PodView {
        labels: pairs(labels),
        annotations: pairs(annotations),
        service_account: service_account.as_deref(),
        automount_token: *automount_token,
        enable_service_links: *enable_service_links,
        host_network: *host_network,
        host_pid: *host_pid,
        hostname: hostname.as_deref(),
        host_aliases: host_aliases
            .iter()
            .map(|(ip, names)| AliasView { ip: ip.to_string(), names })
            .collect(),
        dns: dns_view(dns),
        arch: arch.as_deref(),
        restart: restart.as_str(),
        grace_seconds: *grace_seconds,
        security: has_security.then_some(security),
        volumes: volumes.iter().map(|(name, source)| volume(name, source)).collect(),
        init: init.iter().chain(sidecars).map(container).collect(),
        containers: vec![container(main)],
    }
}

fn dns_view(dns: &DnsSpec) -> Option<DnsView<'_>> {
    let DnsSpec { servers, searches, ndots } = dns;
    (*dns != DnsSpec::default()).then(|| DnsView {
        servers: servers.iter().map(ToString::to_string).collect(),
        searches,
        ndots: ndots.map(|ndots| ndots.to_string()),
    })
}

fn volume<'a>(name: &'a str, source: &'a VolumeSource) -> VolumeView<'a> {
    let view = |kind| VolumeView { name, kind, memory: false, size: None, source: None, parts: Vec::new() };
    match source {
        VolumeSource::Empty { memory, size } => {
            VolumeView { memory: *memory, size: size.map(|size| size.to_string()), ..view("empty") }
        }
        VolumeSource::Claim { name } => VolumeView { source: Some(name), ..view("claim") },
        VolumeSource::Host { path } => VolumeView { source: Some(path), ..view("host") },
        VolumeSource::Files { from } => {
            let part = |projection: &'a crate::plan::kubernetes::Projection| {
                let (kind, name) = match &projection.source {
                    ProjectionSource::ConfigMap(name) => ("configMap", name),
                    ProjectionSource::Secret(name) => ("secret", name),
                };
                let items = projection.items.iter().map(|item| ItemView {
                    key: &item.key,
                    path: &item.path,
                    mode: item.mode,
                    octal: format!("{:03o}", item.mode),
                });
                PartView { kind, name, items: items.collect() }
            };
            VolumeView { parts: from.iter().map(part).collect(), ..view("files") }
        }
    }
}
