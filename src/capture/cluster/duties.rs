//! What the kubelet was told to do: probes, hooks, restarts; and the order in which things were made.

use serde_json::{Value as Json, json};

use super::{
    super::{
        Reading, duty,
        scene::texts,
        workload::{Part, Within, Workload},
    },
    scene::{Pair, SPEC, Scene, created, items},
};
use crate::{
    formats::duties::{HookDuty, ProbeAct, ProbeDuty},
    plan::kubernetes::{Body, HookSpec, Object, ObjectKind, ProbeSpec, RestartPolicy},
    profile::Duration,
    render::kubernetes::expansion::literals,
};

pub(super) fn read(scene: &Scene<'_>, of: &Workload<'_>, within: &Within, wanted: &Json) -> Option<Reading> {
    let keys = within.keys();
    let reading = match keys.as_slice() {
        ["probes", which] => scene.each(of, |pair| probe(pair, which, wanted)),
        ["post_start"] => scene.each(of, |pair| hook(pair, &pair.plan.post_start, "postStart", wanted)),
        ["pre_stop"] => scene.each(of, |pair| hook(pair, &pair.plan.pre_stop, "preStop", wanted)),
        ["restart"] if of.part == Part::Main => scene.each_pod(of, |pod| {
            let live = restart(pod.spec()["restartPolicy"].as_str().unwrap_or_default());
            Reading::of(wanted, live, SPEC).planned(restart(pod.plan.restart.as_str()))
        }),
        ["retries"] => retries(scene, of, wanted),
        ["needs"] => needs(scene, of, wanted),
        _ => return None,
    };
    Some(reading)
}

fn probe(pair: &Pair<'_>, which: &str, wanted: &Json) -> Reading {
    let (planned, key) = match which {
        "startup" => (&pair.plan.startup, "startupProbe"),
        "readiness" => (&pair.plan.readiness, "readinessProbe"),
        _ => (&pair.plan.liveness, "livenessProbe"),
    };
    let Some(planned) = planned.as_ref().map(told) else {
        return Reading::unread("the kubelet is given no such probe");
    };
    let Some(found) = of_spec(&pair.spec[key]) else {
        return Reading::absent(SPEC, "the container has no such probe");
    };
    let spelled = |duty: &ProbeDuty| duty::probe(duty, &planned, wanted);
    Reading::of(wanted, spelled(&found), SPEC).planned(spelled(&planned))
}

/// A planned probe, in the words that both back ends have.
pub(super) fn told(probe: &ProbeSpec) -> ProbeDuty {
    let ProbeSpec {
        action,
        initial_delay_seconds,
        period_seconds,
        timeout_seconds,
        success_threshold,
        failure_threshold,
    } = probe;
    ProbeDuty {
        action: match action {
            ProbeAct::Exec { command } => ProbeAct::Exec { command: literals(command) },
            action => action.clone(),
        },
        initial_delay_millis: initial_delay_seconds.saturating_mul(1000),
        period_millis: period_seconds.saturating_mul(1000),
        timeout_millis: timeout_seconds.saturating_mul(1000),
        success_threshold: *success_threshold,
        failure_threshold: *failure_threshold,
    }
}

/// A probe as the API server holds it, with Kubernetes' own numbers where it says none.
pub(super) fn of_spec(probe: &Json) -> Option<ProbeDuty> {
    let millis = |key: &str, default: u64| probe[key].as_u64().unwrap_or(default).saturating_mul(1000);
    let count = |key: &str, default: u32| {
        probe[key].as_u64().and_then(|count| count.try_into().ok()).unwrap_or(default)
    };
    Some(ProbeDuty {
        action: action(probe)?,
        initial_delay_millis: millis("initialDelaySeconds", 0),
        period_millis: millis("periodSeconds", 10),
        timeout_millis: millis("timeoutSeconds", 1),
        success_threshold: count("successThreshold", 1),
        failure_threshold: count("failureThreshold", 3),
    })
}

fn action(probe: &Json) -> Option<ProbeAct> {
    let number = |port: &Json| port.as_u64().and_then(|port| port.try_into().ok()).unwrap_or(0);
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    if let Some(http) = probe.get("httpGet") {
        let header = |header: &Json| (text(&header["name"]), text(&header["value"]));
        return Some(ProbeAct::Http {
            https: http["scheme"] == "HTTPS",
            port: number(&http["port"]),
            path: text(&http["path"]),
            headers: items(&http["httpHeaders"]).map(header).collect(),
        });
    }
    if let Some(tcp) = probe.get("tcpSocket") {
        return Some(ProbeAct::Tcp { port: number(&tcp["port"]) });
    }
    if let Some(grpc) = probe.get("grpc") {
        // The API server writes an empty one where none is asked for.
        let service = grpc["service"].as_str().filter(|service| !service.is_empty());
        return Some(ProbeAct::Grpc { port: number(&grpc["port"]), service: service.map(str::to_owned) });
    }
    let command = probe.get("exec")?;
    Some(ProbeAct::Exec { command: items(&command["command"]).map(text).collect() })
}

