//! How long a workload lives: replicas, stopping, names of ordinals, scaling, and the end of a job.

use serde_json::{Value as Json, json};

use super::{
    super::{
        Reading,
        workload::{Part, Within, Workload},
    },
    scene::{SPEC, Scene, is_made, is_ready},
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
        ["replicas"] => match replicas(scene, of) {
            Err(why) => Reading::unread(why),
            Ok((live, None)) => Reading::of(wanted, live, READY),
            Ok((live, Some(why))) => Reading::of(wanted, live, READY).because(why),
        },
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

pub(super) const READY: &str = "pods that are ready, counted";
/// Kubernetes' own.
pub(super) const GRACE: u64 = 30;

/// How many pods are ready, and of those that are not which one and why. What nobody's workload made and carries its
/// label is sent requests like the others: it counts.
///
/// # Errors
/// Why nobody knows.
pub(super) fn replicas(scene: &Scene<'_>, of: &Workload<'_>) -> Result<(usize, Option<String>), String> {
    if let Some(why) = scene.observed.unlisted.get("Pod") {
        return Err(format!("pods may not be listed: {why}"));
    }
    let ready = scene.labelled(of.name).filter(|(_, pod)| is_ready(pod)).count();
    let unready = scene.pods(of).into_iter().find(|pod| !pod.is_ready());
    let stray = scene.labelled(of.name).find(|(_, pod)| !is_made(pod));
    let is_there = scene.planned(of.name).is_some_and(|object| scene.found(object).is_some());
    let why = match (unready, stray) {
        (Some(pod), _) => Some(format!("{} is not ready", pod.name)),
        (None, Some((name, _))) => {
            Some(format!("{name} carries its label, and nothing of the mirror made it"))
        }
        (None, None) => (!is_there).then(|| "what makes its pods is not there".to_owned()),
    };
    Ok((ready, why))
}

/// Whether a StatefulSet makes the pods.
fn stateful(scene: &Scene<'_>, of: &Workload<'_>, wanted: &Json) -> Reading {
    let from = "the workload's kind";
    let kinds = [(ObjectKind::StatefulSet, true), (ObjectKind::Deployment, false)];
    let there = kinds.iter().find(|(kind, _)| scene.observed.object(kind.as_str(), of.name).is_some());
    match there {
        Some((_, live)) => Reading::of(wanted, *live, from),
        None => scene.missing(if wanted == true { "StatefulSet" } else { "Deployment" }, from),
    }
}

fn autoscaling(scene: &Scene<'_>, of: &Workload<'_>, which: &str, wanted: &Json) -> Reading {
    let from = "the autoscaler";
    let planned = scene.planned_object(ObjectKind::HorizontalPodAutoscaler, of.name);
    let Some(Body::Autoscaler { min, max, target_cpu, .. }) = planned.map(|object| &object.body) else {
        return Reading::unread("there is no autoscaler: the number of replicas stays what it is");
    };
    let Some(found) = scene.observed.object("HorizontalPodAutoscaler", of.name) else {
        return scene.missing("HorizontalPodAutoscaler", from);
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
        None => scene.missing("CronJob", from),
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
