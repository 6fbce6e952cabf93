//! The engine's answers as [`crate::observed`] keeps them: every field by name.

use std::collections::BTreeMap;

use bollard::models::{
    ContainerInspectResponse, EndpointSettings, HostConfig, MountPoint, Network, PortMap, Volume,
};

use crate::observed::{self, Attachment, Container, HostSide, Mount, State};

pub(super) fn container(there: ContainerInspectResponse) -> Container {
    let config = there.config.unwrap_or_default();
    let host = there.host_config.unwrap_or_default();
    let settings = there.network_settings.unwrap_or_default();
    let state = there.state.unwrap_or_default();
    Container {
        id: there.id.unwrap_or_default(),
        name: there.name.unwrap_or_default().trim_start_matches('/').to_owned(),
        labels: config.labels.unwrap_or_default().into_iter().collect(),
        created: there.created.map(|at| rfc3339(at.unix_timestamp_nanos())).unwrap_or_default(),
        state: State {
            status: state.status.map(|status| status.to_string()).unwrap_or_default(),
            exit_code: state.exit_code.unwrap_or_default(),
            oom_killed: state.oom_killed.unwrap_or_default(),
            error: state.error.unwrap_or_default(),
            started: state.started_at.unwrap_or_default(),
            finished: state.finished_at.unwrap_or_default(),
            pid: state.pid.unwrap_or_default(),
        },
        image_reference: config.image.unwrap_or_default(),
        image_id: there.image.unwrap_or_default(),
        image_descriptor: there.image_manifest_descriptor.and_then(|descriptor| descriptor.digest),
        entrypoint: config.entrypoint,
        command: config.cmd,
        env: config.env.unwrap_or_default(),
        working_dir: config.working_dir.unwrap_or_default(),
        user: config.user.unwrap_or_default(),
        hostname: config.hostname.unwrap_or_default(),
        stop_signal: config.stop_signal,
        stop_timeout_seconds: config.stop_timeout,
        mounts: mounts(&host, there.mounts.unwrap_or_default()),
        host: host_side(host),
        networks: settings.networks.unwrap_or_default().into_iter().map(attachment).collect(),
        published: published(settings.ports.unwrap_or_default()),
        inside: None,
    }
}

/// Nanoseconds since 1970 as the engine itself would write them.
fn rfc3339(nanoseconds: i128) -> String {
    jiff::Timestamp::from_nanosecond(nanoseconds).map(|at| at.to_string()).unwrap_or_default()
}

fn host_side(host: HostConfig) -> HostSide {
    HostSide {
        nano_cpus: host.nano_cpus.unwrap_or_default(),
        cpu_quota: host.cpu_quota.unwrap_or_default(),
        cpu_period: host.cpu_period.unwrap_or_default(),
        cpu_shares: host.cpu_shares.unwrap_or_default(),
        cpuset: host.cpuset_cpus.unwrap_or_default(),
        memory: host.memory.unwrap_or_default(),
        memory_swap: host.memory_swap.unwrap_or_default(),
        memory_reservation: host.memory_reservation.unwrap_or_default(),
        pids_limit: host.pids_limit.unwrap_or_default(),
        shm_size: host.shm_size.unwrap_or_default(),
        network_mode: host.network_mode.unwrap_or_default(),
        restart_policy: host
            .restart_policy
            .and_then(|policy| policy.name)
            .map(|name| name.to_string())
            .unwrap_or_default(),
        read_only: host.readonly_rootfs.unwrap_or_default(),
        privileged: host.privileged.unwrap_or_default(),
        pid_mode: host.pid_mode.unwrap_or_default(),
        cap_add: host.cap_add.unwrap_or_default(),
        cap_drop: host.cap_drop.unwrap_or_default(),
        security_opt: host.security_opt.unwrap_or_default(),
        group_add: host.group_add.unwrap_or_default(),
        extra_hosts: host.extra_hosts.unwrap_or_default(),
        dns: host.dns.unwrap_or_default(),
        dns_search: host.dns_search.unwrap_or_default(),
        dns_options: host.dns_options.unwrap_or_default(),
        sysctls: host.sysctls.unwrap_or_default().into_iter().collect(),
        tmpfs: host.tmpfs.unwrap_or_default().into_iter().collect(),
        ulimits: host
            .ulimits
            .unwrap_or_default()
            .into_iter()
            .map(|limit| {
                (
                    limit.name.unwrap_or_default(),
                    (limit.soft.unwrap_or_default(), limit.hard.unwrap_or_default()),
                )
            })
            .collect(),
        storage_opt: host.storage_opt.unwrap_or_default().into_iter().collect(),
    }
}

/// What is mounted; the folder of a volume that was asked for stands only in the request.
fn mounts(host: &HostConfig, there: Vec<MountPoint>) -> Vec<Mount> {
    let asked: BTreeMap<_, _> = host
        .mounts
        .iter()
        .flatten()
        .filter_map(|mount| Some((mount.target.clone()?, mount.volume_options.as_ref()?.subpath.clone()?)))
        .collect();
    let mut mounts: Vec<_> = there
        .into_iter()
        .map(|mount| {
            let kind = mount.typ.unwrap_or_default();
            let target = mount.destination.unwrap_or_default();
            let source = if kind == "volume" { mount.name } else { mount.source };
            Mount {
                source: source.unwrap_or_default(),
                read_only: !mount.rw.unwrap_or(true),
                subpath: asked.get(&target).cloned(),
                kind,
                target,
            }
        })
        .collect();
    mounts.sort_by(|a, b| a.target.cmp(&b.target));
    mounts
}

fn attachment((network, endpoint): (String, EndpointSettings)) -> (String, Attachment) {
    let address = endpoint.ip_address.and_then(|address| address.parse().ok());
    (network, Attachment { address, aliases: endpoint.aliases.unwrap_or_default() })
}

fn published(ports: PortMap) -> BTreeMap<String, (String, u16)> {
    let first = |(port, bindings): (String, Option<Vec<bollard::models::PortBinding>>)| {
        let binding = bindings?.into_iter().next()?;
        Some((port, (binding.host_ip.unwrap_or_default(), binding.host_port?.parse().ok()?)))
    };
    ports.into_iter().filter_map(first).collect()
}

pub(super) fn sysctls(there: &ContainerInspectResponse) -> BTreeMap<String, String> {
    let host = there.host_config.as_ref();
    host.and_then(|host| host.sysctls.clone()).unwrap_or_default().into_iter().collect()
}

pub(super) fn network(there: Network) -> observed::Network {
    let configs = there.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
    observed::Network {
        id: there.id.unwrap_or_default(),
        name: there.name.unwrap_or_default(),
        labels: there.labels.unwrap_or_default().into_iter().collect(),
        internal: there.internal.unwrap_or_default(),
        subnets: configs.into_iter().filter_map(|config| config.subnet).collect(),
    }
}

pub(super) fn volume(there: Volume) -> observed::Volume {
    observed::Volume {
        name: there.name,
        labels: there.labels.into_iter().collect(),
        options: there.options.into_iter().collect(),
    }
}
