//! What the keeper was told to do: probes, hooks, restarts, tries and order, read from where the keeper reads them.

use serde_json::{Map, Value as Json, json};

use super::{
    Reading,
    scene::{Scene, texts},
    workload::{Part, Within, Workload},
};
use crate::{
    formats::duties::{ContainerDuty, Duties, HookDuty, ProbeAct, ProbeDuty, RestartRule},
    labels,
    observed::Container,
    plan::{Pod, PodKind},
    profile::Duration,
};

const FROM: &str = "the keeper, and `prodmirror.duties` of the pause";

pub(super) fn read(scene: &Scene<'_>, of: &Workload<'_>, within: &Within, wanted: &Json) -> Option<Reading> {
    let keys = within.keys();
    let reading = match keys.as_slice() {
        ["ports"] => {
            let name = within.member()?;
            each(scene, of, Needs::Nothing, |pod, found| port(scene, pod, found, name, wanted))
        }
        ["probes", which] => each(scene, of, asks(which, wanted), |pod, found| {
            let of_duty = |duty: &ContainerDuty| match *which {
                "startup" => duty.startup.clone(),
                "readiness" => duty.readiness.clone(),
                "liveness" => duty.liveness.clone(),
                _ => None,
            };
            compare(of.part, pod, found, of_duty, |found, planned| probe(found, planned, wanted), wanted)
        }),
        ["post_start"] => each(scene, of, Needs::Socket, |pod, found| {
            compare(of.part, pod, found, |duty| duty.post_start.clone(), |a, b| hook(a, b, wanted), wanted)
        }),
        ["pre_stop"] => each(scene, of, Needs::Socket, |pod, found| {
            compare(of.part, pod, found, |duty| duty.pre_stop.clone(), |a, b| hook(a, b, wanted), wanted)
        }),
        ["restart"] => each(scene, of, Needs::Socket, |pod, found| {
            let spelled = |found: &RestartRule, planned: &RestartRule| {
                if found == planned { wanted.clone() } else { restart(*found).into() }
            };
            compare(of.part, pod, found, |duty| Some(duty.restart), spelled, wanted)
        }),
        ["retries"] => each(scene, of, Needs::Socket, |_, found| Reading::of(wanted, found.retries, FROM)),
        ["needs"] => each(scene, of, Needs::Nothing, |pod, found| {
            // What a variable refers to is waited for too, and stands in the plan alone.
            let written = wanted.as_array().into_iter().flatten().filter_map(Json::as_str);
            let kept = written.filter(|need| found.needs.iter().any(|told| told.as_str() == *need));
            let more = found.needs.iter().filter(|told| !pod.duties.needs.contains(told));
            let live: Json = kept.chain(more.map(|told| told.as_str())).collect();
            Reading::of(wanted, live, FROM)
        })
        .and(jobs_ended(scene, of, wanted)),
        _ => return None,
    };
    Some(reading)
}

/// What a duty takes: without the engine's socket the keeper can only ask over the network.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    Socket,
}

fn asks(which: &str, wanted: &Json) -> Needs {
    if which == "liveness" || wanted.get("exec").is_some() { Needs::Socket } else { Needs::Nothing }
}

/// What the keeper was told of a replica, as the pause carries it now.
pub(super) fn duties(pause: &Container) -> Option<Duties> {
    serde_json::from_str(pause.labels.get(labels::DUTIES)?).ok()
}

/// The duty of one container of a replica.
pub(super) fn duty<'d>(duties: &'d Duties, part: Part<'_>) -> Option<&'d ContainerDuty> {
    let name = match part {
        Part::Main => "main",
        Part::Init(name) | Part::Sidecar(name) => name,
    };
    duties.containers.iter().find(|duty| duty.name == name)
}

/// Reads the duties of every replica; without a keeper nobody fulfils them.
fn each(
    scene: &Scene<'_>,
    of: &Workload<'_>,
    needs: Needs,
    read: impl Fn(&Pod, &Duties) -> Reading,
) -> Reading {
    let is_blind = scene.plan.keeper.command.iter().flatten().any(|word| word == "--no-socket");
    if scene.observed.keeper.is_none() {
        return Reading::unread("the keeper does not answer");
    }
    // Beside the main container it is told of none.
    if is_blind && (needs == Needs::Socket || of.part != Part::Main) {
        return Reading::unread("the keeper has no socket of the engine");
    }
    scene.each_pause(of, |pod, pause| match duties(pause) {
        Some(found) => read(pod, &found),
        None => Reading::absent(FROM, "the pause tells the keeper nothing"),
    })
}

