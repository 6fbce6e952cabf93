//! A container of a plan as the engine's own request, for those that Compose does not make: the keeper.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, EndpointIpamConfig, EndpointSettings, HealthConfig, HostConfig,
    Mount as EngineMount, MountType, MountVolumeOptions, NetworkingConfig, PortBinding, ResourcesUlimits,
    RestartPolicy, RestartPolicyNameEnum,
};

use super::super::{BackendError, Result, SecretValues};
use crate::{
    labels,
    plan::{ContainerPlan, Mount, NetworkMode, OwnNetwork, Plan},
};

/// Compose's name for the only container of a key; it also keeps two launches from making it twice.
pub(super) fn name_of(plan: &Plan, key: &str) -> String {
    format!("{}-{key}-1", plan.project)
}

/// The whole request; `extra` are labels besides the plan's.
pub(super) fn request(
    plan: &Plan,
    container: &ContainerPlan,
    secrets: &SecretValues,
    extra: impl IntoIterator<Item = (String, String)>,
) -> Result<ContainerCreateBody> {
    let own = match &container.network {
        NetworkMode::Own(own) => Some(own),
        _ => None,
    };
    let ports: Vec<_> = container.publish.iter().map(|port| format!("{port}/tcp")).collect();
    Ok(ContainerCreateBody {
        hostname: own.and_then(|own| own.hostname.clone()),
        user: container.user.clone(),
        exposed_ports: Some(ports),
        env: Some(env(container, secrets)?),
        cmd: container.command.clone(),
        healthcheck: Some(HealthConfig { test: Some(vec!["NONE".to_owned()]), ..Default::default() }),
        image: Some(container.image.reference.clone()),
        working_dir: container.working_dir.clone(),
        entrypoint: container.entrypoint.clone(),
        labels: Some(all_labels(plan, container, extra)),
        stop_signal: container.stop_signal.clone(),
        stop_timeout: Some(i64::try_from(container.stop_grace_millis.div_ceil(1000)).unwrap_or(i64::MAX)),
        host_config: Some(host_config(plan, container)),
        networking_config: own.map(|own| networking(plan, own)),
        ..Default::default()
    })
}

fn env(container: &ContainerPlan, secrets: &SecretValues) -> Result<Vec<String>> {
    let one = |(name, value): (&String, &crate::plan::Template)| {
        let value = value.fill(|variable| secrets.0.get(variable).cloned());
        value.map(|value| format!("{name}={value}")).ok_or_else(|| BackendError::Engine {
            what: format!("variable {name} of {}", container.key),
            why: "a secret in it has no value".to_owned(),
        })
    };
    container.env.iter().map(one).collect()
}

/// Compose's own labels too, so that its listings show the container with the rest of the project.
fn all_labels(
    plan: &Plan,
    container: &ContainerPlan,
    extra: impl IntoIterator<Item = (String, String)>,
) -> HashMap<String, String> {
    let mut all: HashMap<_, _> = container.labels.clone().into_iter().collect();
    all.extend(extra);
    let compose = [
        (labels::COMPOSE_PROJECT, plan.project.as_str()),
        (labels::COMPOSE_SERVICE, &container.key),
        ("com.docker.compose.container-number", "1"),
        ("com.docker.compose.oneoff", "False"),
    ];
    all.extend(compose.map(|(name, value)| (name.to_owned(), value.to_owned())));
    all
}

