//! Whether what was seen is what is wanted, will be, or will never be. Values in, a verdict out.

use std::{fmt, time::Duration};

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, StatefulSet},
        batch::v1::Job,
        core::v1::{ContainerStatus, Pod, PodSpec},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::ResourceExt as _;

use super::{
    super::{ObjectName, trouble::Trouble},
    Code, Seen, Wanted,
};

/// How a container that exits again and again is told from one that waits for something: this many restarts.
const CRASH_LOOP: i32 = 3;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    Done,
    /// All there is says so, but of a container that has no readiness probe it says no more than that it began.
    Unproven,
    Waiting(Finding),
    /// Lost, unless it is half a step: see whether it stays.
    Doubt(Finding),
    Never(Finding),
    /// Not enough was seen for a word.
    Blind,
}

/// What is amiss, before anybody asked for events and logs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Finding {
    pub(super) code: Code,
    pub(super) object: ObjectName,
    /// What is waited for.
    pub(super) workload: ObjectName,
    /// The controller that made the pod, whose events say more.
    pub(super) owner: Option<ObjectName>,
    pub(super) container: Option<String>,
    /// Whether the container ran before: then its last run is what there is to read.
    pub(super) ran_before: bool,
    pub(super) reason: String,
    pub(super) message: String,
}

impl Finding {
    fn new(code: Code, object: ObjectName, reason: &str, message: impl Into<String>) -> Self {
        let (reason, message) = (reason.to_owned(), message.into());
        let workload = object.clone();
        Self { code, object, workload, owner: None, container: None, ran_before: false, reason, message }
    }

    /// Of the same thing, for the same reason, whatever the words.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        (self.code, &self.object, &self.container) == (other.code, &other.object, &other.container)
    }

    fn of(self, workload: ObjectName) -> Self {
        Self { workload, ..self }
    }

    pub(super) fn trouble(self, events: Vec<String>, log_tail: Vec<String>) -> Trouble {
        let Self { code, object, workload, owner: _, container, ran_before: _, reason, message } = self;
        Trouble { code, object, workload, service: None, container, reason, message, events, log_tail }
    }

    pub(super) fn too_late(mut self, within: Duration) -> Self {
        self.code = Code::Timeout;
        self.message = format!("{}; waited {} s", self.message, within.as_secs());
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (events, log_tail) = (Vec::new(), Vec::new());
        self.clone().trouble(events, log_tail).fmt(f)
    }
}

/// A verdict on each of what is wanted.
pub(super) fn each(seen: &Seen, wanted: &[Wanted]) -> Vec<Verdict> {
    wanted.iter().map(|one| one_of(seen, one)).collect()
}

/// The worst of all, the first of its kind.
pub(super) fn worst(verdicts: Vec<Verdict>) -> Verdict {
    let weight = |verdict: &Verdict| match verdict {
        Verdict::Done => 0,
        Verdict::Unproven => 1,
        Verdict::Waiting(_) | Verdict::Blind => 2,
        Verdict::Doubt(_) => 3,
        Verdict::Never(_) => 4,
    };
    let worse = |worst, next| if weight(&next) > weight(&worst) { next } else { worst };
    verdicts.into_iter().fold(Verdict::Done, worse)
}

fn one_of(seen: &Seen, wanted: &Wanted) -> Verdict {
    let object = wanted.object(&seen.namespace);
    let found = match wanted {
        Wanted::Deployment(name) => seen.deployment(name).map(|found| deployment(seen, found, &object)),
        Wanted::StatefulSet(name) => seen.stateful_set(name).map(|found| stateful_set(seen, found, &object)),
        Wanted::Job(name) => seen.job(name).map(|found| job(seen, found, &object)),
        Wanted::Pod(name) => seen.pod(name).map(|found| pod(found, &object)),
    };
    let absent =
        || Verdict::Waiting(Finding::new(Code::Timeout, object.clone(), "Absent", "is not there yet"));
    match found.unwrap_or_else(absent) {
        Verdict::Waiting(finding) => Verdict::Waiting(finding.of(object)),
        Verdict::Doubt(finding) => Verdict::Doubt(finding.of(object)),
        Verdict::Never(finding) => Verdict::Never(finding.of(object)),
        verdict @ (Verdict::Done | Verdict::Unproven | Verdict::Blind) => verdict,
    }
}

