//! A mirror of the examples as it would be observed, to break one thing of.

use std::{fs, path::PathBuf};

use super::super::*;
use crate::{
    digest,
    formats::journal::{KeeperStatus, SeedStatus},
    labels,
    ledger::{Ledger, Live, judge, live::live},
    name::Name,
    observed::{Attachment, Container, EgressTry, FileFacts, Inside, Mount as Mounted, Network, StoreFacts},
    plan::{
        self, BackendKind, Capabilities, ContainerPlan, Mount, Pod,
        capabilities::{Host, ImageFacts, Options},
    },
    profile::{self, EngineKind, Layers, Origins, Profile, Source},
};

pub(super) const ID: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

pub(in crate::capture) fn load(name: &str) -> Profile {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("profiles");
    let documents = [Source::new(name, fs::read(folder.join(name)).unwrap())];
    let read_file = |_: &str, path: &str| fs::read(folder.join(path)).or(Ok(b"content".to_vec()));
    let layers =
        Layers { documents: &documents, set: &[], unset: &[], allow_unpinned: true, read_file: &read_file };
    profile::load(&layers).unwrap_or_else(|problems| panic!("{problems:?}")).profile
}

pub(in crate::capture) fn capabilities() -> Capabilities {
    let facts = || ImageFacts {
        id: ID.to_owned(),
        arch: "amd64".to_owned(),
        env: vec!["PATH=/bin".to_owned()],
        ..ImageFacts::default()
    };
    Capabilities {
        host: Host {
            backend: BackendKind::Compose,
            engine_version: "28.5.2".to_owned(),
            api_version: "1.51".to_owned(),
            compose_version: None,
            buildx_version: None,
            arch: "amd64".to_owned(),
            kernel: "6.18.0".to_owned(),
            cgroup: 1,
            cores: 4,
            memory: 16 << 30,
            disk_free: None,
            storage_driver: "overlayfs".to_owned(),
            containerd_store: true,
            rootless: false,
            swap_limit: true,
            storage_quota: false,
            timezone: None,
            socket: Some("/var/run/docker.sock".to_owned()),
            helper: Some("helper:1".to_owned()),
            hard_limits: BTreeMap::from([("nofile".to_owned(), 6000)]),
        },
        mirror: Name::new("shop").unwrap(),
        owner: "a@b".to_owned(),
        options: Options::default(),
        images: BTreeMap::from([
            ("shop-app:1.0".to_owned(), facts()),
            ("prodmirror-built/python:3.11".to_owned(), facts()),
            ("prodmirror-built/postgres:15".to_owned(), facts()),
            ("prodmirror-built/redis:7".to_owned(), facts()),
            ("built/postgres:15".to_owned(), facts()),
            ("built/redis:7".to_owned(), facts()),
        ]),
        roles: BTreeMap::from([
            ("docker.io/library/postgres".to_owned(), "built/postgres:15".to_owned()),
            ("docker.io/library/redis".to_owned(), "built/redis:7".to_owned()),
        ]),
        subnets_in_use: Vec::new(),
        own_subnets: None,
        cluster: Default::default(),
    }
}

pub(super) struct Stage {
    pub(super) tree: Json,
    pub(super) plan: Plan,
    pub(super) observed: Observed,
    pub(super) secrets: BTreeMap<String, String>,
}

impl Stage {
    /// A mirror that is exactly as its plan wants it.
    pub(super) fn set(name: &str) -> Self {
        Self::on(name, &capabilities())
    }

    /// The same with `--image SERVICE=REF`.
    pub(super) fn with_image(name: &str, service: &str, image: &str) -> Self {
        let mut capabilities = capabilities();
        capabilities.options.images.insert(service.to_owned(), image.parse().unwrap());
        Self::on(name, &capabilities)
    }

    fn on(name: &str, capabilities: &Capabilities) -> Self {
        let profile = load(name);
        let plan = plan::plan(&profile, capabilities, &Origins::default());
        let secrets: BTreeMap<String, String> = plan
            .secrets
            .iter()
            .flat_map(|secret| [Some(&secret.variable), secret.url_variable.as_ref()])
            .flatten()
            .map(|variable| (variable.clone(), format!("hidden-{variable}")))
            .collect();
        let mut stage = Self { tree: profile::tree(&profile), plan, observed: Observed::default(), secrets };
        stage.observed = stage.faithful(&profile);
        stage
    }

