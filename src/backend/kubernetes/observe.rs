//! What there is of mirrors, in the words of containers: what a cluster has beyond them, verify reads.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    core::v1::{
        ContainerState, ContainerStatus as Status, PersistentVolumeClaim, Pod, PodTemplateSpec, Secret,
    },
};
use kube::{
    Api, ResourceExt as _,
    api::{ListParams, ObjectMeta},
};

use super::{
    Cluster, MANAGED_BY, MANAGER, MIRROR, Result, SERVICE, error, given, list::ListedMirror, pages, pods,
};
use crate::{
    formats::{
        course::{Course, Ordered},
        duties::Role,
        journal::{ContainerStatus, KeeperStatus, LastExit, ProbeKind, ReplicaStatus, UpState},
    },
    labels::{self, Kind, kubernetes as keys},
    name::Name,
    observed::{Container, Network, Observed, State, Volume},
    plan::kubernetes::namespace,
};

impl Cluster {
    /// The mirrors as they stand; each namespace is what keeps one apart.
    pub(super) async fn observe(&self, mirrors: &[ListedMirror]) -> Result<Observed> {
        let one = async |listed: &ListedMirror| -> Result<Observed> {
            let Ok(mirror) = Name::new(listed.mirror.as_str()) else { return Ok(Observed::default()) };
            self.observe_one(&mirror, listed).await
        };
        let mut all = Observed::default();
        for found in try_join_all(mirrors.iter().map(one)).await? {
            all.containers.extend(found.containers);
            all.networks.extend(found.networks);
            all.volumes.extend(found.volumes);
            all.keeper = found.keeper;
        }
        if mirrors.len() > 1 {
            all.keeper = None;
        }
        Ok(all)
    }

    async fn observe_one(&self, mirror: &Name, listed: &ListedMirror) -> Result<Observed> {
        let space = &listed.namespace;
        let ours = ListParams::default().labels(&format!("{MANAGED_BY}={MANAGER},{MIRROR}={mirror}"));
        let found: Api<Pod> = Api::namespaced(self.client.clone(), space);
        let claims: Api<PersistentVolumeClaim> = Api::namespaced(self.client.clone(), space);
        let every = ListParams::default();
        let (found, claims, status, stopped) = tokio::try_join!(
            pages::all("list of pods", &found, &ours, pods::lean),
            error::ask("list of claims", claims.list(&every)),
            self.status_of(mirror),
            self.stopped(mirror),
        )?;
        let numbered = pods::numbered(found.items);
        let secrets = if numbered.iter().any(|(_, pod)| pod.labels().contains_key(keys::ENGINE)) {
            self.values_in(space).await?
        } else {
            BTreeMap::new()
        };
        let whose = Whose { mirror, listed, secrets };
        let mut containers: Vec<Container> =
            numbered.iter().flat_map(|(ordinal, pod)| whose.containers(*ordinal, pod)).collect();
        containers.extend(stopped.iter().flat_map(|workload| whose.stopped(workload)));
        let keeper = status.map(|(course, mut status)| {
            status.replicas = numbered.iter().map(|(at, pod)| replica(&course, *at, pod)).collect();
            status.replicas.extend(stopped.iter().flat_map(Stopped::replicas));
            status
        });
        let claim = |claim: PersistentVolumeClaim| Volume {
            name: claim.name_any(),
            labels: claim.metadata.labels.unwrap_or_default(),
            options: BTreeMap::new(),
        };
        Ok(Observed {
            containers,
            networks: vec![Network {
                name: space.clone(),
                labels: whose.labels(),
                internal: true,
                ..Network::default()
            }],
            volumes: claims.items.into_iter().map(claim).collect(),
            keeper,
            ..Observed::default()
        })
    }

