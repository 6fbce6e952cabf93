//! A cluster's plan as text: for people, and the form in which tests hold it.

use std::fmt::{self, Display, Formatter};

use super::{
    Body, Bounds, ClusterDoes, ClusterPlan, ContainerSpec, EnvSource, HookSpec, NodeShape, Object, ObjectKey,
    PodSpec, ProbeSpec, ProjectionSource, VolumeSource, Walls, Withheld,
};
use crate::{
    formats::duties::ProbeAct,
    labels::kubernetes as keys,
    profile::{Bytes, Disruption},
};

impl Display for ClusterPlan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "mirror {} of {}, namespace {}", self.mirror, self.owner, self.namespace)?;
        for node in self.shape.iter().flat_map(|shape| &shape.nodes) {
            let NodeShape { labels: _, withheld: Withheld { cores, memory } } = node;
            writeln!(f, "node: {cores} cores and {} of the machine are kept from pods", Bytes(*memory))?;
        }
        let Bounds { pods, claims, storage } = self.bounds;
        writeln!(f, "at most: {pods} pods, {claims} claims of {storage}")?;
        for refusal in &self.refusals {
            writeln!(f, "refused: {} {}: {}", refusal.code, refusal.path, refusal.message)?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        writeln!(f, "\nsteps")?;
        for step in &self.steps {
            let needs = match step.needs.as_slice() {
                [] => String::new(),
                needs => format!("  after {}", needs.join(", ")),
            };
            writeln!(f, "  {}: {}{needs}", step.id, step.does)?;
        }
        writeln!(f, "\nsecrets")?;
        for secret in &self.secrets {
            let url = secret.url_variable.as_ref().map(|url| format!(", in URLs {url}")).unwrap_or_default();
            writeln!(f, "  {} as {}{url}", secret.secret, secret.variable)?;
        }
        writeln!(f, "\nstores")?;
        for store in &self.stores {
            let (engine, seed) = (store.engine.as_str(), store.seed.as_deref().unwrap_or("nothing"));
            writeln!(
                f,
                "  {} {engine} in {} on port {}, seeded from {seed}",
                store.store, store.pod, store.port
            )?;
        }
        writeln!(f, "\nobjects")?;
        self.objects.iter().try_for_each(|object| write_object(f, object))?;
        writeln!(f, "\nledger")?;
        self.ledger.iter().try_for_each(|wanted| {
            let why = wanted.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            writeln!(f, "  {} {}{why}", wanted.grade, wanted.path)
        })
    }
}

fn write_object(f: &mut Formatter<'_>, object: &Object) -> fmt::Result {
    let seal = object.labels.get(keys::SPEC).map(|seal| format!(" [{seal}]")).unwrap_or_default();
    writeln!(f, "  {}{}{seal}", object.key(), about(&object.body))?;
    match &object.body {
        Body::Secret { data } => {
            data.iter().try_for_each(|(key, text)| writeln!(f, "    {key} {:?}", text.template().to_string()))
        }
        Body::ConfigMap { data } => {
            data.iter().try_for_each(|(key, bytes)| writeln!(f, "    {key} {}", crate::digest::sha256(bytes)))
        }
        Body::StatefulSet { claims, pod, .. } => {
            for (name, size) in claims {
                writeln!(f, "    claim {name} {size}")?;
            }
            write_pod(f, pod)
        }
        Body::Deployment { pod, .. } | Body::Job { pod, .. } | Body::CronJob { pod, .. } => write_pod(f, pod),
        Body::Namespace { .. }
        | Body::ServiceAccount
        | Body::NetworkPolicy { .. }
        | Body::Claim { .. }
        | Body::Service { .. }
        | Body::Autoscaler { .. }
        | Body::DisruptionBudget { .. } => Ok(()),
    }
}