    pub(super) fn faithful(&self, profile: &Profile) -> Observed {
        let plan = &self.plan;
        let pods = plan.pods.iter().filter(|pod| !pod.on_demand);
        let mut containers: Vec<Container> = pods
            .flat_map(|pod| {
                pod.containers().map(|container| self.container(pod, container)).collect::<Vec<_>>()
            })
            .collect();
        let mut gateway = self.container(&plan.pods[0], &plan.gateway.container);
        gateway.inside = None;
        for (door, port) in plan.gateway.doors.iter().zip(32_000..) {
            gateway.published.insert(format!("{}/tcp", door.listen), ("127.0.0.1".to_owned(), port));
        }
        containers.push(gateway);
        let seeds = plan.stores.iter().map(|store| SeedStatus {
            store: store.store.to_string(),
            seed: store.seed.clone(),
            hash: Some("sha256:0".to_owned()),
            fingerprint: None,
            bytes: 1,
            count: Some(7),
            expired: Some(2),
            millis: 1,
            at: String::new(),
        });
        let facts = ImageFacts {
            arch: "amd64".to_owned(),
            env: vec!["PATH=/bin".to_owned()],
            ..ImageFacts::default()
        };
        let inside = &plan.networks.inside;
        Observed {
            containers,
            networks: vec![Network { name: inside.name.clone(), internal: true, ..Network::default() }],
            images: BTreeMap::from([(ID.to_owned(), facts)]),
            keeper: Some(KeeperStatus { seeds: seeds.collect(), ..KeeperStatus::default() }),
            stores: plan
                .stores
                .iter()
                .map(|store| (store.store.to_string(), self.answers(store, profile)))
                .collect(),
            egress: Some(EgressTry {
                address: "198.51.100.5:80".into(),
                refused: true,
                answer: "reset".into(),
            }),
            ..Observed::default()
        }
    }

    pub(super) fn answers(&self, store: &plan::StorePlan, _: &Profile) -> StoreFacts {
        let fill = |template: &Option<plan::Template>| {
            template.as_ref().and_then(|template| template.fill(|name| self.secrets.get(name).cloned()))
        };
        let redis = store.engine == EngineKind::Redis;
        StoreFacts {
            version: Some("15.1".to_owned()),
            login: Some(true),
            database: fill(&store.database),
            user: fill(&store.user).or_else(|| redis.then(|| "default".to_owned())),
            settings: store.settings.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            count: Some(9),
            expired: None,
            error: None,
        }
    }

    /// A container as the engine would show it on a host with version 1 of the control groups.
    pub(super) fn container(&self, pod: &Pod, plan: &ContainerPlan) -> Container {
        let fill = |template: &plan::Template| template.fill(|name| self.secrets.get(name).cloned()).unwrap();
        let mut found = Container {
            name: format!("pm-shop-{}-1", plan.key),
            image_reference: plan.image.reference.clone(),
            image_id: ID.to_owned(),
            image_descriptor: plan.image.reference.split_once('@').map(|(_, digest)| digest.to_owned()),
            entrypoint: plan.entrypoint.clone(),
            command: plan.command.clone(),
            env: plan.env.iter().map(|(name, value)| format!("{name}={}", fill(value))).collect(),
            working_dir: plan.working_dir.clone().unwrap_or_default(),
            user: plan.user.clone().unwrap_or_default(),
            stop_signal: plan.stop_signal.clone(),
            stop_timeout_seconds: Some((plan.stop_grace_millis.div_ceil(1000)) as i64),
            labels: plan.labels.clone().into_iter().collect(),
            ..Container::default()
        };
        found.env.push("PATH=/bin".to_owned());
        found.labels.insert(labels::COMPOSE_SERVICE.to_owned(), plan.key.clone());
        let finished = matches!(plan.kind, labels::Kind::Job | labels::Kind::Init);
        found.state.status = if finished { "exited" } else { "running" }.to_owned();
        found.state.started = "2026-01-01T00:00:00Z".to_owned();
        found.mounts = plan.mounts.iter().map(mounted).collect();
        found.host = self.host_side(plan);
        if let plan::NetworkMode::Own(own) = &plan.network {
            found.hostname = own.hostname.clone().unwrap_or_default();
            found.host.dns = own.dns_servers.clone();
            let attachment = Attachment { address: None, aliases: own.aliases.clone() };
            found.networks.insert(self.plan.networks.inside.name.clone(), attachment);
        }
        let is_helper = matches!(plan.kind, labels::Kind::Pause | labels::Kind::Gateway);
        found.inside = (!finished && !is_helper).then(|| self.inside(pod, plan));
        found
    }

