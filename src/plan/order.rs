//! The order: what is ready before what, in as few waves as the needs allow.

use std::collections::BTreeMap;

use super::PodKind;
use crate::{
    name::Name,
    profile::{Balancing, FileContent, Piece, Process, Profile, Store, Text, Value, Workload},
};

/// More replicas of one service than this are refused.
pub(crate) const MOST_REPLICAS: u32 = 1000;

/// A service, job or store, as far as the plan treats them alike.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    pub name: &'a Name,
    pub kind: PodKind,
    pub run: &'a Workload,
    pub store: Option<&'a Store>,
    pub replicas: u32,
    /// Replicas have names of their own, as a StatefulSet's.
    pub stateful: bool,
    /// As written; stores and jobs say nothing.
    pub balancing: Option<Balancing>,
    /// A job with a schedule.
    pub on_demand: bool,
    pub retries: u32,
    /// What must be ready before, as written and as its variables name stores.
    pub needs: Vec<Name>,
    /// From 1; 0 for what `up` does not start.
    pub wave: u32,
}

impl Node<'_> {
    /// Whether its name leads to one address that is no replica's, as that of a Service of Kubernetes which is not
    /// headless: those of replicas with names are, unless it is written otherwise.
    pub fn has_address(&self) -> bool {
        match self.balancing {
            Some(Balancing::ClusterIp) => true,
            Some(Balancing::Headless | Balancing::Dns) => false,
            None => !self.stateful,
        }
    }
}

/// Stores, jobs and services in the order of the profile, with their waves.
pub(crate) fn nodes(profile: &Profile) -> Vec<Node<'_>> {
    let mut nodes = list(profile);
    let known: BTreeMap<&Name, usize> = nodes.iter().enumerate().map(|(at, node)| (node.name, at)).collect();
    let written: Vec<Vec<usize>> = nodes.iter().map(|node| find(&known, &node.run.needs)).collect();
    let meant: Vec<Vec<usize>> = nodes
        .iter()
        .zip(&written)
        .map(|(node, written)| {
            let mut all = written.clone();
            if node.kind != PodKind::Store {
                all.extend(find(&known, &stores_named(profile, node.run)));
            }
            all.sort_unstable();
            all.dedup();
            all
        })
        .collect();
    // What is run on demand is never ready, so nothing can wait for it.
    let starts: Vec<bool> = nodes.iter().map(|node| !node.on_demand).collect();
    let only_started = |needs: &[Vec<usize>]| -> Vec<Vec<usize>> {
        needs.iter().map(|needs| needs.iter().copied().filter(|need| starts[*need]).collect()).collect()
    };
    // A reference alone must not close a circle that the written needs leave open.
    let meant = only_started(&meant);
    let (needs, waves) = match waves(&meant) {
        Ok(waves) => (meant, waves),
        Err(_) => {
            let written = only_started(&written);
            let waves = waves(&written).unwrap_or_else(|forced| forced);
            (written, waves)
        }
    };
    let names: Vec<Name> = nodes.iter().map(|node| node.name.clone()).collect();
    for (at, node) in nodes.iter_mut().enumerate() {
        node.needs = needs[at].iter().map(|need| names[*need].clone()).collect();
        // The order in which a profile lists its stores is no part of what a replica needs.
        node.needs.sort();
        node.wave = if node.on_demand { 0 } else { waves[at] };
    }
    nodes
}

/// The wave of each node, from 1: one more than the highest of its needs.
///
/// Where needs go in a circle the answer is `Err` with an order all the same: the first of the circle, in the given
/// order, does not wait.
pub(crate) fn waves(needs: &[Vec<usize>]) -> Result<Vec<u32>, Vec<u32>> {
    let mut waves: Vec<Option<u32>> = vec![None; needs.len()];
    let mut circle = false;
    for wave in 1.. {
        let is_free = |at: usize| {
            waves[at].is_none() && needs[at].iter().all(|need| waves.get(*need).is_none_or(Option::is_some))
        };
        let mut free: Vec<usize> = (0..needs.len()).filter(|at| is_free(*at)).collect();
        if free.is_empty() {
            let Some(first) = waves.iter().position(Option::is_none) else { break };
            circle = true;
            free.push(first);
        }
        for at in free {
            waves[at] = Some(wave);
        }
    }
    let waves = waves.into_iter().map(|wave| wave.unwrap_or(1)).collect();
    if circle { Err(waves) } else { Ok(waves) }
}

fn find(known: &BTreeMap<&Name, usize>, names: &[Name]) -> Vec<usize> {
    names.iter().filter_map(|name| known.get(name).copied()).collect()
}

