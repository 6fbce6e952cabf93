//! The plan as text: for people, and the form in which tests hold it.

use std::fmt::{self, Display, Formatter, Write as _};

use super::{
    ContainerPlan, Does, FileBytes, ImageSource, LimitsPlan, Mount, NetworkMode, OwnNetwork, Plan, Pod,
    VolumePlan,
};
use crate::labels;

impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "mirror {} of {}, project {}", self.mirror, self.owner, self.project)?;
        for refusal in &self.refusals {
            writeln!(f, "refused: {} {}: {}", refusal.code, refusal.path, refusal.message)?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        writeln!(f, "\nsteps")?;
        for step in &self.steps {
            let needs = if step.needs.is_empty() {
                String::new()
            } else {
                format!("  after {}", step.needs.join(", "))
            };
            writeln!(f, "  {}: {}{needs}", step.id, step.does)?;
        }
        writeln!(f, "\nnetworks")?;
        for network in [&self.networks.inside, &self.networks.door] {
            let reach = if network.internal { "no way out" } else { "loopback ports only" };
            writeln!(f, "  {} {}, engine's part {}, {reach}", network.name, network.subnet, network.range)?;
        }
        writeln!(f, "\nsecrets")?;
        for secret in &self.secrets {
            let url = secret.url_variable.as_ref().map(|url| format!(", in URLs {url}")).unwrap_or_default();
            writeln!(f, "  {} as {}{url}", secret.secret, secret.variable)?;
        }
        writeln!(f, "\nvolumes")?;
        for volume in &self.volumes {
            write_volume(f, volume)?;
        }
        writeln!(f, "\nstores")?;
        for store in &self.stores {
            let engine = store.engine.as_str();
            let seed = store.seed.as_deref().unwrap_or("nothing");
            writeln!(
                f,
                "  {} {engine} in {} on port {}, seeded from {seed}",
                store.store, store.container, store.port
            )?;
        }
        writeln!(f, "\nhelpers")?;
        write_container(f, &self.keeper)?;
        write_container(f, &self.gateway.container)?;
        for pod in &self.pods {
            write_pod(f, pod)?;
        }
        writeln!(f, "\nledger")?;
        self.ledger.iter().try_for_each(|wanted| {
            let why = wanted.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            writeln!(f, "  {} {}{why}", wanted.grade, wanted.path)
        })
    }
}

fn write_volume(f: &mut Formatter<'_>, volume: &VolumePlan) -> fmt::Result {
    let role = serde_json::to_value(&volume.role).unwrap_or_default();
    let role = role.as_str().map_or_else(|| "store".to_owned(), str::to_owned);
    write!(f, "  {} {role}", volume.name)?;
    match volume.memory {
        Some(Some(size)) => write!(f, " in memory, {size} bytes")?,
        Some(None) => write!(f, " in memory")?,
        None => {}
    }
    if let Some(group) = volume.group {
        write!(f, " group {group}")?;
    }
    if let Some(mode) = volume.mode {
        write!(f, " mode {mode:04o}")?;
    }
    writeln!(f, "{}", seal_of(&volume.labels))?;
    for file in &volume.files {
        let content = match &file.content {
            FileBytes::Inline(bytes) => crate::digest::sha256(bytes),
            FileBytes::Secret(variable) => format!("${{{variable}}}"),
            FileBytes::Quoted(template) => format!("{:?}", template.to_string()),
        };
        writeln!(f, "    {} {:04o} {}:{} {content}", file.path, file.mode, file.user, file.group)?;
    }
    Ok(())
}

fn write_pod(f: &mut Formatter<'_>, pod: &Pod) -> fmt::Result {
    write!(f, "\n{}/{}", pod.service, pod.ordinal)?;
    if !pod.needs.is_empty() {
        let needs: Vec<&str> = pod.needs.iter().map(|need| need.as_str()).collect();
        write!(f, " needs {}", needs.join(", "))?;
    }
    writeln!(f, "{}", if pod.on_demand { " on demand" } else { "" })?;
    pod.containers().try_for_each(|container| write_container(f, container))
}

fn write_container(f: &mut Formatter<'_>, container: &ContainerPlan) -> fmt::Result {
    writeln!(f, "  {} {}{}", container.key, image(container), seal_of(&container.labels))?;
    let mut line = |name: &str, text: String| {
        if text.is_empty() { Ok(()) } else { writeln!(f, "    {name} {text}") }
    };
    line("entrypoint", words(container.entrypoint.as_deref()))?;
    line("command", words(container.command.as_deref()))?;
    line("network", network(&container.network))?;
    line("limits", limits(&container.limits))?;
    line("walls", walls(container))?;
    for (name, value) in &container.env {
        line("env", format!("{name}={:?}", value.to_string()))?;
    }
    for (name, value) in &container.labels {
        if !name.starts_with(labels::PREFIX) {
            line("label", format!("{name}={value:?}"))?;
        }
    }
    if let Some(duties) = container.labels.get(labels::DUTIES) {
        line("duties", duties.clone())?;
    }
    for mount in &container.mounts {
        line("mount", mounted(mount))?;
    }
    for (path, tmpfs) in &container.tmpfs {
        let size = tmpfs.size.map(|size| format!(" {size} bytes")).unwrap_or_default();
        let mode = tmpfs.mode.map(|mode| format!(" mode {mode:04o}")).unwrap_or_default();
        line("tmpfs", format!("{path}{size}{mode}"))?;
    }
    let publish: Vec<String> = container.publish.iter().map(u16::to_string).collect();
    line("publish", publish.join(", "))?;
    let on: Vec<&str> = container.depends_on.iter().map(|(key, _)| key.as_str()).collect();
    line("bare order: after", on.join(", "))
}