    /// What the mirror's record and its lease say; of its replicas nothing.
    pub(super) async fn status_of(&self, mirror: &Name) -> Result<Option<(Course, KeeperStatus)>> {
        let (course, standing) = tokio::try_join!(self.course(mirror), self.standing(mirror))?;
        Ok(course.map(|course| {
            let mut status = course.status();
            status.leased = standing.held;
            if standing.run_died && status.up == UpState::Done {
                // Whoever ran it would have removed it next.
                status.up = UpState::DownBegun;
            }
            (course, status)
        }))
    }

    /// The whole status, replicas included.
    pub(super) async fn says(&self, mirror: &Name) -> Result<Option<KeeperStatus>> {
        let mirrors = self.mirrors().await?;
        let Some(listed) = mirrors.iter().find(|listed| listed.mirror == mirror.as_str()) else {
            return Ok(None);
        };
        Ok(self.observe_one(mirror, listed).await?.keeper)
    }

    /// Workloads that were stopped.
    pub(super) async fn stopped(&self, mirror: &Name) -> Result<Vec<Stopped>> {
        let space = namespace(mirror);
        let ours = ListParams::default().labels(&format!("{MANAGED_BY}={MANAGER},{MIRROR}={mirror}"));
        let deployments: Api<Deployment> = Api::namespaced(self.client.clone(), &space);
        let sets: Api<StatefulSet> = Api::namespaced(self.client.clone(), &space);
        let (deployments, sets) = tokio::try_join!(
            error::ask("list of deployments", deployments.list(&ours)),
            error::ask("list of stateful sets", sets.list(&ours)),
        )?;
        let of_deployment = |one: &Deployment| {
            let spec = one.spec.as_ref()?;
            Stopped::read(&one.metadata, spec.replicas, &spec.template)
        };
        let of_set = |one: &StatefulSet| {
            let spec = one.spec.as_ref()?;
            Stopped::read(&one.metadata, spec.replicas, &spec.template)
        };
        let deployments = deployments.items.iter().filter_map(of_deployment);
        Ok(deployments.chain(sets.items.iter().filter_map(of_set)).collect())
    }

    /// The values of a namespace's Secrets, by object and key.
    async fn values_in(&self, space: &str) -> Result<BTreeMap<(String, String), String>> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), space);
        let ours = ListParams::default().labels(&format!("{MANAGED_BY}={MANAGER}"));
        let mut all = BTreeMap::new();
        for secret in error::ask("list of secrets", secrets.list(&ours)).await? {
            let name = secret.name_any();
            for (key, value) in secret.data.unwrap_or_default() {
                if let Ok(value) = String::from_utf8(value.0) {
                    all.insert((name.clone(), key), value);
                }
            }
        }
        Ok(all)
    }
}

/// A workload without replicas that had some.
pub(super) struct Stopped {
    service: String,
    kind: String,
    replicas: u32,
    created: String,
    image: String,
}

impl Stopped {
    fn read(metadata: &ObjectMeta, replicas: Option<i32>, pod: &PodTemplateSpec) -> Option<Self> {
        let label = |key: &str| metadata.labels.as_ref()?.get(key).cloned();
        let had = metadata.annotations.as_ref()?.get(keys::REPLICAS)?.parse().ok()?;
        let (service, kind) = (label(SERVICE)?, label(keys::KIND)?);
        let main = pod.spec.as_ref()?.containers.iter().find(|container| container.name == MAIN);
        let image = main.and_then(|main| main.image.clone()).unwrap_or_default();
        let created = created(metadata);
        (replicas == Some(0)).then_some(Self { service, kind, replicas: had, created, image })
    }

    fn replicas(&self) -> Vec<ReplicaStatus> {
        let one = |ordinal| ReplicaStatus {
            service: self.service.clone(),
            ordinal,
            ready: false,
            initialized: true,
            stopped: true,
            containers: Vec::new(),
        };
        (0..self.replicas).map(one).collect()
    }
}

