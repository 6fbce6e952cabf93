//! Plans made by hand: small, and rich in what is hard to write.

use indexmap::IndexMap;
use prodmirror::{
    formats::{
        doors::Door,
        duties::{Duties, PodKind},
    },
    labels::{self, Kind},
    name::Name,
    plan::{
        BackendKind, Condition, ContainerPlan, FileBytes, FilePlan, GatewayPlan, ImagePlan, ImageSource,
        LimitsPlan, Mount, NetworkMode, NetworkPlan, Networks, OwnNetwork, Plan, Pod, SecretPlan, Template,
        TemplatePiece, TmpfsPlan, VolumePlan, VolumeRole,
    },
    profile::Shape,
};

pub const IMAGE: &str = "registry.example.com/notes/web@sha256:\
                         6c3c624b58dbbcd3c0dd82b4c53f04194d1247c6eebdaab7c610cf7d66709b3b";
pub const HELPER: &str = "prodmirror-helper:0123456789ab";

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

pub fn labelled(kind: Kind, service: Option<(&str, u32)>, spec: &str) -> IndexMap<String, String> {
    let mut all = IndexMap::from([
        (labels::MIRROR.to_owned(), "notes".to_owned()),
        (labels::OWNER.to_owned(), "dev@host".to_owned()),
        (labels::KIND.to_owned(), kind.as_str().to_owned()),
    ]);
    if let Some((service, ordinal)) = service {
        all.insert(labels::SERVICE.to_owned(), service.to_owned());
        all.insert(labels::ORDINAL.to_owned(), ordinal.to_string());
    }
    all.insert(labels::SPEC.to_owned(), spec.to_owned());
    all
}

/// A container with nothing but what every one has.
pub fn container(key: &str, kind: Kind, image: &str, network: NetworkMode) -> ContainerPlan {
    let mut parts = key.split('.');
    let service = parts.next().filter(|first| *first != "pm");
    let ordinal = parts.next().and_then(|ordinal| ordinal.parse().ok()).unwrap_or(0);
    let is_helper = matches!(kind, Kind::Pause | Kind::Gateway | Kind::Keeper);
    ContainerPlan {
        key: key.to_owned(),
        kind,
        image: ImagePlan { written: None, reference: image.to_owned(), source: ImageSource::Digest },
        entrypoint: None,
        command: None,
        env: IndexMap::new(),
        labels: labelled(kind, service.map(|service| (service, ordinal)), "0011223344556677"),
        network,
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
        stop_grace_millis: 10_000,
        restart_always: is_helper,
        publish: Vec::new(),
        platform: None,
        depends_on: Vec::new(),
    }
}

pub fn inside(aliases: &[&str]) -> NetworkMode {
    NetworkMode::Own(OwnNetwork { aliases: texts(aliases), ..OwnNetwork::default() })
}

pub fn volume(name: &str, role: VolumeRole) -> VolumePlan {
    let labels = labelled(Kind::Volume, None, "8899aabbccddeeff");
    VolumePlan {
        name: name.to_owned(),
        role,
        labels,
        memory: None,
        files: Vec::new(),
        group: None,
        mode: None,
    }
}

pub fn pod(service: &str, ordinal: u32, image: &str, helper: &str) -> Pod {
    let key = format!("{service}.{ordinal}");
    let duties = Duties {
        service: name(service),
        ordinal,
        kind: PodKind::Service,
        containers: Vec::new(),
        ports: Vec::new(),
        needs: Vec::new(),
        retries: 0,
        files: Vec::new(),
    };
    let mut pause = container(&key, Kind::Pause, helper, inside(&[service]));
    pause.command = Some(texts(&["pause"]));
    pause.cap_add = texts(&["NET_ADMIN"]);
    Pod {
        service: name(service),
        kind: PodKind::Service,
        ordinal,
        needs: Vec::new(),
        pause,
        init: Vec::new(),
        sidecars: Vec::new(),
        main: container(&format!("{key}.main"), Kind::Service, image, NetworkMode::Of(key.clone())),
        duties,
        on_demand: false,
    }
}

