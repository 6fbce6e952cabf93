//! One container in Compose's words.

use indexmap::IndexMap;
use serde::Serialize;

use super::{
    Form, ON_DEMAND,
    fill::Filler,
    interpolation,
    view::{DOOR, INSIDE, pairs, volume_key},
};
use crate::{
    labels::Kind,
    plan::{Condition, ContainerPlan, LimitsPlan, Mount, NetworkMode, OwnNetwork, Plan, Template, TmpfsPlan},
    profile::{Bytes, Duration},
};

/// One key below `services`; what is `None` or empty is not written.
#[derive(Default, Serialize)]
pub struct ServiceView<'a> {
    key: &'a str,
    /// A comment above the key.
    about: Option<&'static str>,
    image: &'a str,
    platform: Option<&'a str>,
    pub profiles: Vec<&'static str>,
    entrypoint: Option<&'a [String]>,
    command: Option<Vec<String>>,
    /// Each `NAME=value`.
    environment: Vec<String>,
    labels: Vec<String>,
    network_mode: Option<String>,
    networks: Vec<JoinView<'a>>,
    hostname: Option<&'a str>,
    extra_hosts: Vec<String>,
    dns: &'a [String],
    dns_search: &'a [String],
    dns_opt: &'a [String],
    ports: &'a [u16],
    depends_on: Vec<DependsView<'a>>,
    mounts: Vec<MountView<'a>>,
    tmpfs: Vec<String>,
    limits: LimitsView<'a>,
    ulimits: Vec<UlimitView<'a>>,
    sysctls: Vec<String>,
    cap_add: &'a [String],
    cap_drop: &'a [String],
    security_opt: &'a [String],
    group_add: &'a [String],
    privileged: bool,
    host_pid: bool,
    read_only: bool,
    user: Option<&'a str>,
    working_dir: Option<&'a str>,
    stop_signal: Option<&'a str>,
    stop_grace_period: Option<String>,
    restart: &'static str,
}

#[derive(Serialize)]
struct JoinView<'a> {
    network: &'static str,
    aliases: &'a [String],
    address: Option<std::net::Ipv4Addr>,
}

#[derive(Serialize)]
struct DependsView<'a> {
    key: &'a str,
    condition: Condition,
}

#[derive(Serialize)]
struct MountView<'a> {
    /// `volume` or `bind`.
    kind: &'static str,
    source: &'a str,
    target: String,
    read_only: bool,
    subpath: Option<&'a str>,
    /// The engine shall not copy into the volume what the image has there.
    nocopy: bool,
}

#[derive(Default, Serialize)]
struct LimitsView<'a> {
    cpus: Option<String>,
    cpu_quota: Option<u64>,
    cpu_shares: Option<u64>,
    cpuset: Option<&'a str>,
    memory: Option<SizeView>,
    memory_reservation: Option<SizeView>,
    pids: Option<u32>,
    shm_size: Option<SizeView>,
    storage: Option<String>,
}

/// A number of bytes, and the same for people: `512Mi`.
#[derive(Serialize)]
struct SizeView {
    bytes: u64,
    text: String,
}

#[derive(Serialize)]
struct UlimitView<'a> {
    name: &'a str,
    soft: i64,
    hard: i64,
}