fn hook(pair: &Pair<'_>, planned: &Option<HookSpec>, key: &str, wanted: &Json) -> Reading {
    let Some(planned) = planned.as_ref().map(told_hook) else {
        return Reading::unread("the kubelet is given no such hook");
    };
    match hook_of(&pair.spec["lifecycle"][key]) {
        None => Reading::absent(SPEC, "the container has no such hook"),
        Some(found) => Reading::of(wanted, spelled(&found, wanted), SPEC).planned(spelled(&planned, wanted)),
    }
}

/// The profile's own words where they say the same, else others.
fn spelled(hook: &HookDuty, wanted: &Json) -> Json {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let written = match (wanted.get("exec"), wanted.get("http"), wanted.get("sleep")) {
        (Some(exec), ..) => HookDuty::Exec { command: items(&exec["command"]).map(text).collect() },
        // A port that is named has the plan's number.
        (_, Some(http), _) => {
            let port = match hook {
                HookDuty::Http { port, .. } if !http["port"].is_u64() => *port,
                _ => http["port"].as_u64().and_then(|port| port.try_into().ok()).unwrap_or(0),
            };
            HookDuty::Http { port, path: text(&http["path"]) }
        }
        (.., Some(sleep)) => HookDuty::Sleep {
            millis: sleep
                .as_str()
                .and_then(|text| text.parse::<Duration>().ok())
                .map_or(0, |span| span.millis),
        },
        _ => return wanted.clone(),
    };
    duty::hook(hook, &written, wanted)
}

pub(super) fn told_hook(hook: &HookSpec) -> HookDuty {
    match hook {
        HookSpec::Exec { command } => HookDuty::Exec { command: command.clone() },
        HookSpec::Http { port, path } => HookDuty::Http { port: *port, path: path.clone() },
        HookSpec::Sleep { seconds } => HookDuty::Sleep { millis: seconds.saturating_mul(1000) },
    }
}

pub(super) fn hook_of(hook: &Json) -> Option<HookDuty> {
    if let Some(seconds) = hook.get("sleep") {
        return Some(HookDuty::Sleep { millis: seconds["seconds"].as_u64()?.saturating_mul(1000) });
    }
    match action(hook)? {
        ProbeAct::Http { port, path, .. } => Some(HookDuty::Http { port, path }),
        ProbeAct::Exec { command } => Some(HookDuty::Exec { command }),
        ProbeAct::Tcp { .. } | ProbeAct::Grpc { .. } => None,
    }
}

pub(super) fn restart(policy: &str) -> &'static str {
    match policy {
        policy if policy == RestartPolicy::Never.as_str() => "never",
        policy if policy == RestartPolicy::OnFailure.as_str() => "on-failure",
        _ => "always",
    }
}

/// `backoffLimit`, of the job or of what a cron job would make.
fn retries(scene: &Scene<'_>, of: &Workload<'_>, wanted: &Json) -> Reading {
    let Some(object) = scene.planned(of.name) else { return Reading::unread("the plan has no such job") };
    let kind = object.body.kind().as_str();
    let Some(found) = scene.found(object) else {
        return scene.missing(kind, &format!("the {kind}"));
    };
    let spec = match object.body {
        Body::CronJob { .. } => &found["spec"]["jobTemplate"]["spec"],
        _ => &found["spec"],
    };
    Reading::of(wanted, spec["backoffLimit"].clone(), format!("the {kind}"))
}

const ORDER: &str = "when objects were made, and how jobs ended";

/// Of what is waited for: jobs that ended well, and whether it was made before. What was made anew since tells of no
/// order.
fn needs(scene: &Scene<'_>, of: &Workload<'_>, wanted: &Json) -> Reading {
    let names: Vec<&str> = items(wanted).filter_map(Json::as_str).collect();
    let needed: Vec<(&str, &Object)> =
        names.iter().filter_map(|name| Some((*name, scene.planned(name)?))).collect();
    let is_lost = |name: &str| {
        let is_it = |(needed, object): &&(&str, &Object)| {
            let is_gone = || !scene.observed.unlisted.contains_key(object.body.kind().as_str());
            *needed == name && scene.found(object).map_or_else(is_gone, |found| has_failed(object, found))
        };
        needed.iter().any(|one| is_it(&one))
    };
    let (lost, kept): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| is_lost(name));
    if let Some(first) = lost.first() {
        let why = format!("`{first}` is not there, or did not end with 0");
        return Reading::other(
            wanted,
            texts(&kept.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()),
            ORDER,
        )
        .because(why);
    }
    if let Some((name, _)) = needed.iter().find(|(_, object)| scene.found(object).is_none()) {
        return Reading::unread(format!("what makes the pods of `{name}` may not be listed"));
    }
    scene.each_pod(of, |pod| {
        let later = needed
            .iter()
            .find(|(_, object)| scene.found(object).is_some_and(|need| created(need) > created(pod.found)));
        match later {
            None => Reading::as_wanted(ORDER),
            Some((name, _)) => {
                Reading::unread(format!("`{name}` was made again since: no order can be told"))
            }
        }
    })
}

/// Whether a job is at its end, and not a good one.
fn has_failed(object: &Object, found: &Json) -> bool {
    let mut conditions = items(&found["status"]["conditions"]);
    object.body.kind() == ObjectKind::Job
        && conditions.any(|condition| condition["type"] == "Failed" && condition["status"] == "True")
}

/// A probe that nobody asked for, in the profile's words.
pub(super) fn shown(probe: &ProbeDuty) -> Json {
    duty::probe(probe, probe, &json!({}))
}
