//! Objects of one kind, as far as they were seen.

use std::collections::{BTreeMap, BTreeSet};

use kube::{Resource, ResourceExt as _};

use super::super::watch::Change;

/// Objects by name, and the names of those that a controller made by its uid: thousands of pods are asked for by owner
/// with every change.
pub(super) struct Known<K> {
    listed: bool,
    objects: BTreeMap<String, K>,
    made: BTreeMap<String, BTreeSet<String>>,
}

impl<K> Default for Known<K> {
    fn default() -> Self {
        Self { listed: false, objects: BTreeMap::new(), made: BTreeMap::new() }
    }
}

impl<K: Resource<DynamicType = ()>> Known<K> {
    pub fn take(&mut self, change: Change<K>) {
        match change {
            Change::All(objects) => {
                *self = Self { listed: true, ..Self::default() };
                objects.into_iter().for_each(|object| self.put(object));
            }
            Change::Put(object) => self.put(object),
            Change::Gone(object) => self.remove(&object.name_any()),
        }
    }

    /// Whether all that there were have been told once.
    pub fn is_listed(&self) -> bool {
        self.listed
    }

    pub fn get(&self, name: &str) -> Option<&K> {
        self.objects.get(name)
    }

    /// What the object of a uid made, in order of name.
    pub fn made_by(&self, uid: Option<&str>) -> impl Iterator<Item = &K> {
        let names = uid.and_then(|uid| self.made.get(uid)).into_iter().flatten();
        names.filter_map(|name| self.objects.get(name))
    }

    fn put(&mut self, object: K) {
        let name = object.name_any();
        // Its owner may be another now.
        self.remove(&name);
        for owner in object.owner_references() {
            self.made.entry(owner.uid.clone()).or_default().insert(name.clone());
        }
        self.objects.insert(name, object);
    }

    fn remove(&mut self, name: &str) {
        let Some(object) = self.objects.remove(name) else { return };
        for owner in object.owner_references() {
            if let Some(made) = self.made.get_mut(&owner.uid) {
                made.remove(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::{
        api::core::v1::Pod,
        apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
    };

    use super::*;

    fn pod(name: &str, owner: &str) -> Pod {
        let owner = OwnerReference { uid: owner.to_owned(), ..OwnerReference::default() };
        let metadata = ObjectMeta {
            name: Some(name.to_owned()),
            owner_references: Some(vec![owner]),
            ..ObjectMeta::default()
        };
        Pod { metadata, ..Pod::default() }
    }

    fn made(known: &Known<Pod>, uid: &str) -> Vec<String> {
        known.made_by(Some(uid)).map(|pod| pod.name_any()).collect()
    }

    #[test]
    fn what_a_controller_made_is_known_by_it_as_it_comes_changes_and_goes() {
        let mut known = Known::default();
        known.take(Change::Put(pod("early", "a")));
        assert!(!known.is_listed());
        known.take(Change::All(vec![pod("z", "a"), pod("b", "a"), pod("c", "other")]));
        assert!(known.is_listed() && known.get("early").is_none());
        assert_eq!(made(&known, "a"), ["b", "z"]);
        known.take(Change::Put(pod("z", "other")));
        known.take(Change::Gone(pod("c", "other")));
        assert_eq!((made(&known, "a"), made(&known, "other")), (vec!["b".to_owned()], vec!["z".to_owned()]));
        assert_eq!(known.made_by(None).count(), 0);
    }
}
