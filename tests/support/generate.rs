//! Random profiles that are valid, the same for the same seed on any machine.
//!
//! Every field of the format appears in some of them, with values that are
//! hard to carry: dollars, quotes, line ends, words that YAML might take for
//! something else. What is generated passes `check` without an error.

#![allow(dead_code)]

use indexmap::IndexMap;
use prodmirror::profile::*;
use serde_json::json;

/// A profile; small ones and large ones, some with nearly every field.
pub fn profile(seed: u64) -> Profile {
    Generator::new(seed).profile()
}

/// SplitMix64: enough for tests, and without a dependency whose next version draws other numbers.
pub struct Generator {
    state: u64,
    paths: u64,
}

/// What workloads may refer to while they are drawn.
#[derive(Default)]
struct Known {
    secrets: Vec<Name>,
    flags: Vec<String>,
    stores: Vec<Name>,
    services_with_port: Vec<Name>,
    /// Those that can be waited for; only earlier ones, so there is no circle.
    waitable: Vec<Name>,
}

const TEXTS: &[&str] = &[
    "",
    "a",
    "4",
    "0777",
    "no",
    "yes",
    "on",
    "true",
    "null",
    "~",
    "1e400",
    "1_000",
    "012",
    "0x1F",
    "2026-11-22",
    "a b",
    " lead",
    "trail ",
    "a: b",
    "a #b",
    "#c",
    "- x",
    "[a]",
    "{a}",
    "*a",
    "&a",
    "!t",
    "%d",
    "@x",
    "`x`",
    "\"",
    "'",
    "\\",
    "$",
    "$$",
    "${",
    "${TAG}",
    "$(OTHER)",
    "a\nb",
    "a\r\nb",
    "\t",
    "é",
    "日本語",
    "🙂",
    "\u{2028}",
    "\u{85}",
    "\u{7f}",
    "\u{feff}",
    "a=b=c",
    "http://x/?q=1&r=2",
    "{{ x }}",
    "{% x %}",
    "---",
    "...",
    "? a",
    "=",
    "<<",
];

