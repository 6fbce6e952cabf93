//! Probes and hooks, which are the kubelet's own.

use super::{HookSpec, ProbeSpec, seconds};
use crate::{
    plan::{containers::Part, duties, order::Node},
    profile::{Duration, Hook, Probe, Probes},
};

#[derive(Default)]
pub(super) struct ProbeSpecs {
    pub startup: Option<ProbeSpec>,
    pub readiness: Option<ProbeSpec>,
    pub liveness: Option<ProbeSpec>,
}

pub(super) fn of(node: &Node<'_>, part: Part<'_>) -> ProbeSpecs {
    let Probes { startup, readiness, liveness } = match part {
        Part::Main => &node.run.probes,
        Part::Init(..) => return ProbeSpecs::default(),
        Part::Sidecar(_, container) => &container.probes,
    };
    let probe = |probe: &Option<Probe>, is_readiness| {
        probe.as_ref().map(|probe| probe_spec(node, probe, is_readiness))
    };
    let own = matches!(part, Part::Main).then(|| accepts_connections(node)).flatten();
    ProbeSpecs {
        startup: probe(startup, false),
        readiness: probe(readiness, true).or(own),
        liveness: probe(liveness, false),
    }
}

/// A store without a readiness probe is ready when its port answers, as on every back end.
fn accepts_connections(node: &Node<'_>) -> Option<ProbeSpec> {
    node.store.map(|store| ProbeSpec {
        action: duties::accepts(store),
        initial_delay_seconds: 0,
        period_seconds: 1,
        timeout_seconds: 1,
        success_threshold: 1,
        failure_threshold: 3,
    })
}

fn probe_spec(node: &Node<'_>, probe: &Probe, is_readiness: bool) -> ProbeSpec {
    let span = |written: Option<Duration>, default: u64, least: u64| {
        written.map_or(default, |span| seconds::up(span).max(least))
    };
    ProbeSpec {
        action: duties::act(node, &probe.action),
        initial_delay_seconds: span(probe.initial_delay, 0, 0),
        period_seconds: span(probe.period, 10, 1),
        timeout_seconds: span(probe.timeout, 1, 1),
        // Kubernetes takes nothing but 1 where success is no state to keep.
        success_threshold: if is_readiness { probe.success_threshold.unwrap_or(1).max(1) } else { 1 },
        failure_threshold: probe.failure_threshold.unwrap_or(3).max(1),
    }
}

pub(super) fn hook(node: &Node<'_>, hook: &Hook, grace: u64) -> Option<HookSpec> {
    match hook {
        Hook::Exec { command } => Some(HookSpec::Exec { command: command.clone() }),
        Hook::Http { path, port } => {
            Some(HookSpec::Http { port: duties::port_number(node, port.as_ref()), path: path.clone() })
        }
        Hook::Sleep(span) => seconds::sleep(*span, grace).map(|seconds| HookSpec::Sleep { seconds }),
    }
}
