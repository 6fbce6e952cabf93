//! Every image that a profile names, with the path it stands at.

use super::{Container, Image, Name, Profile, Workload};
use crate::path::Path;

/// Path to image, in the profile's order; a container without an image of its own has none, nor has a hole.
pub fn image_paths(profile: &Profile) -> Vec<(Path, Image)> {
    let mut found = Vec::new();
    let root = Path::root();
    let is_known = |(path, _): &(Path, Image)| !profile.is_hole(path);
    for (name, service) in &profile.services {
        workload(&root.key("services").key(name.as_str()), &service.run, &mut found);
    }
    for (name, job) in &profile.jobs {
        workload(&root.key("jobs").key(name.as_str()), &job.run, &mut found);
    }
    for (name, store) in &profile.stores {
        workload(&root.key("stores").key(name.as_str()), &store.run, &mut found);
    }
    found.retain(is_known);
    found
}

/// The images with the service, job or store that they belong to.
pub fn images(profile: &Profile) -> Vec<(Name, Image)> {
    image_paths(profile)
        .into_iter()
        .filter_map(|(path, image)| Some((Name::new(path.key_at(1)?).ok()?, image)))
        .collect()
}

/// Whether any workload sets a time zone: only then it matters how images keep theirs.
pub fn names_timezone(profile: &Profile) -> bool {
    let services = profile.services.values().map(|service| &service.run);
    let jobs = profile.jobs.values().map(|job| &job.run);
    let stores = profile.stores.values().map(|store| &store.run);
    services.chain(jobs).chain(stores).any(|run| run.timezone.is_some())
}

fn workload(at: &Path, run: &Workload, found: &mut Vec<(Path, Image)>) {
    found.push((at.key("image"), run.image.clone()));
    let mut beside = |kind: &str, containers: &indexmap::IndexMap<Name, Container>| {
        for (name, container) in containers {
            if let Some(image) = &container.image {
                found.push((at.key(kind).key(name.as_str()).key("image"), image.clone()));
            }
        }
    };
    beside("init", &run.init);
    beside("sidecars", &run.sidecars);
}