/// A mirror named `notes` with these pods and volumes, a keeper and a gateway.
pub fn plan(pods: Vec<Pod>, volumes: Vec<VolumePlan>, helper: &str) -> Plan {
    let network = |key: &str, internal, subnet: &str, range: &str| NetworkPlan {
        name: format!("pm-notes_{key}"),
        internal,
        subnet: subnet.parse().unwrap(),
        range: range.parse().unwrap(),
        labels: labelled(Kind::Network, None, "8899aabbccddeeff"),
    };
    let mut keeper = container("pm.keeper", Kind::Keeper, helper, inside(&[]));
    keeper.command = Some(texts(&["keeper"]));
    let mut gateway = container("pm.gateway", Kind::Gateway, helper, NetworkMode::None);
    gateway.network = NetworkMode::Own(OwnNetwork {
        aliases: Vec::new(),
        address: "10.213.4.2".parse().ok(),
        door: true,
        ..OwnNetwork::default()
    });
    let door = Door { listen: 20001, service: name("api"), port: name("http"), target: 8000 };
    gateway.command = Some(vec!["gateway".to_owned(), "--door".to_owned(), door.to_string()]);
    gateway.publish = vec![20001];
    gateway.read_only = true;
    gateway.sysctls = IndexMap::from([("net.ipv4.ip_forward".to_owned(), "0".to_owned())]);
    Plan {
        mirror: name("notes"),
        owner: "dev@host".to_owned(),
        backend: BackendKind::Compose,
        project: "pm-notes".to_owned(),
        networks: Networks {
            inside: network("inside", true, "10.213.4.0/24", "10.213.4.128/25"),
            door: network("door", false, "10.213.5.0/28", "10.213.5.0/28"),
        },
        secrets: Vec::new(),
        volumes,
        pods,
        stores: Vec::new(),
        gateway: GatewayPlan { container: gateway, doors: vec![door] },
        keeper,
        steps: Vec::new(),
        ledger: Vec::new(),
        origins: IndexMap::new(),
        notes: Vec::new(),
        refusals: Vec::new(),
    }
}

/// Uses every field that a container can have.
pub fn rich(image: &str, helper: &str) -> Plan {
    let mut api = pod("api", 0, image, helper);
    api.pause.network = NetworkMode::Own(OwnNetwork {
        aliases: texts(&["api", "api-0"]),
        hostname: Some("api-0".to_owned()),
        extra_hosts: IndexMap::from([("legacy".to_owned(), "10.0.0.7".to_owned())]),
        dns_servers: texts(&["10.213.4.2"]),
        dns_search: texts(&["shop.svc.cluster.local"]),
        dns_options: texts(&["ndots:5"]),
        address: "10.213.4.20".parse().ok(),
        door: false,
    });
    api.pause.mounts = vec![mount("pm-notes_api.0.secret-files", "/held/secrets", false, None)];
    let mut init = container("api.0.init.wait", Kind::Init, image, NetworkMode::Of("api.0".to_owned()));
    init.command = Some(texts(&["sh", "-c", "echo $HOME; exit 0"]));
    api.init = vec![init];
    let mut sidecar = container("api.0.log", Kind::Sidecar, image, NetworkMode::Of("api.0".to_owned()));
    sidecar.command = Some(texts(&["sleep", "1000"]));
    sidecar.depends_on = vec![("api.0.init.wait".to_owned(), Condition::ServiceCompletedSuccessfully)];
    api.sidecars = vec![sidecar];
    full(&mut api.main);

    let mut nightly = pod("nightly", 0, image, helper);
    nightly.kind = PodKind::Job;
    nightly.main.kind = Kind::Job;
    nightly.main.labels = labelled(Kind::Job, Some(("nightly", 0)), "0123456789abcdef");
    nightly.on_demand = true;
    nightly.main.mounts = vec![
        mount("pm-notes_api.0.data", "/data", false, None),
        mount("pm-notes_nightly.files", "/etc/nightly", true, Some("etc")),
    ];

    let mut config = volume("pm-notes_api.files", VolumeRole::Files);
    let inline = |path: &str, text: &[u8]| FilePlan {
        path: path.to_owned(),
        content: FileBytes::Inline(text.to_vec()),
        mode: 0o440,
        user: 1000,
        group: 2000,
    };
    config.files = vec![inline("app/app.ini", b"[a]\nb = $c\n"), inline("app/conf.d/raw.bin", &[0, 255, 10])];
    let mut secret = volume("pm-notes_api.0.secret-files", VolumeRole::SecretFiles);
    secret.memory = Some(None);
    secret.files =
        vec![FilePlan { content: FileBytes::Secret("SESSION_KEY".to_owned()), ..inline("keys/key", b"") }];
    let mut cache = volume("pm-notes_api.0.cache", VolumeRole::Replica);
    cache.memory = Some(Some(64 << 20));
    cache.mode = Some(0o777);
    let mut data = volume("pm-notes_api.0.data", VolumeRole::Claim);
    data.mode = Some(0o777);
    let mut on_demand = volume("pm-notes_nightly.files", VolumeRole::Files);
    on_demand.files = vec![inline("etc/nightly.ini", b"")];

    let mut plan = plan(vec![api, nightly], vec![config, secret, cache, data, on_demand], helper);
    plan.secrets = vec![
        SecretPlan {
            secret: name("db-password"),
            variable: "DB_PASSWORD".to_owned(),
            url_variable: Some("DB_PASSWORD_URL".to_owned()),
            shape: Shape::Hex(16),
        },
        SecretPlan {
            secret: name("session-key"),
            variable: "SESSION_KEY".to_owned(),
            url_variable: None,
            shape: Shape::Hex(32),
        },
    ];
    plan
}

