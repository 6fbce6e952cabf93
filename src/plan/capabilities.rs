//! What a back end can do and what it already holds: plain data that preflight reads.

use std::{collections::BTreeMap, fmt, net::Ipv4Addr, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    name::Name,
    profile::{Digest, Image},
};

/// One value with everything that `plan` may know besides the profile.
///
/// `doctor --format json` prints the host's part, `plan --host FILE` takes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capabilities {
    pub host: Host,
    pub mirror: Name,
    pub owner: String,
    pub options: Options,
    /// Images by what the engine is asked for (`Image::to_engine`), as far as they are here.
    pub images: BTreeMap<String, ImageFacts>,
    /// Public image (`docker.io/library/postgres`) to the reference of a local build of its role.
    pub roles: BTreeMap<String, String>,
    /// Subnets that networks and routes of the host have; a new mirror's avoids them.
    pub subnets_in_use: Vec<Subnet>,
    /// The subnets of this mirror's networks (inside, door) if it is there already.
    pub own_subnets: Option<(Subnet, Subnet)>,
    /// Of a Kubernetes cluster alone.
    #[serde(default)]
    pub cluster: Cluster,
}

/// What a Kubernetes cluster can do; the default is what is not known without asking it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    /// `1.33`; absent: not asked.
    pub version: Option<String>,
    /// Nodes that pods may come to; absent: not asked.
    #[serde(default)]
    pub nodes: Option<u32>,
    /// Of these nodes.
    #[serde(default)]
    pub zones: std::collections::BTreeSet<String>,
    /// Whether a metrics server answers, without which no autoscaler acts.
    pub metrics: bool,
    /// Whether its network keeps network policies; absent: not tried.
    pub policies: Option<bool>,
    /// The image for nodes of a cluster that is made; absent: kind's own, or no cluster is made.
    pub node_image: Option<String>,
}

impl Capabilities {
    /// A host of which nothing is known but what it is: to plan without asking anyone.
    pub fn unknown(backend: BackendKind, mirror: Name, owner: String) -> Self {
        Self {
            host: Host::unknown(backend),
            mirror,
            owner,
            options: Options::default(),
            images: BTreeMap::new(),
            roles: BTreeMap::new(),
            subnets_in_use: Vec::new(),
            own_subnets: None,
            cluster: Cluster::default(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Host {
    pub backend: BackendKind,
    pub engine_version: String,
    pub api_version: String,
    /// `None`: the plug-in is not there.
    pub compose_version: Option<String>,
    pub buildx_version: Option<String>,
    /// `amd64`, `arm64`.
    pub arch: String,
    pub kernel: String,
    /// 1 or 2.
    pub cgroup: u8,
    pub cores: u32,
    pub memory: u64,
    pub disk_free: Option<u64>,
    pub storage_driver: String,
    /// The containerd image store: local images have digests.
    pub containerd_store: bool,
    pub rootless: bool,
    /// Whether a memory limit with swap off is honoured.
    pub swap_limit: bool,
    /// Whether writable layers can have a quota.
    pub storage_quota: bool,
    pub timezone: Option<String>,
    /// The engine's socket for the keeper, as the engine's host sees it; `None` with `--no-docker-socket` or rootless.
    pub socket: Option<String>,
    /// The reference of the helper image; `None` while none could be found.
    pub helper: Option<String>,
    /// Hard limits that containers cannot exceed, by name (`nofile`).
    pub hard_limits: BTreeMap<String, i64>,
}

impl Host {
    /// Texts that are empty and numbers that are 0 are not known.
    fn unknown(backend: BackendKind) -> Self {
        Self {
            backend,
            engine_version: String::new(),
            api_version: String::new(),
            compose_version: None,
            buildx_version: None,
            arch: String::new(),
            kernel: String::new(),
            cgroup: 2,
            cores: 0,
            memory: 0,
            disk_free: None,
            storage_driver: String::new(),
            containerd_store: false,
            rootless: false,
            swap_limit: false,
            storage_quota: false,
            timezone: None,
            socket: None,
            helper: None,
            hard_limits: BTreeMap::new(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackendKind {
    Compose,
    Kind,
    Kubernetes,
}

/// What the command line changes about the plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Options {
    pub allow_unpinned: bool,
    /// `--image SERVICE=REF`
    #[serde(default, with = "images_as_text")]
    pub images: BTreeMap<String, Image>,
    /// `--expose SERVICE`: in addition to the profile's.
    pub expose: Vec<Name>,
}

mod images_as_text {
    use super::{BTreeMap, Image};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(images: &BTreeMap<String, Image>, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(images.iter().map(|(service, image)| (service, image.to_string())))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<String, Image>, D::Error> {
        let texts = BTreeMap::<String, String>::deserialize(d)?;
        texts
            .into_iter()
            .map(|(service, text)| Ok((service, text.parse().map_err(D::Error::custom)?)))
            .collect()
    }
}

/// What is known of an image that is here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ImageFacts {
    /// The image id: the configuration's digest, or the index's with the containerd store.
    pub id: String,
    /// Digests in registries that the engine knows for it, `name@sha256:…`.
    pub repo_digests: Vec<String>,
    pub arch: String,
    pub env: Vec<String>,
    pub entrypoint: Vec<String>,
    pub command: Vec<String>,
    pub user: String,
    pub working_dir: String,
    pub volumes: Vec<String>,
    pub exposed: Vec<String>,
    pub stop_signal: Option<String>,
    pub labels: BTreeMap<String, String>,
    /// Whether `/etc/localtime` is a symbolic link in it; `None` if not looked at.
    pub localtime_is_link: Option<bool>,
}

impl ImageFacts {
    pub fn digest_of(&self, canonical_name: &str) -> Option<Digest> {
        self.repo_digests.iter().find_map(|known| {
            let (name, digest) = known.split_once('@')?;
            let same = name == canonical_name
                || format!("docker.io/{name}") == canonical_name
                || format!("docker.io/library/{name}") == canonical_name;
            if same { digest.parse().ok() } else { None }
        })
    }
}

/// An IPv4 network, `10.213.4.0/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subnet {
    pub base: Ipv4Addr,
    pub bits: u8,
}

impl Subnet {
    pub fn new(base: Ipv4Addr, bits: u8) -> Self {
        let bits = bits.min(32);
        Self { base: Ipv4Addr::from(u32::from(base) & Self::mask(bits)), bits }
    }

    fn mask(bits: u8) -> u32 {
        if bits == 0 { 0 } else { u32::MAX << (32 - bits) }
    }

    pub fn overlaps(&self, other: &Subnet) -> bool {
        let mask = Self::mask(self.bits.min(other.bits));
        u32::from(self.base) & mask == u32::from(other.base) & mask
    }

    /// The address at an offset, if it lies inside.
    pub fn at(&self, offset: u32) -> Option<Ipv4Addr> {
        let address = u32::from(self.base).checked_add(offset)?;
        (address & Self::mask(self.bits) == u32::from(self.base)).then(|| Ipv4Addr::from(address))
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.bits)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no IPv4 network: write it like `10.213.4.0/24`")]
pub struct SubnetError(pub String);

impl FromStr for Subnet {
    type Err = SubnetError;
    fn from_str(text: &str) -> Result<Self, SubnetError> {
        let bad = || SubnetError(text.to_owned());
        let (base, bits) = text.split_once('/').ok_or_else(bad)?;
        let bits = bits.parse().ok().filter(|bits| *bits <= 32).ok_or_else(bad)?;
        Ok(Self::new(base.parse().map_err(|_| bad())?, bits))
    }
}

impl Serialize for Subnet {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Subnet {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}
