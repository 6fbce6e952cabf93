//! Preflight: what the host can do and already has, and everything that it lacks.

use std::collections::{BTreeMap, HashMap};

use bollard::{
    models::{ContainerCreateBody, Network, SystemInfo, SystemInfoCgroupVersionEnum, SystemVersion},
    query_parameters::{ContainerArchiveInfoOptionsBuilder, ListNetworksOptionsBuilder},
};
use futures_util::future::{join_all, try_join_all};

use super::{
    super::{Ask, BackendError, Lack, Result, SecretValues},
    Compose, connect, facts, host,
    trouble::Doing as _,
};
use crate::{
    labels,
    plan::{
        BackendKind, Capabilities, Subnet,
        capabilities::{Host, ImageFacts},
    },
    profile::Image,
};

const OLDEST_ENGINE: (u32, u32) = (24, 0);
const OLDEST_COMPOSE: (u32, u32) = (2, 30);
const LITTLE_DISK: u64 = 1 << 30;

impl Compose {
    pub(super) async fn read_capabilities(&self, ask: &Ask) -> Result<(Capabilities, Vec<Lack>)> {
        let (info, version, networks, images, roles, compose, buildx) = tokio::join!(
            async { self.docker.info().await.doing("docker info") },
            async { self.docker.version().await.doing("docker version") },
            self.all_networks(),
            self.facts(&ask.images),
            self.roles(),
            self.plugin("compose"),
            self.plugin("buildx"),
        );
        let (info, version, networks, images, roles) = (info?, version?, networks?, images?, roles?);
        let mut host = self.host(&info, &version);
        host.compose_version = compose;
        host.buildx_version = buildx;
        let mut lacks = lacks_of(&host);
        match self.ensure_helper(&ask.helper, &host.arch).await {
            Ok(reference) => host.helper = Some(reference),
            Err(error) => lacks.push(helper_lack(&error)),
        }
        host.socket = if ask.socket && !host.rootless { Some(self.socket(&info)) } else { None };
        lacks.extend(image_lacks(&ask.images, &images, &roles, &host));
        let images = if ask.timezone { self.with_localtime(images, ask).await? } else { images };
        let own = own_subnets(&networks, ask.mirror.as_str());
        let others =
            networks.iter().filter(|network| !is_of(network, ask.mirror.as_str())).flat_map(subnets_of);
        let mut subnets_in_use: Vec<_> = others.collect();
        if self.is_local(&info) {
            let own: Vec<_> = own.iter().flat_map(|(inside, door)| [*inside, *door]).collect();
            subnets_in_use.extend(host::routes().into_iter().filter(|route| !own.contains(route)));
        }
        subnets_in_use.sort();
        subnets_in_use.dedup();
        let capabilities = Capabilities {
            host,
            mirror: ask.mirror.clone(),
            owner: ask.owner.clone(),
            options: ask.options.clone(),
            images,
            roles,
            subnets_in_use,
            own_subnets: own,
        };
        Ok((capabilities, lacks))
    }

    fn is_local(&self, info: &SystemInfo) -> bool {
        host::is_local(&self.address, info.docker_root_dir.as_deref().unwrap_or_default())
    }

    fn host(&self, info: &SystemInfo, version: &SystemVersion) -> Host {
        let local = self.is_local(info);
        let root = info.docker_root_dir.as_deref().unwrap_or_default();
        let status = |key: &str| {
            let pairs = info.driver_status.iter().flatten();
            pairs.filter(|pair| pair.first().is_some_and(|name| name == key)).find_map(|pair| pair.get(1))
        };
        let storage_driver = info.driver.clone().unwrap_or_default();
        Host {
            backend: BackendKind::Compose,
            engine_version: version.version.clone().unwrap_or_default(),
            api_version: version.api_version.clone().unwrap_or_default(),
            compose_version: None,
            buildx_version: None,
            arch: version.arch.clone().unwrap_or_default(),
            kernel: info.kernel_version.clone().unwrap_or_default(),
            cgroup: if info.cgroup_version == Some(SystemInfoCgroupVersionEnum::_2) { 2 } else { 1 },
            cores: info.ncpu.and_then(|cores| u32::try_from(cores).ok()).unwrap_or_default(),
            memory: info.mem_total.and_then(|memory| u64::try_from(memory).ok()).unwrap_or_default(),
            disk_free: if local { host::disk_free(root) } else { None },
            storage_quota: matches!(storage_driver.as_str(), "btrfs" | "zfs"),
            storage_driver,
            containerd_store: status("driver-type")
                .is_some_and(|kind| kind.starts_with("io.containerd.snapshotter")),
            rootless: info.security_options.iter().flatten().any(|option| option.contains("name=rootless")),
            swap_limit: info.swap_limit.unwrap_or_default(),
            timezone: if local { host::timezone() } else { None },
            socket: None,
            helper: None,
            hard_limits: if local { host::hard_limits() } else { BTreeMap::new() },
        }
    }

