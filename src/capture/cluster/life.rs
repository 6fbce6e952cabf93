//! How long a workload lives: replicas, stopping, names of ordinals, scaling, and the end of a job.

use serde_json::{Value as Json, json};

use super::{
    super::{
        Reading,
        workload::{Part, Within, Workload},
    },
    scene::{Pod, SPEC, Scene},
};
use crate::{
    plan::kubernetes::{Body, ObjectKind},
    profile::Duration,
};

pub(super) fn read(scene: &Scene<'_>, of: &Workload<'_>, within: &Within, wanted: &Json) -> Option<Reading> {
    let keys = within.keys();
    if of.part != Part::Main {
        return None;
    }
    let reading = match keys.as_slice() {
        ["replicas"] => {
            let (live, why) = replicas(scene, of);
            let reading = Reading::of(wanted, live, READY);
            match why {
                Some(why) => reading.because(why),
                None => reading,
            }
        }
        ["stop_signal"] => Reading::unread("a cluster tells nothing of an image's signal"),
        ["stop_grace_period"] => scene.each_pod(of, |pod| {
            let spelled = |seconds: u64| {
                let live = Duration { millis: seconds.saturating_mul(1000) };
                let written = wanted.as_str().and_then(|text| text.parse::<Duration>().ok());
                if written == Some(live) { wanted.clone() } else { json!(live) }
            };
            let live = pod.spec()["terminationGracePeriodSeconds"].as_u64().unwrap_or(GRACE);
            Reading::of(wanted, spelled(live), SPEC).planned(spelled(pod.plan.grace_seconds))
        }),
        ["stateful"] => stateful(scene, of, wanted),
        ["autoscaling", which] => autoscaling(scene, of, which, wanted),
        ["schedule"] => schedule(scene, of, wanted),
        _ => return None,
    };
    Some(reading)
}

pub(super) const READY: &str = "`readyReplicas`, and the pods";
/// Kubernetes' own.
pub(super) const GRACE: u64 = 30;

/// How many pods are ready, and of those that are not which one and why. A pod that nobody's workload made, and that
/// carries its label, is sent requests like the others: it counts.
pub(super) fn replicas(scene: &Scene<'_>, of: &Workload<'_>) -> (u64, Option<String>) {
    let (ready, unready): (Vec<Pod<'_>>, Vec<Pod<'_>>) =
        scene.pods(of).into_iter().partition(|pod| pod.is_ready());
    let counted = ready.len() as u64;
    let found = scene.planned(of.name).and_then(|object| scene.found(object));
    let said = found.map(|found| found["status"]["readyReplicas"].as_u64().unwrap_or(0));
    let why = match (unready.first(), said) {
        (Some(pod), _) => Some(format!("{} is not ready", pod.name)),
        (None, None) => Some("what makes its pods is not there".to_owned()),
        (None, Some(said)) if said < counted => {
            Some("a pod that it did not make carries its label".to_owned())
        }
        (None, Some(_)) => None,
    };
    (counted, why)
}

/// Whether a StatefulSet makes the pods.
fn stateful(scene: &Scene<'_>, of: &Workload<'_>, wanted: &Json) -> Reading {
    let from = "the workload's kind";
    let kinds = [(ObjectKind::StatefulSet, true), (ObjectKind::Deployment, false)];
    let there = kinds.iter().find(|(kind, _)| scene.observed.object(kind.as_str(), of.name).is_some());
    match there {
        Some((_, live)) => Reading::of(wanted, *live, from),
        None => Reading::absent(from, "nothing makes its pods"),
    }
}

fn autoscaling(scene: &Scene<'_>, of: &Workload<'_>, which: &str, wanted: &Json) -> Reading {
    let from = "the autoscaler";
    let planned = scene.planned_object(ObjectKind::HorizontalPodAutoscaler, of.name);
    let Some(Body::Autoscaler { min, max, target_cpu, .. }) = planned.map(|object| &object.body) else {
        return Reading::unread("there is no autoscaler: the number of replicas stays what it is");
    };
    let Some(found) = scene.observed.object("HorizontalPodAutoscaler", of.name) else {
        return Reading::absent(from, "it is not there");
    };
    let (live, planned) = match which {
        "min" => (&found["spec"]["minReplicas"], json!(min)),
        "max" => (&found["spec"]["maxReplicas"], json!(max)),
        _ => {
            let of_cpu = "/spec/metrics/0/resource/target/averageUtilization";
            (found.pointer(of_cpu).unwrap_or(&Json::Null), json!(target_cpu))
        }
    };
    match live {
        Json::Null => Reading::absent(from, "it says none"),
        live => Reading::of(wanted, live.clone(), from).planned(planned),
    }
}

/// A cron job's schedule, which is kept and not followed.
fn schedule(scene: &Scene<'_>, of: &Workload<'_>, wanted: &Json) -> Reading {
    let from = "the CronJob";
    match scene.observed.object("CronJob", of.name).map(|found| &found["spec"]) {
        None => Reading::absent(from, "it is not there"),
        Some(spec) if spec["suspend"] != Json::Bool(true) => {
            let live = format!("{}, by the clock", spec["schedule"].as_str().unwrap_or_default());
            Reading::other(wanted, live.into(), from).because("it is not suspended: it runs by the clock")
        }
        Some(spec) => Reading::of(wanted, spec["schedule"].clone(), from),
    }
}

/// How a job or an init container ended, by the status of the pods.
pub(super) fn exit_code(scene: &Scene<'_>, of: &Workload<'_>, wanted: &Json) -> Reading {
    scene.each(of, |pair| {
        let ended = &pair.status["state"]["terminated"];
        match ended["exitCode"].as_i64() {
            Some(code) => Reading::of(wanted, code, "the pod's status"),
            None => Reading::unread("it has not ended"),
        }
    })
}
