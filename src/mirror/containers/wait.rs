//! Waiting for what the keeper keeps: one loop with one deadline, and a failure that says what was waited for.

use std::time::Duration;

use futures_util::StreamExt;

use crate::{
    backend::{Backend, LogQuery, Progress, Report},
    formats::{
        duties::Role,
        journal::{ContainerStatus, KeeperStatus, ReplicaStatus},
    },
    name::Name,
    plan::{Plan, Pod, PodKind},
};

use super::super::{
    NotReady, Result, StoryError,
    ready::{Deadline, TIMEOUT},
};

/// How a container that exits again and again is told from one that is slow: this many restarts.
const CRASH_LOOP: u32 = 3;
const POLL: Duration = Duration::from_millis(50);

/// What a replica still lacks.
enum Lack<'a> {
    Nothing,
    /// Still on its way.
    Waiting(String, Option<&'a ContainerStatus>),
    Never(&'static str, String, Option<&'a ContainerStatus>),
}

/// Waits until every replica of the services is ready, and every job among them has ended with 0.
pub async fn ready(
    backend: &dyn Backend,
    plan: &Plan,
    services: &[Name],
    deadline: Deadline,
    step: &str,
    report: &dyn Report,
) -> Result<()> {
    let pods: Vec<&Pod> =
        plan.pods.iter().filter(|pod| !pod.on_demand && services.contains(&pod.service)).collect();
    watch(backend, plan, &pods, deadline, step, report, lack).await
}

/// Waits until the init containers of the replicas have all ended with 0.
pub async fn initialized(
    backend: &dyn Backend,
    plan: &Plan,
    pods: &[&Pod],
    deadline: Deadline,
    step: &str,
    report: &dyn Report,
) -> Result<()> {
    watch(backend, plan, pods, deadline, step, report, |_, replica| match replica {
        Some(replica) if replica.initialized => Lack::Nothing,
        Some(replica) => init_lack(replica),
        None => Lack::Waiting("is not known to the keeper yet".to_owned(), None),
    })
    .await
}

async fn watch(
    backend: &dyn Backend,
    plan: &Plan,
    pods: &[&Pod],
    deadline: Deadline,
    step: &str,
    report: &dyn Report,
    lack: impl for<'a> Fn(&Pod, Option<&'a ReplicaStatus>) -> Lack<'a>,
) -> Result<()> {
    // The keeper's own word first: it answers when it has taken in all that was noted. Then its file, which costs no
    // process.
    let mut status = backend.says(&plan.mirror).await?.unwrap_or_default();
    loop {
        let mut waiting = None;
        for pod in pods {
            match lack(pod, replica_of(&status, pod)) {
                Lack::Nothing => {}
                Lack::Waiting(what, container) => {
                    waiting.get_or_insert_with(|| (*pod, what, container.cloned()));
                }
                Lack::Never(code, what, container) => {
                    let container = container.cloned();
                    return Err(failure(backend, plan, pod, code, &what, container.as_ref()).await);
                }
            }
        }
        let Some((pod, what, container)) = waiting else { return Ok(()) };
        if deadline.is_over() {
            let message = format!(
                "{what}; waited {}",
                crate::profile::Duration { millis: deadline.span.as_millis() as u64 }
            );
            return Err(failure(backend, plan, pod, TIMEOUT, &message, container.as_ref()).await);
        }
        report.event(Progress::Waiting {
            step: step.to_owned(),
            what: format!("{}/{} {what}", pod.service, pod.ordinal),
        });
        tokio::time::sleep(POLL).await;
        status = backend.glance(&plan.mirror).await?.unwrap_or_default();
    }
}

fn replica_of<'a>(status: &'a KeeperStatus, pod: &Pod) -> Option<&'a ReplicaStatus> {
    status.replicas.iter().find(|r| r.service == pod.service.as_str() && r.ordinal == pod.ordinal)
}

