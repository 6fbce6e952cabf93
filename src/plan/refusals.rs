//! Refusals: what makes `up` stop before anything is made.

use super::{
    ContainerPlan, ImageSource, Pod, Refusal, Site, holes, images,
    order::{MOST_REPLICAS, Node},
};
use crate::{
    ledger::is_given,
    path::Path,
    profile::{Allow, Process, Seed, Volume},
};

pub(crate) fn refusals(
    site: &Site<'_>,
    nodes: &[Node<'_>],
    pods: &[Pod],
    subnets_found: bool,
) -> Vec<Refusal> {
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
    for node in nodes {
        let first = pods.iter().find(|pod| pod.ordinal == 0 && pod.service == *node.name);
        first.into_iter().for_each(|pod| missing_images(site, node, pod, &mut refusals));
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

fn missing_images(site: &Site<'_>, node: &Node<'_>, pod: &Pod, refusals: &mut Vec<Refusal>) {
    for (path, container) in images_of(node, pod) {
        let Some(written) = &container.image.written else { continue };
        if site.profile.is_hole(&path) && !is_given(site.capabilities, &path) {
            continue;
        }
        let refused = match container.image.source {
            ImageSource::Local if images::choose(site.capabilities, written).1.is_none() => Some((
                "image-missing",
                format!("{written} is not on this host, and an image built here cannot be pulled"),
                format!("docker build --tag {} …", written.to_engine()),
            )),
            ImageSource::Tag if !site.capabilities.options.allow_unpinned => Some((
                "image-unpinned",
                format!("{written} has no digest"),
                "prodmirror pin, or --allow-unpinned".to_owned(),
            )),
            _ => None,
        };
        if let Some((code, message, fill)) = refused {
            let known = refusals.iter().any(|known| known.code == code && known.message == message);
            if !known {
                refusals.push(Refusal {
                    code: code.to_owned(),
                    path: path.to_string(),
                    message,
                    fill: Some(fill),
                });
            }
        }
    }
}

/// The containers of a pod, each with the path of its image in the profile.
fn images_of<'a>(node: &Node<'_>, pod: &'a Pod) -> Vec<(Path, &'a ContainerPlan)> {
    let base = base(node);
    let mut all = vec![(base.key("image"), &pod.main)];
    for (list, sides, plans) in
        [("init", &node.run.init, &pod.init), ("sidecars", &node.run.sidecars, &pod.sidecars)]
    {
        for ((name, side), plan) in sides.iter().zip(plans) {
            let own = base.key(list).key(name.as_str()).key("image");
            all.push((if side.image.is_some() { own } else { base.key("image") }, plan));
        }
    }
    all
}
