//! Refusals: what makes `up` stop before anything is made.

use super::{
    ContainerPlan, ImagePlan, ImageSource, Pod, Refusal, Site, holes, images,
    order::{MOST_REPLICAS, Node},
};
use crate::{
    ledger::is_given,
    path::Path,
    profile::{Allow, Image, Process, Seed, Volume},
};

pub(crate) fn refusals(
    site: &Site<'_>,
    nodes: &[Node<'_>],
    pods: &[Pod],
    subnets_found: bool,
) -> Vec<Refusal> {
    let mut refusals = of_profile(site, nodes);
    for node in nodes {
        let first = pods.iter().find(|pod| pod.ordinal == 0 && pod.service == *node.name);
        let Some(pod) = first else { continue };
        let sides =
            |plans: &'_ [ContainerPlan]| plans.iter().map(|plan| plan.image.clone()).collect::<Vec<_>>();
        let images = images_of(node, &pod.main.image, &sides(&pod.init), &sides(&pod.sidecars));
        for (path, image) in images {
            let missing = match &image.written {
                Some(written) if image.source == ImageSource::Local => {
                    images::choose(site.capabilities, written).1.is_none().then(|| Lack::missing(written))
                }
                _ => None,
            };
            lacking(site, path, &image, missing, &mut refusals);
        }
    }
    if site.capabilities.host.helper.is_none() {
        refusals.push(Refusal {
            code: "helper-missing".to_owned(),
            path: String::new(),
            message: "there is no image for pause, gateway and keeper".to_owned(),
            fill: Some("--helper-image REF".to_owned()),
        });
    }
    if !subnets_found {
        refusals.push(Refusal {
            code: "no-subnet".to_owned(),
            path: String::new(),
            message: "no free subnet between 10.213.0.0 and 10.254.255.255".to_owned(),
            fill: Some("docker network prune".to_owned()),
        });
    }
    refusals
}

/// What the profile alone leads to, on whatever back end.
pub(crate) fn of_profile(site: &Site<'_>, nodes: &[Node<'_>]) -> Vec<Refusal> {
    let mut refusals = holes::refusals(site);
    for node in nodes {
        snapshot(node, &mut refusals);
        too_many(site, node, &mut refusals);
        for (at, process) in processes(node) {
            if process.privileged == Some(true) {
                not_allowed(site, &at.key("privileged"), Allow::Privileged, "privileged", &mut refusals);
            }
        }
        host_things(site, node, &mut refusals);
    }
    refusals
}

/// Where a node stands in the profile.
pub(crate) fn base(node: &Node<'_>) -> Path {
    let of = match node.kind {
        super::PodKind::Service => "services",
        super::PodKind::Store => "stores",
        super::PodKind::Job => "jobs",
    };
    Path::of([of, node.name.as_str()])
}

/// Every process of a node with its path.
pub(crate) fn processes<'a>(node: &Node<'a>) -> Vec<(Path, &'a Process)> {
    let base = base(node);
    let of = |list: &str, name: &str| base.key(list).key(name);
    let mut all = vec![(base.clone(), &node.run.process)];
    all.extend(node.run.init.iter().map(|(name, c)| (of("init", name.as_str()), &c.process)));
    all.extend(node.run.sidecars.iter().map(|(name, c)| (of("sidecars", name.as_str()), &c.process)));
    all
}

fn snapshot(node: &Node<'_>, refusals: &mut Vec<Refusal>) {
    if let Some(Seed::Snapshot(name)) = node.store.and_then(|store| store.seed.as_ref()) {
        let path = base(node).key("seed").to_string();
        refusals.push(Refusal {
            code: "snapshot-seed".to_owned(),
            message: format!("`{name}` is a snapshot, and snapshots are not in this version"),
            fill: Some(format!("--set {path}=PATH")),
            path,
        });
    }
}

