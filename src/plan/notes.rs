//! Notes: what is said before a launch, because it departs from the profile.

use super::{
    ImagePlan, ImageSource, Pod, Site, containers,
    order::Node,
    refusals::{base, processes},
};
use crate::{
    name::Name,
    path::Path,
    profile::{Process, Protocol},
};

/// What is said before launching.
pub(crate) fn notes(site: &Site<'_>, nodes: &[Node<'_>], pods: &[Pod]) -> Vec<String> {
    let first = pods.iter().filter(|pod| pod.ordinal == 0);
    let containers = first.flat_map(Pod::containers);
    let mut notes: Vec<String> =
        containers.filter_map(|container| of_image(&container.key, &container.image)).collect();
    for node in nodes {
        for (at, process) in processes(node) {
            notes.extend(cut_limits(site, &at, process));
            for (name, (soft, hard), cut) in containers::ulimits(site, process) {
                if cut {
                    let at = at.key("ulimits").key(name);
                    notes.push(format!("{at}: cut to {soft}/{hard}, the most that this host allows"));
                }
            }
        }
        notes.extend(of_node(nodes, node));
    }
    notes
}

/// What is said of an image, on whatever back end; `key` names the container.
pub(crate) fn of_image(key: &str, image: &ImagePlan) -> Option<String> {
    let (written, reference) = (image.written.as_ref()?, &image.reference);
    match image.source {
        ImageSource::Role => Some(format!(
            "{key}: {written} is not here; {reference}, built here for the same role, stands in"
        )),
        ImageSource::Tag => {
            Some(format!("{key}: {written} has no digest; what the tag means today is taken"))
        }
        ImageSource::Digest | ImageSource::Local | ImageSource::Helper => None,
    }
}

/// What is said of a service, store or job, on whatever back end.
pub(crate) fn of_node(nodes: &[Node<'_>], node: &Node<'_>) -> Vec<String> {
    let base = base(node);
    let on_demand = |need: &&Name| nodes.iter().any(|other| other.name == *need && other.on_demand);
    let mut notes: Vec<String> = (node.run.needs.iter().filter(on_demand))
        .map(|need| format!("{}: {need} runs on demand only, nothing waits for it", base.key("needs")))
        .collect();
    if node.run.ports.values().any(|port| port.protocol == Protocol::Udp) {
        notes.push(format!("{}: UDP ports are not published on the host", base.key("ports")));
    }
    notes
}

fn cut_limits(site: &Site<'_>, at: &Path, process: &Process) -> Vec<String> {
    let (given, limits) = (containers::limits(site, process), &process.resources.limits);
    let mut notes = Vec::new();
    if let Some((wanted, given)) =
        limits.cpu.zip(given.cpu_millis).filter(|(cpu, given)| cpu.millis != *given)
    {
        notes.push(format!(
            "{at}.resources.limits.cpu: {wanted} becomes {given}m, what the engine takes here"
        ));
    }
    if let Some((wanted, given)) =
        limits.memory.zip(given.memory).filter(|(memory, given)| memory.0 != *given)
    {
        notes.push(format!(
            "{at}.resources.limits.memory: {wanted} becomes {given} bytes, the engine's least"
        ));
    }
    notes
}