fn full(main: &mut ContainerPlan) {
    main.entrypoint = Some(texts(&["/bin/sh", "-c"]));
    main.command = Some(texts(&["exec sleep 1000 # $PATH: 'a' \"b\""]));
    main.env = IndexMap::from([
        ("WORKERS".to_owned(), Template::literal("4")),
        ("ENABLE_CACHE".to_owned(), Template::literal("true")),
        ("x-under".to_owned(), Template::literal("")),
        (
            "DATABASE_URL".to_owned(),
            Template(vec![
                TemplatePiece::Literal("postgres://app:".to_owned()),
                TemplatePiece::Variable("DB_PASSWORD_URL".to_owned()),
                TemplatePiece::Literal("@db:5432/no$tes".to_owned()),
            ]),
        ),
    ]);
    main.labels.insert("x-team".to_owned(), "a=$b: #c".to_owned());
    main.mounts = vec![
        mount("pm-notes_api.files", "/etc/app", true, Some("app")),
        mount("pm-notes_api.files", "/etc/one.ini", true, Some("app/..data/app.ini")),
        mount("pm-notes_api.0.secret-files", "/run/keys", true, Some("keys")),
        mount("pm-notes_api.0.cache", "/cache", false, None),
        mount("pm-notes_api.0.data", "/data", false, None),
        Mount::Bind {
            source: "/etc/hostname".to_owned(),
            target: "/host/hostname".to_owned(),
            read_only: true,
        },
    ];
    main.tmpfs = IndexMap::from([
        ("/tmp".to_owned(), TmpfsPlan { size: Some(1 << 20), mode: Some(0o1777) }),
        ("/run".to_owned(), TmpfsPlan::default()),
    ]);
    main.limits = LimitsPlan {
        cpu_millis: Some(65),
        memory: Some(128 << 20),
        memory_reservation: Some(64 << 20),
        cpu_shares: Some(256),
        cpuset: Some("0".to_owned()),
        pids: Some(100),
        shm_size: Some(32 << 20),
        storage: None,
    };
    main.ulimits = IndexMap::from([("nofile".to_owned(), (1024, 2048)), ("core".to_owned(), (-1, -1))]);
    main.cap_add = texts(&["SYS_PTRACE"]);
    main.cap_drop = texts(&["ALL"]);
    main.security_opt = texts(&["no-new-privileges:true"]);
    main.read_only = true;
    main.user = Some("1000:2000".to_owned());
    main.group_add = texts(&["3000"]);
    main.working_dir = Some("/tmp".to_owned());
    main.stop_signal = Some("SIGINT".to_owned());
    main.stop_grace_millis = 1500;
    main.depends_on = vec![("api.0.log".to_owned(), Condition::ServiceStarted)];
}

pub fn mount(volume: &str, target: &str, read_only: bool, subpath: Option<&str>) -> Mount {
    Mount::Volume {
        volume: volume.to_owned(),
        target: target.to_owned(),
        read_only,
        subpath: subpath.map(str::to_owned),
        copy: false,
    }
}