fn lack<'a>(pod: &Pod, replica: Option<&'a ReplicaStatus>) -> Lack<'a> {
    let Some(replica) = replica else {
        return Lack::Waiting("is not known to the keeper yet".to_owned(), None);
    };
    if !replica.initialized {
        return init_lack(replica);
    }
    let main = replica.containers.iter().find(|c| c.role == Role::Main);
    if pod.kind == PodKind::Job {
        return job_lack(main);
    }
    if replica.ready {
        return Lack::Nothing;
    }
    if let Some(looping) = replica.containers.iter().find(|c| c.restarts >= CRASH_LOOP && !c.running) {
        return Lack::Never(
            "crash-loop",
            format!("container `{}` keeps exiting{}", looping.name, exit_text(looping)),
            Some(looping),
        );
    }
    if let Some(dead) =
        main.filter(|c| !c.running && c.waiting_millis.is_none() && c.last_exit.is_some() && c.starts > 0)
    {
        return Lack::Waiting(format!("exited{}", exit_text(dead)), Some(dead));
    }
    let blocking = replica.containers.iter().find(|c| c.probe.is_some()).or(main);
    let what = match blocking.and_then(|c| c.probe) {
        Some(probe) => format!("is not ready: {} probe", probe_name(probe)),
        None => "is not ready".to_owned(),
    };
    Lack::Waiting(what, blocking)
}

fn init_lack(replica: &ReplicaStatus) -> Lack<'_> {
    let init = replica
        .containers
        .iter()
        .find(|c| c.role == Role::Init && c.last_exit.as_ref().is_none_or(|e| e.code != 0));
    match init {
        Some(init) if init.restarts >= CRASH_LOOP => Lack::Never(
            "init-failed",
            format!("init container `{}` keeps failing{}", init.name, exit_text(init)),
            Some(init),
        ),
        Some(init) => Lack::Waiting(format!("init container `{}` has not finished", init.name), Some(init)),
        None => Lack::Waiting("has not finished its init containers".to_owned(), None),
    }
}

fn job_lack(main: Option<&ContainerStatus>) -> Lack<'_> {
    let Some(main) = main else { return Lack::Waiting("has not started".to_owned(), None) };
    match &main.last_exit {
        Some(exit) if exit.code == 0 && !main.running => Lack::Nothing,
        Some(exit) if !main.running && main.waiting_millis.is_none() => {
            Lack::Never("job-failed", format!("ended with {}", exit.code), Some(main))
        }
        _ => Lack::Waiting("has not finished".to_owned(), Some(main)),
    }
}

fn exit_text(container: &ContainerStatus) -> String {
    match &container.last_exit {
        Some(exit) if exit.oom_killed => format!(" with {} (killed for memory)", exit.code),
        Some(exit) => format!(" with {}", exit.code),
        None => String::new(),
    }
}

fn probe_name(probe: crate::formats::journal::ProbeKind) -> &'static str {
    use crate::formats::journal::ProbeKind;
    match probe {
        ProbeKind::Startup => "startup",
        ProbeKind::Readiness => "readiness",
        ProbeKind::Liveness => "liveness",
    }
}

async fn failure(
    backend: &dyn Backend,
    plan: &Plan,
    pod: &Pod,
    code: &str,
    what: &str,
    container: Option<&ContainerStatus>,
) -> StoryError {
    let name = container.map(|c| c.name.clone());
    let mut tail = log_tail(backend, &plan.mirror, pod, name.clone(), false).await;
    if tail.is_empty() {
        tail = log_tail(backend, &plan.mirror, pod, name, true).await;
    }
    StoryError::NotReady(Box::new(NotReady {
        code: code.to_owned(),
        message: format!("{}/{} never became ready: {what}", pod.service, pod.ordinal),
        service: Some(pod.service.to_string()),
        ordinal: Some(pod.ordinal),
        probe: container.and_then(|c| c.probe).map(|p| probe_name(p).to_owned()),
        last_answer: container.and_then(|c| c.last_answer.clone()),
        log_tail: tail,
    }))
}

async fn log_tail(
    backend: &dyn Backend,
    mirror: &Name,
    pod: &Pod,
    container: Option<String>,
    previous: bool,
) -> Vec<String> {
    let query = LogQuery {
        service: Some(pod.service.clone()),
        ordinal: Some(pod.ordinal),
        container,
        tail: Some(20),
        previous,
        ..LogQuery::default()
    };
    let Ok(lines) = backend.logs(mirror, query).await else { return Vec::new() };
    lines
        .filter_map(|line| async {
            line.ok().map(|line| String::from_utf8_lossy(&line.line).trim_end().to_owned())
        })
        .collect()
        .await
}
