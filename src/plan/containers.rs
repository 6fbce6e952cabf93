//! Containers of an application: the process, and the walls around it.

use indexmap::IndexMap;

use super::{
    Condition, ContainerPlan, ImagePlan, LimitsPlan, Mount, NetworkMode, Site, TmpfsPlan, VolumePlan,
    capabilities::ImageFacts, env, images, order::Node, stores, volumes,
};
use crate::{
    formats::duties::PodKind,
    labels::{self, Kind},
    name::Name,
    profile::{Allow, Bytes, Container, Process, Resources, Ulimit, Workload},
};

/// Kubernetes' `terminationGracePeriodSeconds` where none is written.
pub(crate) const GRACE_MILLIS: u64 = 30_000;

/// What the engine takes at least.
const LEAST_CPU_MILLIS: u64 = 10;
const LEAST_MEMORY: u64 = 6 << 20;

/// Which container of a pod.
#[derive(Clone, Copy)]
pub(crate) enum Part<'a> {
    Main,
    Init(&'a Name, &'a Container),
    Sidecar(&'a Name, &'a Container),
}

impl<'a> Part<'a> {
    pub fn name(self) -> &'a str {
        match self {
            Self::Main => "main",
            Self::Init(name, _) | Self::Sidecar(name, _) => name.as_str(),
        }
    }

    pub fn key(self, pod: &str) -> String {
        match self {
            Self::Main => format!("{pod}.main"),
            Self::Init(name, _) => format!("{pod}.init.{name}"),
            // `check` refuses a sidecar of that name; keys stay unique all the same.
            Self::Sidecar(name, _) if name.as_str() == "main" => format!("{pod}.sidecar.main"),
            Self::Sidecar(name, _) => format!("{pod}.{name}"),
        }
    }

    pub fn process(self, node: &Node<'a>) -> &'a Process {
        match self {
            Self::Main => &node.run.process,
            Self::Init(_, container) | Self::Sidecar(_, container) => &container.process,
        }
    }

    fn kind(self, node: &Node<'_>) -> Kind {
        match (self, node.kind) {
            (Self::Init(..), _) => Kind::Init,
            (Self::Sidecar(..), _) => Kind::Sidecar,
            (Self::Main, PodKind::Service) => Kind::Service,
            (Self::Main, PodKind::Store) => Kind::Store,
            (Self::Main, PodKind::Job) => Kind::Job,
        }
    }

    /// What the engine is asked for, and what is known of it.
    pub fn image<'c>(self, site: &Site<'c>, node: &Node<'c>) -> (ImagePlan, Option<&'c ImageFacts>)
    where
        'a: 'c,
    {
        let image = match self {
            Self::Main => images::own(site.capabilities, node.name, node.run),
            Self::Init(_, container) | Self::Sidecar(_, container) => {
                images::side(site.capabilities, node.name, node.run, container)
            }
        };
        images::choose(site.capabilities, image)
    }
}

/// A container with nothing set but its key, kind and image.
pub(crate) fn bare(key: String, kind: Kind, image: ImagePlan) -> ContainerPlan {
    ContainerPlan {
        key,
        kind,
        image,
        entrypoint: None,
        command: None,
        env: IndexMap::new(),
        labels: IndexMap::new(),
        network: NetworkMode::None,
        mounts: Vec::new(),
        tmpfs: IndexMap::new(),
        limits: LimitsPlan::default(),
        ulimits: IndexMap::new(),
        sysctls: IndexMap::new(),
        cap_add: Vec::new(),
        cap_drop: Vec::new(),
        security_opt: Vec::new(),
        privileged: false,
        host_pid: false,
        read_only: false,
        user: None,
        group_add: Vec::new(),
        working_dir: None,
        stop_signal: None,
        stop_grace_millis: GRACE_MILLIS,
        restart_always: false,
        publish: Vec::new(),
        platform: None,
        depends_on: Vec::new(),
    }
}