pub fn service<'a>(
    plan: &'a Plan,
    form: Form,
    container: &'a ContainerPlan,
    fillers: &'a [Filler<'a>],
) -> ServiceView<'a> {
    let (network_mode, own) = match &container.network {
        NetworkMode::Own(own) => (None, Some(own)),
        NetworkMode::Of(pause) => (Some(format!("service:{pause}")), None),
        NetworkMode::Host => (Some("host".to_owned()), None),
        NetworkMode::None => (Some("none".to_owned()), None),
    };
    ServiceView {
        key: &container.key,
        about: about(container),
        image: &container.image.reference,
        platform: container.platform.as_deref(),
        profiles: Vec::new(),
        entrypoint: container.entrypoint.as_deref(),
        command: container.command.clone(),
        environment: environment(&container.env),
        labels: pairs(&container.labels),
        network_mode,
        networks: own.map(joins).unwrap_or_default(),
        hostname: own.and_then(|own| own.hostname.as_deref()),
        extra_hosts: own.map(|own| pairs(&own.extra_hosts)).unwrap_or_default(),
        dns: own.map(|own| own.dns_servers.as_slice()).unwrap_or_default(),
        dns_search: own.map(|own| own.dns_search.as_slice()).unwrap_or_default(),
        dns_opt: own.map(|own| own.dns_options.as_slice()).unwrap_or_default(),
        ports: &container.publish,
        depends_on: depends_on(form, container, fillers),
        mounts: container.mounts.iter().map(|mount| mount_view(plan, mount)).collect(),
        tmpfs: container.tmpfs.iter().map(|(path, tmpfs)| tmpfs_option(path, tmpfs)).collect(),
        limits: limits(&container.limits),
        ulimits: container
            .ulimits
            .iter()
            .map(|(name, &(soft, hard))| UlimitView { name, soft, hard })
            .collect(),
        sysctls: pairs(&container.sysctls),
        cap_add: &container.cap_add,
        cap_drop: &container.cap_drop,
        security_opt: &container.security_opt,
        group_add: &container.group_add,
        privileged: container.privileged,
        host_pid: container.host_pid,
        read_only: container.read_only,
        user: container.user.as_deref(),
        working_dir: container.working_dir.as_deref(),
        stop_signal: container.stop_signal.as_deref(),
        stop_grace_period: Some(Duration { millis: container.stop_grace_millis }.to_string()),
        restart: if container.restart_always { "always" } else { "no" },
    }
}

pub fn filler<'a>(filler: &'a Filler<'a>) -> ServiceView<'a> {
    let volume = |volume: &&'a crate::plan::VolumePlan| MountView {
        kind: "volume",
        source: volume_key(filler.plan, &volume.name),
        target: filler.target(volume),
        read_only: false,
        subpath: None,
        nocopy: true,
    };
    let (source, target) = Filler::SOURCE;
    let folder = MountView {
        kind: "bind",
        source,
        target: target.to_owned(),
        read_only: true,
        subpath: None,
        nocopy: false,
    };
    let started = |key| DependsView { key, condition: Condition::ServiceStarted };
    ServiceView {
        key: &filler.key,
        about: Some("Fills volumes before they are mounted: Compose's own configs and secrets miss changes."),
        image: filler.image,
        profiles: filler.on_demand.then_some(ON_DEMAND).into_iter().collect(),
        command: Some(filler.command()),
        environment: environment(&filler.env),
        labels: pairs(&filler.labels),
        network_mode: Some("none".to_owned()),
        depends_on: filler.after.iter().map(|key| started(key)).collect(),
        mounts: std::iter::once(folder).chain(filler.volumes.iter().map(volume)).collect(),
        // It gives files their owners.
        user: Some("0:0"),
        restart: "no",
        ..ServiceView::default()
    }
}

/// What a reader of the file would wonder about.
fn about(container: &ContainerPlan) -> Option<&'static str> {
    match container.kind {
        Kind::Pause => Some("Owns the network of this replica: name, addresses, DNS."),
        Kind::Keeper => Some("Probes, restarts and expiry; the only one that talks to the engine."),
        Kind::Gateway => Some("Publishes ports on loopback; the host's are chosen by the engine."),
        Kind::Init => Some("Runs to its end before the next container of the replica starts."),
        _ => None,
    }
}

/// `NAME=value` in Compose's language.
pub fn environment(env: &IndexMap<String, Template>) -> Vec<String> {
    env.iter().map(|(name, value)| interpolation::assigned(name, value)).collect()
}

fn joins(own: &OwnNetwork) -> Vec<JoinView<'_>> {
    let inside = JoinView { network: INSIDE, aliases: &own.aliases, address: own.address };
    let door = JoinView { network: DOOR, aliases: &[], address: None };
    if own.door { vec![inside, door] } else { vec![inside] }
}

