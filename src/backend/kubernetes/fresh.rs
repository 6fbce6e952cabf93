//! A command in a pod of its own, made as those of a service are: for images that crash before anyone can look.

use std::{collections::BTreeMap, pin::pin, time::Duration};

use futures_util::StreamExt as _;
use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    batch::v1::{CronJob, Job},
    core::v1::{
        Container, ContainerStateTerminated, PersistentVolumeClaimVolumeSource, Pod, PodSpec,
        PodTemplateSpec, ResourceRequirements, Volume,
    },
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::{
    Api, ResourceExt as _,
    api::{AttachParams, DeleteParams, ListParams, ObjectMeta, PostParams, WatchEvent, WatchParams},
};

use super::{
    Cluster, ClusterError, MANAGED_BY, MANAGER, MIRROR, Result, SERVICE, Wanted, error,
    exec::{BUFFER, Ways, broken, cut_off},
    holder::Holder,
    inside::{none, with_variables},
    observe::{MAIN, statuses},
};
use crate::{
    backend::{self, Exec, Target, Unheard},
    labels::kubernetes::HOLDER,
    name::Name,
    plan::kubernetes::namespace,
};

/// What is printed before anyone is attached is lost: so the container waits for a line, and then becomes the command.
const GATE: &str = "IFS= read -r _; exec \"$@\"";
/// How long the pod may take to run. A trouble that waiting does not mend is told at once.
const WITHIN: Duration = Duration::from_secs(300);