fn seal_of(labels: &indexmap::IndexMap<String, String>) -> String {
    labels.get(labels::SPEC).map(|spec| format!(" [{spec}]")).unwrap_or_default()
}

fn image(container: &ContainerPlan) -> String {
    let reference = &container.image.reference;
    let platform = container.platform.as_ref().map(|platform| format!(" on {platform}")).unwrap_or_default();
    match (&container.image.written, container.image.source) {
        (Some(written), ImageSource::Role) => format!("{reference} in place of {written}{platform}"),
        (Some(written), ImageSource::Local) => format!("{written} as {reference}{platform}"),
        _ => format!("{reference}{platform}"),
    }
}

/// A list as JSON: every character is seen.
fn words(list: Option<&[String]>) -> String {
    list.map(|list| serde_json::to_string(list).unwrap_or_default()).unwrap_or_default()
}

fn network(network: &NetworkMode) -> String {
    let own = match network {
        NetworkMode::Of(key) => return format!("of {key}"),
        NetworkMode::Host => return "of the host".to_owned(),
        NetworkMode::None => return "none".to_owned(),
        NetworkMode::Own(own) => own,
    };
    let OwnNetwork { aliases, hostname, extra_hosts, dns_servers, dns_search, dns_options, address, door } =
        own;
    let mut text = String::from("own");
    let mut add = |name: &str, value: String| {
        if !value.is_empty() {
            let _ = write!(text, ", {name} {value}");
        }
    };
    add("hostname", hostname.clone().unwrap_or_default());
    add("aliases", aliases.join(" "));
    add("address", address.map(|address| address.to_string()).unwrap_or_default());
    let hosts: Vec<String> = extra_hosts.iter().map(|(name, address)| format!("{name}={address}")).collect();
    add("hosts", hosts.join(" "));
    add("dns", [dns_servers.as_slice(), dns_search, dns_options].concat().join(" "));
    add("and", if *door { "the door".to_owned() } else { String::new() });
    text
}

fn limits(limits: &LimitsPlan) -> String {
    let LimitsPlan { cpu_millis, memory, memory_reservation, cpu_shares, cpuset, pids, shm_size, storage } =
        limits;
    let number = |name: &str, value: Option<u64>| value.map(|value| format!("{name} {value}"));
    let all = [
        number("cpu-millis", *cpu_millis),
        number("memory", *memory),
        number("reserved", *memory_reservation),
        number("cpu-shares", *cpu_shares),
        cpuset.as_ref().map(|set| format!("cpus {set}")),
        number("pids", pids.map(u64::from)),
        number("shm", *shm_size),
        number("storage", *storage),
    ];
    all.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn walls(container: &ContainerPlan) -> String {
    let mut all: Vec<String> = Vec::new();
    let mut add = |name: &str, value: &str| {
        if !value.is_empty() {
            all.push(if name.is_empty() { value.to_owned() } else { format!("{name} {value}") });
        }
    };
    add("", if container.privileged { "privileged" } else { "" });
    add("", if container.host_pid { "host pids" } else { "" });
    add("", if container.read_only { "read-only" } else { "" });
    add("user", container.user.as_deref().unwrap_or_default());
    add("groups", &container.group_add.join(" "));
    add("in", container.working_dir.as_deref().unwrap_or_default());
    add("add", &container.cap_add.join(" "));
    add("drop", &container.cap_drop.join(" "));
    add("", &container.security_opt.join(" "));
    for (name, (soft, hard)) in &container.ulimits {
        add(name, &format!("{soft}/{hard}"));
    }
    for (name, value) in &container.sysctls {
        add("", &format!("{name}={value}"));
    }
    add("stop by", container.stop_signal.as_deref().unwrap_or_default());
    add("within", &format!("{} ms", container.stop_grace_millis));
    add("", if container.restart_always { "restarted by the engine" } else { "" });
    all.join(", ")
}

fn mounted(mount: &Mount) -> String {
    match mount {
        Mount::Volume { volume, target, read_only, subpath, copy } => {
            let of = subpath.as_ref().map(|path| format!("/{path}")).unwrap_or_default();
            let read_only = if *read_only { " read-only" } else { "" };
            let copy = if *copy { " over a copy of the image's" } else { "" };
            format!("{target} from {volume}{of}{read_only}{copy}")
        }
        Mount::Bind { source, target, read_only } => {
            format!("{target} from the host's {source}{}", if *read_only { " read-only" } else { "" })
        }
    }
}

impl Display for Does {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let names =
            |list: &[crate::name::Name]| list.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(", ");
        let replicas = |pods: &[(crate::name::Name, u32)]| {
            pods.iter().map(|(name, ordinal)| format!("{name}/{ordinal}")).collect::<Vec<_>>().join(", ")
        };
        match self {
            Self::Networks => f.write_str("make the networks"),
            Self::Volumes => f.write_str("make the volumes"),
            Self::Keeper => f.write_str("start the keeper"),
            Self::Pauses { pods } => write!(f, "start the gateway and the pauses of {}", replicas(pods)),
            Self::Files { volumes } => write!(f, "fill {}", volumes.join(", ")),
            Self::Start { pods, .. } => write!(f, "start {}", replicas(pods)),
            Self::Seed { store } => write!(f, "seed {store}"),
            Self::Ready { services } => write!(f, "wait for {}", names(services)),
            Self::Verify => f.write_str("verify"),
        }
    }
}