impl Generator {
    pub fn new(seed: u64) -> Self {
        Self { state: seed, paths: 0 }
    }

    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// True one time in `of`.
    fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        let at = self.below(all.len() as u64) as usize;
        all[at].clone()
    }

    fn maybe<T>(&mut self, of: u64, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.one_in(of) { Some(make(self)) } else { None }
    }

    fn text(&mut self) -> String {
        self.of(TEXTS).to_owned()
    }

    /// Not empty, for places where an empty text has another meaning.
    fn word(&mut self) -> String {
        self.of(&["a", "app", "main.py", "--bind", "0.0.0.0:8000", "no", "4", "a b", "$HOME", "x=\"y\"", "ü"])
            .to_owned()
    }

    fn bytes(&mut self) -> Bytes {
        let size = self.of(&[1, 1 << 10, 1 << 20, 64 << 20, 1 << 30, 500_000_000, 1_234_567]);
        Bytes(size * (1 + self.below(8)))
    }

    fn cpu(&mut self) -> Cpu {
        Cpu { millis: self.of(&[1, 50, 250, 500, 1000, 1500, 4000]) }
    }

    fn duration(&mut self) -> Duration {
        Duration { millis: self.of(&[1, 500, 1000, 10_000, 90_000, 5_400_000]) }
    }

    fn path(&mut self) -> String {
        self.paths += 1;
        let folder = self.of(&["/etc", "/srv/app data", "/opt/x-1", "/var/lib"]);
        format!("{folder}/{}{}", self.of(&["f", "ü", "a.b"]), self.paths)
    }

    fn profile(&mut self) -> Profile {
        let mut known = Known::default();
        let secrets: IndexMap<Name, Option<Shape>> =
            (0..self.below(4)).map(|i| (name(&format!("secret-{i}")), self.shape())).collect();
        known.secrets = secrets.keys().cloned().collect();
        let flags: IndexMap<String, String> =
            (0..self.below(4)).map(|i| (format!("FLAG_{i}"), self.text())).collect();
        known.flags = flags.keys().cloned().collect();
        let mut stores = IndexMap::new();
        for i in 0..self.below(3) {
            let store = self.store(&known);
            let name = name(&format!("store-{i}"));
            known.stores.push(name.clone());
            known.waitable.push(name.clone());
            stores.insert(name, store);
        }
        let mut jobs = IndexMap::new();
        for i in 0..self.below(3) {
            let job = self.job(&known);
            let name = name(&format!("job-{i}"));
            if job.schedule.is_none() {
                known.waitable.push(name.clone());
            }
            jobs.insert(name, job);
        }
        let mut services = IndexMap::new();
        for i in 0..1 + self.below(4) {
            let service = self.service(&known);
            let name = name(&format!("service-{i}"));
            known.waitable.push(name.clone());
            if service.run.ports.len() == 1 {
                known.services_with_port.push(name.clone());
            }
            services.insert(name, service);
        }
        Profile {
            name: name(&format!("generated-{}", self.below(1000))),
            captured: self.maybe(3, |g| Captured {
                from: "kubernetes".into(),
                context: g.maybe(2, Self::word),
                cluster: g.maybe(2, |_| "0e5ba9b2-8b42-4c4e-9bd1-1f6d1c9c3b51".into()),
                namespace: g.maybe(2, |_| "shop".into()),
                at: g.maybe(2, |_| "2026-11-20T08:00:00Z".into()),
                unsupported: (0..g.below(2)).map(|_| ("CronTab/x".to_owned(), g.text())).collect(),
            }),
            platform: Platform {
                arch: self.maybe(4, |g| g.of(&[Arch::Amd64, Arch::Arm64])),
                kernel: self.maybe(4, |_| "6.1.0-18-amd64".into()),
                cgroup: self.maybe(4, |g| g.of(&[CgroupVersion::V1, CgroupVersion::V2])),
                cores: self.maybe(4, |g| 1 + g.below(64) as u32),
                memory: self.maybe(4, Self::bytes),
                swap: self.maybe(4, |_| Swap::None),
                timezone: self.maybe(4, |_| "Europe/Berlin".into()),
            },
            network: self.network(&known),
            externals: (0..self.below(2)).map(|i| (format!("api{i}.example.com"), self.external())).collect(),
            endpoints: known.services_with_port.first().map_or_else(IndexMap::new, |service| {
                IndexMap::from([("APP_BASE".to_owned(), format!("{{{service}.url}}/x"))])
            }),
            scenarios: (0..self.below(2))
                .map(|i| {
                    (
                        name(&format!("scenario-{i}")),
                        json!([{"set": {"key": self.text(), "n": 3, "b": true, "f": 0.5}}]),
                    )
                })
                .collect(),
            allow: vec![Allow::Privileged, Allow::HostNetwork, Allow::HostPid, Allow::HostPath],
            flags,
            secrets,
            services,
            jobs,
            stores,
        }
    }

    fn shape(&mut self) -> Option<Shape> {
        let count = 1 + self.below(64) as u16;
        self.of(&[
            None,
            Some(Shape::Hex(count)),
            Some(Shape::Base64(count)),
            Some(Shape::Letters(count)),
            Some(Shape::Uuid),
            Some(Shape::RsaPem),
        ])
    }

    fn network(&mut self, known: &Known) -> Network {
        let to = known.services_with_port.clone();
        let links = match (known.waitable.last(), to.first()) {
            (Some(from), Some(to)) if self.one_in(2) => vec![Link {
                from: from.clone(),
                to: to.clone(),
                latency: Some(self.duration()),
                jitter: self.maybe(2, Self::duration),
                loss: self.maybe(2, |g| g.of(&[0.0, 0.1, 2.5, 33.25, 100.0])),
                rate: self.maybe(2, Self::bytes),
            }],
            _ => Vec::new(),
        };
        Network {
            egress: self.maybe(2, |g| {
                if g.one_in(2) {
                    Egress::Denied
                } else {
                    Egress::Allowed(vec![
                        "api.example.com:443".into(),
                        "*.example.org".into(),
                        "10.0.0.0/8".into(),
                    ])
                }
            }),
            links,
            expose: self.maybe(3, |_| to.into_iter().map(|service| Expose { service, port: None }).collect()),
        }
    }

    fn external(&mut self) -> External {
        External {
            port: self.maybe(2, |g| 1 + g.below(65_535) as u16),
            status: self.maybe(2, |g| g.of(&[200, 404, 503])),
            body: self.maybe(2, Self::text),
            headers: (0..self.below(2)).map(|_| ("content-type".to_owned(), self.text())).collect(),
        }
    }

    fn service(&mut self, known: &Known) -> Service {
        let run = self.workload(known, true);
        let replicas = self.maybe(2, |g| g.below(4) as u32);
        Service {
            run,
            autoscaling: self.maybe(4, |g| {
                let min = replicas.unwrap_or(1).min(1);
                Autoscaling {
                    min,
                    max: 4 + g.below(9) as u32,
                    target_cpu: g.maybe(2, |g| 1 + g.below(100) as u32),
                }
            }),
            replicas,
            stateful: self.maybe(4, |g| g.one_in(2)),
            // Not `dns`: a link may lead to any service with a port.
            balancing: self.maybe(3, |g| g.of(&[Balancing::ClusterIp, Balancing::Headless])),
        }
    }

    fn job(&mut self, known: &Known) -> Job {
        Job {
            run: self.workload(known, false),
            schedule: self.maybe(3, |g| g.of(&["0 3 * * *", "*/5 0-6 1,15 * MON", "@daily"]).to_owned()),
            retries: self.maybe(3, |g| g.below(7) as u32),
        }
    }

    fn store(&mut self, known: &Known) -> Store {
        let engine = self.of(&[EngineKind::Postgres, EngineKind::Redis]);
        let mut run = self.workload(known, false);
        run.ports = IndexMap::new();
        run.probes = Probes::default();
        (run.post_start, run.pre_stop) = (None, None);
        run.sidecars = IndexMap::new();
        let postgres = engine == EngineKind::Postgres;
        Store {
            engine,
            run,
            replicas: self.maybe(4, |_| 1),
            database: postgres.then(|| Text::literal("notes")),
            user: postgres.then(|| Text::literal("app")),
            password: known.secrets.first().map(|secret| Text(vec![Piece::Secret(secret.clone())])),
            settings: match postgres {
                true => IndexMap::from([("max_connections".to_owned(), "50".to_owned())]),
                false => IndexMap::from([("maxmemory-policy".to_owned(), "allkeys-lru".to_owned())]),
            },
            seed: self.maybe(2, |g| {
                g.of(&[
                    Seed::Path("./seed".into()),
                    Seed::Path("dump.sql.gz".into()),
                    Seed::Snapshot("snapshot:a:b".into()),
                ])
            }),
            clock: self.maybe(3, |g| g.of(&[StoreClock::Wall, StoreClock::Pinned, StoreClock::Shifted])),
        }
    }

    fn image(&mut self) -> Image {
        if self.one_in(4) {
            return Image::Local { name: "shop-api".into(), tag: "dev".into() };
        }
        let digest: String = (0..64).map(|_| self.of(&["0", "7", "a", "f"])).collect();
        let text = format!(
            "{}@sha256:{digest}",
            self.of(&["postgres:16.4", "registry.example.com:5000/a/b", "redis:7.4"])
        );
        text.parse().expect("an image that is written well")
    }

    fn workload(&mut self, known: &Known, with_ports: bool) -> Workload {
        let ports: IndexMap<Name, Port> = (0..if with_ports { self.below(3) } else { 0 })
            .map(|i| (name(&format!("p{i}")), Port { port: 8000 + i as u16, protocol: Protocol::Tcp }))
            .chain(
                self.maybe(6, |_| (name("dns"), Port { port: 53, protocol: Protocol::Udp }))
                    .filter(|_| with_ports),
            )
            .collect();
        let tcp: Vec<Name> =
            ports.iter().filter(|(_, p)| p.protocol == Protocol::Tcp).map(|(n, _)| n.clone()).collect();
        let process = self.process(known);
        let flags = known.flags.iter().filter(|_| self.one_in(2)).cloned().collect();
        let needs = known.waitable.iter().filter(|_| self.one_in(3)).cloned().collect();
        Workload {
            image: self.image(),
            flags,
            needs,
            init: (0..self.below(2))
                .map(|i| (name(&format!("init-{i}")), self.container(known, &[], true)))
                .collect(),
            sidecars: (0..self.below(2))
                .map(|i| (name(&format!("side-{i}")), self.container(known, &tcp, false)))
                .collect(),
            files: self.files(known),
            volumes: (0..self.below(4)).map(|i| (self.path(), self.volume(i))).collect(),
            probes: self.probes(&tcp),
            labels: (0..self.below(3)).map(|i| (format!("example.com/l{i}"), self.text())).collect(),
            hostname: self.maybe(5, |_| "fixed-host".into()),
            extra_hosts: (0..self.below(2))
                .map(|i| (format!("legacy{i}.internal"), "10.9.8.7".to_owned()))
                .collect(),
            dns: self.maybe(4, |g| Dns {
                servers: g.maybe(3, |_| vec!["10.0.0.2".to_owned()]).unwrap_or_default(),
                search: g.maybe(2, |_| vec!["shop.svc.cluster.local".to_owned()]).unwrap_or_default(),
                ndots: g.maybe(2, |g| g.below(6) as u32),
            }),
            timezone: self.maybe(4, |_| "Europe/Berlin".into()),
            restart: self.maybe(3, |g| g.of(&[Restart::Always, Restart::OnFailure, Restart::Never])),
            stop_signal: self.maybe(4, |g| g.of(&["SIGTERM", "SIGINT", "SIGQUIT"]).to_owned()),
            stop_grace_period: self.maybe(3, Self::duration),
            post_start: self.maybe(5, |g| g.hook(&tcp)),
            pre_stop: self.maybe(5, |g| g.hook(&tcp)),
            enable_service_links: self.maybe(4, |g| g.one_in(2)),
            service_account: self.maybe(5, |_| "default".into()),
            fs_group: self.maybe(5, |g| g.below(70_000) as u32),
            host_network: self.maybe(12, |_| false),
            host_pid: self.maybe(12, |_| false),
            process,
            ports,
        }
    }

    fn container(&mut self, known: &Known, tcp: &[Name], init: bool) -> Container {
        Container {
            image: self.maybe(2, Self::image),
            process: self.process(known),
            probes: if init { Probes::default() } else { self.probes(tcp) },
            post_start: if init { None } else { self.maybe(5, |g| g.hook(tcp)) },
            pre_stop: if init { None } else { self.maybe(5, |g| g.hook(tcp)) },
        }
    }

    fn process(&mut self, known: &Known) -> Process {
        let limits = Limits {
            cpu: self.maybe(2, Self::cpu),
            memory: self.maybe(2, |g| Bytes((1 + g.below(8)) << 26)),
            ephemeral_storage: self.maybe(5, Self::bytes),
        };
        let requests =
            Requests { cpu: self.maybe(2, |_| Cpu { millis: 1 }), memory: self.maybe(2, |_| Bytes(1 << 20)) };
        Process {
            entrypoint: self.maybe(3, |g| vec![g.word()]),
            command: self.maybe(2, |g| (0..g.below(4)).map(|_| g.word()).collect()),
            env: (0..self.below(8)).map(|i| (format!("VAR_{i}"), self.value(known))).collect(),
            working_dir: self.maybe(4, |_| "/srv".into()),
            user: self.maybe(3, |g| g.of(&["1000", "1000:1000", "app", "app:app", "0"]).to_owned()),
            groups: self.maybe(5, |_| vec!["2000".to_owned(), "audio".to_owned()]).unwrap_or_default(),
            resources: Resources { limits, requests },
            read_only: self.maybe(4, |g| g.one_in(2)),
            tmpfs: (0..self.below(2))
                .map(|_| {
                    let tmpfs =
                        Tmpfs { size: self.maybe(2, Self::bytes), mode: self.maybe(2, |_| Mode(0o1777)) };
                    (self.path(), tmpfs)
                })
                .collect(),
            shm_size: self.maybe(5, Self::bytes),
            capabilities: Capabilities {
                add: self.maybe(4, |_| vec!["NET_BIND_SERVICE".to_owned()]).unwrap_or_default(),
                drop: self.maybe(4, |_| vec!["ALL".to_owned()]).unwrap_or_default(),
            },
            no_new_privileges: self.maybe(4, |g| g.one_in(2)),
            seccomp: self.maybe(6, |g| g.of(&["runtime/default", "unconfined"]).to_owned()),
            privileged: self.maybe(8, |g| g.one_in(2)),
            ulimits: (0..self.below(2))
                .map(|_| ("nofile".to_owned(), Ulimit { soft: 1024, hard: self.of(&[1024, 4096]) }))
                .collect(),
            sysctls: (0..self.below(2))
                .map(|_| ("net.core.somaxconn".to_owned(), "1024".to_owned()))
                .collect(),
            pids: self.maybe(5, |g| 10 + g.below(1000) as u32),
        }
    }

    fn value(&mut self, known: &Known) -> Value {
        match self.below(8) {
            0 => Value::Field(self.of(&[
                PodField::PodName,
                PodField::PodAddress,
                PodField::NodeName,
                PodField::LimitsCpu,
                PodField::LimitsMemory,
                PodField::RequestsCpu,
                PodField::RequestsMemory,
            ])),
            1 if self.one_in(4) => Value::Hole("no permission to read it".into()),
            2..=4 => Value::Text(self.referring(known)),
            _ => Value::Text(Text::literal(self.text())),
        }
    }

    /// Pieces in any order; a `$` before a reference cannot be written, so none is drawn there.
    fn referring(&mut self, known: &Known) -> Text {
        let mut pieces = Vec::new();
        for _ in 0..1 + self.below(3) {
            let text = self.text();
            if !text.is_empty() && !text.ends_with('$') && !matches!(pieces.last(), Some(Piece::Literal(_))) {
                pieces.push(Piece::Literal(text));
            }
            match self.below(3) {
                0 if !known.secrets.is_empty() => pieces.push(Piece::Secret(self.of(&known.secrets))),
                1 if !known.stores.is_empty() => {
                    let field = self.of(&[StoreField::Url, StoreField::Host, StoreField::Port]);
                    pieces.push(Piece::Store(self.of(&known.stores), field));
                }
                2 if !known.services_with_port.is_empty() => {
                    let field = self.of(&[ServiceField::Url, ServiceField::Host, ServiceField::Port]);
                    pieces.push(Piece::Service(self.of(&known.services_with_port), field));
                }
                _ => {}
            }
        }
        Text(pieces)
    }

    fn files(&mut self, known: &Known) -> IndexMap<String, File> {
        let mut files = IndexMap::new();
        for _ in 0..self.below(4) {
            let content = match self.below(4) {
                0 => FileContent::From { path: "app.ini".into(), bytes: self.text().into_bytes() },
                1 => FileContent::From { path: "./logo.png".into(), bytes: vec![0, 159, 146, 150, 10] },
                2 if !known.secrets.is_empty() => FileContent::Secret(self.of(&known.secrets)),
                _ => FileContent::Inline(self.text()),
            };
            let folder = self.maybe(3, |g| g.path());
            let path = match &folder {
                Some(folder) => format!("{folder}/{}", self.of(&["app.ini", "b c"])),
                None => self.path(),
            };
            let file = File {
                content,
                directory: folder,
                mode: self.maybe(3, |g| Mode(g.of(&[0o600, 0o644, 0o755, 0]))),
                user: self.maybe(4, |g| g.below(70_000) as u32),
                group: self.maybe(4, |g| g.below(70_000) as u32),
            };
            files.insert(path, file);
        }
        files
    }

    fn volume(&mut self, index: u64) -> Volume {
        match self.below(4) {
            0 => Volume::Empty {
                medium: self.of(&[Medium::Disk, Medium::Memory]),
                size: self.maybe(2, Self::bytes),
            },
            1 => Volume::Claim { name: name(&format!("claim-{index}")), size: self.maybe(2, Self::bytes) },
            2 => Volume::Shared { name: name(&format!("shared-{index}")) },
            _ => Volume::Host { path: "/srv/data".into(), read_only: self.one_in(2) },
        }
    }

    fn probes(&mut self, tcp: &[Name]) -> Probes {
        Probes {
            startup: self.maybe(4, |g| g.probe(tcp, false)),
            readiness: self.maybe(2, |g| g.probe(tcp, true)),
            liveness: self.maybe(3, |g| g.probe(tcp, false)),
        }
    }

    fn port_ref(&mut self, tcp: &[Name]) -> Option<PortRef> {
        match tcp {
            [_] if self.one_in(2) => None,
            _ if self.one_in(3) => Some(PortRef::Number(8000)),
            _ => Some(PortRef::Name(self.of(tcp))),
        }
    }

    fn probe(&mut self, tcp: &[Name], readiness: bool) -> Probe {
        let action = match self.below(4) {
            0 if !tcp.is_empty() => ProbeAction::Http {
                path: self.of(&["/healthz", "/a?b=c", "/"]).to_owned(),
                port: self.port_ref(tcp),
                scheme: self.maybe(3, |g| g.of(&[Scheme::Http, Scheme::Https])),
                headers: (0..self.below(2)).map(|_| ("Host".to_owned(), "shop".to_owned())).collect(),
            },
            1 if !tcp.is_empty() => ProbeAction::Tcp { port: self.port_ref(tcp) },
            2 if !tcp.is_empty() => {
                ProbeAction::Grpc { port: self.port_ref(tcp), service: self.maybe(2, |_| "shop.Api".into()) }
            }
            _ => ProbeAction::Exec { command: vec!["true".into(), self.text()] },
        };
        Probe {
            action,
            initial_delay: self.maybe(3, Self::duration),
            period: self.maybe(2, Self::duration),
            timeout: self.maybe(2, Self::duration),
            success_threshold: self.maybe(3, |g| if readiness { 1 + g.below(3) as u32 } else { 1 }),
            failure_threshold: self.maybe(3, |g| 1 + g.below(5) as u32),
        }
    }

    fn hook(&mut self, tcp: &[Name]) -> Hook {
        match self.below(3) {
            0 if !tcp.is_empty() => Hook::Http { path: "/drain".into(), port: self.port_ref(tcp) },
            1 => Hook::Sleep(self.duration()),
            _ => Hook::Exec { command: vec!["sh".into(), "-c".into(), self.text()] },
        }
    }
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a name that is written well")
}
