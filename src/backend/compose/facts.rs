//! An image as the engine describes it, as plain data.

use bollard::models::ImageInspect;

use crate::plan::capabilities::ImageFacts;

pub(super) fn facts_of(image: ImageInspect) -> ImageFacts {
    let config = image.config.unwrap_or_default();
    let mut facts = ImageFacts {
        id: image.id.unwrap_or_default(),
        repo_digests: image.repo_digests.unwrap_or_default(),
        arch: image.architecture.unwrap_or_default(),
        env: config.env.unwrap_or_default(),
        entrypoint: config.entrypoint.unwrap_or_default(),
        command: config.cmd.unwrap_or_default(),
        user: config.user.unwrap_or_default(),
        working_dir: config.working_dir.unwrap_or_default(),
        volumes: config.volumes.unwrap_or_default(),
        exposed: config.exposed_ports.unwrap_or_default(),
        stop_signal: config.stop_signal,
        labels: config.labels.unwrap_or_default().into_iter().collect(),
        localtime_is_link: None,
    };
    // The engine gives sets without an order; a plan must not depend on it.
    facts.volumes.sort();
    facts.exposed.sort();
    facts.repo_digests.sort();
    facts
}
