//! Which cluster of our own can carry a profile: everything by which one cluster differs from another for a mirror.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::{Capabilities, Subnet};
use crate::{
    digest,
    profile::{Bytes, Kubernetes, Platform, Profile, Workload},
};

/// What is free on a node at least, else the kubelet evicts: the default of Kubernetes, in bytes.
///
/// It is not for pods, as what is withheld is not.
pub const EVICTED_BELOW: u64 = 100 << 20;

/// Counts how clusters of equal shapes were made otherwise: one of an earlier version is not taken for a new one.
const MADE: u32 = 2;

/// How many nodes for pods a cluster of ours has at most: they share one machine.
const MOST_NODES: u32 = 8;

/// How many any machine carries. Beyond, each takes a core: eight on two cores did not begin in eight minutes.
const FEW_NODES: u32 = 3;

/// The least that a node's own pods, its network's among them, come up with: they are held to the same limit.
pub const FEWEST_PIDS: u32 = 64;

/// The process of every pod that holds its network: a kubelet counts it, and a profile does not.
pub const PAUSE: u32 = 1;

/// A cluster as it is made. Mirrors that ask for equal ones share one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct ClusterShape {
    /// The image of every node, which has the version of Kubernetes in it; absent: the one that kind itself knows.
    pub image: Option<String>,
    /// Those that pods may come to; none at all is one of which nothing is said.
    ///
    /// One alone that withholds nothing has the control plane on it. Otherwise the control plane stands on a node of its
    /// own, as in production, and takes nothing of what the others have.
    pub nodes: Vec<NodeShape>,
    /// Addresses of pods, of at least a /24 for each node; absent: kind's own.
    pub pods: Option<Subnet>,
    /// Virtual addresses of services; absent: kind's own.
    pub services: Option<Subnet>,
    /// Feature gates of every component.
    pub gates: BTreeMap<String, bool>,
    /// How many processes a pod has at most, on the nodes that pods come to; absent: as many as the node has.
    pub pids: Option<u32>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeShape {
    /// As `topology.kubernetes.io/zone`.
    pub labels: BTreeMap<String, String>,
    pub withheld: Withheld,
}

/// What a node has more than production's, kept from pods.
///
/// A node of kind's shows the whole machine, so without it everything that fits the machine is scheduled
/// (kubernetes-sigs/kind#1524, #3330).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Withheld {
    /// Whole ones, which no container runs on.
    pub cores: u32,
    /// In bytes, [`EVICTED_BELOW`] not counted.
    pub memory: u64,
}