fn host_config(plan: &Plan, container: &ContainerPlan) -> HostConfig {
    let bytes = |amount: Option<u64>| amount.and_then(|amount| i64::try_from(amount).ok());
    let limits = &container.limits;
    let own = match &container.network {
        NetworkMode::Own(own) => own.clone(),
        _ => OwnNetwork::default(),
    };
    let restart =
        if container.restart_always { RestartPolicyNameEnum::ALWAYS } else { RestartPolicyNameEnum::NO };
    HostConfig {
        nano_cpus: bytes(limits.cpu_millis.map(|millis| millis * 1_000_000)),
        memory: bytes(limits.memory),
        memory_swap: bytes(limits.memory),
        memory_reservation: bytes(limits.memory_reservation),
        cpu_shares: bytes(limits.cpu_shares),
        cpuset_cpus: limits.cpuset.clone(),
        pids_limit: limits.pids.map(i64::from),
        shm_size: bytes(limits.shm_size),
        storage_opt: limits.storage.map(|size| HashMap::from([("size".to_owned(), size.to_string())])),
        network_mode: Some(network_mode(plan, container)),
        mounts: Some(container.mounts.iter().map(mount).collect()),
        tmpfs: Some(
            container.tmpfs.iter().map(|(path, tmpfs)| (path.clone(), tmpfs_options(tmpfs))).collect(),
        ),
        ulimits: Some(container.ulimits.iter().map(ulimit).collect()),
        sysctls: Some(container.sysctls.clone().into_iter().collect()),
        cap_add: Some(container.cap_add.clone()),
        cap_drop: Some(container.cap_drop.clone()),
        security_opt: Some(container.security_opt.clone()),
        privileged: Some(container.privileged),
        pid_mode: container.host_pid.then(|| "host".to_owned()),
        readonly_rootfs: Some(container.read_only),
        group_add: Some(container.group_add.clone()),
        extra_hosts: Some(
            own.extra_hosts.iter().map(|(name, address)| format!("{name}:{address}")).collect(),
        ),
        dns: Some(own.dns_servers),
        dns_search: Some(own.dns_search),
        dns_options: Some(own.dns_options),
        restart_policy: Some(RestartPolicy { name: Some(restart), maximum_retry_count: None }),
        port_bindings: Some(
            container.publish.iter().map(|port| (format!("{port}/tcp"), Some(vec![loopback()]))).collect(),
        ),
        ..Default::default()
    }
}

fn network_mode(plan: &Plan, container: &ContainerPlan) -> String {
    match &container.network {
        NetworkMode::Own(_) => plan.networks.inside.name.clone(),
        NetworkMode::Of(key) => format!("container:{}", name_of(plan, key)),
        NetworkMode::Host => "host".to_owned(),
        NetworkMode::None => "none".to_owned(),
    }
}

fn networking(plan: &Plan, own: &OwnNetwork) -> NetworkingConfig {
    let ipam = own
        .address
        .map(|address| EndpointIpamConfig { ipv4_address: Some(address.to_string()), ..Default::default() });
    let inside =
        EndpointSettings { aliases: Some(own.aliases.clone()), ipam_config: ipam, ..Default::default() };
    let mut endpoints = HashMap::from([(plan.networks.inside.name.clone(), inside)]);
    if own.door {
        endpoints.insert(plan.networks.door.name.clone(), EndpointSettings::default());
    }
    NetworkingConfig { endpoints_config: Some(endpoints) }
}

fn mount(mount: &Mount) -> EngineMount {
    match mount {
        Mount::Volume { volume, target, read_only, subpath, copy } => EngineMount {
            typ: Some(MountType::VOLUME),
            source: Some(volume.clone()),
            target: Some(target.clone()),
            read_only: Some(*read_only),
            volume_options: Some(MountVolumeOptions {
                subpath: subpath.clone(),
                no_copy: Some(!copy),
                ..Default::default()
            }),
            ..Default::default()
        },
        Mount::Bind { source, target, read_only } => EngineMount {
            typ: Some(MountType::BIND),
            source: Some(source.clone()),
            target: Some(target.clone()),
            read_only: Some(*read_only),
            ..Default::default()
        },
    }
}

fn tmpfs_options(tmpfs: &crate::plan::TmpfsPlan) -> String {
    let size = tmpfs.size.map(|size| format!("size={size}"));
    let mode = tmpfs.mode.map(|mode| format!("mode={mode:o}"));
    size.into_iter().chain(mode).collect::<Vec<_>>().join(",")
}

fn ulimit((name, (soft, hard)): (&String, &(i64, i64))) -> ResourcesUlimits {
    ResourcesUlimits { name: Some(name.clone()), soft: Some(*soft), hard: Some(*hard) }
}

/// On this machine alone, on a port that the engine picks.
fn loopback() -> PortBinding {
    PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: None }
}
