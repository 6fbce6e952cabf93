//! How long a workload lives: replicas, stopping, names of ordinals, and the end of a job.

use serde_json::{Value as Json, json};

use super::{
    Reading, duty,
    duty::{ALIASES, answers_to},
    scene::{ON_DEMAND, Scene},
    workload::{Part, Within, Workload},
};
use crate::{labels, observed::Container, profile::Duration};

const CONFIG: &str = "the container's `Config`";

pub(super) fn read(scene: &Scene<'_>, of: &Workload<'_>, within: &Within, wanted: &Json) -> Option<Reading> {
    let keys = within.keys();
    let reading = match keys.as_slice() {
        ["replicas"] => {
            let (live, missing) = replicas(scene, of);
            let reading = Reading::of(wanted, live, COUNTED);
            if missing.is_empty() {
                reading
            } else {
                reading.because(format!("{} does not run", missing.join(", ")))
            }
        }
        ["stop_signal"] => scene.each(of, |_, found| {
            let live = found.stop_signal.as_deref().unwrap_or("SIGTERM");
            let same = wanted.as_str().is_some_and(|wanted| signal(wanted) == signal(live));
            Reading::equal(wanted, same, || live.into(), CONFIG)
        }),
        ["stop_grace_period"] => grace(scene, of, wanted),
        ["stateful"] => scene.each_pause(of, |pod, pause| {
            let name = format!("{}-{}", pod.service, pod.ordinal);
            Reading::of(wanted, answers_to(pause, &name), ALIASES)
        }),
        ["balancing"] => scene.each_pause(of, |pod, pause| {
            if answers_to(pause, pod.service.as_str()) {
                Reading::of(wanted, "dns", ALIASES).planned("dns")
            } else {
                Reading::absent(ALIASES, "no name leads to the replica")
            }
        }),
        ["autoscaling", _] => Reading::unread("no autoscaler runs in a mirror: it keeps one count"),
        ["disruption"] => Reading::unread("nothing evicts a replica here"),
        ["schedule"] => Reading::unread(ON_DEMAND),
        ["service_account"] => Reading::unread("nothing in a container tells a cluster's account"),
        _ => return None,
    };
    Some(reading)
}

pub(super) const COUNTED: &str = "containers that run, counted";

/// How many main containers run, and which of the planned ones do not.
pub(super) fn replicas<'a>(scene: &Scene<'a>, of: &Workload<'_>) -> (usize, Vec<&'a str>) {
    let pairs = scene.pairs(of);
    let is_up = |found: &Container| found.state.status == "running";
    let missing: Vec<&str> = pairs
        .iter()
        .filter(|pair| !pair.found.is_some_and(is_up))
        .map(|pair| pair.plan.key.as_str())
        .collect();
    let more = scene.observed.containers.iter().filter(|container| {
        let key = container.labels.get(labels::COMPOSE_SERVICE).map(String::as_str).unwrap_or_default();
        let ours =
            key.strip_prefix(of.name).is_some_and(|rest| rest.starts_with('.') && rest.ends_with(".main"));
        ours && is_up(container) && !pairs.iter().any(|pair| pair.plan.key == key)
    });
    (pairs.len() - missing.len() + more.count(), missing)
}

/// How a job or an init container ended: by its last container, else by the journal, which tells of jobs.
pub(super) fn exit_code(scene: &Scene<'_>, of: &Workload<'_>, wanted: &Json) -> Reading {
    let jobs = scene.observed.keeper.iter().flat_map(|keeper| &keeper.jobs);
    let journal = jobs.rev().find(|job| of.part == Part::Main && job.job == of.name);
    let readings = scene.pairs(of).into_iter().map(|pair| {
        let reading = match (pair.found, journal) {
            (Some(found), _) if found.state.status == "exited" => {
                Reading::of(wanted, found.state.exit_code, "the state of the container")
            }
            (Some(found), _) if found.state.status == "running" => Reading::unread("it has not ended"),
            (_, Some(job)) => Reading::of(wanted, job.code, "the keeper's journal"),
            (_, None) => Reading::unread("neither a container nor the journal tells of an end"),
        };
        (pair.plan.key.clone(), reading)
    });
    Reading::of_all(readings).unwrap_or_else(|| Reading::unread(ON_DEMAND))
}

/// The engine's own stop and the keeper's: both count whole seconds.
fn grace(scene: &Scene<'_>, of: &Workload<'_>, wanted: &Json) -> Reading {
    let spelled = |live: u64, planned: u64| {
        let is_written = wanted.as_str().and_then(|text| text.parse::<Duration>().ok());
        if live == planned && is_written == Some(Duration { millis: live }) {
            wanted.clone()
        } else {
            json!(Duration { millis: live })
        }
    };
    let told = scene.each(of, |pair, found| {
        let seconds = found.stop_timeout_seconds.and_then(|seconds| u64::try_from(seconds).ok());
        let (live, planned) = (seconds.unwrap_or(ENGINES_OWN) * 1000, pair.plan.stop_grace_millis);
        Reading::of(wanted, spelled(live, planned), CONFIG).planned(spelled(planned, planned))
    });
    let duties = scene.each_pause(of, |pod, pause| {
        let found = duty::duties(pause);
        let of_part = |duties| duty::duty(duties, of.part).map(|duty| duty.grace_millis);
        match (found.as_ref().and_then(of_part), of_part(&pod.duties)) {
            (Some(live), Some(planned)) => {
                let from = "`prodmirror.duties` of the pause";
                Reading::of(wanted, spelled(live, planned), from).planned(spelled(planned, planned))
            }
            _ => Reading::unread("the keeper is not told"),
        }
    });
    told.and((!duties.is_unread()).then_some(duties))
}

/// What the engine waits where it was told nothing.
const ENGINES_OWN: u64 = 10;

/// One spelling of a signal: `SIGTERM`, `TERM` and `15` are the same.
pub(super) fn signal(name: &str) -> String {
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
