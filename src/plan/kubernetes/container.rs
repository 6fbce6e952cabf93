//! One container of a pod: its process, what it is given, and the walls around it.

use indexmap::IndexMap;

use super::{
    ContainerPort, ContainerSpec, EnvSource, PodMount, PullPolicy, Quantities, Seccomp, Walls,
    names::{is_port_name, is_variable},
    probes, seconds,
    secrets::SecretKeys,
};
use crate::{
    formats::duties::Role,
    plan::{
        BackendKind, ImagePlan, ImageSource, Site,
        capabilities::ImageFacts,
        containers::Part,
        duties,
        env::{self, Told},
        order::Node,
        refusals::Lack,
        stores,
    },
    profile::{Allow, Limits, Process, Protocol, Requests, Resources},
};

/// One container; `mounts` are those of every container of the pod and its own.
pub(super) fn container(
    site: &Site<'_>,
    node: &Node<'_>,
    part: Part<'_>,
    name: String,
    mounts: Vec<PodMount>,
    secrets: &mut SecretKeys<'_>,
) -> ContainerSpec {
    let process = part.process(node);
    let (image, facts) = image(site, node, part);
    let is_main = matches!(part, Part::Main);
    let run = node.run;
    let grace = seconds::grace(run);
    let (post_start, pre_stop) = match part {
        Part::Main => (&run.post_start, &run.pre_stop),
        // Kubernetes refuses both on init containers.
        Part::Init(..) => (&None, &None),
        Part::Sidecar(_, container) => (&container.post_start, &container.pre_stop),
    };
    let probes = probes::of(node, part);
    let hook = |hook: &Option<_>| hook.as_ref().and_then(|hook| probes::hook(node, hook, grace));
    ContainerSpec {
        pull: pull(&image),
        role: role(part),
        // An empty list would be the image's own.
        entrypoint: process.entrypoint.clone().filter(|words| !words.is_empty()),
        command: match node.store.filter(|_| is_main) {
            Some(store) => stores::command(store, facts),
            None => process.command.clone(),
        },
        env: variables(site, node, part, process, &name, secrets),
        working_dir: process.working_dir.clone(),
        ports: if is_main { ports(node) } else { Vec::new() },
        mounts,
        limits: limits(&process.resources.limits),
        requests: requests(&process.resources),
        walls: walls(site, process),
        startup: probes.startup,
        readiness: probes.readiness,
        liveness: probes.liveness,
        post_start: hook(post_start),
        pre_stop: hook(pre_stop),
        image,
        name,
    }
}

fn role(part: Part<'_>) -> Role {
    match part {
        Part::Main => Role::Main,
        Part::Init(..) => Role::Init,
        Part::Sidecar(..) => Role::Sidecar,
    }
}

/// What the nodes are asked for: an image built here by its name, for nodes know no ids of the engine's.
fn image<'c>(site: &Site<'c>, node: &Node<'c>, part: Part<'c>) -> (ImagePlan, Option<&'c ImageFacts>) {
    let (mut image, facts) = part.image(site, node);
    if let (ImageSource::Local, Some(written)) = (image.source, &image.written) {
        image.reference = written.to_engine();
    }
    (image, facts)
}

fn pull(image: &ImagePlan) -> PullPolicy {
    match image.source {
        ImageSource::Digest | ImageSource::Tag => PullPolicy::IfNotPresent,
        ImageSource::Local | ImageSource::Role | ImageSource::Helper => PullPolicy::Never,
    }
}

/// Why the nodes cannot run an image as it is named.
pub(super) fn lack(site: &Site<'_>, image: &ImagePlan) -> Option<Lack> {
    let written = image.written.as_ref()?;
    let is_local = matches!(image.source, ImageSource::Local | ImageSource::Role);
    (is_local && site.capabilities.host.backend == BackendKind::Kubernetes).then(|| Lack {
        code: "image-local",
        message: format!("{written} is built here, and the cluster's nodes have no registry that has it"),
        fill: "push it, and name it: --image SERVICE=REGISTRY/NAME@DIGEST".to_owned(),
    })
}

