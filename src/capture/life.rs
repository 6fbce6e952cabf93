//! How long a workload lives and what is asked of it: replicas, probes, hooks, restarts, its order and its end.

use serde_json::{Value as Json, json};

use super::{
    Reading,
    scene::{Part, Scene, Within, Workload, duty, texts},
};
use crate::{
    formats::duties::{ContainerDuty, Duties},
    observed::Container,
    profile::Duration,
};

pub(super) fn read(scene: &Scene<'_>, of: &Workload<'_>, within: &Within, wanted: &Json) -> Option<Reading> {
    let keys = within.keys();
    let reading = match keys.as_slice() {
        ["replicas"] => replicas(scene, of, wanted),
        ["ports"] => {
            let name = within.member()?;
            scene.each_duty(of, wanted, |found, planned| port(found, name) == port(planned, name))
        }
        ["probes", "startup"] => container_duty(scene, of, wanted, |duty| json!(duty.startup)),
        ["probes", "readiness"] => container_duty(scene, of, wanted, |duty| json!(duty.readiness)),
        ["probes", "liveness"] => container_duty(scene, of, wanted, |duty| json!(duty.liveness)),
        ["post_start"] => container_duty(scene, of, wanted, |duty| json!(duty.post_start)),
        ["pre_stop"] => container_duty(scene, of, wanted, |duty| json!(duty.pre_stop)),
        ["restart"] => container_duty(scene, of, wanted, |duty| json!(duty.restart)),
        ["retries"] => scene.each_duty(of, wanted, |found, planned| found.retries == planned.retries),
        ["needs"] => needs(scene, of, wanted),
        ["stop_signal"] => scene.each(of, |_, found| {
            let live = found.stop_signal.as_deref().unwrap_or("SIGTERM");
            let same = wanted.as_str().is_some_and(|wanted| signal(wanted) == signal(live));
            Reading::as_wanted(wanted, same, || live.into(), "the container's `Config`")
        }),
        ["stop_grace_period"] => grace(scene, of, wanted),
        ["stateful"] => scene.each(of, |pair, _| {
            let name = format!("{}-{}", pair.pod.service, pair.pod.ordinal);
            match scene.find(&pair.pod.pause.key) {
                Some(pause) => Reading::of(wanted, answers_to(pause, &name), "aliases of the pause"),
                None => Reading::unread("the pause is not there"),
            }
        }),
        ["autoscaling", _] => Reading::unread("no autoscaler runs in a mirror: it keeps one count"),
        ["schedule"] => Reading::unread("it runs on demand only"),
        ["service_account"] => Reading::unread("nothing in a container tells a cluster's account"),
        ["balancing"] => scene.each(of, |pair, _| match scene.find(&pair.pod.pause.key) {
            Some(pause) if answers_to(pause, pair.pod.service.as_str()) => {
                Reading::planned(wanted, "dns", "dns", "aliases of the pause")
            }
            Some(_) => Reading::absent("aliases of the pause", "no name leads to the replica"),
            None => Reading::unread("the pause is not there"),
        }),
        _ => return None,
    };
    Some(reading)
}

/// What a job ran for is that it ends well: its end counts for what it ran, and for its place in the order.
pub(super) fn outcome(
    scene: &Scene<'_>,
    of: &Workload<'_>,
    within: &Within,
    wanted: &Json,
) -> Option<Reading> {
    let keys = within.keys();
    let counted = ["command", "entrypoint", "retries", "needs"];
    let written = &scene.tree[of.section][of.name];
    let counts = match keys.as_slice() {
        ["image"] => !counted.iter().any(|key| written.get(key).is_some()),
        [key] => counted.contains(key),
        _ => false,
    };
    if of.section == "jobs" && of.part == Part::Main && counts { ended(scene, of, wanted) } else { None }
}

/// The main containers that run.
fn replicas(scene: &Scene<'_>, of: &Workload<'_>, wanted: &Json) -> Reading {
    let pairs = scene.pairs(of);
    let is_up = |found: &Container| found.state.status == "running";
    let missing: Vec<&str> = pairs
        .iter()
        .filter(|pair| !pair.found.is_some_and(is_up))
        .map(|pair| pair.plan.key.as_str())
        .collect();
    let more = scene.observed.containers.iter().filter(|container| {
        let key =
            container.labels.get(crate::labels::COMPOSE_SERVICE).map(String::as_str).unwrap_or_default();
        let ours =
            key.strip_prefix(of.name).is_some_and(|rest| rest.starts_with('.') && rest.ends_with(".main"));
        ours && is_up(container) && !pairs.iter().any(|pair| pair.plan.key == key)
    });
    let reading =
        Reading::of(wanted, pairs.len() - missing.len() + more.count(), "containers that run, counted");
    if missing.is_empty() { reading } else { reading.because(format!("{} does not run", missing.join(", "))) }
}