impl Cluster {
    /// Runs a command in a pod like those of a service, which goes when the command has ended. No service sends it
    /// anything and nothing probes it; init containers run before it, sidecars do not run.
    ///
    /// Whoever is killed in between leaves it: [`Cluster::clear_fresh`] takes it then.
    pub(super) async fn exec_fresh(&self, exec: Exec<'_>) -> backend::Result<i64> {
        let space = namespace(&exec.target.mirror);
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &space);
        let (template, container) = self.template_of(exec.target).await?;
        let (argv, stdin) = with_variables(exec.env, exec.argv, exec.stdin);
        let exec = Exec { stdin, ..exec };
        let made = made_like(template, &container, exec.target, &argv, exec.tty);
        let what = format!("fresh pod of {}", exec.target.service);
        let how = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        let pod = error::ask(&what, pods.create(&how, &made)).await?.name_any();
        let ended = self.attend(&pods, &pod, &container, exec).await;
        self.remove_fresh(&pods, &pod).await?;
        Ok(ended?)
    }

    async fn attend(&self, pods: &Api<Pod>, pod: &str, container: &str, exec: Exec<'_>) -> Result<i64> {
        let Exec {
            target,
            argv: _,
            env: _,
            user: _,
            tty,
            size,
            resized,
            stdin,
            stdout,
            mut stderr,
            fresh: _,
        } = exec;
        let what = format!("fresh pod of {}", target.service);
        self.until_running(pods, pod, container, target).await?;
        let how = AttachParams {
            container: Some(container.to_owned()),
            stdin: true,
            stdout: true,
            // A terminal has one output.
            stderr: !tty,
            tty,
            max_stdin_buf_size: Some(BUFFER),
            max_stdout_buf_size: Some(BUFFER),
            max_stderr_buf_size: Some(BUFFER),
        };
        let mut process = error::ask(&what, pods.attach(pod, &how)).await?;
        let mut ways = Ways::of(&mut process);
        ways.resize(size).await;
        ways.open(tty).await.map_err(|error| broken(&what, &error))?;
        let ended = ways.relay(resized, stdin, stdout, &mut stderr).await;
        let ended = ended.map_err(|error| broken(&what, &error))?;
        loop {
            let look = look_at(pods, pod, container).await?;
            match look.end {
                Some(end) => return Ok(i64::from(end.exit_code)),
                None if ended.is_none() => return Err(cut_off(&what)),
                None => next_change(pods, pod, &look.version).await?,
            }
        }
    }

    /// Until the container runs, or it is certain that it will not.
    async fn until_running(
        &self,
        pods: &Api<Pod>,
        pod: &str,
        container: &str,
        target: &Target,
    ) -> Result<()> {
        let what = format!("fresh pod of {}", target.service);
        let space = namespace(&target.mirror);
        let runs = async {
            loop {
                let look = look_at(pods, pod, container).await?;
                match look.end {
                    Some(end) => return Err(unstarted(&what, &end)),
                    None if look.runs => return Ok(()),
                    None => next_change(pods, pod, &look.version).await?,
                }
            }
        };
        let wanted = [Wanted::Pod(pod.to_owned())];
        let troubled = async {
            match self.settle(&space, &wanted, WITHIN, "fresh", &Unheard).await {
                // It knows what the other one waits for.
                Ok(()) => std::future::pending().await,
                Err(error) => error,
            }
        };
        tokio::select! {
            biased;
            ran = runs => ran,
            error = troubled => Err(error),
        }
    }

    /// From what a service's pods are made, and the name of the container that is meant.
    async fn template_of(&self, target: &Target) -> backend::Result<(PodTemplateSpec, String)> {
        let space = namespace(&target.mirror);
        let own =
            ListParams::default().labels(&format!("{MANAGED_BY}={MANAGER},{SERVICE}={}", target.service));
        let deployments: Api<Deployment> = Api::namespaced(self.client.clone(), &space);
        let sets: Api<StatefulSet> = Api::namespaced(self.client.clone(), &space);
        let jobs: Api<Job> = Api::namespaced(self.client.clone(), &space);
        let on_demand: Api<CronJob> = Api::namespaced(self.client.clone(), &space);
        let (deployments, sets, jobs, on_demand) = tokio::try_join!(
            error::ask("list of deployments", deployments.list(&own)),
            error::ask("list of stateful sets", sets.list(&own)),
            error::ask("list of jobs", jobs.list(&own)),
            error::ask("list of cron jobs", on_demand.list(&own)),
        )?;
        let ordinal = target.ordinal.unwrap_or_default();
        let deployments = deployments.items.into_iter().filter_map(|one| Some(one.spec?.template));
        let sets = sets.items.into_iter().filter_map(|one| claimed(one, ordinal));
        let jobs = jobs.items.into_iter().filter_map(|one| Some(one.spec?.template));
        let on_demand =
            on_demand.items.into_iter().filter_map(|one| Some(one.spec?.job_template.spec?.template));
        let found = deployments.chain(sets).chain(on_demand).chain(jobs).next();
        let template = found.ok_or_else(|| none(target, target.service.to_string()))?;
        let container = target.container.clone().unwrap_or_else(|| MAIN.to_owned());
        let has = |all: &[Container]| all.iter().any(|one| one.name == container);
        let spec = template.spec.as_ref();
        if spec.is_some_and(|spec| {
            has(&spec.containers) || has(spec.init_containers.as_deref().unwrap_or_default())
        }) {
            return Ok((template, container));
        }
        Err(none(target, format!("container `{container}` of {}", target.service)))
    }

    async fn remove_fresh(&self, pods: &Api<Pod>, pod: &str) -> Result<()> {
        let what = format!("delete pod/{pod}");
        match error::answer(&what, pods.delete(pod, &DeleteParams::default().grace_period(0))).await? {
            Ok(_) => Ok(()),
            Err(error) if error::status(&error) == Some(404) => Ok(()),
            Err(error) => Err(error::refused(what, &error)),
        }
    }

    /// Removes the pods of commands that have ended, or whose callers were killed on this host, and answers their
    /// names; with `dry_run` only names them.
    pub(super) async fn clear_fresh(&self, mirror: &Name, dry_run: bool) -> Result<Vec<String>> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &namespace(mirror));
        let own =
            ListParams::default().labels(&format!("{MANAGED_BY}={MANAGER},{MIRROR}={mirror},!{SERVICE}"));
        let mut gone = Vec::new();
        for pod in error::ask("list of pods", pods.list(&own)).await? {
            let Some(holder) = pod.annotations().get(HOLDER) else { continue };
            if holder.parse::<Holder>().is_ok_and(|holder| !holder.is_gone()) {
                continue;
            }
            let name = pod.name_any();
            if !dry_run {
                self.remove_fresh(&pods, &name).await?;
            }
            gone.push(format!("pod/{name}"));
        }
        Ok(gone)
    }
}

/// What there is of the container, and in which version of its pod.
struct Look {
    runs: bool,
    end: Option<ContainerStateTerminated>,
    version: String,
}

async fn look_at(pods: &Api<Pod>, pod: &str, container: &str) -> Result<Look> {
    let found = error::ask(format!("pod/{pod}"), pods.get(pod)).await?;
    let status = statuses(&found).find(|status| status.name == container);
    let state = status.and_then(|status| status.state.clone()).unwrap_or_default();
    let version = found.metadata.resource_version.clone().unwrap_or_default();
    Ok(Look { runs: state.running.is_some(), end: state.terminated, version })
}