fn deployment(seen: &Seen, deployment: &Deployment, object: &ObjectName) -> Verdict {
    let status = deployment.status.clone().unwrap_or_default();
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let count = |number: Option<i32>| number.unwrap_or_default();
    if !is_observed(&deployment.metadata, status.observed_generation) {
        return waiting(object, "its controller has not looked at it yet");
    }
    let (newest, available) = (count(status.updated_replicas), count(status.available_replicas));
    if newest == wanted && available >= wanted && count(status.replicas) == wanted {
        return proof(deployment.spec.as_ref().and_then(|spec| spec.template.spec.as_ref()));
    }
    let refused =
        status.conditions.iter().flatten().find(|c| c.type_ == "ReplicaFailure" && c.status == "True");
    if let Some(refused) = refused {
        return Verdict::Doubt(refusal(object, refused.message.as_deref().unwrap_or_default()));
    }
    let newest = seen.newest(deployment).map(|set| worst_pod(seen, &set.metadata, "ReplicaSet"));
    newest.flatten().unwrap_or_else(|| replicas(object, count(status.ready_replicas), wanted))
}

fn stateful_set(seen: &Seen, set: &StatefulSet, object: &ObjectName) -> Verdict {
    let status = set.status.clone().unwrap_or_default();
    let wanted = set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    if !is_observed(&set.metadata, status.observed_generation) {
        return waiting(object, "its controller has not looked at it yet");
    }
    let ready = status.ready_replicas.unwrap_or_default();
    // The count of updated replicas is left out once the update is the current one.
    let is_newest = status.update_revision == status.current_revision
        || status.updated_replicas.unwrap_or_default() == wanted;
    if is_newest && ready == wanted && status.replicas == wanted {
        return proof(set.spec.as_ref().and_then(|spec| spec.template.spec.as_ref()));
    }
    if let Some(verdict) = worst_pod(seen, &set.metadata, "StatefulSet") {
        return verdict;
    }
    match seen.refusal(&set.metadata) {
        Some(why) if status.replicas < wanted => Verdict::Doubt(refusal(object, why)),
        _ => replicas(object, ready, wanted),
    }
}

fn job(seen: &Seen, job: &Job, object: &ObjectName) -> Verdict {
    let status = job.status.clone().unwrap_or_default();
    let holds =
        |name: &str| status.conditions.iter().flatten().find(|c| c.type_ == name && c.status == "True");
    if holds("Complete").is_some() {
        return Verdict::Done;
    }
    if let Some(failed) = holds("Failed") {
        let reason = failed.reason.as_deref().unwrap_or("Failed");
        let mut finding =
            Finding::new(Code::JobFailed, object.clone(), reason, failed.message.clone().unwrap_or_default());
        // The last pod has the words that say why.
        let last = seen.pods_of(&job.metadata).max_by_key(|pod| pod.metadata.creation_timestamp.clone());
        if let Some(pod) = last {
            finding.owner = Some(object.clone());
            finding.object = name_of(pod);
            finding.container =
                pod.spec.as_ref().and_then(|spec| Some(spec.containers.first()?.name.clone()));
        }
        return Verdict::Never(finding);
    }
    if let Some(verdict) = worst_pod(seen, &job.metadata, "Job") {
        return verdict;
    }
    let made = status.active.unwrap_or_default() + status.succeeded.unwrap_or_default();
    match seen.refusal(&job.metadata) {
        Some(why) if made == 0 => Verdict::Doubt(refusal(object, why)),
        _ => waiting(object, "has not ended yet"),
    }
}