/// The rest of an object's line.
fn about(body: &Body) -> String {
    match body {
        Body::Namespace { security } => format!(", pods {}", security.as_str()),
        Body::NetworkPolicy { egress } => format!(", out only to {egress:?}"),
        Body::Claim { size } => format!(" {size}"),
        Body::Service { headless, ports } => {
            let ports: Vec<String> = ports
                .iter()
                .map(|port| format!(" {}={}/{}", port.name, port.port, super::protocol_text(port.protocol)))
                .collect();
            format!("{}{}", if *headless { " headless" } else { "" }, ports.concat())
        }
        Body::Deployment { replicas, .. } => format!(" of {replicas}"),
        Body::StatefulSet { replicas, governing, .. } => format!(" of {replicas} under {governing}"),
        Body::Job { retries, .. } => format!(", {retries} retries"),
        Body::CronJob { schedule, .. } => format!(" at {schedule:?}, suspended"),
        Body::Autoscaler { min, max, .. } => format!(" from {min} to {max}"),
        Body::DisruptionBudget { bound: Disruption::MinAvailable(portion) } => {
            format!(", {portion} stay ready")
        }
        Body::DisruptionBudget { bound: Disruption::MaxUnavailable(portion) } => {
            format!(", {portion} away at most")
        }
        Body::ServiceAccount | Body::Secret { .. } | Body::ConfigMap { .. } => String::new(),
    }
}

fn write_pod(f: &mut Formatter<'_>, pod: &PodSpec) -> fmt::Result {
    let mut line = |name: &str, text: String| {
        if text.is_empty() { Ok(()) } else { writeln!(f, "    {name} {text}") }
    };
    line("pod", pod_line(pod))?;
    for (name, value) in pod.labels.iter().chain(&pod.annotations) {
        if !name.starts_with(keys::PREFIX) && name != keys::MANAGED_BY {
            line("label", format!("{name}={value:?}"))?;
        }
    }
    for (name, source) in &pod.volumes {
        line("volume", format!("{name} {}", volume(source)))?;
    }
    pod.containers().try_for_each(|container| write_container(f, container))
}

fn pod_line(pod: &PodSpec) -> String {
    let mut all =
        vec![format!("restarted {}", pod.restart.as_str()), format!("{} s to stop", pod.grace_seconds)];
    let mut add = |name: &str, text: String| {
        if !text.is_empty() {
            all.push(format!("{name} {text}"));
        }
    };
    add("account", pod.service_account.clone().unwrap_or_default());
    add("hostname", pod.hostname.clone().unwrap_or_default());
    for (address, names) in &pod.host_aliases {
        add("host", format!("{address}={}", names.join(" ")));
    }
    let servers: Vec<String> = pod.dns.servers.iter().map(ToString::to_string).collect();
    add("dns", [servers, pod.dns.searches.clone()].concat().join(" "));
    add("ndots", pod.dns.ndots.map(|ndots| ndots.to_string()).unwrap_or_default());
    add("on", pod.arch.clone().unwrap_or_default());
    add("fs-group", pod.fs_group.map(|group| group.to_string()).unwrap_or_default());
    add("groups", pod.groups.iter().map(u32::to_string).collect::<Vec<_>>().join(" "));
    for (name, value) in &pod.sysctls {
        add("sysctl", format!("{name}={value}"));
    }
    add("with", if pod.enable_service_links { "service links" } else { "" }.to_owned());
    add("with", if pod.host_network { "the node's network" } else { "" }.to_owned());
    add("with", if pod.host_pid { "the node's pids" } else { "" }.to_owned());
    all.join(", ")
}

fn volume(source: &VolumeSource) -> String {
    match source {
        VolumeSource::Empty { memory, size } => {
            let size = size.map(|size| format!(" {size}")).unwrap_or_default();
            format!("empty{}{size}", if *memory { " in memory" } else { "" })
        }
        VolumeSource::Claim { name } => format!("claim {name}"),
        VolumeSource::Host { path } => format!("the node's {path}"),
        VolumeSource::Files { from } => {
            let source = |source: &ProjectionSource| match source {
                ProjectionSource::ConfigMap(name) | ProjectionSource::Secret(name) => name.clone(),
            };
            let files = from.iter().flat_map(|projection| {
                let of = source(&projection.source);
                projection
                    .items
                    .iter()
                    .map(move |item| format!("{} {:04o} {of}/{}", item.path, item.mode, item.key))
            });
            format!("files {}", files.collect::<Vec<_>>().join(", "))
        }
    }
}

