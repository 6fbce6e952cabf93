//! Profiles from text, and a host to plan for.

use std::collections::BTreeMap;

use prodmirror::{
    name::Name,
    plan::{
        BackendKind, Capabilities, ClusterPlan, ContainerPlan, Plan, Pod, Subnet,
        capabilities::{Host, ImageFacts, Options},
        cluster,
        kubernetes::PodSpec,
        plan,
    },
    profile::{Layers, Loaded, Origins, Profile, ReadFile, Source, load},
};

/// A digest that only looks like one.
pub const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
/// The id of every image that is here.
pub const ID: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub fn loaded(text: &str) -> Profile {
    let documents = [Source::new("prodmirror.yaml", text)];
    let read_file = |_: &str, path: &str| Ok(format!("content of {path}\n").into_bytes());
    read(&documents, &read_file).unwrap_or_else(|problems| panic!("{problems}")).profile
}

pub fn read(documents: &[Source], read_file: &ReadFile<'_>) -> Result<Loaded, prodmirror::profile::Problems> {
    load(&Layers { documents, set: &[], unset: &[], allow_unpinned: true, read_file })
}

/// A profile with these blocks below its first lines.
pub fn profile(blocks: &str) -> Profile {
    loaded(&format!("apiVersion: prodmirror/v1\nname: shop\n{blocks}"))
}

/// A service `api` whose body is given in flow style.
pub fn service(body: &str) -> Profile {
    profile(&format!("services: {{api: {{image: \"local:api:dev\", {body}}}}}"))
}

/// Four cores, 16 GiB, nothing in use; images built here are here.
pub fn host() -> Capabilities {
    let local = |volumes: &[&str]| ImageFacts {
        id: ID.to_owned(),
        arch: "amd64".to_owned(),
        volumes: volumes.iter().map(|volume| (*volume).to_owned()).collect(),
        ..ImageFacts::default()
    };
    let images = [
        ("api:dev", local(&[])),
        ("worker:dev", local(&[])),
        ("shop-app:1.0", local(&[])),
        ("prodmirror-built/python:3.11", local(&[])),
        ("prodmirror-built/postgres:15", local(&["/var/lib/postgresql/data"])),
        ("prodmirror-built/redis:7", local(&["/data"])),
    ];
    Capabilities {
        host: Host {
            backend: BackendKind::Compose,
            engine_version: "28.5.2".to_owned(),
            api_version: "1.51".to_owned(),
            compose_version: Some("2.40.3".to_owned()),
            buildx_version: None,
            arch: "amd64".to_owned(),
            kernel: "6.18.0".to_owned(),
            cgroup: 2,
            cores: 4,
            memory: 16 << 30,
            disk_free: Some(100 << 30),
            storage_driver: "overlayfs".to_owned(),
            containerd_store: true,
            rootless: false,
            swap_limit: true,
            storage_quota: false,
            timezone: Some("UTC".to_owned()),
            socket: Some("/var/run/docker.sock".to_owned()),
            helper: Some("prodmirror-helper:0123456789abcdef".to_owned()),
            hard_limits: BTreeMap::from([("nofile".to_owned(), 1_048_576)]),
        },
        mirror: name("shop"),
        owner: "alice@host".to_owned(),
        options: Options::default(),
        images: images.into_iter().map(|(name, facts)| (name.to_owned(), facts)).collect(),
        roles: BTreeMap::from([
            ("docker.io/library/postgres".to_owned(), "prodmirror-built/postgres:15".to_owned()),
            ("docker.io/library/redis".to_owned(), "prodmirror-built/redis:7".to_owned()),
        ]),
        subnets_in_use: vec!["172.17.0.0/16".parse::<Subnet>().unwrap()],
        own_subnets: None,
        cluster: Default::default(),
    }
}

pub fn planned(profile: &Profile) -> Plan {
    plan(profile, &host(), &Origins::default())
}

pub fn pod<'a>(plan: &'a Plan, service: &str, ordinal: u32) -> &'a Pod {
    let found = plan.pods.iter().find(|pod| pod.service.as_str() == service && pod.ordinal == ordinal);
    found.unwrap_or_else(|| panic!("no pod {service}/{ordinal}"))
}

pub fn main_of<'a>(plan: &'a Plan, service: &str) -> &'a ContainerPlan {
    &pod(plan, service, 0).main
}

pub fn env_of(plan: &Plan, service: &str, variable: &str) -> Option<String> {
    main_of(plan, service).env.get(variable).map(ToString::to_string)
}

/// Every container of a plan, helpers included.
pub fn containers(plan: &Plan) -> Vec<&ContainerPlan> {
    let helpers = [&plan.keeper, &plan.gateway.container];
    plan.pods.iter().flat_map(Pod::containers).chain(helpers).collect()
}

/// The same machine with a Kind cluster on it, and with one of Kubernetes that was not asked for anything.
pub fn cluster_host(backend: BackendKind) -> Capabilities {
    let mut capabilities = host();
    capabilities.host.backend = backend;
    if backend == BackendKind::Kubernetes {
        capabilities = Capabilities::unknown(backend, capabilities.mirror, capabilities.owner);
    }
    capabilities
}

pub fn on_kind(profile: &Profile) -> ClusterPlan {
    cluster(profile, &cluster_host(BackendKind::Kind), &Origins::default())
}

/// The pod of a service, store or job.
pub fn pod_spec<'a>(plan: &'a ClusterPlan, service: &str) -> &'a PodSpec {
    let mut found =
        plan.objects.iter().filter(|object| object.service.as_ref().is_some_and(|of| of.as_str() == service));
    found.find_map(|object| object.pod()).unwrap_or_else(|| panic!("no pods of {service}"))
}
