//! The two helpers of a whole mirror: the gateway with its doors, and the keeper.

use indexmap::IndexMap;

use super::{
    ContainerPlan, GatewayPlan, Mount, OwnNetwork, PodKind, Site, Template, VolumePlan, VolumeRole, duties,
    order::Node,
    pods::{helper, seal},
    volumes,
};
use crate::{
    formats::{doors::Door, journal::JOURNAL_DIR, ready::CONTROL_DIR},
    labels::Kind,
    name::Name,
    profile::Protocol,
};

/// Where the engine's socket lies in the keeper.
const SOCKET: &str = "/var/run/docker.sock";

/// The first port on which the gateway listens; the host's ports are the engine's choice.
const FIRST_LISTEN: u16 = 20_001;

pub(crate) fn gateway(site: &Site<'_>, nodes: &[Node<'_>]) -> GatewayPlan {
    let doors = doors(site, nodes);
    let words = doors.iter().flat_map(|door| ["--door".to_owned(), door.to_string()]);
    let network = OwnNetwork { door: true, ..OwnNetwork::default() };
    let mut container = ContainerPlan {
        command: Some(std::iter::once("gateway".to_owned()).chain(words).collect()),
        mounts: vec![mount(site, "control", CONTROL_DIR, true)],
        // It stands on both networks and must not become a way out.
        sysctls: IndexMap::from([("net.ipv4.ip_forward".to_owned(), "0".to_owned())]),
        publish: doors.iter().map(|door| door.listen).collect(),
        ..helper(site, "pm.gateway", Kind::Gateway, network)
    };
    seal(&mut container, &());
    GatewayPlan { container, doors }
}

/// The TCP ports that the profile exposes, all of them where it says nothing, and those that were asked for.
pub(crate) fn doors(site: &Site<'_>, nodes: &[Node<'_>]) -> Vec<Door> {
    let exposes = |name: &Name, port: &Name| match &site.profile.network.expose {
        None => true,
        Some(list) => {
            list.iter()
                .any(|expose| expose.service == *name && expose.port.as_ref().is_none_or(|p| p == port))
                || site.capabilities.options.expose.contains(name)
        }
    };
    let is_udp = |node: &Node<'_>, port: &Name| {
        node.run.ports.get(port).is_some_and(|port| port.protocol == Protocol::Udp)
    };
    nodes
        .iter()
        .filter(|node| node.kind != PodKind::Job)
        .flat_map(|node| duties::ports(node).into_iter().map(move |(port, target)| (node, port, target)))
        .filter(|(node, port, _)| exposes(node.name, port) && !is_udp(node, port))
        .zip(FIRST_LISTEN..u16::MAX)
        .map(|((node, port, target), listen)| Door { listen, service: node.name.clone(), port, target })
        .collect()
}

pub(crate) fn keeper(site: &Site<'_>) -> ContainerPlan {
    let mirror = site.capabilities.mirror.to_string();
    let mut mounts =
        vec![mount(site, "control", CONTROL_DIR, false), mount(site, "journal", JOURNAL_DIR, false)];
    if let Some(socket) = &site.capabilities.host.socket {
        mounts.push(Mount::Bind { source: socket.clone(), target: SOCKET.to_owned(), read_only: false });
    }
    let mut env = IndexMap::new();
    for secret in &site.secrets {
        let value = Template::variable(&secret.variable);
        env.insert(format!("PRODMIRROR_SECRET_{}", secret.variable), value);
    }
    let mut container = ContainerPlan {
        command: Some(keeper_words(mirror, site.capabilities.host.socket.is_some())),
        env,
        mounts,
        ..helper(site, "pm.keeper", Kind::Keeper, OwnNetwork::default())
    };
    seal(&mut container, &());
    container
}

/// The volumes that only helpers mount.
pub(crate) fn volumes(site: &Site<'_>) -> Vec<VolumePlan> {
    let volume = |purpose: &str, role| {
        let name = site.volume("pm", purpose);
        let bare = VolumePlan {
            name,
            role,
            labels: IndexMap::new(),
            memory: None,
            files: Vec::new(),
            group: None,
            mode: None,
        };
        volumes::seal(site, None, None, bare)
    };
    vec![volume("control", VolumeRole::Control), volume("journal", VolumeRole::Journal)]
}

fn mount(site: &Site<'_>, purpose: &str, target: &str, read_only: bool) -> Mount {
    let (volume, target) = (site.volume("pm", purpose), target.to_owned());
    Mount::Volume { volume, target, read_only, subpath: None, copy: false }
}

/// Without the engine's socket the keeper is told where replicas stand, and only probes.
fn keeper_words(mirror: String, socket: bool) -> Vec<String> {
    let mut words = vec!["keeper".to_owned(), "--mirror".to_owned(), mirror];
    if !socket {
        words.push("--no-socket".to_owned());
    }
    words
}
