//! Notes: what is said before a launch, because it departs from the profile.

use super::{
    ImageSource, Pod, Site, containers,
    order::Node,
    refusals::{base, processes},
};
use crate::{
    path::Path,
    profile::{Process, Protocol},
};

/// What is said before launching.
pub(crate) fn notes(site: &Site<'_>, nodes: &[Node<'_>], pods: &[Pod]) -> Vec<String> {
    let mut notes = Vec::new();
    for pod in pods.iter().filter(|pod| pod.ordinal == 0) {
        for container in pod.containers() {
            let Some(written) = &container.image.written else { continue };
            let (key, reference) = (&container.key, &container.image.reference);
            let note = match container.image.source {
                ImageSource::Role => {
                    format!(
                        "{key}: {written} is not here; {reference}, built here for the same role, stands in"
                    )
                }
                ImageSource::Tag => {
                    format!("{key}: {written} has no digest; what the tag means today is taken")
                }
                ImageSource::Digest | ImageSource::Local | ImageSource::Helper => continue,
            };
            notes.push(note);
        }
    }
    for node in nodes {
        let base = base(node);
        for (at, process) in processes(node) {
            notes.extend(cut_limits(site, &at, process));
            for (name, (soft, hard), cut) in containers::ulimits(site, process) {
                if cut {
                    let at = at.key("ulimits").key(name);
                    notes.push(format!("{at}: cut to {soft}/{hard}, the most that this host allows"));
                }
            }
        }
        for need in node.run.needs.iter().filter(|need| nodes.iter().any(|o| o.name == *need && o.on_demand))
        {
            notes.push(format!("{}: {need} runs on demand only, nothing waits for it", base.key("needs")));
        }
        if node.run.ports.values().any(|port| port.protocol == Protocol::Udp) {
            notes.push(format!("{}: UDP ports are not published on the host", base.key("ports")));
        }
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