    /// The engine's socket as its own host sees it: Docker Desktop's machine has it at the usual place.
    fn socket(&self, info: &SystemInfo) -> String {
        let desktop =
            info.operating_system.as_deref().is_some_and(|system| system.contains("Docker Desktop"));
        match connect::socket_of(&self.address) {
            Some(path) if !desktop => path.display().to_string(),
            _ => "/var/run/docker.sock".to_owned(),
        }
    }

    /// The version of a plug-in of the `docker` command, if it is there.
    async fn plugin(&self, name: &str) -> Option<String> {
        let args: &[&str] =
            if name == "compose" { &["compose", "version", "--short"] } else { &[name, "version"] };
        let printed = self.docker_command(args, &SecretValues::default()).await.ok()?;
        printed
            .split_whitespace()
            .find(|word| two_numbers(word).is_some())
            .map(|word| word.trim_start_matches('v').to_owned())
    }

    async fn all_networks(&self) -> Result<Vec<Network>> {
        let options =
            ListNetworksOptionsBuilder::new().filters(&HashMap::<String, Vec<String>>::new()).build();
        self.docker.list_networks(Some(options)).await.doing("list of networks")
    }

    /// The images that are here, by what the engine is asked for.
    pub(super) async fn facts(&self, images: &[Image]) -> Result<BTreeMap<String, ImageFacts>> {
        let one = async |image: &Image| {
            let reference = image.to_engine();
            let found = self.docker.inspect_image(&reference).await.if_there(&reference)?;
            Ok::<_, BackendError>(found.map(|image| (reference, facts::facts_of(image))))
        };
        Ok(try_join_all(images.iter().map(one)).await?.into_iter().flatten().collect())
    }

    async fn with_localtime(
        &self,
        mut images: BTreeMap<String, ImageFacts>,
        ask: &Ask,
    ) -> Result<BTreeMap<String, ImageFacts>> {
        let asked = images.iter().map(|(reference, facts)| async move {
            (reference.clone(), self.localtime_is_link(&facts.id, ask).await)
        });
        for (reference, answer) in join_all(asked).await {
            if let Some(facts) = images.get_mut(&reference) {
                facts.localtime_is_link = answer?;
            }
        }
        Ok(images)
    }

    /// Looks into an image through a container that is made and never started.
    async fn localtime_is_link(&self, image: &str, ask: &Ask) -> Result<Option<bool>> {
        const GO_SYMLINK: u64 = 1 << 27;
        let labels = HashMap::from([
            (labels::MIRROR.to_owned(), ask.mirror.to_string()),
            (labels::OWNER.to_owned(), ask.owner.clone()),
            (labels::KIND.to_owned(), labels::Kind::Files.as_str().to_owned()),
        ]);
        let body = ContainerCreateBody {
            image: Some(image.to_owned()),
            entrypoint: Some(vec!["/none".to_owned()]),
            labels: Some(labels),
            network_disabled: Some(true),
            ..Default::default()
        };
        let made =
            self.docker.create_container(None, body).await.doing(format!("looking into image {image}"))?;
        let options = ContainerArchiveInfoOptionsBuilder::new().path("/etc/localtime").build();
        let stat =
            self.docker.get_container_archive_info(&made.id, Some(options)).await.if_there("/etc/localtime");
        self.remove_container(&made.id).await?;
        Ok(stat?.map(|stat| u64::from(stat.file_mode) & GO_SYMLINK != 0))
    }
}

fn is_of(network: &Network, mirror: &str) -> bool {
    network.labels.as_ref().and_then(|labels| labels.get(labels::MIRROR)).is_some_and(|name| name == mirror)
}

fn subnets_of(network: &Network) -> Vec<Subnet> {
    let configs = network.ipam.iter().flat_map(|ipam| ipam.config.iter().flatten());
    configs.filter_map(|config| config.subnet.as_deref()?.parse().ok()).collect()
}