fn too_many(site: &Site<'_>, node: &Node<'_>, refusals: &mut Vec<Refusal>) {
    let service = site.profile.services.get(node.name).and_then(|service| service.replicas);
    let store = node.store.and_then(|store| store.replicas);
    if let Some(wanted) = service.or(store).filter(|wanted| *wanted > MOST_REPLICAS) {
        let path = base(node).key("replicas").to_string();
        refusals.push(Refusal {
            code: "too-many-replicas".to_owned(),
            message: format!("{wanted} replicas are more than {MOST_REPLICAS}"),
            fill: Some(format!("--set {path}=3")),
            path,
        });
    }
}

fn host_things(site: &Site<'_>, node: &Node<'_>, refusals: &mut Vec<Refusal>) {
    let base = base(node);
    if node.run.host_network == Some(true) {
        not_allowed(site, &base.key("host_network"), Allow::HostNetwork, "host-network", refusals);
    }
    if node.run.host_pid == Some(true) {
        not_allowed(site, &base.key("host_pid"), Allow::HostPid, "host-pid", refusals);
    }
    for (target, volume) in &node.run.volumes {
        if let Volume::Host { .. } = volume {
            let at = base.key("volumes").key(target.as_str());
            not_allowed(site, &at, Allow::HostPath, "host-path", refusals);
        }
    }
}

fn not_allowed(site: &Site<'_>, at: &Path, what: Allow, word: &str, refusals: &mut Vec<Refusal>) {
    if !site.profile.allow.contains(&what) {
        refusals.push(Refusal {
            code: "not-allowed".to_owned(),
            path: at.to_string(),
            message: format!("reaches out of the mirror, and the profile's `allow` does not name `{word}`"),
            fill: Some(format!("allow: [{word}]")),
        });
    }
}

/// Why an image cannot be run as it is named.
pub(crate) struct Lack {
    pub code: &'static str,
    pub message: String,
    pub fill: String,
}

impl Lack {
    fn missing(written: &Image) -> Self {
        Self {
            code: "image-missing",
            message: format!("{written} is not on this host, and an image built here cannot be pulled"),
            fill: format!("docker build --tag {} …", written.to_engine()),
        }
    }
}

/// Refuses an image that a back end has not, or that is not pinned; the same one is told once.
pub(crate) fn lacking(
    site: &Site<'_>,
    path: Path,
    image: &ImagePlan,
    lack: Option<Lack>,
    refusals: &mut Vec<Refusal>,
) {
    let Some(written) = &image.written else { return };
    if site.profile.is_hole(&path) && !is_given(site.capabilities, &path) {
        return;
    }
    let unpinned = image.source == ImageSource::Tag && !site.capabilities.options.allow_unpinned;
    let lack = lack.or_else(|| {
        unpinned.then(|| Lack {
            code: "image-unpinned",
            message: format!("{written} has no digest"),
            fill: "prodmirror pin, or --allow-unpinned".to_owned(),
        })
    });
    let Some(Lack { code, message, fill }) = lack else { return };
    if !refusals.iter().any(|known| known.code == code && known.message == message) {
        refusals.push(Refusal { code: code.to_owned(), path: path.to_string(), message, fill: Some(fill) });
    }
}

/// The images of a pod, each with its path in the profile; `init` and `sidecars` are in the profile's order.
pub(crate) fn images_of(
    node: &Node<'_>,
    main: &ImagePlan,
    init: &[ImagePlan],
    sidecars: &[ImagePlan],
) -> Vec<(Path, ImagePlan)> {
    let base = base(node);
    let mut all = vec![(base.key("image"), main.clone())];
    for (list, sides, images) in [("init", &node.run.init, init), ("sidecars", &node.run.sidecars, sidecars)]
    {
        for ((name, side), image) in sides.iter().zip(images) {
            let own = base.key(list).key(name.as_str()).key("image");
            all.push((if side.image.is_some() { own } else { base.key("image") }, image.clone()));
        }
    }
    all
}
