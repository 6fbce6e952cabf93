//! Which containers are replicas of one service.

use std::collections::BTreeMap;

use super::{COMPOSE, Found, PROJECT, SERVICE};
use crate::observed::{Container, State};

/// Groups by name, in the order of the first of each; the members in the order of their names.
pub fn groups(mut found: Vec<Found<'_>>) -> Vec<(String, Vec<Found<'_>>)> {
    found.sort_by_key(|one| natural(&one.container.name));
    let mut groups: Vec<(String, Vec<Found<'_>>)> = Vec::new();
    for one in found {
        let theirs = name(&one.container);
        let known = groups.iter().position(|(name, members)| {
            let first = members.first().map(|first| &first.container);
            *name == theirs && first.is_some_and(|first| same_service(first, &one.container))
        });
        match known {
            Some(at) => groups[at].1.push(one),
            // Two that have one name and are not alike are two services.
            None if groups.iter().any(|(name, _)| *name == theirs) => {
                groups.push((one.container.name.clone(), vec![one]));
            }
            None => groups.push((theirs, vec![one])),
        }
    }
    groups
}

/// Compose's own name for the service, else the container's without a number at its end.
fn name(container: &Container) -> String {
    if let Some(service) = container.labels.get(SERVICE) {
        return service.clone();
    }
    let short =
        container.name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(['-', '_', '.']);
    if short.is_empty() { container.name.clone() } else { short.to_owned() }
}

/// Numbers within a name count as numbers: `web-10` comes after `web-9`.
fn natural(name: &str) -> (String, u64) {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    (stem.to_owned(), name[stem.len()..].parse().unwrap_or_default())
}

fn same_service(first: &Container, other: &Container) -> bool {
    let service = |container: &Container| {
        Some((container.labels.get(PROJECT)?.clone(), container.labels.get(SERVICE)?.clone()))
    };
    match (service(first), service(other)) {
        (Some(first), Some(other)) => first == other,
        (None, None) => spec(first) == spec(other),
        _ => false,
    }
}

/// A container without what every replica has for itself.
pub fn spec(container: &Container) -> Container {
    let own = |name: &String| !name.starts_with(COMPOSE);
    Container {
        id: String::new(),
        name: String::new(),
        hostname: if is_own_hostname(container) { String::new() } else { container.hostname.clone() },
        created: String::new(),
        state: State::default(),
        networks: BTreeMap::new(),
        published: BTreeMap::new(),
        inside: None,
        labels: container.labels.clone().into_iter().filter(|(name, _)| own(name)).collect(),
        ..container.clone()
    }
}

/// The engine calls a container by its id where nobody gave it a name.
pub fn is_own_hostname(container: &Container) -> bool {
    container.hostname.is_empty() || container.id.starts_with(&container.hostname)
}