/// The mirror's networks, told apart by what they are: the one inside has no way out.
fn own_subnets(networks: &[Network], mirror: &str) -> Option<(Subnet, Subnet)> {
    let find = |internal: bool| {
        let mut own = networks.iter().filter(|network| is_of(network, mirror));
        own.find(|network| network.internal.unwrap_or_default() == internal)
            .and_then(|network| subnets_of(network).first().copied())
    };
    Some((find(true)?, find(false)?))
}

fn lacks_of(host: &Host) -> Vec<Lack> {
    let mut lacks = Vec::new();
    let mut lack = |code: &str, fatal: bool, message: String, hint: &str| {
        lacks.push(Lack { code: code.to_owned(), message, hint: hint.to_owned(), fatal });
    };
    let older = |version: &str, oldest| two_numbers(version).is_some_and(|version| version < oldest);
    if older(&host.engine_version, OLDEST_ENGINE) {
        lack(
            "engine-old",
            true,
            format!("Docker Engine {} is older than 24.0", host.engine_version),
            "install a newer Docker Engine",
        );
    }
    match &host.compose_version {
        None => lack(
            "compose-missing",
            true,
            "there is no `docker compose`".to_owned(),
            "install the Compose plug-in, 2.30 or newer",
        ),
        Some(version) if older(version, OLDEST_COMPOSE) => {
            lack(
                "compose-old",
                true,
                format!("Docker Compose {version} is older than 2.30"),
                "install a newer Compose plug-in",
            );
        }
        Some(_) => {}
    }
    if host.buildx_version.is_none() {
        lack(
            "buildx-missing",
            false,
            "there is no `docker buildx`".to_owned(),
            "install it to build images; mirrors run without",
        );
    }
    if !host.swap_limit {
        lack(
            "swap-limit-missing",
            false,
            "the kernel does not account swap, so a memory limit lets a container swap".to_owned(),
            "boot with `swapaccount=1`, or use cgroup v2",
        );
    }
    if host.rootless {
        lack(
            "engine-rootless",
            false,
            "the engine is rootless: no keeper has its socket, so nothing is restarted or expires".to_owned(),
            "use a root engine for restarts and probes",
        );
    }
    if host.disk_free.is_some_and(|free| free < LITTLE_DISK) {
        lack(
            "disk-low",
            false,
            "less than 1 GiB is free where the engine keeps its data".to_owned(),
            "run `docker system df` and make room",
        );
    }
    lacks
}

fn helper_lack(error: &BackendError) -> Lack {
    Lack {
        code: "helper-missing".to_owned(),
        message: error.to_string(),
        hint: "put a static Linux build beside the program, or name one with PRODMIRROR_HELPER or `--helper-image`".to_owned(),
        fatal: true,
    }
}

fn image_lacks(
    asked: &[Image],
    here: &BTreeMap<String, ImageFacts>,
    roles: &BTreeMap<String, String>,
    host: &Host,
) -> Vec<Lack> {
    let mut lacks = Vec::new();
    for image in asked.iter().filter(|image| !here.contains_key(&image.to_engine())) {
        let (fatal, hint) = match image {
            Image::Local { .. } => (true, "build it on this machine, or give another with `--image`"),
            Image::Registry(registry) if roles.contains_key(&registry.canonical_name()) => {
                (false, "`up` pulls it, or takes the build of the same role")
            }
            Image::Registry(_) => (false, "`up` pulls it, or loads it from `--image-archive`"),
        };
        let message = format!("image {image} is not here");
        lacks.push(Lack { code: "image-missing".to_owned(), message, hint: hint.to_owned(), fatal });
    }
    let by_digest =
        asked.iter().any(|image| matches!(image, Image::Registry(registry) if registry.digest.is_some()));
    if !host.containerd_store && by_digest {
        lacks.push(Lack {
            code: "image-store-old".to_owned(),
            message: "the engine has its old image store: only pulled images can be named by digest"
                .to_owned(),
            hint: "turn on `containerd-snapshotter` in daemon.json to load images from an archive by digest"
                .to_owned(),
            fatal: false,
        });
    }
    lacks
}

/// Major and minor of a version: `v2.40.3-3` is (2, 40).
fn two_numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.trim_start_matches('v').split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(two_numbers("v2.40.3-3"), Some((2, 40)));
        assert!(two_numbers("2.9.0") < two_numbers("2.30.0"));
        assert_eq!(two_numbers("github.com/docker/buildx"), None);
    }
}
