//! Labels: ours on everything that is made, the profile's on the pods.

use indexmap::IndexMap;

use super::names::{is_label_key, is_label_value};
use crate::{
    labels::{Kind, kubernetes as keys},
    name::Name,
    plan::{PodKind, Site, order::Node},
};

pub(super) type Map = IndexMap<String, String>;

/// Ours, but for the seal.
pub(super) fn ours(site: &Site<'_>, kind: Option<Kind>, service: Option<&Name>) -> Map {
    let mut of = Map::new();
    of.insert(keys::MANAGED_BY.to_owned(), keys::MANAGER.to_owned());
    of.insert(keys::MIRROR.to_owned(), site.capabilities.mirror.to_string());
    of.insert(keys::OWNER.to_owned(), keys::owner(&site.capabilities.owner));
    if let Some(kind) = kind {
        of.insert(keys::KIND.to_owned(), kind.as_str().to_owned());
    }
    if let Some(service) = service {
        of.insert(keys::SERVICE.to_owned(), service.to_string());
    }
    of
}

pub(super) fn kind(node: &Node<'_>) -> Kind {
    match node.kind {
        PodKind::Service => Kind::Service,
        PodKind::Store => Kind::Store,
        PodKind::Job => Kind::Job,
    }
}

/// The labels of a workload's pods.
pub(super) struct Labels {
    pub taken: Map,
    /// Keys that are labels and values that are none: annotations carry them.
    pub refused: Map,
}

pub(super) fn of_pods(site: &Site<'_>, node: &Node<'_>) -> Labels {
    let mut taken = ours(site, Some(kind(node)), Some(node.name));
    if let Some(store) = node.store {
        taken.insert(keys::ENGINE.to_owned(), store.engine.as_str().to_owned());
    }
    let mut refused = Map::new();
    for (key, value) in &node.run.labels {
        match carried(key, value) {
            Carried::Label => taken.insert(key.clone(), value.clone()),
            Carried::Annotation => refused.insert(key.clone(), value.clone()),
            Carried::Nowhere => None,
        };
    }
    Labels { taken, refused }
}

/// Where a label of the profile's ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carried {
    Label,
    Annotation,
    Nowhere,
}

pub(crate) fn carried(key: &str, value: &str) -> Carried {
    if !is_label_key(key) || key.starts_with(keys::PREFIX) {
        Carried::Nowhere
    } else if is_label_value(value) {
        Carried::Label
    } else {
        Carried::Annotation
    }
}