fn pod(pod: &Pod, object: &ObjectName) -> Verdict {
    let status = pod.status.clone().unwrap_or_default();
    match status.phase.as_deref() {
        Some("Succeeded") => return Verdict::Done,
        Some("Failed") => {
            let reason = status.reason.as_deref().unwrap_or("Failed");
            let message = status.message.clone().unwrap_or_default();
            let mut finding = Finding::new(Code::CrashLoop, object.clone(), reason, message);
            let failed = statuses(pod).find(|c| {
                c.state.as_ref().and_then(|s| s.terminated.as_ref()).is_some_and(|end| end.exit_code != 0)
            });
            if let Some(container) = failed {
                finding.container = Some(container.name.clone());
                finding.message = end_of(container, false).unwrap_or(finding.message);
            }
            return Verdict::Never(finding);
        }
        _ => {}
    }
    let ready = status.conditions.iter().flatten().any(|c| c.type_ == "Ready" && c.status == "True");
    if ready {
        proof(pod.spec.as_ref())
    } else {
        trouble_of(pod).unwrap_or_else(|| waiting(object, &lack_of(pod)))
    }
}

/// The pod of a controller that is in the worst state, unless all are well.
fn worst_pod(seen: &Seen, owner: &ObjectMeta, kind: &str) -> Option<Verdict> {
    let owner_name =
        ObjectName::new(kind, owner.name.as_deref().unwrap_or_default(), owner.namespace.as_deref());
    let owned = |mut finding: Finding| {
        finding.owner = Some(owner_name.clone());
        finding
    };
    let mut doubt = None;
    for pod in seen.pods_of(owner) {
        match trouble_of(pod) {
            Some(Verdict::Never(finding)) => return Some(Verdict::Never(owned(finding))),
            Some(Verdict::Doubt(finding)) => {
                doubt.get_or_insert(Verdict::Doubt(owned(finding)));
            }
            _ => {}
        }
    }
    // No pod is lost: the first that is not ready is what is waited for.
    doubt.or_else(|| {
        let slow = seen.pods_of(owner).find(|pod| !is_ready(pod))?;
        Some(Verdict::Waiting(owned(match trouble_of(slow) {
            Some(Verdict::Waiting(finding)) => finding,
            _ => Finding {
                container: slow_container(slow),
                ..Finding::new(Code::Timeout, name_of(slow), "NotReady", lack_of(slow))
            },
        })))
    })
}

fn trouble_of(pod: &Pod) -> Option<Verdict> {
    let status = pod.status.as_ref()?;
    let homeless = status.conditions.iter().flatten().find(|condition| {
        condition.type_ == "PodScheduled" && condition.reason.as_deref() == Some("Unschedulable")
    });
    if let Some(condition) = homeless {
        let message = condition.message.clone().unwrap_or_default();
        let waits = waits_for_volume(&message);
        let finding = Finding::new(Code::Unschedulable, name_of(pod), "Unschedulable", message);
        return Some(if waits { Verdict::Waiting(finding) } else { Verdict::Doubt(finding) });
    }
    statuses(pod).find_map(|container| container_trouble(pod, container))
}

/// Whether a volume comes about without anybody's doing: whoever makes it is at work, or the scheduler has not heard yet
/// what became of one before. It calls a pod unschedulable then, too; the words are those of its plug-in `VolumeBinding`.
fn waits_for_volume(message: &str) -> bool {
    const NOT_YET: [&str; 4] = [
        "unbound immediate PersistentVolumeClaims",
        "persistentvolumeclaim \"",
        "persistentvolume \"",
        "bound to non-existent pv(s)",
    ];
    NOT_YET.iter().any(|words| message.contains(words))
}

