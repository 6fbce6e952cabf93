//! The plan for a Kubernetes cluster, Kind's or any other: the same decisions, as objects in waves.
//!
//! [`cluster`] is pure and total as [`super::plan`] is, and asks no cluster: what it cannot know (a metrics server, an
//! architecture) stands in [`Capabilities`]. What both back ends decide alike (order, images, variables, secrets,
//! refusals) is decided by the same code.
//!
//! # How a launch uses it
//!
//! 1. Stop at [`ClusterPlan::refusals`].
//! 2. Take the [`ClusterPlan::steps`] in their order. `Apply` names objects by [`ObjectKey`]; their manifests come from
//!    `render::manifests`, which are the files of `render::cluster` read and checked. An object whose label
//!    `prodmirror/spec` is what the cluster has already needs nothing; a Job that differs is removed and made again.
//! 3. `Secrets` are in no file: each [`Body::Secret`] has the templates of its values, [`SecretText::fill`] puts the
//!    values of [`ClusterPlan::secrets`] in. Every secret of the profile has an object of its own, `NAME.secret` with
//!    the key `value`, from which a later `up` reads the value back.
//! 4. `Seed` finds its store in [`ClusterPlan::stores`]: the pod to run the engine's commands in, and the login.
//! 5. `Ready` waits for Deployments, StatefulSets and Jobs of these names.
//! 6. What the namespace holds with our labels and the plan does not have any more is removed.

mod bounds;
mod container;
mod files;
mod labels;
mod names;
mod network;
mod notes;
mod objects;
mod pod;
mod pods;
mod probes;
mod seconds;
mod secrets;
mod security;
mod shape;
mod steps;
mod text;
mod volumes;
mod workload;

use indexmap::IndexMap;
use serde::Serialize;

pub use bounds::Bounds;
pub use objects::{Body, EgressRule, Object, ObjectKey, ObjectKind, SecretText, ServicePort, protocol_text};
pub use pod::{
    ContainerPort, ContainerSpec, DnsSpec, EnvSource, HookSpec, PodMount, PodSpec, ProbeSpec, Projection,
    ProjectionItem, ProjectionSource, PullPolicy, Quantities, RestartPolicy, Seccomp, VolumeSource, Walls,
};
pub use security::PodSecurity;
pub use shape::{ClusterShape, EVICTED_BELOW, FEWEST_PIDS, NodeShape, PAUSE, Withheld, ZONE, minor_version};
// What the ledger asks as well.
pub(crate) use container::{id, ids, is_admin};
pub(crate) use files::are_too_large as files_are_too_large;
pub(crate) use labels::{Carried, carried};
pub(crate) use names::{is_dns_label, is_dns_name, is_mount_path, is_variable};
pub use network::NAMESPACED_SYSCTLS;
pub(crate) use network::{is_namespaced_sysctl, is_safe_sysctl};
pub(crate) use pods::{is_search, processes_of};
pub(crate) use seconds::{grace as grace_seconds, sleep as sleep_seconds, up as whole_seconds};

use super::{
    BackendKind, Capabilities, PodKind, Refusal, SecretPlan, Served, Site, Step, Template, gateway,
    order::{self, Node},
    refusals, secrets as of_profile, spec, stores as engines,
};
use crate::{
    formats::doors::Door,
    labels::{Kind, kubernetes as keys},
    ledger::{self, Wanted},
    name::Name,
    profile::{self, Bytes, EngineKind, Origins, Profile, Seed},
};

/// Takes every decision for a cluster.
///
/// `origins` says where the values came from and passes through for people to read.
pub fn cluster(profile: &Profile, capabilities: &Capabilities, origins: &Origins) -> ClusterPlan {
    let nodes = order::nodes(profile);
    let site = Site::new(profile, capabilities, &nodes);
    let objects = objects(&site, &nodes);
    let mut secrets = site.secrets.clone();
    of_profile::keep_used(&mut secrets, templates(&objects));
    let mut plan = ClusterPlan {
        mirror: capabilities.mirror.clone(),
        owner: capabilities.owner.clone(),
        backend: capabilities.host.backend,
        namespace: namespace(&capabilities.mirror),
        shape: shape(profile, capabilities),
        bounds: Bounds::of(&objects),
        steps: steps::steps(&nodes, &objects),
        ledger: Vec::new(),
        origins: origins.0.iter().map(|(path, origin)| (path.to_string(), origin.to_string())).collect(),
        notes: notes::of_plan(&site, &nodes, &objects),
        refusals: cluster_refusals(&site, &nodes, &objects),
        stores: nodes.iter().filter_map(|node| store(&site, node)).collect(),
        jobs: nodes.iter().filter_map(job).collect(),
        doors: gateway::doors(&site, &nodes),
        secrets,
        objects,
    };
    plan.ledger = ledger::wanted(&profile::tree(profile), profile, capabilities, &plan);
    plan
}

/// A cluster is made for Kind alone.
fn shape(profile: &Profile, capabilities: &Capabilities) -> Option<ClusterShape> {
    (capabilities.host.backend == BackendKind::Kind).then(|| ClusterShape::of(profile, capabilities))
}

