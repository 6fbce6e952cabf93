//! Services, jobs, stores, and the process that each of their containers is.

use super::{
    closed::OneOf,
    collections::{AbsolutePath, Argv, List, Listed, MapOf, Variable},
    env::Variables,
    files::Files,
    ports::Ports,
    probes::Hooked,
    record::record,
    resources::Capability,
    scalars::{Absolute, Bool, Letters, Referring, Whole},
    spelled::Spelling,
    store::StoreRun,
    volumes::Volumes,
};
use crate::name::Name;
use crate::profile::{
    Autoscaling, Balancing, Bytes, Capabilities, Container, Disruption, Dns, Duration, EngineKind, Image,
    Job, Mode, Probes, Process, Resources, Restart, Seed, Service, Store, StoreClock, Tmpfs, Ulimit,
    Workload,
};

record! {
    /// A stateless workload.
    Service {
        flat run: Workload,
        /// How many containers of it run at once.
        may replicas: Whole<u32>,
        /// Production's autoscaler.
        may autoscaling: Autoscaling,
        /// How many replicas stay when pods are evicted, as a node is drained; Kubernetes' PodDisruptionBudget.
        may disruption: Disruption,
        /// Whether replicas have a stable identity, `api-0`, as a StatefulSet's have.
        may stateful: Bool,
        /// How a client finds a replica: cluster-ip, headless or dns.
        may balancing: OneOf<Balancing>,
    }
}

record! {
    /// A workload that runs to its end, once in a mirror's life.
    Job {
        flat run: Workload,
        /// A cron line; such a job runs on demand only.
        may schedule: Letters,
        /// How often a failed run is tried again.
        may retries: Whole<u32>,
    }
}

record! {
    /// A stateful workload: an engine, an image and a seed.
    Store {
        /// The kind of database.
        must engine: OneOf<EngineKind>,
        flat run: StoreRun,
        /// Only 1 can be had.
        may replicas: Whole<u32>,
        /// Whether it stays when pods are evicted, as a node is drained; Kubernetes' PodDisruptionBudget.
        may disruption: Disruption,
        /// The database that is made at first start.
        may database: Referring,
        /// The user that the services log in as.
        may user: Referring,
        /// That user's password.
        may password: Referring,
        /// Settings of the engine, by the engine's own names.
        some settings: MapOf<String, Letters>,
        /// A file, a folder (its files in order of name), `snapshot:NAME` or an id; absent is empty.
        may seed: Spelling<Seed>,
        /// What happens to times in the data: wall, pinned or shifted.
        may clock: OneOf<StoreClock>,
    }
}

record! {
    Workload {
        /// `[REGISTRY/]NAME[:TAG]@sha256:…`, or `local:NAME:TAG` for an image built here.
        must image: Spelling<Image>,
        flat process: Process,
        /// Names of the flags, declared at the top, that are read as variables.
        some flags: List<Letters>,
        /// What must be ready before; a job must have finished with 0.
        some needs: List<Spelling<Name>>,
        /// Containers that run to their end before the main one starts, in this order.
        some init: MapOf<Name, Container>,
        /// Containers that run beside the main one, in its network.
        some sidecars: MapOf<Name, Container>,
        /// Files by their path in the container; a path that ends in `/` holds files by name.
        some files: Files,
        /// Volumes by their path in the container.
        some volumes: Volumes,
        /// Ports by name.
        some ports: Ports,
        /// When it has started, is ready, is alive.
        some probes: Probes,
        /// Labels of production's pods or containers.
        some labels: MapOf<String, Letters>,
        /// The host name inside.
        may hostname: Letters,
        /// Lines of /etc/hosts: name to address.
        some extra_hosts: MapOf<String, Letters>,
        /// The resolver's settings.
        may dns: Dns,
        /// The time zone, `Europe/Berlin`.
        may timezone: Letters,
        /// When a container that ended is started again: always, on-failure or never.
        may restart: OneOf<Restart>,
        /// The signal that asks it to stop, `SIGTERM`.
        may stop_signal: Letters,
        /// How long it may take to stop.
        may stop_grace_period: Spelling<Duration>,
        /// What is done right after the start.
        may post_start: Hooked,
        /// What is done before it is asked to stop.
        may pre_stop: Hooked,
        /// Whether it is given the variables `X_SERVICE_HOST` of the other services.
        may enable_service_links: Bool,
        /// Kubernetes' service account.
        may service_account: Letters,
        /// The group that owns its volumes.
        may fs_group: Whole<u32>,
        /// Whether it uses the host's network; needs `allow: [host-network]`.
        may host_network: Bool,
        /// Whether it sees the host's processes; needs `allow: [host-pid]`.
        may host_pid: Bool,
    }
}

record! {
    /// A container beside the main one.
    Container {
        /// Absent: the workload's own image.
        may image: Spelling<Image>,
        flat process: Process,
        /// When it has started, is ready, is alive.
        some probes: Probes,
        /// What is done right after the start.
        may post_start: Hooked,
        /// What is done before it is asked to stop.
        may pre_stop: Hooked,
    }
}

record! {
    Process {
        /// Replaces the image's entrypoint.
        may entrypoint: Argv,
        /// Replaces the image's command; Kubernetes' `args`.
        may command: Argv,
        /// Variables, letter by letter; `${secret:NAME}`, `${store:NAME.url}`, `{field: pod.name}`.
        some env: MapOf<Variable, Variables>,
        /// The folder it starts in.
        may working_dir: Absolute,
        /// `UID`, `UID:GID`, or names that the image knows.
        may user: Letters,
        /// Further groups.
        some groups: List<Letters>,
        /// What it may use, and what it asks for.
        some resources: Resources,
        /// Whether the image's files are read-only.
        may read_only: Bool,
        /// Folders in memory.
        some tmpfs: Listed<MapOf<AbsolutePath, Tmpfs>>,
        /// Size of /dev/shm.
        may shm_size: Spelling<Bytes>,
        /// Linux capabilities, without `CAP_`.
        some capabilities: Capabilities,
        /// Whether setuid programs gain nothing.
        may no_new_privileges: Bool,
        /// `runtime/default`, `unconfined`, or a file beside the profile.
        may seccomp: Letters,
        /// Whether it has every right on the host; needs `allow: [privileged]`.
        may privileged: Bool,
        /// Limits by ulimit's names.
        some ulimits: MapOf<String, Ulimit>,
        /// Kernel settings of its namespaces.
        some sysctls: MapOf<String, Letters>,
        /// How many processes it may have.
        may pids: Whole<u32>,
    }
}

record! {
    /// How production's autoscaler is set.
    Autoscaling {
        /// The fewest replicas.
        must min: Whole<u32>,
        /// The most replicas.
        must max: Whole<u32>,
        /// Percent of the requested CPU that it aims at.
        may target_cpu: Whole<u32>,
    }
}

record! {
    /// A folder in memory.
    Tmpfs {
        /// How much it may hold.
        may size: Spelling<Bytes>,
        /// The folder's permission bits.
        may mode: Spelling<Mode>,
    }
}

record! {
    /// Linux capabilities.
    Capabilities {
        /// Those it is given beyond the usual ones.
        some add: List<Capability>,
        /// Those it is not given; `ALL` for all.
        some drop: List<Capability>,
    }
}

record! {
    /// The resolver's settings.
    Dns {
        /// Addresses of name servers.
        some servers: List<Letters>,
        /// Domains that are tried for short names.
        some search: List<Letters>,
        /// From how many dots on a name is tried as it is first.
        may ndots: Whole<u32>,
    }
}