/// One duty of a container beside the planned one, spelled as the profile would.
fn compare<T>(
    part: Part<'_>,
    pod: &Pod,
    found: &Duties,
    of: impl Fn(&ContainerDuty) -> Option<T>,
    spelled: impl Fn(&T, &T) -> Json,
    wanted: &Json,
) -> Reading {
    let of = |duties: &Duties| duty(duties, part).and_then(&of);
    match (of(found), of(&pod.duties)) {
        (_, None) => Reading::unread("the keeper is given no such duty"),
        (None, Some(_)) => Reading::absent(FROM, "the keeper was told of no such duty"),
        (Some(found), Some(planned)) => Reading::of(wanted, spelled(&found, &planned), FROM),
    }
}

fn port(scene: &Scene<'_>, pod: &Pod, found: &Duties, name: &str, wanted: &Json) -> Reading {
    let number = |duties: &Duties| {
        duties.ports.iter().find(|(known, _)| known.as_str() == name).map(|(_, number)| *number)
    };
    let Some(live) = number(found) else {
        return Reading::absent(FROM, "the keeper was told of no such port");
    };
    let mut shown = wanted.clone();
    shown["port"] = live.into();
    // Nobody calls a job by its name.
    let called = pod.kind != PodKind::Job;
    let alias = scene.find(&pod.pause.key).filter(|pause| called && !answers_to(pause, pod.service.as_str()));
    let nameless = alias.map(|_| Reading::absent(ALIASES, "no name leads to the replica"));
    Reading::of(wanted, shown, FROM).and(nameless)
}

pub(super) const ALIASES: &str = "aliases of the pause";

/// Whether a name leads to a replica; one on the host's network has none.
pub(super) fn answers_to(pause: &Container, name: &str) -> bool {
    let is_on_host = pause.host.network_mode == "host";
    is_on_host || pause.networks.values().any(|network| network.aliases.iter().any(|alias| alias == name))
}

/// The profile's words with those put in that are otherwise.
pub(super) fn probe(found: &ProbeDuty, planned: &ProbeDuty, wanted: &Json) -> Json {
    let ProbeDuty {
        action,
        initial_delay_millis,
        period_millis,
        timeout_millis,
        success_threshold,
        failure_threshold,
    } = found;
    let mut shown = act(action, &planned.action, wanted);
    // What is written counts; a back end may have to round it. What is not is the plan's.
    let spans = [
        ("initial_delay", *initial_delay_millis, planned.initial_delay_millis),
        ("period", *period_millis, planned.period_millis),
        ("timeout", *timeout_millis, planned.timeout_millis),
    ];
    for (key, millis, planned) in spans {
        let written = wanted[key].as_str().and_then(|text| text.parse::<Duration>().ok());
        if millis != written.map_or(planned, |written| written.millis) {
            shown.insert(key.to_owned(), json!(Duration { millis }));
        }
    }
    let counts = [
        ("success_threshold", *success_threshold, planned.success_threshold),
        ("failure_threshold", *failure_threshold, planned.failure_threshold),
    ];
    for (key, count, planned) in counts {
        if u64::from(count) != wanted[key].as_u64().unwrap_or(u64::from(planned)) {
            shown.insert(key.to_owned(), count.into());
        }
    }
    Json::Object(shown)
}

const KINDS: [&str; 5] = ["http", "tcp", "grpc", "exec", "sleep"];

fn object(value: &Json) -> Map<String, Json> {
    value.as_object().cloned().unwrap_or_default()
}

/// One kind of action in place of whichever there was.
fn only(kind: &str, what: Json, wanted: &Json) -> Map<String, Json> {
    let mut shown = object(wanted);
    KINDS.iter().for_each(|kind| drop(shown.shift_remove(*kind)));
    shown.insert(kind.to_owned(), what);
    shown
}

