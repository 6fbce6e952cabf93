//! One container in Kubernetes' words.

use serde::Serialize;

use super::{expansion, view::Pair};
use crate::{
    formats::duties::{ProbeAct, Role},
    plan::kubernetes::{
        ContainerPort, ContainerSpec, EnvSource, HookSpec, PodMount, ProbeSpec, Quantities, Walls,
        protocol_text,
    },
    profile::PodField,
};

#[derive(Serialize)]
pub struct ContainerView<'a> {
    name: &'a str,
    is_sidecar: bool,
    image: &'a str,
    pull: &'static str,
    entrypoint: Option<Vec<String>>,
    command: Option<Vec<String>>,
    working_dir: Option<&'a str>,
    ports: Vec<ContainerPortView<'a>>,
    env: Vec<VariableView<'a>>,
    limits: Vec<Pair<'static>>,
    requests: Vec<Pair<'static>>,
    walls: Option<WallsView<'a>>,
    mounts: &'a [PodMount],
    probes: Vec<ProbeView<'a>>,
    hooks: Vec<HookView<'a>>,
}

#[derive(Serialize)]
struct ContainerPortView<'a> {
    name: Option<&'a str>,
    port: u16,
    protocol: &'static str,
}

#[derive(Default, Serialize)]
struct VariableView<'a> {
    name: &'a str,
    value: Option<String>,
    secret: Option<&'a str>,
    key: Option<&'a str>,
    field: Option<&'static str>,
    resource: Option<&'static str>,
}

#[derive(Serialize)]
struct WallsView<'a> {
    user: Option<u32>,
    group: Option<u32>,
    non_root: bool,
    read_only: bool,
    privileged: bool,
    privilege_escalation: Option<bool>,
    seccomp: Option<&'static str>,
    cap_add: &'a [String],
    cap_drop: &'a [String],
}

#[derive(Default, Serialize)]
struct ProbeView<'a> {
    /// `startupProbe` and so on.
    kind: &'static str,
    http: Option<HttpView<'a>>,
    tcp: Option<u16>,
    grpc: Option<GrpcView<'a>>,
    exec: Option<Vec<String>>,
    initial_delay: u64,
    period: u64,
    timeout: u64,
    success: u32,
    failure: u32,
}

#[derive(Serialize)]
struct HttpView<'a> {
    path: &'a str,
    port: u16,
    scheme: &'static str,
    headers: Vec<Pair<'a>>,
}

#[derive(Serialize)]
struct GrpcView<'a> {
    port: u16,
    service: Option<&'a str>,
}

#[derive(Default, Serialize)]
struct HookView<'a> {
    /// `postStart` or `preStop`.
    kind: &'static str,
    exec: Option<&'a [String]>,
    sleep: Option<u64>,
    path: Option<&'a str>,
    port: Option<u16>,
}

pub fn container(spec: &ContainerSpec) -> ContainerView<'_> {
    let ContainerSpec {
        name,
        role,
        image,
        pull,
        entrypoint,
        command,
        env,
        working_dir,
        ports,
        mounts,
        limits,
        requests,
        walls,
        startup,
        readiness,
        liveness,
        post_start,
        pre_stop,
    } = spec;
    let probes =
        [("startupProbe", startup), ("readinessProbe", readiness), ("livenessProbe", liveness)].into_iter();
    let hooks = [("postStart", post_start), ("preStop", pre_stop)].into_iter();
    ContainerView {
        name,
        is_sidecar: *role == Role::Sidecar,
        image: &image.reference,
        pull: pull.as_str(),
        entrypoint: entrypoint.as_deref().map(expansion::literals),
        command: command.as_deref().map(expansion::literals),
        working_dir: working_dir.as_deref(),
        ports: ports.iter().map(port).collect(),
        env: env.iter().map(|(name, source)| variable(name, source)).collect(),
        limits: quantities(limits),
        requests: quantities(requests),
        walls: (*walls != Walls::default()).then(|| walls_view(walls)),
        mounts,
        probes: probes.filter_map(|(kind, probe)| Some(probe_view(kind, probe.as_ref()?))).collect(),
        hooks: hooks.filter_map(|(kind, hook)| Some(hook_view(kind, hook.as_ref()?))).collect(),
    }
}

