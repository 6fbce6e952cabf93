//! What the keeper is told of a replica, as the profile says it.

use serde_json::{Map, Value as Json, json};

use super::{super::super::draft::Sketch, Taking, label};
use crate::{
    formats::duties::{ContainerDuty, Duties, HookDuty, PodKind, ProbeAct, ProbeDuty, RestartRule, Role},
    labels,
    path::Path,
    profile::Duration,
};

/// The duties that a pause carries.
pub struct Told(Duties);

impl Told {
    pub fn of(pause: &Taking<'_>) -> Option<Self> {
        serde_json::from_str(&label(pause, labels::DUTIES)?).ok().map(Self)
    }

    /// Ports, needs, and how often a job is tried.
    pub fn of_replica(&self, kind: PodKind, at: &Path, to: &mut Sketch<'_>) {
        let Duties { service: _, ordinal: _, kind: _, needs, containers: _, ports, retries, files: _ } =
            &self.0;
        if kind != PodKind::Store {
            for (name, port) in ports {
                to.put(&at.key("ports").key(name.as_str()), *port);
            }
        }
        if !needs.is_empty() {
            let needs: Vec<&str> = needs.iter().map(|need| need.as_str()).collect();
            to.put(&at.key("needs"), needs);
        }
        if kind == PodKind::Job && *retries > 0 {
            to.put(&at.key("retries"), *retries);
        }
    }

    /// Probes, hooks, the way it starts again and its time to end, of the main container or of the one of that name.
    pub fn of_container(&self, name: Option<&str>, is_store: bool, at: &Path, to: &mut Sketch<'_>) {
        let of = |duty: &&ContainerDuty| duty.name == name.unwrap_or("main");
        let Some(duty) = self.0.containers.iter().find(of) else { return };
        let ContainerDuty {
            role,
            restart,
            startup,
            readiness,
            liveness,
            post_start,
            pre_stop,
            grace_millis,
            ..
        } = duty;
        let probes = [("startup", startup), ("readiness", readiness), ("liveness", liveness)];
        for (which, probe) in probes.into_iter().filter_map(|(which, probe)| Some((which, probe.as_ref()?))) {
            // A store without a probe is asked whether it answers.
            if !(is_store && matches!(probe.action, ProbeAct::Tcp { .. })) {
                to.put(&at.key("probes").key(which), asked(probe));
            }
        }
        for (key, hook) in [("post_start", post_start), ("pre_stop", pre_stop)] {
            if let Some(hook) = hook {
                to.put(&at.key(key), done(hook));
            }
        }
        if *role == Role::Main {
            let grace = Duration { millis: *grace_millis };
            to.put(&at.key("stop_grace_period"), grace.to_string());
            if self.0.kind != PodKind::Job {
                to.put(&at.key("restart"), again(*restart));
            }
        }
    }
}

fn again(rule: RestartRule) -> &'static str {
    match rule {
        RestartRule::Always => "always",
        RestartRule::OnFailure => "on-failure",
        RestartRule::Never => "never",
    }
}

fn asked(probe: &ProbeDuty) -> Json {
    let ProbeDuty {
        action,
        initial_delay_millis,
        period_millis,
        timeout_millis,
        success_threshold,
        failure_threshold,
    } = probe;
    let span = |millis: &u64| Duration { millis: *millis }.to_string();
    let mut value = match action {
        ProbeAct::Http { https, port, path, headers } => {
            let headers: Map<String, Json> =
                headers.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
            json!({"http": {"path": path, "port": port, "scheme": if *https { "https" } else { "http" }, "headers": headers}})
        }
        ProbeAct::Tcp { port } => json!({"tcp": {"port": port}}),
        ProbeAct::Grpc { port, service: None } => json!({"grpc": {"port": port}}),
        ProbeAct::Grpc { port, service: Some(service) } => {
            json!({"grpc": {"port": port, "service": service}})
        }
        ProbeAct::Exec { command } => json!({"exec": command}),
    };
    value["initial_delay"] = span(initial_delay_millis).into();
    value["period"] = span(period_millis).into();
    value["timeout"] = span(timeout_millis).into();
    value["success_threshold"] = (*success_threshold).into();
    value["failure_threshold"] = (*failure_threshold).into();
    value
}

fn done(hook: &HookDuty) -> Json {
    match hook {
        HookDuty::Exec { command } => json!({"exec": command}),
        HookDuty::Http { port, path } => json!({"http": {"path": path, "port": port}}),
        HookDuty::Sleep { millis } => json!({"sleep": Duration { millis: *millis }.to_string()}),
    }
}