/// Whose the containers are, and what their variables are made of.
struct Whose<'a> {
    mirror: &'a Name,
    listed: &'a ListedMirror,
    secrets: BTreeMap<(String, String), String>,
}

impl Whose<'_> {
    fn labels(&self) -> BTreeMap<String, String> {
        let of = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        BTreeMap::from([of(labels::MIRROR, self.mirror.as_str()), of(labels::OWNER, &self.listed.owner)])
    }

    /// The containers of one pod, the main one as that of a service, a store or a job.
    fn containers(&self, ordinal: u32, pod: &Pod) -> Vec<Container> {
        let Some(spec) = &pod.spec else { return Vec::new() };
        let all = spec.init_containers.iter().flatten().chain(&spec.containers);
        let of = |name: &str| pod.labels().get(name).cloned().unwrap_or_default();
        all.map(|container| {
            let role =
                role_of(&container.name, container.restart_policy.as_deref(), is_init(pod, &container.name));
            let status = statuses(pod).find(|status| status.name == container.name);
            let mut own = self.labels();
            let kind = match role {
                Role::Main => of(keys::KIND),
                Role::Init => Kind::Init.as_str().to_owned(),
                Role::Sidecar => Kind::Sidecar.as_str().to_owned(),
            };
            own.insert(labels::KIND.to_owned(), kind);
            own.insert(labels::SERVICE.to_owned(), of(SERVICE));
            own.insert(labels::ORDINAL.to_owned(), ordinal.to_string());
            own.insert(labels::CONTAINER.to_owned(), container.name.clone());
            let engine = pod.labels().get(keys::ENGINE).filter(|_| role == Role::Main);
            own.extend(engine.map(|engine| (labels::ENGINE.to_owned(), engine.clone())));
            let (env, untold) = given::variables(pod, container, &self.secrets);
            let image_id = status.map(|status| status.image_id.clone()).unwrap_or_default();
            Container {
                id: status.and_then(|status| status.container_id.clone()).unwrap_or_default(),
                name: format!("{}/{}", pod.name_any(), container.name),
                labels: own,
                created: created(&pod.metadata),
                state: state(status),
                image_reference: container.image.clone().unwrap_or_default(),
                image_descriptor: image_id.rsplit_once('@').map(|(_, digest)| digest.to_owned()),
                image_id,
                entrypoint: container.command.clone(),
                command: container.args.clone(),
                env: env.into_iter().map(|(name, value)| format!("{name}={value}")).collect(),
                untold,
                ..Container::default()
            }
        })
        .collect()
    }

    /// What a stopped workload ran, so that nobody takes it for gone.
    fn stopped(&self, workload: &Stopped) -> Vec<Container> {
        let one = |ordinal: u32| {
            let mut own = self.labels();
            own.insert(labels::KIND.to_owned(), workload.kind.clone());
            own.insert(labels::SERVICE.to_owned(), workload.service.clone());
            own.insert(labels::ORDINAL.to_owned(), ordinal.to_string());
            Container {
                name: workload.service.clone(),
                labels: own,
                created: workload.created.clone(),
                image_reference: workload.image.clone(),
                state: State { status: "created".to_owned(), ..State::default() },
                ..Container::default()
            }
        };
        (0..workload.replicas).map(one).collect()
    }
}

fn created(metadata: &ObjectMeta) -> String {
    metadata.creation_timestamp.as_ref().map(|time| time.0.to_string()).unwrap_or_default()
}

fn is_init(pod: &Pod, name: &str) -> bool {
    pod.spec.iter().flat_map(|spec| spec.init_containers.iter().flatten()).any(|one| one.name == name)
}

fn role_of(name: &str, restart: Option<&str>, is_init: bool) -> Role {
    match (is_init, restart) {
        (true, Some("Always")) => Role::Sidecar,
        (true, _) => Role::Init,
        (false, _) if name == MAIN => Role::Main,
        (false, _) => Role::Sidecar,
    }
}

