//! The part of the generator that draws one workload.

use indexmap::IndexMap;
use prodmirror::profile::*;

use super::{Generator, Known, name};

impl Generator {
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

    pub(super) fn workload(&mut self, known: &Known, with_ports: bool) -> Workload {
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
            1 if self.one_in(4) => Value::Hole,
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
