//! Ports, and the probes and hooks that ask them.

use std::collections::HashMap;

use super::{Check, Kind, Placed};
use crate::path::Path;
use crate::profile::{Hook, Port, PortRef, Probe, ProbeAction, Probes, Protocol};

/// A port whose number is a hole.
const UNKNOWN: u16 = 0;

pub(super) fn check(check: &mut Check<'_>, workload: &Placed<'_>) {
    ports(check, workload);
    probes_of(check, workload, &workload.run.probes, &workload.at);
    hooks_of(check, workload, [&workload.run.post_start, &workload.run.pre_stop], &workload.at);
    for (name, container) in &workload.run.sidecars {
        let at = workload.at.key("sidecars").key(name.as_str());
        probes_of(check, workload, &container.probes, &at);
        hooks_of(check, workload, [&container.post_start, &container.pre_stop], &at);
    }
    for (name, container) in &workload.run.init {
        let at = workload.at.key("init").key(name.as_str());
        if container.probes != Probes::default() {
            check.key_error("probe-on-init", &at.key("probes"), "an init container ends; it has no probes");
        }
        for (key, hook) in [("post_start", &container.post_start), ("pre_stop", &container.pre_stop)] {
            if hook.is_some() {
                check.key_error("hook-on-init", &at.key(key), "an init container ends; it has no hooks");
            }
        }
    }
}

fn ports(check: &mut Check<'_>, workload: &Placed<'_>) {
    let mut taken = HashMap::new();
    for (name, port) in workload.run.ports.iter().filter(|(_, port)| port.port != UNKNOWN) {
        let first = *taken.entry((port.port, port.protocol)).or_insert(name);
        if first != name {
            let at = workload.at.key("ports").member("name", name.as_str()).key("port");
            check.error("port-twice", &at, format!("port {} is `{first}` already", port.port));
        }
    }
}

fn probes_of(check: &mut Check<'_>, workload: &Placed<'_>, probes: &Probes, at: &Path) {
    let Probes { startup, readiness, liveness } = probes;
    for (key, probe) in [("startup", startup), ("readiness", readiness), ("liveness", liveness)] {
        if let Some(probe) = probe {
            one(check, workload, probe, key, &at.key("probes").key(key));
        }
    }
}

fn one(check: &mut Check<'_>, workload: &Placed<'_>, probe: &Probe, kind: &str, at: &Path) {
    let (key, port) = match &probe.action {
        ProbeAction::Http { port, .. } => ("http", port),
        ProbeAction::Tcp { port } => ("tcp", port),
        ProbeAction::Grpc { port, .. } => ("grpc", port),
        ProbeAction::Exec { command } => {
            if command.is_empty() {
                check.error("bad-command", &at.key("exec").key("command"), "there is no command to run");
            }
            return numbers(check, probe, kind, at);
        }
    };
    port_is_there(check, workload, port.as_ref(), &at.key(key));
    numbers(check, probe, kind, at);
}

/// Kubernetes' own limits.
fn numbers(check: &mut Check<'_>, probe: &Probe, kind: &str, at: &Path) {
    for (key, span) in [("period", probe.period), ("timeout", probe.timeout)] {
        if span.is_some_and(|span| span.millis == 0) {
            check.error("bad-probe", &at.key(key), format!("`{key}` is at least 1ms"));
        }
    }
    for (key, number) in
        [("success_threshold", probe.success_threshold), ("failure_threshold", probe.failure_threshold)]
    {
        if number == Some(0) {
            check.error("bad-probe", &at.key(key), format!("`{key}` is at least 1"));
        }
    }
    if kind != "readiness" && probe.success_threshold.is_some_and(|number| number > 1) {
        let message = format!("one success is enough for a {kind} probe: `success_threshold` is 1");
        check.error("bad-probe", &at.key("success_threshold"), message);
    }
}

fn hooks_of(check: &mut Check<'_>, workload: &Placed<'_>, hooks: [&Option<Hook>; 2], at: &Path) {
    for (key, hook) in ["post_start", "pre_stop"].into_iter().zip(hooks) {
        match hook {
            Some(Hook::Http { port, .. }) => {
                port_is_there(check, workload, port.as_ref(), &at.key(key).key("http"));
            }
            Some(Hook::Exec { command }) if command.is_empty() => {
                let at = at.key(key).key("exec").key("command");
                check.error("bad-command", &at, "there is no command to run");
            }
            Some(Hook::Exec { .. } | Hook::Sleep(_)) | None => {}
        }
    }
}

/// The port that is asked is one of the workload's own, and is not in doubt.
fn port_is_there(check: &mut Check<'_>, workload: &Placed<'_>, port: Option<&PortRef>, at: &Path) {
    let ports = &workload.ports;
    let tcp: Vec<&(String, Port)> = ports.iter().filter(|(_, port)| port.protocol == Protocol::Tcp).collect();
    let names: Vec<&str> = ports.iter().map(|(name, _)| name.as_str()).collect();
    let found = match port {
        None => match tcp[..] {
            [only] => Some(only),
            [] => {
                let hint = match workload.kind {
                    Kind::Job => "use `exec`, or declare `ports`",
                    _ => "declare it: `ports: {http: 8000}`",
                };
                check.error("no-port", at, "there is no port to ask").hint = Some(hint.to_owned());
                return;
            }
            _ => {
                let message = format!("which of the ports is asked: {}?", names.join(", "));
                check.error("several-ports", at, message).hint = Some("name it with `port`".to_owned());
                return;
            }
        },
        Some(PortRef::Name(name)) => ports.iter().find(|(known, _)| known == name.as_str()),
        Some(PortRef::Number(number)) => ports.iter().find(|(_, port)| port.port == *number),
    };
    let at = if port.is_some() { at.key("port") } else { at.clone() };
    match (found, port) {
        (Some((name, found)), _) if found.protocol == Protocol::Udp => {
            check.error("probe-on-udp", &at, format!("`{name}` is a UDP port, which cannot be asked"));
        }
        (Some(_), _) | (None, None) => {}
        (None, Some(PortRef::Name(name))) => {
            let message = format!("`{name}` is no port of `{}`", workload.name);
            check.unknown("unknown-port", &at, message, name.as_str(), &names);
        }
        // It may be the one whose number is not known.
        (None, Some(PortRef::Number(_))) if ports.iter().any(|(_, port)| port.port == UNKNOWN) => {}
        (None, Some(PortRef::Number(number))) => {
            let message = format!("{number} is no port of `{}`", workload.name);
            let known: Vec<String> =
                ports.iter().map(|(name, port)| format!("{} ({name})", port.port)).collect();
            let hint = match known[..] {
                [] => format!("declare it: `ports: {{http: {number}}}`"),
                _ => format!("known are {}", known.join(", ")),
            };
            check.error("unknown-port", &at, message).hint = Some(hint);
        }
    }
}