/// The plan's name for the container of the service itself.
pub(super) const MAIN: &str = "main";

pub(super) fn statuses(pod: &Pod) -> impl Iterator<Item = &Status> {
    let status = pod.status.iter();
    status
        .flat_map(|status| status.init_container_statuses.iter().chain(&status.container_statuses).flatten())
}

fn state(status: Option<&Status>) -> State {
    let ContainerState { running, terminated, waiting: _ } =
        status.and_then(|status| status.state.clone()).unwrap_or_default();
    match (running, terminated) {
        (Some(running), _) => State {
            status: "running".to_owned(),
            started: running.started_at.map(|time| time.0.to_string()).unwrap_or_default(),
            ..State::default()
        },
        (None, Some(end)) => State {
            status: "exited".to_owned(),
            exit_code: i64::from(end.exit_code),
            oom_killed: end.reason.as_deref() == Some(OOM_KILLED),
            error: end.message.unwrap_or_default(),
            started: end.started_at.map(|time| time.0.to_string()).unwrap_or_default(),
            finished: end.finished_at.map(|time| time.0.to_string()).unwrap_or_default(),
            pid: 0,
        },
        (None, None) => State { status: "created".to_owned(), ..State::default() },
    }
}

const OOM_KILLED: &str = "OOMKilled";

fn replica(course: &Course, ordinal: u32, pod: &Pod) -> ReplicaStatus {
    let service = pod.labels().get(SERVICE).cloned().unwrap_or_default();
    let condition = |name: &str| {
        let all = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
        all.into_iter().any(|one| one.type_ == name && one.status == "True")
    };
    let is_done = pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Succeeded");
    ReplicaStatus {
        stopped: course.ordered(&service, ordinal) == Ordered::Stop,
        ready: condition("Ready") || is_done,
        initialized: condition("Initialized"),
        containers: statuses(pod).map(|status| container(pod, status)).collect(),
        service,
        ordinal,
    }
}

fn container(pod: &Pod, status: &Status) -> ContainerStatus {
    let ContainerState { running, waiting, terminated } = status.state.clone().unwrap_or_default();
    let before = status.last_state.as_ref().and_then(|state| state.terminated.clone());
    let mut all =
        pod.spec.iter().flat_map(|spec| spec.init_containers.iter().flatten().chain(&spec.containers));
    let planned = all.find(|one| one.name == status.name);
    let restart = planned.and_then(|one| one.restart_policy.as_deref());
    // The cluster says how far it is, and not which probe it waits for.
    let probe = match (status.started, status.ready) {
        (Some(false), _) => planned.filter(|one| one.startup_probe.is_some()).map(|_| ProbeKind::Startup),
        (Some(true), false) => {
            planned.filter(|one| one.readiness_probe.is_some()).map(|_| ProbeKind::Readiness)
        }
        (Some(true), true) | (None, _) => None,
    };
    let end = terminated.or(before);
    ContainerStatus {
        key: format!("{}/{}", pod.name_any(), status.name),
        name: status.name.clone(),
        role: role_of(&status.name, restart, is_init(pod, &status.name)),
        running: running.is_some(),
        restarts: u32::try_from(status.restart_count).unwrap_or_default(),
        starts: u32::try_from(status.restart_count).unwrap_or_default()
            + u32::from(status.container_id.is_some()),
        // The cluster does not tell how long it is.
        waiting_millis: waiting
            .filter(|waiting| waiting.reason.as_deref() == Some("CrashLoopBackOff"))
            .map(|_| 0),
        last_exit: end.map(|end| LastExit {
            at: end.finished_at.map(|time| time.0.to_string()).unwrap_or_default(),
            code: i64::from(end.exit_code),
            oom_killed: end.reason.as_deref() == Some(OOM_KILLED),
            reason: end.reason.unwrap_or_default(),
        }),
        probe: probe.filter(|_| running.is_some()),
        last_answer: None,
    }
}