/// Returns when something about a pod has changed since, or the watch ended, as each does after a while.
async fn next_change(pods: &Api<Pod>, pod: &str, version: &str) -> Result<()> {
    let one = format!("metadata.name={pod}");
    let how = WatchParams::default().fields(&one);
    let mut watch = pin!(error::ask(format!("pod/{pod}"), pods.watch(&how, version)).await?);
    while let Some(Ok(WatchEvent::Bookmark(_))) = watch.next().await {}
    Ok(())
}

/// The template of a stateful set with the claims of one of its pods.
fn claimed(set: StatefulSet, ordinal: u32) -> Option<PodTemplateSpec> {
    let name = set.name_any();
    let spec = set.spec?;
    let mut template = spec.template;
    let volumes = template.spec.as_mut()?.volumes.get_or_insert_default();
    for claim in spec.volume_claim_templates.unwrap_or_default() {
        let volume = claim.name_any();
        let source = PersistentVolumeClaimVolumeSource {
            claim_name: format!("{volume}-{name}-{ordinal}"),
            ..PersistentVolumeClaimVolumeSource::default()
        };
        volumes.push(Volume { name: volume, persistent_volume_claim: Some(source), ..Volume::default() });
    }
    Some(template)
}

/// It has the labels that make it the mirror's to remove, and none by which a service finds its pods.
fn made_like(template: PodTemplateSpec, container: &str, target: &Target, argv: &[String], tty: bool) -> Pod {
    let of = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let holder = Holder::of_this_process("exec").to_string();
    let metadata = ObjectMeta {
        generate_name: Some(format!("{}-fresh-", target.service)),
        labels: Some(BTreeMap::from([of(MANAGED_BY, MANAGER), of(MIRROR, target.mirror.as_str())])),
        annotations: Some(BTreeMap::from([of(HOLDER, &holder)])),
        ..ObjectMeta::default()
    };
    let spec = template.spec.map(|spec| PodSpec {
        restart_policy: Some("Never".to_owned()),
        termination_grace_period_seconds: Some(0),
        ..only(spec, container, argv, tty)
    });
    Pod { metadata, spec, ..Pod::default() }
}

/// A pod of one container, after those that run before it.
fn only(mut spec: PodSpec, name: &str, argv: &[String], tty: bool) -> PodSpec {
    let is_meant = |one: &Container| one.name == name;
    let mut before = spec.init_containers.take().unwrap_or_default();
    let at = before.iter().position(is_meant);
    let meant = at.map(|at| before.split_off(at).swap_remove(0));
    let meant = meant.or_else(|| spec.containers.iter().find(|one| is_meant(one)).cloned());
    before.retain(|one| one.restart_policy.is_none());
    let gate = ["sh", "-c", GATE, "sh"].map(str::to_owned);
    let meant = meant.map(|meant| Container {
        resources: Some(unreserved(meant.resources.clone().unwrap_or_default())),
        command: Some(gate.into_iter().chain(argv.iter().cloned()).collect()),
        args: None,
        stdin: Some(true),
        stdin_once: Some(true),
        tty: Some(tty),
        startup_probe: None,
        readiness_probe: None,
        liveness_probe: None,
        lifecycle: None,
        restart_policy: None,
        ..meant
    });
    PodSpec { init_containers: Some(before), containers: meant.into_iter().collect(), ..spec }
}

/// Within the same limits, but without a claim on a node that may have no room for one more replica.
fn unreserved(resources: ResourceRequirements) -> ResourceRequirements {
    let none = |name: &String| (name.clone(), Quantity("0".to_owned()));
    let ordinary = |name: &&String| ["cpu", "memory"].contains(&name.as_str());
    let limits = resources.limits.iter().flat_map(BTreeMap::keys);
    // Without a request a limit would be one.
    let requests = limits.filter(ordinary).map(none).collect();
    ResourceRequirements { requests: Some(requests), ..resources }
}

fn unstarted(what: &str, end: &ContainerStateTerminated) -> ClusterError {
    let said = end.message.clone().unwrap_or_default();
    let why = match said.contains("executable file not found") || said.contains("no such file or directory") {
        true => "its image has no `sh`, which a fresh pod on a cluster begins with".to_owned(),
        false => format!("it ended with {} before it began: {said}", end.exit_code),
    };
    ClusterError::Api { what: what.to_owned(), why }
}
