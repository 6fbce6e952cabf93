//! Random profiles that are valid, the same for the same seed on any machine.
//!
//! Every field of the format appears in some of them, with values that are
//! hard to carry: dollars, quotes, line ends, words that YAML might take for
//! something else. What is generated passes `check` without an error.

#![allow(dead_code, reason = "each test that takes it in uses a part of it")]

#[path = "generate_holes.rs"]
mod holes;
#[path = "generate_workload.rs"]
mod workload;

use indexmap::IndexMap;
use prodmirror::profile::*;
use serde_json::json;

/// A profile; small ones and large ones, some with nearly every field.
pub fn profile(seed: u64) -> Profile {
    let mut generator = Generator::new(seed);
    let mut profile = generator.profile();
    holes::dig(&mut profile, &mut generator);
    // By dice of its own: what else there is stays as it was.
    let mut generator = Generator::new(!seed);
    profile.platform.kubernetes = generator.maybe(4, Generator::kubernetes).unwrap_or_default();
    for service in profile.services.values_mut() {
        service.disruption = generator.maybe(4, Generator::disruption);
    }
    for store in profile.stores.values_mut() {
        store.disruption = generator.maybe(4, Generator::disruption);
    }
    profile
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

    fn kubernetes(&mut self) -> Kubernetes {
        Kubernetes {
            version: self.maybe(2, |g| g.of(&["1.33", "1.34", "1.35.1"]).to_owned()),
            nodes: self.maybe(2, |g| 2 + g.below(9) as u32),
            zones: (0..self.below(3)).map(|at| format!("zone-{at}")).collect(),
            pods: self.maybe(3, |_| "10.1.0.0/16".into()),
            services: self.maybe(3, |_| "10.2.0.0/16".into()),
            feature_gates: (0..self.below(2)).map(|at| (format!("Gate{at}"), at == 0)).collect(),
        }
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
                of: g.maybe(4, |_| "docker".into()),
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
                kubernetes: Kubernetes::default(),
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
            holes: IndexMap::new(),
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
            disruption: None,
            stateful: self.maybe(4, |g| g.one_in(2)),
            // Not `dns`: a link may lead to any service with a port.
            balancing: self.maybe(3, |g| g.of(&[Balancing::ClusterIp, Balancing::Headless])),
        }
    }

    fn disruption(&mut self) -> Disruption {
        let portion = match self.one_in(2) {
            true => Portion::Count(self.below(4) as u32),
            false => Portion::Percent(self.of(&[0, 1, 33, 50, 100])),
        };
        self.of(&[Disruption::MinAvailable(portion), Disruption::MaxUnavailable(portion)])
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
            disruption: None,
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
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a name that is written well")
}