/// The variables in order; those whose names Kubernetes refuses are left out, and the ledger says so.
fn variables(
    site: &Site<'_>,
    node: &Node<'_>,
    part: Part<'_>,
    process: &Process,
    container: &str,
    secrets: &mut SecretKeys<'_>,
) -> IndexMap<String, EnvSource> {
    let is_main = matches!(part, Part::Main);
    let told = env::told(site, node, process, is_main).filter(|(name, _)| is_variable(name));
    told.map(|(name, told)| {
        let source = match told {
            Told::Field(field) => EnvSource::Field(field),
            Told::Text(template) if template.holds_secret() => secrets.variable(container, &name, template),
            Told::Text(template) => EnvSource::Text(template.to_string()),
        };
        (name, source)
    })
    .collect()
}

fn ports(node: &Node<'_>) -> Vec<ContainerPort> {
    let mut ports: Vec<ContainerPort> = Vec::new();
    for (name, number) in duties::ports(node) {
        let protocol = node.run.ports.get(&name).map_or(Protocol::Tcp, |port| port.protocol);
        if !ports.iter().any(|known| known.port == number && known.protocol == protocol) {
            let name = Some(name.to_string()).filter(|name| is_port_name(name));
            ports.push(ContainerPort { name, port: number, protocol });
        }
    }
    ports
}

fn limits(limits: &Limits) -> Quantities {
    let Limits { cpu, memory, ephemeral_storage } = limits;
    Quantities { cpu: *cpu, memory: *memory, ephemeral_storage: *ephemeral_storage }
}

/// Kubernetes takes no request above its limit; `check` finds one.
fn requests(resources: &Resources) -> Quantities {
    let Requests { cpu, memory } = &resources.requests;
    let most = &resources.limits;
    Quantities {
        cpu: cpu.map(|cpu| most.cpu.map_or(cpu, |most| cpu.min(most))),
        memory: memory.map(|bytes| most.memory.map_or(bytes, |most| bytes.min(most))),
        ephemeral_storage: None,
    }
}

fn walls(site: &Site<'_>, process: &Process) -> Walls {
    let privileged = process.privileged == Some(true) && site.profile.allow.contains(&Allow::Privileged);
    let (user, group) = ids(process.user.as_deref());
    let add = &process.capabilities.add;
    // Both at once are refused.
    let gains = privileged || add.iter().any(|cap| is_admin(cap));
    Walls {
        user,
        group,
        read_only: process.read_only == Some(true),
        privileged,
        privilege_escalation: match process.no_new_privileges {
            Some(true) if gains => None,
            written => written.map(|forbidden| !forbidden),
        },
        seccomp: match process.seccomp.as_deref() {
            Some("runtime/default") => Some(Seccomp::RuntimeDefault),
            Some("unconfined") => Some(Seccomp::Unconfined),
            // A file of production's nodes is not on these.
            Some(_) | None => None,
        },
        cap_add: add.clone(),
        cap_drop: process.capabilities.drop.clone(),
    }
}

pub(crate) fn is_admin(capability: &str) -> bool {
    matches!(capability, "SYS_ADMIN" | "CAP_SYS_ADMIN" | "ALL")
}

/// `UID:GID`, each if it is a number: Kubernetes knows no names.
pub(crate) fn ids(user: Option<&str>) -> (Option<u32>, Option<u32>) {
    let Some(user) = user else { return (None, None) };
    let (user, group) = user.split_once(':').map_or((user, None), |(user, group)| (user, Some(group)));
    let user = id(user);
    // A group without a user would change only half of what the profile says.
    (user, group.and_then(id).filter(|_| user.is_some()))
}

/// A user or a group as Kubernetes takes it: the upper half of the numbers it refuses.
pub(crate) fn id(text: &str) -> Option<u32> {
    text.parse().ok().filter(|id| *id <= i32::MAX as u32)
}
