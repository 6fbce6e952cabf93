//! Variables of a container: the profile's, the flags, the zone, and what Kubernetes adds.

use indexmap::IndexMap;

use super::{PodKind, Site, Template, order::Node, stores};
use crate::profile::{PodField, Port, Process, Protocol, Value};

pub(crate) type Env = IndexMap<String, Template>;

/// The name that Kubernetes would give to the pod.
pub(crate) fn pod_name(node: &Node<'_>, ordinal: u32) -> String {
    format!("{}-{ordinal}", node.name)
}

/// What a variable is before a back end puts it in its own words.
pub(crate) enum Told {
    Text(Template),
    Field(PodField),
}

/// The variables of one container, as texts; what is written wins over what is added.
pub(crate) fn variables(
    site: &Site<'_>,
    node: &Node<'_>,
    ordinal: u32,
    process: &Process,
    is_main: bool,
) -> Env {
    let text = |told| match told {
        Told::Text(template) => template,
        Told::Field(field) => Template::literal(pod_field(site, node, ordinal, process, field)),
    };
    let mut env: Env = told(site, node, process, is_main).map(|(name, value)| (name, text(value))).collect();
    if node.run.enable_service_links == Some(true) {
        for (name, value) in &site.service_links {
            env.entry(name.clone()).or_insert_with(|| Template::literal(value));
        }
    }
    env
}

/// The variables of one container but for service links: the profile's, then flags, a store's own and the zone.
pub(crate) fn told(
    site: &Site<'_>,
    node: &Node<'_>,
    process: &Process,
    is_main: bool,
) -> impl Iterator<Item = (String, Told)> {
    let mut env: IndexMap<String, Told> = IndexMap::new();
    for (name, value) in &process.env {
        let told = match value {
            Value::Text(text) => Told::Text(site.template(text)),
            Value::Field(field) => Told::Field(*field),
            // `up` refuses before anything is made.
            Value::Hole => continue,
        };
        env.insert(name.clone(), told);
    }
    let mut add = |name: String, template: Template| {
        env.entry(name).or_insert(Told::Text(template));
    };
    if is_main {
        for flag in &node.run.flags {
            if let Some(value) = site.profile.flags.get(flag) {
                add(flag.clone(), Template::literal(value));
            }
        }
        for (name, value) in node.store.map(|store| stores::env(site, store)).unwrap_or_default() {
            add(name, value);
        }
    }
    if let Some(zone) = &node.run.timezone {
        add("TZ".to_owned(), Template::literal(zone));
    }
    env.into_iter()
}

/// The downward API, by Kubernetes' rules: a limit that is not set is what the node has, a request is 0.
fn pod_field(site: &Site<'_>, node: &Node<'_>, ordinal: u32, process: &Process, field: PodField) -> String {
    let cores = |millis: u64| millis.div_ceil(1000).to_string();
    let (limits, requests) = (&process.resources.limits, &process.resources.requests);
    let platform = &site.profile.platform;
    let host = &site.capabilities.host;
    match field {
        PodField::PodName => pod_name(node, ordinal),
        PodField::PodAddress => {
            let address = site.addresses.get(&format!("{}.{ordinal}", node.name));
            address.map(ToString::to_string).unwrap_or_default()
        }
        PodField::NodeName => "prodmirror".to_owned(),
        PodField::LimitsCpu => match limits.cpu {
            Some(cpu) => cores(cpu.millis),
            None => platform.cores.unwrap_or(host.cores).to_string(),
        },
        PodField::LimitsMemory => {
            let node = || platform.memory.map_or(host.memory, |memory| memory.0);
            limits.memory.map_or_else(node, |memory| memory.0).to_string()
        }
        PodField::RequestsCpu => cores(requests.cpu.or(limits.cpu).map_or(0, |cpu| cpu.millis)),
        PodField::RequestsMemory => {
            requests.memory.or(limits.memory).map_or(0, |memory| memory.0).to_string()
        }
    }
}

/// Whether a container of this workload asks for its pod's address.
pub(crate) fn asks_for_address(node: &Node<'_>) -> bool {
    let sides = node.run.init.values().chain(node.run.sidecars.values()).map(|container| &container.process);
    std::iter::once(&node.run.process)
        .chain(sides)
        .flat_map(|process| process.env.values())
        .any(|value| matches!(value, Value::Field(PodField::PodAddress)))
}

/// `API_SERVICE_HOST`, `API_PORT_8000_TCP` and the others, for everything with ports and an address of its own.
///
/// The host is the service's name: it has no virtual address in this version.
pub(crate) fn service_links(nodes: &[Node<'_>]) -> Vec<(String, String)> {
    let mut links = Vec::new();
    for node in nodes.iter().filter(|node| node.kind != PodKind::Job && node.has_address()) {
        let ports: Vec<(String, Port)> =
            node.run.ports.iter().map(|(name, port)| (name.to_variable(), *port)).collect();
        if !ports.is_empty() {
            links.extend(links_to(node.name.as_str(), &node.name.to_variable(), &ports));
        }
    }
    links
}

fn links_to(host: &str, prefix: &str, ports: &[(String, Port)]) -> Vec<(String, String)> {
    let mut links = vec![(format!("{prefix}_SERVICE_HOST"), host.to_owned())];
    let word = |port: &Port| match port.protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
    };
    let url = |port: &Port| format!("{}://{host}:{}", word(port), port.port);
    if let Some((_, first)) = ports.first() {
        links.push((format!("{prefix}_SERVICE_PORT"), first.port.to_string()));
        links.push((format!("{prefix}_PORT"), url(first)));
    }
    for (name, port) in ports {
        links.push((format!("{prefix}_SERVICE_PORT_{name}"), port.port.to_string()));
        let of = format!("{prefix}_PORT_{}_{}", port.port, word(port).to_ascii_uppercase());
        links.push((format!("{of}_PROTO"), word(port).to_owned()));
        links.push((format!("{of}_PORT"), port.port.to_string()));
        links.push((format!("{of}_ADDR"), host.to_owned()));
        links.push((of, url(port)));
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_links_are_those_of_kubernetes() {
        let ports = [("HTTP".to_owned(), Port { port: 8000, protocol: Protocol::Tcp })];
        let links: IndexMap<_, _> = links_to("foo-bar", "FOO_BAR", &ports).into_iter().collect();
        let wanted = [
            ("FOO_BAR_SERVICE_HOST", "foo-bar"),
            ("FOO_BAR_SERVICE_PORT", "8000"),
            ("FOO_BAR_SERVICE_PORT_HTTP", "8000"),
            ("FOO_BAR_PORT", "tcp://foo-bar:8000"),
            ("FOO_BAR_PORT_8000_TCP", "tcp://foo-bar:8000"),
            ("FOO_BAR_PORT_8000_TCP_PROTO", "tcp"),
            ("FOO_BAR_PORT_8000_TCP_PORT", "8000"),
            ("FOO_BAR_PORT_8000_TCP_ADDR", "foo-bar"),
        ];
        assert_eq!(links.len(), wanted.len());
        for (name, value) in wanted {
            assert_eq!(links[name], value, "{name}");
        }
    }
}