/// One container of a pod, not yet sealed, and the volumes that cover its image's own.
pub(crate) fn container(
    site: &Site<'_>,
    node: &Node<'_>,
    ordinal: u32,
    part: Part<'_>,
    mounts: &[Mount],
    depends_on: Vec<(String, Condition)>,
) -> (ContainerPlan, Vec<VolumePlan>) {
    let pod = format!("{}.{ordinal}", node.name);
    let key = part.key(&pod);
    let process = part.process(node);
    let (image, facts) = part.image(site, node);
    let is_main = matches!(part, Part::Main);
    let store = node.store.filter(|_| is_main);
    let targets: Vec<String> =
        mounts.iter().map(|mount| mount.target().to_owned()).chain(process.tmpfs.keys().cloned()).collect();
    let (covers, cover_mounts) = volumes::covers(site, node, ordinal, &key, facts, &targets);
    let allowed = |what| site.profile.allow.contains(&what);
    let run = node.run;
    let host_network = run.host_network == Some(true) && allowed(Allow::HostNetwork);
    let plan = ContainerPlan {
        entrypoint: process.entrypoint.clone(),
        command: match store {
            Some(store) => stores::command(store, facts),
            None => process.command.clone(),
        },
        env: env::variables(site, node, ordinal, process, is_main),
        labels: container_labels(site, node, ordinal, part),
        network: if host_network { NetworkMode::Host } else { NetworkMode::Of(pod) },
        mounts: mounts.iter().cloned().chain(cover_mounts).collect(),
        tmpfs: process.tmpfs.iter().map(|(path, tmpfs)| (path.clone(), TmpfsPlan::of(tmpfs))).collect(),
        limits: limits(site, process),
        ulimits: ulimits(site, process).map(|(name, limit, _)| (name.to_owned(), limit)).collect(),
        sysctls: sysctls(process, false),
        cap_add: process.capabilities.add.clone(),
        cap_drop: process.capabilities.drop.clone(),
        security_opt: security_options(process),
        privileged: process.privileged == Some(true) && allowed(Allow::Privileged),
        host_pid: run.host_pid == Some(true) && allowed(Allow::HostPid),
        read_only: process.read_only == Some(true),
        user: process.user.clone(),
        group_add: process
            .groups
            .iter()
            .cloned()
            .chain(run.fs_group.map(|group| group.to_string()))
            .collect(),
        working_dir: process.working_dir.clone(),
        stop_signal: run.stop_signal.clone(),
        stop_grace_millis: grace_millis(run),
        platform: images::platform(site.profile),
        depends_on,
        ..bare(key, part.kind(node), image)
    };
    (plan, covers)
}

/// How long a stop may take: the engine counts whole seconds, and less than what is written would kill too early.
pub(crate) fn grace_millis(run: &Workload) -> u64 {
    run.stop_grace_period.map_or(GRACE_MILLIS, |grace| grace.millis.div_ceil(1000).saturating_mul(1000))
}

/// Ours, and on the main container the profile's.
fn container_labels(
    site: &Site<'_>,
    node: &Node<'_>,
    ordinal: u32,
    part: Part<'_>,
) -> IndexMap<String, String> {
    let mut of = super::spec::labels(site.capabilities, part.kind(node), Some(node.name), Some(ordinal));
    of.insert(labels::CONTAINER.to_owned(), part.name().to_owned());
    if let Part::Main = part {
        if let Some(store) = node.store {
            of.insert(labels::ENGINE.to_owned(), store.engine.as_str().to_owned());
        }
        let own = node.run.labels.iter().filter(|(name, _)| !name.starts_with(labels::PREFIX));
        of.extend(own.map(|(name, value)| (name.clone(), value.clone())));
    }
    of
}

pub(crate) fn limits(site: &Site<'_>, process: &Process) -> LimitsPlan {
    let Resources { limits, requests } = &process.resources;
    let host = &site.capabilities.host;
    let memory = |bytes: Option<Bytes>| bytes.map(|bytes| bytes.0.max(LEAST_MEMORY));
    LimitsPlan {
        // The engine refuses more than the host has, and less than a hundredth of a core.
        cpu_millis: limits.cpu.map(|cpu| cpu.millis.min(u64::from(host.cores) * 1000).max(LEAST_CPU_MILLIS)),
        memory: memory(limits.memory),
        memory_reservation: memory(requests.memory),
        // Kubernetes' MilliCPUToShares.
        cpu_shares: requests.cpu.map(|cpu| (cpu.millis.saturating_mul(1024) / 1000).max(2)),
        cpuset: match site.profile.platform.cores {
            Some(cores) if cores > 0 && cores < host.cores => Some(format!("0-{}", cores - 1)),
            _ => None,
        },
        pids: process.pids,
        shm_size: process.shm_size.map(|size| size.0),
        storage: limits.ephemeral_storage.map(|size| size.0).filter(|_| host.storage_quota),
    }
}

/// Each limit as the host allows it, and whether it had to be cut.
pub(crate) fn ulimits<'a>(
    site: &'a Site<'_>,
    process: &'a Process,
) -> impl Iterator<Item = (&'a str, (i64, i64), bool)> {
    process.ulimits.iter().map(|(name, Ulimit { soft, hard })| {
        let most = site.capabilities.host.hard_limits.get(name).copied().filter(|most| *most >= 0);
        // -1 is no limit at all.
        let cut = |value: i64| most.map_or(value, |most| if value < 0 { most } else { value.min(most) });
        let limit = (cut(*soft), cut(*hard));
        (name.as_str(), limit, limit != (*soft, *hard))
    })
}

/// Kernel settings of the network belong to the pause, the others to the container.
pub(crate) fn sysctls(process: &Process, of_network: bool) -> IndexMap<String, String> {
    let of = |name: &str| name.starts_with("net.") == of_network;
    process.sysctls.iter().filter(|(name, _)| of(name)).map(|(k, v)| (k.clone(), v.clone())).collect()
}

fn security_options(process: &Process) -> Vec<String> {
    let mut options = Vec::new();
    if process.no_new_privileges == Some(true) {
        options.push("no-new-privileges:true".to_owned());
    }
    // `runtime/default` is what the engine does by itself; a file of production's nodes is not here.
    if process.seccomp.as_deref() == Some("unconfined") {
        options.push("seccomp=unconfined".to_owned());
    }
    options
}