fn act(found: &ProbeAct, planned: &ProbeAct, wanted: &Json) -> Map<String, Json> {
    let mut shown = object(wanted);
    match (found, planned) {
        (found, planned) if found == planned => {}
        (
            ProbeAct::Http { https, port, path, headers },
            ProbeAct::Http { https: https_planned, port: port_planned, path: path_planned, headers: planned },
        ) => {
            let http = &mut shown["http"];
            if path != path_planned {
                http["path"] = path.as_str().into();
            }
            if port != port_planned {
                http["port"] = (*port).into();
            }
            if https != https_planned {
                http["scheme"] = if *https { "https" } else { "http" }.into();
            }
            if headers != planned {
                http["headers"] = headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            }
        }
        (ProbeAct::Tcp { port }, ProbeAct::Tcp { .. }) => shown["tcp"]["port"] = (*port).into(),
        (ProbeAct::Grpc { port, service }, ProbeAct::Grpc { port: port_planned, service: planned }) => {
            if port != port_planned {
                shown["grpc"]["port"] = (*port).into();
            }
            if service != planned {
                shown["grpc"]["service"] = json!(service);
            }
        }
        (ProbeAct::Exec { command }, ProbeAct::Exec { .. }) => {
            shown["exec"]["command"] = texts(command);
        }
        (ProbeAct::Http { https, port, path, headers }, _) => {
            let headers: Json = headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            let scheme = if *https { "https" } else { "http" };
            let http = json!({"path": path, "port": port, "scheme": scheme, "headers": headers});
            return only("http", http, wanted);
        }
        (ProbeAct::Tcp { port }, _) => return only("tcp", json!({"port": port}), wanted),
        (ProbeAct::Grpc { port, service }, _) => {
            return only("grpc", json!({"port": port, "service": service}), wanted);
        }
        (ProbeAct::Exec { command }, _) => return only("exec", json!({"command": command}), wanted),
    }
    shown
}

pub(super) fn hook(found: &HookDuty, planned: &HookDuty, wanted: &Json) -> Json {
    if found == planned {
        return wanted.clone();
    }
    Json::Object(match found {
        HookDuty::Exec { command } => only("exec", json!({"command": command}), wanted),
        HookDuty::Http { port, path } => only("http", json!({"path": path, "port": port}), wanted),
        HookDuty::Sleep { millis } => only("sleep", json!(Duration { millis: *millis }), wanted),
    })
}

pub(super) fn restart(rule: RestartRule) -> &'static str {
    match rule {
        RestartRule::Always => "always",
        RestartRule::OnFailure => "on-failure",
        RestartRule::Never => "never",
    }
}

/// Of the jobs that are waited for, those that ended well: no replica begins before.
fn jobs_ended(scene: &Scene<'_>, of: &Workload<'_>, wanted: &Json) -> Option<Reading> {
    let jobs = wanted.as_array().into_iter().flatten().filter_map(Json::as_str).filter_map(|need| {
        let is_it = |pod: &&Pod| pod.service.as_str() == need && pod.kind == PodKind::Job && !pod.on_demand;
        let job = scene.plan.pods.iter().find(is_it)?;
        Some((need, scene.find(&job.main.key)?))
    });
    let jobs: Vec<(&str, &Container)> = jobs.collect();
    if jobs.is_empty() {
        return None;
    }
    let from = "states of the containers";
    let failed = |name: &str| {
        let is_bad = |job: &Container| job.state.status != "exited" || job.state.exit_code != 0;
        jobs.iter().any(|(job, found)| *job == name && is_bad(found))
    };
    let (lost, kept): (Vec<&str>, Vec<&str>) =
        wanted.as_array().into_iter().flatten().filter_map(Json::as_str).partition(|need| failed(need));
    if let Some(lost) = lost.first() {
        let live: Json = kept.into_iter().collect();
        return Some(Reading::of(wanted, live, from).because(format!("job `{lost}` did not end with 0")));
    }
    Some(scene.each(of, |_, found| {
        if found.state.started.is_empty() {
            Reading::unread("it was never started")
        } else {
            Reading::as_wanted(from)
        }
    }))
}
