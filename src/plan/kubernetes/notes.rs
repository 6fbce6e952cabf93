//! What to say before launching on a cluster.

use super::{Body, ContainerSpec, Object, PodSpec, shape};
use crate::{
    plan::{
        Site,
        notes::{of_image, of_node},
        order::Node,
    },
    profile::Cpu,
};

pub(super) fn of_plan(site: &Site<'_>, nodes: &[Node<'_>], objects: &[Object]) -> Vec<String> {
    let mut all = Vec::new();
    for object in objects {
        let (Some(service), Some(pod)) = (&object.service, object.pod()) else { continue };
        let note =
            |container: &ContainerSpec| of_image(&format!("{service}/{}", container.name), &container.image);
        all.extend(pod.containers().filter_map(note));
    }
    all.extend(nodes.iter().flat_map(|node| of_node(nodes, node)));
    all.extend(too_small(site, objects));
    all
}

/// Kubernetes runs no pod for whose requests there is no room; one without a request asks for its limit.
fn too_small(site: &Site<'_>, objects: &[Object]) -> Option<String> {
    let asked = |pod: &PodSpec| -> u64 {
        let of = |container: &ContainerSpec| container.requests.cpu.or(container.limits.cpu);
        let beside = pod.sidecars.iter().chain([&pod.main]);
        beside.filter_map(of).map(|cpu| cpu.millis).sum()
    };
    let replicas = |object: &Object| match object.body {
        Body::Deployment { replicas, .. } | Body::StatefulSet { replicas, .. } => u64::from(replicas),
        _ => 1,
    };
    let pods = objects.iter().filter_map(|object| Some((replicas(object), object.pod()?)));
    let started = pods.filter(|(_, pod)| !pod.on_demand);
    let asked: u64 = started.map(|(replicas, pod)| replicas.saturating_mul(asked(pod))).sum();
    let shape = shape(site.profile, site.capabilities);
    let kept = shape.iter().flat_map(|shape| &shape.nodes).map(|node| node.withheld.cores).sum();
    let cores = site.capabilities.host.cores.saturating_sub(kept);
    (cores > 0 && asked > u64::from(cores) * 1000).then(|| {
        let asked = Cpu { millis: asked };
        format!("the pods ask for {asked} of CPU, and there are {cores} cores: some will wait for room; lower `resources.requests.cpu`")
    })
}