/// Only for a person's `docker compose up`: our own launch names services and waits by itself.
fn depends_on<'a>(
    form: Form,
    container: &'a ContainerPlan,
    fillers: &'a [Filler<'a>],
) -> Vec<DependsView<'a>> {
    if form == Form::Launch {
        return Vec::new();
    }
    let planned =
        container.depends_on.iter().map(|(key, condition)| DependsView { key, condition: *condition });
    let filled = fillers.iter().filter(|filler| filler.comes_before(container));
    let filled = filled
        .map(|filler| DependsView { key: &filler.key, condition: Condition::ServiceCompletedSuccessfully });
    planned.chain(filled).collect()
}

fn mount_view<'a>(plan: &'a Plan, mount: &'a Mount) -> MountView<'a> {
    match mount {
        Mount::Volume { volume, target, read_only, subpath, copy } => MountView {
            kind: "volume",
            source: volume_key(plan, volume),
            target: target.clone(),
            read_only: *read_only,
            subpath: subpath.as_deref(),
            nocopy: !copy,
        },
        Mount::Bind { source, target, read_only } => MountView {
            kind: "bind",
            source,
            target: target.clone(),
            read_only: *read_only,
            subpath: None,
            nocopy: false,
        },
    }
}

/// `PATH:size=…,mode=…`: the short form, which reaches the engine as `--tmpfs` does.
fn tmpfs_option(path: &str, tmpfs: &TmpfsPlan) -> String {
    let size = tmpfs.size.map(|size| format!("size={size}"));
    let mode = tmpfs.mode.map(|mode| format!("mode={mode:o}"));
    let options: Vec<String> = size.into_iter().chain(mode).collect();
    if options.is_empty() { path.to_owned() } else { format!("{path}:{}", options.join(",")) }
}

fn limits(limits: &LimitsPlan) -> LimitsView<'_> {
    let size = |bytes: u64| SizeView { bytes, text: Bytes(bytes).to_string() };
    let exact = limits.cpu_millis.filter(|millis| compose_is_exact(*millis));
    LimitsView {
        cpus: exact.map(|millis| (millis as f64 / 1000.0).to_string()),
        cpu_quota: limits.cpu_millis.filter(|_| exact.is_none()).map(|millis| millis * 100),
        cpu_shares: limits.cpu_shares,
        cpuset: limits.cpuset.as_deref(),
        memory: limits.memory.map(size),
        memory_reservation: limits.memory_reservation.map(size),
        pids: limits.pids,
        shm_size: limits.shm_size.map(size),
        storage: limits.storage.map(|bytes| bytes.to_string()),
    }
}

/// Compose takes `cpus` for a 32-bit float and multiplies it: `0.065` becomes a quota of 6499 instead of 6500.
fn compose_is_exact(millis: u64) -> bool {
    let nanos = (millis as f64 / 1000.0) as f32 * 1e9f32;
    f64::from(nanos) == millis as f64 * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cpu_limit_that_compose_would_round_becomes_a_quota() {
        let view = |millis| {
            let plan = LimitsPlan { cpu_millis: Some(millis), ..LimitsPlan::default() };
            let view = limits(&plan);
            (view.cpus, view.cpu_quota)
        };
        assert_eq!(view(500), (Some("0.5".into()), None));
        assert_eq!(view(2000), (Some("2".into()), None));
        assert_eq!(view(65), (None, Some(6500)));
        assert_eq!(view(1501), (None, Some(150_100)));
    }

    #[test]
    fn a_tmpfs_names_only_what_was_asked() {
        assert_eq!(tmpfs_option("/tmp", &TmpfsPlan::default()), "/tmp");
        let tmpfs = TmpfsPlan { size: Some(4096), mode: Some(0o1777) };
        assert_eq!(tmpfs_option("/tmp", &tmpfs), "/tmp:size=4096,mode=1777");
    }
}