fn write_container(f: &mut Formatter<'_>, container: &ContainerSpec) -> fmt::Result {
    let role = format!("{:?}", container.role).to_lowercase();
    let pull = container.pull.as_str();
    writeln!(f, "    {role} {} {} pulled {pull}", container.name, container.image.reference)?;
    let mut line = |name: &str, text: String| {
        if text.is_empty() { Ok(()) } else { writeln!(f, "      {name} {text}") }
    };
    line("entrypoint", words(container.entrypoint.as_deref()))?;
    line("command", words(container.command.as_deref()))?;
    line("in", container.working_dir.clone().unwrap_or_default())?;
    for (name, quantities) in [("limits", &container.limits), ("requests", &container.requests)] {
        line(
            name,
            quantities.pairs().map(|(of, much)| format!("{of} {much}")).collect::<Vec<_>>().join(", "),
        )?;
    }
    line("walls", walls(&container.walls))?;
    for port in &container.ports {
        let name = port.name.as_deref().unwrap_or("-");
        line("port", format!("{name} {}/{}", port.port, super::protocol_text(port.protocol)))?;
    }
    for (name, source) in &container.env {
        line("env", env(name, source))?;
    }
    for mount in &container.mounts {
        let of = mount.subpath.as_ref().map(|path| format!("/{path}")).unwrap_or_default();
        let read_only = if mount.read_only { " read-only" } else { "" };
        line("mount", format!("{} from {}{of}{read_only}", mount.target, mount.volume))?;
    }
    for (name, probe) in [
        ("startup", &container.startup),
        ("readiness", &container.readiness),
        ("liveness", &container.liveness),
    ] {
        line(name, probe.as_ref().map(probe_line).unwrap_or_default())?;
    }
    for (name, hook) in [("post-start", &container.post_start), ("pre-stop", &container.pre_stop)] {
        line(name, hook.as_ref().map(hook_line).unwrap_or_default())?;
    }
    Ok(())
}

fn env(name: &str, source: &EnvSource) -> String {
    match source {
        EnvSource::Text(text) => format!("{name}={text:?}"),
        EnvSource::Secret { name: secret, key } => format!("{name} from {secret}/{key}"),
        EnvSource::Field(field) => format!("{name} from {field:?}"),
    }
}

/// A list as JSON: every character is seen.
fn words(list: Option<&[String]>) -> String {
    list.map(|list| serde_json::to_string(list).unwrap_or_default()).unwrap_or_default()
}

fn walls(walls: &Walls) -> String {
    let Walls { user, group, read_only, privileged, privilege_escalation, seccomp, cap_add, cap_drop } =
        walls;
    let flag = |name: &str, value: bool| value.then(|| name.to_owned());
    let list = |name: &str, list: &[String]| (!list.is_empty()).then(|| format!("{name} {}", list.join(" ")));
    let all = [
        user.map(|user| format!("user {user}")),
        group.map(|group| format!("group {group}")),
        flag("read-only", *read_only),
        flag("privileged", *privileged),
        privilege_escalation.map(|may| format!("{} rights", if may { "may gain" } else { "gains no" })),
        seccomp.map(|seccomp| format!("seccomp {}", seccomp.as_str())),
        list("add", cap_add),
        list("drop", cap_drop),
    ];
    all.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn probe_line(probe: &ProbeSpec) -> String {
    let ProbeSpec {
        action,
        initial_delay_seconds: delay,
        period_seconds: period,
        timeout_seconds: timeout,
        success_threshold: success,
        failure_threshold: failure,
    } = probe;
    let action = match action {
        ProbeAct::Http { https, port, path, headers } => {
            let scheme = if *https { "https" } else { "http" };
            let headers: Vec<String> =
                headers.iter().map(|(name, value)| format!(" {name}={value:?}")).collect();
            format!("{scheme} {port}{path}{}", headers.concat())
        }
        ProbeAct::Tcp { port } => format!("tcp {port}"),
        ProbeAct::Grpc { port, service } => format!("grpc {port} {}", service.as_deref().unwrap_or_default()),
        ProbeAct::Exec { command } => format!("exec {}", words(Some(command))),
    };
    format!("{action}, after {delay} s every {period} s within {timeout} s, {success} up, {failure} down")
}

fn hook_line(hook: &HookSpec) -> String {
    match hook {
        HookSpec::Exec { command } => format!("exec {}", words(Some(command))),
        HookSpec::Http { port, path } => format!("http {port}{path}"),
        HookSpec::Sleep { seconds } => format!("sleep {seconds} s"),
    }
}

impl Display for ClusterDoes {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let keys = |keys: &[ObjectKey]| keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        match self {
            Self::Apply { objects } => write!(f, "apply {}", keys(objects)),
            Self::Secrets { objects } => write!(f, "fill {}", keys(objects)),
            Self::Seed { store } => write!(f, "seed {store}"),
            Self::Ready { services } => {
                let names: Vec<&str> = services.iter().map(|name| name.as_str()).collect();
                write!(f, "wait for {}", names.join(", "))
            }
            Self::Verify => f.write_str("verify"),
        }
    }
}