    pub(super) fn host_side(&self, plan: &ContainerPlan) -> crate::observed::HostSide {
        let limits = &plan.limits;
        let number = |value: Option<u64>| value.map_or(0, |value| value as i64);
        crate::observed::HostSide {
            nano_cpus: number(limits.cpu_millis) * 1_000_000,
            cpu_shares: number(limits.cpu_shares),
            memory: number(limits.memory),
            memory_swap: number(limits.memory),
            memory_reservation: number(limits.memory_reservation),
            pids_limit: number(limits.pids.map(u64::from)),
            shm_size: number(limits.shm_size),
            read_only: plan.read_only,
            privileged: plan.privileged,
            network_mode: if plan.network == plan::NetworkMode::Host { "host" } else { "x" }.to_owned(),
            pid_mode: if plan.host_pid { "host" } else { "" }.to_owned(),
            cap_add: plan.cap_add.iter().map(|name| format!("CAP_{name}")).collect(),
            cap_drop: plan.cap_drop.clone(),
            security_opt: plan.security_opt.clone(),
            group_add: plan.group_add.clone(),
            sysctls: plan.sysctls.clone().into_iter().collect(),
            ulimits: plan.ulimits.clone().into_iter().collect(),
            storage_opt: limits
                .storage
                .map(|size| ("size".to_owned(), size.to_string()))
                .into_iter()
                .collect(),
            tmpfs: plan
                .tmpfs
                .iter()
                .map(|(path, tmpfs)| {
                    let size = tmpfs.size.map(|size| format!("size={size}"));
                    let mode = tmpfs.mode.map(|mode| format!("mode={mode:o}"));
                    (path.clone(), size.into_iter().chain(mode).collect::<Vec<_>>().join(","))
                })
                .collect(),
            ..Default::default()
        }
    }