/// The namespace of a mirror.
pub fn namespace(mirror: &Name) -> String {
    format!("pm-{mirror}")
}

/// The fully resolved list of what will be done on a cluster.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClusterPlan {
    pub mirror: Name,
    pub owner: String,
    /// Kind or Kubernetes.
    pub backend: BackendKind,
    /// `pm-MIRROR`; every object but the namespace itself lies in it.
    pub namespace: String,
    /// What the cluster is made like, where one is made for it.
    pub shape: Option<ClusterShape>,
    /// The quota of its namespace.
    pub bounds: Bounds,
    /// Secrets in the order of the profile, each with the variables through which templates name it.
    pub secrets: Vec<SecretPlan>,
    /// In an order in which they can be made.
    pub objects: Vec<Object>,
    pub stores: Vec<ClusterStore>,
    /// Those that every launch runs, each after what it needs.
    pub jobs: Vec<ClusterJob>,
    /// Ports to forward to this host's loopback; `listen` is not used.
    pub doors: Vec<Door>,
    pub steps: Vec<Step<ClusterDoes>>,
    pub ledger: Vec<Wanted>,
    /// Where each value came from, for people: path to `file:line` or `--set`.
    pub origins: IndexMap<String, String>,
    /// Things to say before launching.
    pub notes: Vec<String>,
    /// Reasons why `up` must refuse before anything is made: those of [`super::Plan::refusals`] that do not stand on
    /// Docker, and `image-local`, `files-too-large`.
    pub refusals: Vec<Refusal>,
}

impl ClusterPlan {
    pub fn object(&self, key: &ObjectKey) -> Option<&Object> {
        self.objects.iter().find(|object| object.body.kind() == key.kind && object.name == key.name)
    }

    /// Jobs that must run again once these stores hold their seeds: those that need one, and those that need such a job.
    pub fn jobs_after<'a>(&'a self, stores: &[&Name]) -> Vec<&'a Name> {
        let mut renewed: Vec<&Name> = Vec::new();
        for ClusterJob { job, needs } in &self.jobs {
            if needs.iter().any(|need| stores.contains(&need) || renewed.contains(&need)) {
                renewed.push(job);
            }
        }
        renewed
    }

    /// The references of all containers' images, each once.
    pub fn images(&self) -> Vec<String> {
        let pods = self.objects.iter().filter_map(Object::pod);
        let references =
            pods.flat_map(PodSpec::containers).map(|container| container.image.reference.clone());
        let unique: std::collections::BTreeSet<String> = references.collect();
        unique.into_iter().collect()
    }

    /// The workloads that have at least one replica, with the service, store or job of each.
    pub fn pods(&self) -> impl Iterator<Item = (&Name, &PodSpec)> {
        let has_replica = |object: &&Object| {
            !matches!(
                object.body,
                Body::Deployment { replicas: 0, .. } | Body::StatefulSet { replicas: 0, .. }
            )
        };
        let of = |object| -> Option<(&Name, &PodSpec)> {
            let object: &Object = object;
            Some((object.service.as_ref()?, object.pod()?))
        };
        self.objects.iter().filter(has_replica).filter_map(of)
    }
}

/// A job, and what it needs before it runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClusterJob {
    pub job: Name,
    pub needs: Vec<Name>,
}

/// What the launch needs to know of a store to seed it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClusterStore {
    pub store: Name,
    #[serde(serialize_with = "crate::plan::volume::engine_as_text")]
    pub engine: EngineKind,
    /// The first pod, in whose container `main` the engine runs.
    pub pod: String,
    /// The claim that holds the data.
    pub claim: String,
    pub port: u16,
    pub database: Option<Template>,
    pub user: Option<Template>,
    pub password: Option<Template>,
    pub settings: IndexMap<String, String>,
    /// A file or folder, relative to the profile; absent is empty.
    pub seed: Option<String>,
}

impl ClusterStore {
    pub fn served(&self) -> Served<'_> {
        Served {
            store: &self.store,
            engine: self.engine,
            port: self.port,
            database: self.database.as_ref(),
            user: self.user.as_ref(),
            password: self.password.as_ref(),
            settings: &self.settings,
            seed: self.seed.as_deref(),
        }
    }
}

/// What a step does on a cluster.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClusterDoes {
    /// Make or change objects, in this order.
    Apply {
        objects: Vec<ObjectKey>,
    },
    /// Fill the Secrets: their values are in no file.
    Secrets {
        objects: Vec<ObjectKey>,
    },
    /// Wait until the store answers, load its seed (none: nothing), set its roles.
    Seed {
        store: Name,
    },
    /// Wait until the services, jobs and stores are ready, jobs finished.
    Ready {
        services: Vec<Name>,
    },
    Verify,
}