fn list(profile: &Profile) -> Vec<Node<'_>> {
    let node = |name, kind, run| Node {
        name,
        kind,
        run,
        store: None,
        replicas: 1,
        stateful: false,
        balancing: None,
        on_demand: false,
        retries: 0,
        needs: Vec::new(),
        wave: 0,
    };
    let mut nodes: Vec<Node<'_>> = Vec::new();
    for (name, store) in &profile.stores {
        let replicas = store.replicas.unwrap_or(1).clamp(1, MOST_REPLICAS);
        let node = node(name, PodKind::Store, &store.run);
        nodes.push(Node { store: Some(store), replicas, stateful: true, ..node });
    }
    for (name, job) in &profile.jobs {
        let retries = job.retries.unwrap_or(0);
        nodes.push(Node { on_demand: job.schedule.is_some(), retries, ..node(name, PodKind::Job, &job.run) });
    }
    for (name, service) in &profile.services {
        let current = service.replicas.or(service.autoscaling.as_ref().map(|scaling| scaling.min));
        nodes.push(Node {
            replicas: current.unwrap_or(1).min(MOST_REPLICAS),
            stateful: service.stateful.unwrap_or(false),
            balancing: service.balancing,
            ..node(name, PodKind::Service, &service.run)
        });
    }
    // A name that two kinds share is refused by `check`; here the first keeps it, so that keys stay unique.
    let mut seen = std::collections::BTreeSet::new();
    nodes.retain(|node| seen.insert(node.name));
    nodes
}

/// Stores that a workload's variables refer to: production had them long before, so they come first here.
fn stores_named(profile: &Profile, run: &Workload) -> Vec<Name> {
    let sides = run.init.values().chain(run.sidecars.values()).map(|container| &container.process);
    std::iter::once(&run.process)
        .chain(sides)
        .flat_map(|process: &Process| process.env.values())
        .filter_map(|value| match value {
            Value::Text(Text(pieces)) => Some(pieces),
            Value::Field(_) | Value::Hole => None,
        })
        .flatten()
        .filter_map(|piece| match piece {
            Piece::Store(name, _) if profile.stores.contains_key(name) => Some(name.clone()),
            _ => None,
        })
        .collect()
}

/// Secrets that a workload's variables and files name, the stores' own among them.
pub(crate) fn secrets_named(profile: &Profile, node: &Node<'_>) -> Vec<Name> {
    let sides = node.run.init.values().chain(node.run.sidecars.values()).map(|container| &container.process);
    let mut texts: Vec<&Text> = std::iter::once(&node.run.process)
        .chain(sides)
        .flat_map(|process: &Process| process.env.values())
        .filter_map(|value| if let Value::Text(text) = value { Some(text) } else { None })
        .collect();
    let stores = texts
        .iter()
        .flat_map(|text| &text.0)
        .filter_map(|piece| if let Piece::Store(name, _) = piece { profile.stores.get(name) } else { None });
    let stores: Vec<&Store> = stores.chain(node.store).collect();
    texts.extend(stores.iter().flat_map(|store| [&store.database, &store.user, &store.password]).flatten());
    let files = node.run.files.values().filter_map(|file| match &file.content {
        FileContent::Secret(name) => Some(name),
        FileContent::Inline(_) | FileContent::From { .. } => None,
    });
    let mut names: Vec<Name> = texts.iter().flat_map(|text| text.secrets()).chain(files).cloned().collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_has_no_needs_starts_first_and_a_circle_still_has_an_order() {
        assert_eq!(waves(&[vec![], vec![0], vec![0, 1], vec![]]), Ok(vec![1, 2, 3, 1]));
        assert_eq!(waves(&[vec![1], vec![0], vec![]]), Err(vec![2, 3, 1]));
        assert_eq!(waves(&[vec![0]]), Err(vec![1]));
    }

    /// The longest chain of needs below a node, by trying all chains.
    fn longest(needs: &[Vec<usize>], at: usize) -> u32 {
        1 + needs[at].iter().map(|need| longest(needs, *need)).max().unwrap_or(0)
    }

    proptest! {
        /// Needs go to earlier nodes only, so there is no circle; then they are shuffled.
        #[test]
        fn a_wave_is_the_longest_chain_of_needs(
            links in proptest::collection::vec(proptest::collection::vec(any::<prop::sample::Index>(), 0..4), 1..9),
            order in Just((0..9usize).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let order: Vec<usize> = order.into_iter().filter(|at| *at < links.len()).collect();
            let mut needs = vec![Vec::new(); links.len()];
            for (at, links) in links.iter().enumerate().skip(1) {
                needs[order[at]] = links.iter().map(|link| order[link.index(at)]).collect();
            }
            let oracle: Vec<u32> = (0..needs.len()).map(|at| longest(&needs, at)).collect();
            prop_assert_eq!(waves(&needs), Ok(oracle));
        }

        #[test]
        fn any_needs_have_an_order(needs in proptest::collection::vec(proptest::collection::vec(0..12usize, 0..4), 0..10)) {
            let waves = waves(&needs).unwrap_or_else(|forced| forced);
            prop_assert_eq!(waves.len(), needs.len());
            prop_assert!(waves.iter().all(|wave| *wave >= 1));
        }
    }
}