impl Withheld {
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl ClusterShape {
    /// The cluster for a profile: nodes that leave pods what production's nodes have. Where this machine has less than
    /// production, or what it has is not known, it has what it has. Nodes beyond what it carries are not made.
    pub fn of(profile: &Profile, capabilities: &Capabilities) -> Self {
        Self { pids: pids(profile), ..Self::of_platform(&profile.platform, capabilities) }
    }

    fn of_platform(platform: &Platform, capabilities: &Capabilities) -> Self {
        let host = &capabilities.host;
        let cores = platform.cores.filter(|&cores| cores > 0).unwrap_or(host.cores);
        let room = platform.memory.filter(|memory| memory.0 > 0).map(|Bytes(memory)| memory + EVICTED_BELOW);
        let withheld = Withheld {
            cores: host.cores.saturating_sub(cores),
            memory: room.map_or(0, |room| host.memory.saturating_sub(room)),
        };
        let Kubernetes { version, nodes, zones, pods, services, feature_gates } = &platform.kubernetes;
        let most = if host.cores == 0 { MOST_NODES } else { host.cores.clamp(FEW_NODES, MOST_NODES) };
        let asked = nodes.unwrap_or(u32::try_from(zones.len()).unwrap_or(u32::MAX)).clamp(1, most);
        let node = |zone: Option<&String>| NodeShape {
            labels: zone.map(|zone| (ZONE.to_owned(), zone.clone())).into_iter().collect(),
            withheld,
        };
        let mut by_turns = zones.iter().cycle();
        let mut nodes: Vec<NodeShape> = (0..asked).map(|_| node(by_turns.next())).collect();
        if nodes == [NodeShape::default()] {
            nodes.clear();
        }
        // What kind publishes, it publishes for whole versions.
        let published = version.as_ref().map(|version| version.trim_start_matches('v'));
        let published = published.filter(|version| version.split('.').count() == 3);
        Self {
            image: (capabilities.cluster.node_image.clone())
                .or_else(|| published.map(|version| format!("kindest/node:v{version}"))),
            nodes,
            pods: pods.as_ref().and_then(|range| range.parse().ok()),
            services: services.as_ref().and_then(|range| range.parse().ok()),
            gates: feature_gates.iter().map(|(gate, on)| (gate.clone(), *on)).collect(),
            pids: None,
        }
    }

    /// The version of Kubernetes that the nodes' image says by its tag: `1.34`.
    pub fn version(&self) -> Option<String> {
        let tag = self.image.as_ref()?.split('@').next()?.rsplit_once(':')?.1;
        minor_version(tag)
    }

    /// The same for equal shapes alone: sixteen digits.
    pub fn seal(&self) -> String {
        digest::spec(&(MADE, self))
    }

    /// Whether pods of the control plane and those of mirrors are on different nodes.
    pub fn is_apart(&self) -> bool {
        self.nodes.len() > 1
            || self.pids.is_some()
            || self.nodes.iter().any(|node| !node.withheld.is_nothing())
    }
}

/// A kubelet has one limit for all pods of its node: the largest that is asked for, where every workload asks for one.
fn pids(profile: &Profile) -> Option<u32> {
    let limits: Option<Vec<u32>> = workloads(profile).map(|run| run.process.pids).collect();
    limits?.into_iter().max().filter(|&most| most >= FEWEST_PIDS)
}

fn workloads(profile: &Profile) -> impl Iterator<Item = &Workload> {
    let services = profile.services.values().map(|service| &service.run);
    services
        .chain(profile.jobs.values().map(|job| &job.run))
        .chain(profile.stores.values().map(|store| &store.run))
}

/// The label by which Kubernetes knows the zone of a node.
pub const ZONE: &str = "topology.kubernetes.io/zone";

/// `v1.34.4-gke.1` is `1.34`.
pub fn minor_version(version: &str) -> Option<String> {
    let mut numbers = version.trim_start_matches('v').split('.');
    let (major, minor) = (numbers.next()?, numbers.next()?);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (is_number(major) && is_number(minor)).then(|| format!("{major}.{minor}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        name::Name,
        plan::BackendKind,
        profile::{Layers, Source, load},
    };

    const GIB: u64 = 1 << 30;

    fn shape(cores: Option<u32>, memory: Option<u64>) -> ClusterShape {
        let platform = Platform { cores, memory: memory.map(Bytes), ..Platform::default() };
        let mut here =
            Capabilities::unknown(BackendKind::Kind, Name::new("shop").unwrap(), "me@here".to_owned());
        (here.host.cores, here.host.memory) = (8, 32 * GIB);
        here.cluster.node_image = Some("node:v1".to_owned());
        ClusterShape::of_platform(&platform, &here)
    }

    #[test]
    fn what_this_machine_has_more_than_productions_node_is_withheld() {
        let of = shape(Some(2), Some(8 * GIB));
        let [node] = &of.nodes[..] else { panic!("{of:?}") };
        assert_eq!(node.withheld, Withheld { cores: 6, memory: 24 * GIB - EVICTED_BELOW });
        assert!(of.is_apart() && of.image.as_deref() == Some("node:v1"));
    }

    #[test]
    fn a_profile_that_says_nothing_or_more_than_there_is_gets_one_plain_node() {
        for plain in [shape(None, None), shape(Some(8), Some(32 * GIB)), shape(Some(64), Some(256 * GIB))] {
            assert!(plain.nodes.is_empty() && !plain.is_apart(), "{plain:?}");
            assert_eq!(plain.seal(), shape(None, None).seal());
        }
    }

    #[test]
    fn one_of_the_two_may_be_said_alone() {
        assert_eq!(shape(Some(2), None).nodes[0].withheld, Withheld { cores: 6, memory: 0 });
        assert_eq!(
            shape(None, Some(GIB)).nodes[0].withheld,
            Withheld { cores: 0, memory: 31 * GIB - EVICTED_BELOW }
        );
    }

    #[test]
    fn a_machine_of_which_nothing_is_known_withholds_nothing() {
        let here = Capabilities::unknown(BackendKind::Kind, Name::new("shop").unwrap(), "me@here".to_owned());
        let platform = Platform { cores: Some(2), memory: Some(Bytes(GIB)), ..Platform::default() };
        assert_eq!(ClusterShape::of_platform(&platform, &here), ClusterShape::default());
    }

    #[test]
    fn a_cluster_has_the_nodes_that_are_asked_for_and_its_zones_by_turns() {
        let zones = ["a", "b"].map(str::to_owned).to_vec();
        let asked = Kubernetes { nodes: Some(3), zones: zones.clone(), ..Kubernetes::default() };
        let here = Capabilities::unknown(BackendKind::Kind, Name::new("shop").unwrap(), "me@here".to_owned());
        let of = |kubernetes: Kubernetes| {
            ClusterShape::of_platform(&Platform { kubernetes, ..Platform::default() }, &here)
        };
        let labels = |shape: &ClusterShape| -> Vec<String> {
            shape.nodes.iter().map(|node| node.labels.get(ZONE).cloned().unwrap_or_default()).collect()
        };
        assert_eq!(labels(&of(asked)), ["a", "b", "a"]);
        assert_eq!(labels(&of(Kubernetes { zones, ..Kubernetes::default() })), ["a", "b"]);
        assert_eq!(of(Kubernetes { nodes: Some(1), ..Kubernetes::default() }), ClusterShape::default());
        let many = of(Kubernetes { nodes: Some(5000), ..Kubernetes::default() });
        assert_eq!(many.nodes.len(), MOST_NODES as usize);
        for (cores, made) in [(1, FEW_NODES), (2, FEW_NODES), (6, 6), (64, MOST_NODES)] {
            let mut here = here.clone();
            here.host.cores = cores;
            let kubernetes = Kubernetes { nodes: Some(40), ..Kubernetes::default() };
            let many = ClusterShape::of_platform(&Platform { kubernetes, ..Platform::default() }, &here);
            assert_eq!(many.nodes.len(), made as usize, "on {cores} cores");
        }
        let published = of(Kubernetes { version: Some("1.33.4".to_owned()), ..Kubernetes::default() });
        assert_eq!(published.image.as_deref(), Some("kindest/node:v1.33.4"));
        assert_eq!(published.version().as_deref(), Some("1.33"));
    }

    #[test]
    fn processes_are_limited_where_every_workload_says_so_and_a_node_can_live_with_it() {
        let most = |all: &[Option<u32>]| {
            let mut text = "apiVersion: prodmirror/v1\nname: shop\nservices:\n".to_owned();
            for (at, one) in all.iter().enumerate() {
                let said = one.map_or(String::new(), |most| format!(", pids: {most}"));
                text += &format!("  s{at}: {{image: web{said}}}\n");
            }
            let documents = [Source::new("profile.yaml", text)];
            let read_file = |_: &str, path: &str| Err(path.to_owned());
            let (set, unset) = (&[][..], &[][..]);
            let layers =
                Layers { documents: &documents, set, unset, allow_unpinned: true, read_file: &read_file };
            pids(&load(&layers).unwrap().profile)
        };
        assert_eq!(most(&[Some(100), Some(80)]), Some(100));
        assert_eq!(most(&[Some(100), None]), None);
        assert_eq!(most(&[Some(20)]), None);
    }

    #[test]
    fn shapes_that_differ_in_anything_have_seals_that_differ() {
        let label = BTreeMap::from([("topology.kubernetes.io/zone".to_owned(), "b".to_owned())]);
        let zoned = ClusterShape {
            nodes: vec![NodeShape { labels: label, ..Default::default() }],
            ..Default::default()
        };
        let ranged = ClusterShape { pods: Some("10.1.0.0/16".parse().unwrap()), ..Default::default() };
        let all = [
            ClusterShape::default(),
            shape(None, None),
            shape(Some(2), None),
            shape(Some(3), None),
            zoned,
            ranged,
        ];
        let seals: std::collections::BTreeSet<String> = all.iter().map(ClusterShape::seal).collect();
        assert_eq!(seals.len(), all.len());
    }
}