fn container_duty(
    scene: &Scene<'_>,
    of: &Workload<'_>,
    wanted: &Json,
    field: impl Fn(&ContainerDuty) -> Json,
) -> Reading {
    let part: Part<'_> = of.part;
    scene.each_duty(of, wanted, |found, planned| {
        duty(found, part).map(&field) == duty(planned, part).map(&field)
    })
}

fn port(duties: &Duties, name: &str) -> Option<u16> {
    duties.ports.iter().find(|(known, _)| known.as_str() == name).map(|(_, port)| *port)
}

/// The order: the keeper was told, and no replica began before a job that it needs had ended.
fn needs(scene: &Scene<'_>, of: &Workload<'_>, wanted: &Json) -> Reading {
    let told = scene.each_duty(of, wanted, |found, planned| found.needs == planned.needs);
    let jobs = wanted.as_array().into_iter().flatten().filter_map(Json::as_str).filter_map(|need| {
        let job = scene.plan.pods.iter().find(|pod| {
            pod.service.as_str() == need && pod.kind == crate::plan::PodKind::Job && !pod.on_demand
        })?;
        Some((need, scene.find(&job.main.key)?))
    });
    let jobs: Vec<(&str, &Container)> = jobs.collect();
    if jobs.is_empty() || told.holds != Some(true) {
        return told;
    }
    let begun = scene.each(of, |_, found| {
        let failed = jobs.iter().find(|(_, job)| job.state.status != "exited" || job.state.exit_code != 0);
        let from = "times of start and end";
        match failed {
            Some((name, _)) => {
                let kept: Vec<String> =
                    jobs.iter().map(|(name, _)| (*name).to_owned()).filter(|other| other != name).collect();
                Reading::of(wanted, texts(&kept), from).because(format!("job `{name}` did not end with 0"))
            }
            None if found.state.started.is_empty() => Reading::unread("it was never started"),
            None => Reading::of(wanted, wanted.clone(), from),
        }
    });
    told.and(Some(begun))
}

/// How a job ended, by the journal or its container.
fn ended(scene: &Scene<'_>, of: &Workload<'_>, wanted: &Json) -> Option<Reading> {
    let by_keeper = scene
        .observed
        .keeper
        .as_ref()
        .and_then(|keeper| keeper.jobs.iter().rfind(|job| job.job == of.name).map(|job| job.code));
    let by_container = || {
        let found = scene.pairs(of).first()?.found?;
        (found.state.status == "exited").then_some(found.state.exit_code)
    };
    match by_keeper.or_else(by_container)? {
        0 => None,
        code => {
            let reading = Reading::as_wanted(wanted, false, || wanted.clone(), "the job's exit code");
            Some(reading.because(format!("the job ended with {code}")))
        }
    }
}

fn grace(scene: &Scene<'_>, of: &Workload<'_>, wanted: &Json) -> Reading {
    let told = scene.each(of, |pair, found| {
        // The engine counts whole seconds; the keeper the rest.
        let planned = pair.plan.stop_grace_millis.div_ceil(1000);
        let live = found.stop_timeout_seconds.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(10);
        let shown = || json!(Duration { millis: live * 1000 });
        Reading::as_wanted(wanted, live == planned, shown, "the container's `Config`")
    });
    let duties = container_duty(scene, of, wanted, |duty| json!(duty.grace_millis));
    told.and((duties.holds == Some(false)).then_some(duties))
}

fn answers_to(pause: &Container, name: &str) -> bool {
    pause.networks.values().any(|network| network.aliases.iter().any(|alias| alias == name))
}

/// One spelling of a signal: `SIGTERM`, `TERM` and `15` are the same.
fn signal(name: &str) -> String {
    const NUMBERS: [(&str, &str); 9] = [
        ("1", "HUP"),
        ("2", "INT"),
        ("3", "QUIT"),
        ("6", "ABRT"),
        ("9", "KILL"),
        ("10", "USR1"),
        ("12", "USR2"),
        ("15", "TERM"),
        ("28", "WINCH"),
    ];
    let upper = name.to_ascii_uppercase();
    let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
    NUMBERS.iter().find(|(number, _)| *number == bare).map_or(bare, |(_, name)| name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::signal;

    #[test]
    fn a_signal_has_one_spelling() {
        assert_eq!(signal("SIGTERM"), signal("15"));
        assert_eq!(signal("int"), signal("SIGINT"));
        assert_ne!(signal("SIGTERM"), signal("SIGINT"));
    }
}