/// What stands for the whole mirror, then the names, then wave after wave.
fn objects(site: &Site<'_>, nodes: &[Node<'_>]) -> Vec<Object> {
    let last = nodes.iter().map(|node| node.wave).max().unwrap_or(0);
    let (mut of_nodes, mut claims) = (Vec::new(), IndexMap::new());
    for node in nodes {
        // What runs on demand comes after all else.
        let stage = if node.on_demand { last + 2 } else { node.wave + 1 };
        let (objects, shared) = workload::objects(site, nodes, node, stage);
        of_nodes.extend(objects);
        for (name, size) in shared {
            let known: &mut Bytes = claims.entry(name).or_insert(size);
            *known = size.max(*known);
        }
    }
    let security = PodSecurity::of(of_nodes.iter().filter_map(Object::pod));
    let mut all = vec![namespace_object(site, security)];
    let policy = network::policy();
    all.push(sealed(site, "mirror".to_owned(), 0, Some(Kind::Network), None, policy));
    all.extend(accounts(site, &of_nodes));
    for secret in &site.secrets {
        let (name, data) = (secrets::object_of(&secret.secret), secrets::data_of(secret));
        all.push(sealed(site, name, 0, Some(Kind::Files), None, Body::Secret { data }));
    }
    let claim = |(name, size)| sealed(site, name, 0, Some(Kind::Volume), None, Body::Claim { size });
    all.extend(claims.into_iter().map(claim));
    all.extend(of_nodes);
    all.sort_by_key(|object| object.stage);
    all
}

fn namespace_object(site: &Site<'_>, security: PodSecurity) -> Object {
    let name = namespace(&site.capabilities.mirror);
    let mut object = sealed(site, name, 0, None, None, Body::Namespace { security });
    object.labels.insert(keys::POD_SECURITY.to_owned(), security.as_str().to_owned());
    object
}

/// Accounts that the profile names; every namespace has `default` by itself.
fn accounts(site: &Site<'_>, objects: &[Object]) -> Vec<Object> {
    let named = objects.iter().filter_map(|object| object.pod()?.service_account.clone());
    let names: std::collections::BTreeSet<String> = named.filter(|name| name != "default").collect();
    let account = |name| sealed(site, name, 0, None, None, Body::ServiceAccount);
    names.into_iter().map(account).collect()
}

/// An object with our labels, and the seal on them: the hash of its own body.
fn sealed(
    site: &Site<'_>,
    name: String,
    stage: u32,
    kind: Option<Kind>,
    service: Option<&Name>,
    body: Body,
) -> Object {
    let mut labels = labels::ours(site, kind, service);
    labels.insert(keys::SPEC.to_owned(), spec::seal(&(&body, &labels)));
    let owner = site.capabilities.owner.clone();
    let annotations = IndexMap::from([(keys::OWNER.to_owned(), owner)]);
    Object { name, stage, service: service.cloned(), labels, annotations, body }
}

fn templates(objects: &[Object]) -> impl Iterator<Item = &Template> {
    let secrets = objects.iter().filter_map(|object| match &object.body {
        Body::Secret { data } => Some(data),
        _ => None,
    });
    secrets.flat_map(|data| data.values().map(SecretText::template))
}

fn cluster_refusals(site: &Site<'_>, nodes: &[Node<'_>], objects: &[Object]) -> Vec<Refusal> {
    let mut all = refusals::of_profile(site, nodes);
    for node in nodes {
        let of_node = |object: &&Object| object.service.as_ref() == Some(node.name) && object.pod().is_some();
        let Some(pod) = objects.iter().find(of_node).and_then(Object::pod) else { continue };
        let sides = |specs: &[ContainerSpec]| specs.iter().map(|spec| spec.image.clone()).collect::<Vec<_>>();
        let images = refusals::images_of(node, &pod.main.image, &sides(&pod.init), &sides(&pod.sidecars));
        for (path, image) in images {
            let lack = container::lack(site, &image);
            refusals::lacking(site, path, &image, lack, &mut all);
        }
        if files::are_too_large(node.run) {
            all.push(Refusal {
                code: "files-too-large".to_owned(),
                path: refusals::base(node).key("files").to_string(),
                message: "they are more than the 1 MiB that a ConfigMap holds".to_owned(),
                fill: Some("put them in an image, or in a volume that an init container fills".to_owned()),
            });
        }
    }
    all
}

fn job(node: &Node<'_>) -> Option<ClusterJob> {
    let runs = node.kind == PodKind::Job && !node.on_demand;
    runs.then(|| ClusterJob { job: node.name.clone(), needs: node.needs.to_vec() })
}

fn store(site: &Site<'_>, node: &Node<'_>) -> Option<ClusterStore> {
    let store = node.store?;
    let login = engines::login(store);
    let template = |text| Some(site.template(text)).filter(|template| !template.0.is_empty());
    Some(ClusterStore {
        store: node.name.clone(),
        engine: store.engine,
        pod: format!("{}-0", node.name),
        claim: format!("{}-{}-0", volumes::DATA, node.name),
        port: engines::port(store),
        database: template(&login.database),
        user: template(&login.user),
        password: template(&login.password),
        settings: store.settings.clone(),
        seed: match &store.seed {
            Some(Seed::Path(path)) => Some(path.clone()),
            Some(Seed::Snapshot(_)) | None => None,
        },
    })
}
