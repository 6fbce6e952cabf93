//! Duties: what the keeper is told of a replica, with every number decided.

use super::{
    PodKind,
    containers::{self, Part},
    order::Node,
    stores,
};
use crate::{
    formats::duties::{ContainerDuty, Duties, FileDuty, HookDuty, ProbeAct, ProbeDuty, RestartRule, Role},
    name::Name,
    profile::{Duration, Hook, PortRef, Probe, ProbeAction, Probes, Restart, Scheme, Store},
};

pub(crate) fn duties(node: &Node<'_>, ordinal: u32, parts: &[Part<'_>], files: Vec<FileDuty>) -> Duties {
    Duties {
        service: node.name.clone(),
        ordinal,
        kind: node.kind,
        needs: node.needs.clone(),
        containers: parts.iter().map(|part| container(node, ordinal, *part)).collect(),
        ports: ports(node),
        retries: node.retries,
        files,
    }
}

/// The named ports, a store's own where none is written.
pub(crate) fn ports(node: &Node<'_>) -> Vec<(Name, u16)> {
    let written = node.run.ports.iter().map(|(name, port)| (name.clone(), port.port)).collect::<Vec<_>>();
    match node.store {
        Some(store) if written.is_empty() => {
            Name::new(store.engine.as_str()).map(|name| vec![(name, stores::port(store))]).unwrap_or_default()
        }
        _ => written,
    }
}

fn container(node: &Node<'_>, ordinal: u32, part: Part<'_>) -> ContainerDuty {
    let run = node.run;
    let none = Probes::default();
    let (probes, post_start, pre_stop, role) = match part {
        Part::Main => (&run.probes, &run.post_start, &run.pre_stop, Role::Main),
        // Kubernetes refuses both on init containers.
        Part::Init(..) => (&none, &None, &None, Role::Init),
        Part::Sidecar(_, container) => {
            (&container.probes, &container.post_start, &container.pre_stop, Role::Sidecar)
        }
    };
    let readiness = probes.readiness.as_ref().map(|of| probe(node, of));
    ContainerDuty {
        key: part.key(&format!("{}.{ordinal}", node.name)),
        name: part.name().to_owned(),
        role,
        restart: restart(node, role),
        startup: probes.startup.as_ref().map(|of| probe(node, of)),
        readiness: readiness.or_else(|| accepts_connections(node, role)),
        liveness: probes.liveness.as_ref().map(|of| probe(node, of)),
        post_start: post_start.as_ref().map(|of| hook(node, of)),
        pre_stop: pre_stop.as_ref().map(|of| hook(node, of)),
        grace_millis: containers::grace_millis(run),
    }
}

/// A store without a readiness probe is ready when its port answers; while it sets itself up it does not.
fn accepts_connections(node: &Node<'_>, role: Role) -> Option<ProbeDuty> {
    let store = node.store.filter(|_| role == Role::Main)?;
    Some(ProbeDuty {
        action: accepts(store),
        initial_delay_millis: 0,
        period_millis: 1000,
        timeout_millis: 1000,
        success_threshold: 1,
        failure_threshold: 3,
    })
}

pub(crate) fn accepts(store: &Store) -> ProbeAct {
    ProbeAct::Tcp { port: stores::port(store) }
}

/// Init containers are tried again as Kubernetes does, unless the pod is never restarted; a job only with retries.
fn restart(node: &Node<'_>, role: Role) -> RestartRule {
    let of_pod = match (node.kind, node.run.restart) {
        (PodKind::Job, _) if node.retries > 0 => RestartRule::OnFailure,
        (PodKind::Job, _) => RestartRule::Never,
        (_, None | Some(Restart::Always)) => RestartRule::Always,
        (_, Some(Restart::OnFailure)) => RestartRule::OnFailure,
        (_, Some(Restart::Never)) => RestartRule::Never,
    };
    match (role, of_pod) {
        (Role::Init, RestartRule::Always) => RestartRule::OnFailure,
        (_, rule) => rule,
    }
}

fn probe(node: &Node<'_>, probe: &Probe) -> ProbeDuty {
    let millis = |written: Option<Duration>, default| written.map_or(default, |span| span.millis);
    ProbeDuty {
        action: act(node, &probe.action),
        initial_delay_millis: millis(probe.initial_delay, 0),
        period_millis: millis(probe.period, 10_000),
        timeout_millis: millis(probe.timeout, 1000),
        success_threshold: probe.success_threshold.unwrap_or(1),
        failure_threshold: probe.failure_threshold.unwrap_or(3),
    }
}

/// What a probe asks, with its port as a number.
pub(crate) fn act(node: &Node<'_>, action: &ProbeAction) -> ProbeAct {
    match action {
        ProbeAction::Http { path, port, scheme, headers } => ProbeAct::Http {
            https: *scheme == Some(Scheme::Https),
            port: port_number(node, port.as_ref()),
            path: path.clone(),
            headers: headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        },
        ProbeAction::Tcp { port } => ProbeAct::Tcp { port: port_number(node, port.as_ref()) },
        ProbeAction::Grpc { port, service } => {
            ProbeAct::Grpc { port: port_number(node, port.as_ref()), service: service.clone() }
        }
        ProbeAction::Exec { command } => ProbeAct::Exec { command: command.clone() },
    }
}

fn hook(node: &Node<'_>, hook: &Hook) -> HookDuty {
    match hook {
        Hook::Exec { command } => HookDuty::Exec { command: command.clone() },
        Hook::Http { path, port } => {
            HookDuty::Http { port: port_number(node, port.as_ref()), path: path.clone() }
        }
        Hook::Sleep(span) => HookDuty::Sleep { millis: span.millis },
    }
}

/// A port by name or number, absent the first; 0 never answers, and `check` refuses what leads to it.
pub(crate) fn port_number(node: &Node<'_>, port: Option<&PortRef>) -> u16 {
    let ports = ports(node);
    let found = match port {
        Some(PortRef::Number(number)) => Some(*number),
        Some(PortRef::Name(name)) => ports.iter().find(|(known, _)| known == name).map(|(_, port)| *port),
        None => ports.first().map(|(_, port)| *port),
    };
    found.unwrap_or(0)
}