fn container_trouble(pod: &Pod, container: &ContainerStatus) -> Option<Verdict> {
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    let reason = waiting.reason.as_deref()?;
    let (code, sure) = match reason {
        "ImagePullBackOff" | "ErrImageNeverPull" | "InvalidImageName" => (Code::Image, true),
        "ErrImagePull" | "ImageInspectError" | "RegistryUnavailable" => (Code::Image, false),
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => {
            (Code::Container, false)
        }
        "CrashLoopBackOff" if container.restart_count >= CRASH_LOOP => (Code::CrashLoop, true),
        _ => return None,
    };
    let message = match code {
        Code::CrashLoop => end_of(container, true),
        _ => None,
    };
    let message = message.or_else(|| waiting.message.clone()).unwrap_or_default();
    let finding = Finding {
        container: Some(container.name.clone()),
        ran_before: container.restart_count > 0,
        ..Finding::new(code, name_of(pod), reason, message)
    };
    Some(if sure { Verdict::Never(finding) } else { Verdict::Doubt(finding) })
}

/// How a container ended, or ended last: `exited with 137 (OOMKilled), 3 restarts`.
fn end_of(container: &ContainerStatus, last: bool) -> Option<String> {
    let state = if last { &container.last_state } else { &container.state };
    let end = state.as_ref()?.terminated.as_ref()?;
    let reason = end.reason.as_deref().unwrap_or("Error");
    let said = end.message.as_deref().map(|message| format!(": {}", message.trim())).unwrap_or_default();
    Some(format!("exited with {} ({reason}), {} restarts{said}", end.exit_code, container.restart_count))
}

fn lack_of(pod: &Pod) -> String {
    let status = pod.status.clone().unwrap_or_default();
    let phase = status.phase.unwrap_or_else(|| "Unknown".to_owned());
    match statuses(pod).find(|container| !container.ready && !has_ended_well(container)) {
        Some(container) => {
            let state = container.state.clone().unwrap_or_default();
            let what = match (state.waiting, state.running) {
                (Some(waiting), _) => waiting.reason.unwrap_or_else(|| "Waiting".to_owned()),
                (_, Some(_)) => "running, not ready".to_owned(),
                _ => end_of(container, false).unwrap_or_else(|| "not started".to_owned()),
            };
            format!("container `{}` is {what}", container.name)
        }
        None => format!("is {phase}"),
    }
}

fn slow_container(pod: &Pod) -> Option<String> {
    let slow = statuses(pod).find(|container| !container.ready && !has_ended_well(container))?;
    Some(slow.name.clone())
}

/// Init containers first, as they run first.
fn statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    let status = pod.status.as_ref();
    let init = status.and_then(|status| status.init_container_statuses.as_ref()).into_iter().flatten();
    init.chain(status.and_then(|status| status.container_statuses.as_ref()).into_iter().flatten())
}

fn has_ended_well(container: &ContainerStatus) -> bool {
    let end = container.state.as_ref().and_then(|state| state.terminated.as_ref());
    end.is_some_and(|end| end.exit_code == 0)
}

/// What it is worth that a pod of this specification is ready.
fn proof(pod: Option<&PodSpec>) -> Verdict {
    let probed = |pod: &PodSpec| pod.containers.iter().all(|container| container.readiness_probe.is_some());
    if pod.is_some_and(probed) { Verdict::Done } else { Verdict::Unproven }
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn is_observed(metadata: &ObjectMeta, observed: Option<i64>) -> bool {
    observed.unwrap_or_default() >= metadata.generation.unwrap_or_default()
}

fn refusal(object: &ObjectName, why: &str) -> Finding {
    Finding::new(Code::Refused, object.clone(), "FailedCreate", why)
}

fn replicas(object: &ObjectName, ready: i32, wanted: i32) -> Verdict {
    waiting(object, &format!("{ready} of {wanted} ready"))
}

fn waiting(object: &ObjectName, what: &str) -> Verdict {
    Verdict::Waiting(Finding::new(Code::Timeout, object.clone(), "NotReady", what))
}

fn name_of(pod: &Pod) -> ObjectName {
    ObjectName::new("Pod", &pod.name_any(), pod.metadata.namespace.as_deref())
}
