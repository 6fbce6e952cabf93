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
    lacks::{self, two_numbers},
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

impl Compose {
    pub(super) async fn read_capabilities(&self, ask: &Ask) -> Result<(Capabilities, Vec<Lack>)> {
        let (info, version, networks, images, roles, compose, buildx) = tokio::join!(
            async { self.docker.info().await.doing("docker info") },
            async { self.docker.version().await.doing("docker version") },
            self.all_networks(),
            self.image_facts(ask),
            self.roles(),
            self.plugin("compose"),
            async { if ask.build_tools { self.plugin("buildx").await } else { None } },
        );
        let (info, version, networks, images, roles) = (info?, version?, networks?, images?, roles?);
        let mut host = self.host(&info, &version);
        host.compose_version = compose;
        host.buildx_version = buildx;
        let mut lacks = lacks::of_host(&host);
        lacks.extend(ask.build_tools.then(|| lacks::of_build_tools(&host)).flatten());
        match self.ensure_helper(&ask.helper, &host.arch).await {
            Ok(reference) => host.helper = Some(reference),
            Err(error) => lacks.push(lacks::of_helper(&error)),
        }
        host.socket = if ask.socket && !host.rootless { Some(self.socket(&info)) } else { None };
        lacks.extend(lacks::of_images(&ask.images, &images, &roles, &host));
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
            cluster: Default::default(),
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

    /// What a plan needs to know of the images that are here.
    pub(super) async fn image_facts(&self, ask: &Ask) -> Result<BTreeMap<String, ImageFacts>> {
        let images = self.facts(&ask.images).await?;
        if ask.timezone { self.with_localtime(images, ask).await } else { Ok(images) }
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