    pub(super) fn inside(&self, pod: &Pod, plan: &ContainerPlan) -> Inside {
        let mut inside = Inside::default();
        let mut file = |path: &str, text: String| drop(inside.files.insert(path.to_owned(), text));
        let limits = &plan.limits;
        let none = 9_223_372_036_854_771_712;
        let bytes = |value: Option<u64>| format!("{}\n", value.unwrap_or(none));
        file("/sys/fs/cgroup/memory/memory.limit_in_bytes", bytes(limits.memory));
        file("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes", bytes(limits.memory));
        file("/sys/fs/cgroup/memory/memory.soft_limit_in_bytes", bytes(limits.memory_reservation));
        file("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n".to_owned());
        file(
            "/sys/fs/cgroup/cpu/cpu.cfs_quota_us",
            limits.cpu_millis.map_or("-1\n".into(), |cpu| format!("{}\n", cpu * 100)),
        );
        file("/sys/fs/cgroup/cpu/cpu.shares", format!("{}\n", limits.cpu_shares.unwrap_or(1024)));
        file("/sys/fs/cgroup/pids/pids.max", limits.pids.map_or("max\n".into(), |pids| format!("{pids}\n")));
        if let Some((soft, hard)) = plan.ulimits.get("nofile") {
            // The process raised its own.
            file("/proc/1/limits", format!("Max open files            {hard}    {hard}     files\n"));
            assert!(soft <= hard);
        }
        let read_only = if plan.read_only { "ro" } else { "rw" };
        file("/proc/mounts", format!("overlay / overlay {read_only},relatime 0 0\n"));
        if let plan::NetworkMode::Own(own) = &pod.pause.network {
            let hosts: String =
                own.extra_hosts.iter().map(|(name, address)| format!("{address}\t{name}\n")).collect();
            file("/etc/hosts", format!("127.0.0.1 localhost\n{hosts}"));
            file("/etc/hostname", format!("{}\n", own.hostname.clone().unwrap_or_default()));
            let search = own.dns_search.join(" ");
            let search = if search.is_empty() { String::new() } else { format!("search {search}\n") };
            file(
                "/etc/resolv.conf",
                format!("nameserver 127.0.0.11\n{search}options {}\n", own.dns_options.join(" ")),
            );
        }
        for (name, value) in plan.sysctls.iter().chain(&pod.pause.sysctls) {
            file(&format!("/proc/sys/{}", name.replace('.', "/")), format!("{}\n", value.replace(' ', "\t")));
        }
        let last = plan.limits.cpuset.as_ref().and_then(|set| set.split('-').nth(1)?.parse::<u32>().ok());
        inside.answers.insert("nproc".to_owned(), last.map_or(4, |last| last + 1).to_string());
        inside.answers.insert("date +%Z%z".to_owned(), "CET+0100".to_owned());
        inside.answers.insert("TZ=UTC date +%Z%z".to_owned(), "UTC+0000".to_owned());
        for section in ["services", "jobs", "stores"] {
            let files = self.tree[section][pod.service.as_str()]["files"].as_object();
            for (path, written) in files.into_iter().flatten() {
                let bytes = match written["secret"].as_str() {
                    Some(secret) => {
                        let of =
                            self.plan.secrets.iter().find(|plan| plan.secret.as_str() == secret).unwrap();
                        self.secrets[&of.variable].clone().into_bytes()
                    }
                    None => written["content"].as_str().unwrap().as_bytes().to_vec(),
                };
                let mode = u32::from_str_radix(written["mode"].as_str().unwrap_or("0644"), 8).unwrap();
                let id = |key: &str| written[key].as_u64().unwrap_or(0) as u32;
                let facts = FileFacts {
                    sha256: Some(digest::sha256(&bytes)),
                    mode,
                    user: id("user"),
                    group: id("group"),
                };
                inside.checksums.insert(path.clone(), facts);
            }
        }
        inside
    }

    pub(super) fn capture(&self) -> Captured {
        mirror(&self.tree, &self.plan, &self.observed, &self.secrets)
    }

    pub(super) fn judge(&self) -> Ledger {
        let live = live(&self.plan, &self.tree, &self.observed, &self.secrets);
        judge(&self.plan.mirror, self.plan.backend, &self.plan.ledger, &live)
    }

    pub(super) fn of(&mut self, key: &str) -> &mut Container {
        let is = |container: &&mut Container| container.labels[labels::COMPOSE_SERVICE] == key;
        self.observed.containers.iter_mut().find(is).unwrap()
    }

    pub(super) fn inside_of(&mut self, key: &str) -> &mut Inside {
        self.of(key).inside.as_mut().unwrap()
    }

    /// What the ledger says of a path.
    pub(super) fn live(&self, path: &str) -> Live {
        let mut all = live(&self.plan, &self.tree, &self.observed, &self.secrets);
        all.remove(&path.parse().unwrap()).unwrap()
    }

    /// Entries that do not hold.
    pub(super) fn broken(&self) -> Vec<String> {
        let entries = self.judge().entries;
        let mut paths: Vec<String> =
            entries.iter().filter(|e| e.holds == Some(false)).map(|entry| entry.path.to_string()).collect();
        paths.sort();
        paths
    }
}

pub(super) fn mounted(mount: &Mount) -> Mounted {
    let (kind, source, read_only) = match mount {
        Mount::Volume { volume, read_only, .. } => ("volume", volume, read_only),
        Mount::Bind { source, read_only, .. } => ("bind", source, read_only),
    };
    Mounted {
        kind: kind.to_owned(),
        source: source.clone(),
        target: mount.target().to_owned(),
        read_only: *read_only,
        subpath: None,
    }
}

/// Every profile of the examples.
pub(in crate::capture) const PROFILES: [&str; 8] = [
    "connections-dev.yaml",
    "connections.yaml",
    "everything.yaml",
    "minimal.yaml",
    "oom-dev.yaml",
    "oom.yaml",
    "shop-dev.yaml",
    "shop.yaml",
];