fn port(port: &ContainerPort) -> ContainerPortView<'_> {
    ContainerPortView { name: port.name.as_deref(), port: port.port, protocol: protocol_text(port.protocol) }
}

fn quantities(quantities: &Quantities) -> Vec<Pair<'static>> {
    quantities.pairs().map(|(key, value)| Pair { key, value }).collect()
}

fn variable<'a>(name: &'a str, source: &'a EnvSource) -> VariableView<'a> {
    let view = VariableView { name, ..VariableView::default() };
    match source {
        EnvSource::Text(text) => VariableView { value: Some(expansion::literal(text).into_owned()), ..view },
        EnvSource::Secret { name, key } => VariableView { secret: Some(name), key: Some(key), ..view },
        EnvSource::Field(field) => match field_path(*field) {
            Where::Pod(field) => VariableView { field: Some(field), ..view },
            Where::Resource(resource) => VariableView { resource: Some(resource), ..view },
        },
    }
}

/// Where the kubelet finds a field.
pub enum Where {
    Pod(&'static str),
    Resource(&'static str),
}

pub fn field_path(field: PodField) -> Where {
    match field {
        PodField::PodName => Where::Pod("metadata.name"),
        PodField::PodAddress => Where::Pod("status.podIP"),
        PodField::NodeName => Where::Pod("spec.nodeName"),
        PodField::LimitsCpu => Where::Resource("limits.cpu"),
        PodField::LimitsMemory => Where::Resource("limits.memory"),
        PodField::RequestsCpu => Where::Resource("requests.cpu"),
        PodField::RequestsMemory => Where::Resource("requests.memory"),
    }
}

fn walls_view(walls: &Walls) -> WallsView<'_> {
    let Walls { user, group, read_only, privileged, privilege_escalation, seccomp, cap_add, cap_drop } =
        walls;
    WallsView {
        user: *user,
        group: *group,
        non_root: walls.is_non_root(),
        read_only: *read_only,
        privileged: *privileged,
        privilege_escalation: *privilege_escalation,
        seccomp: seccomp.map(|seccomp| seccomp.as_str()),
        cap_add,
        cap_drop,
    }
}

fn probe_view<'a>(kind: &'static str, probe: &'a ProbeSpec) -> ProbeView<'a> {
    let ProbeSpec {
        action,
        initial_delay_seconds,
        period_seconds,
        timeout_seconds,
        success_threshold,
        failure_threshold,
    } = probe;
    let view = ProbeView {
        kind,
        initial_delay: *initial_delay_seconds,
        period: *period_seconds,
        timeout: *timeout_seconds,
        success: *success_threshold,
        failure: *failure_threshold,
        ..ProbeView::default()
    };
    match action {
        ProbeAct::Http { https, port, path, headers } => {
            let headers = headers.iter().map(|(key, value)| Pair { key, value: value.clone() }).collect();
            let scheme = if *https { "HTTPS" } else { "HTTP" };
            ProbeView { http: Some(HttpView { path, port: *port, scheme, headers }), ..view }
        }
        ProbeAct::Tcp { port } => ProbeView { tcp: Some(*port), ..view },
        ProbeAct::Grpc { port, service } => {
            ProbeView { grpc: Some(GrpcView { port: *port, service: service.as_deref() }), ..view }
        }
        ProbeAct::Exec { command } => ProbeView { exec: Some(expansion::literals(command)), ..view },
    }
}

fn hook_view<'a>(kind: &'static str, hook: &'a HookSpec) -> HookView<'a> {
    let view = HookView { kind, ..HookView::default() };
    match hook {
        HookSpec::Exec { command } => HookView { exec: Some(command), ..view },
        HookSpec::Http { port, path } => HookView { path: Some(path), port: Some(*port), ..view },
        HookSpec::Sleep { seconds } => HookView { sleep: Some(*seconds), ..view },
    }
}
