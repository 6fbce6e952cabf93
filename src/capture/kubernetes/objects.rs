//! Objects out of documents, and what looks them up.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use crate::capture::draft::{From, Input, Taking};

/// One object and where it stands.
#[derive(Clone)]
pub(super) struct Object<'s> {
    pub kind: String,
    pub name: String,
    /// `default` where none is written.
    pub namespace: String,
    pub at: Taking<'s>,
}

/// All objects; of two with one name the last holds, as `kubectl apply` has it.
pub(super) struct Cluster<'s> {
    pub objects: Vec<Object<'s>>,
    /// What is around lists of objects.
    pub wrappers: Vec<Taking<'s>>,
    by_name: BTreeMap<(String, String, String), usize>,
}

/// Whether a document is one that Kubernetes would know, or a list of such.
pub fn is_kubernetes(value: &Json) -> bool {
    let has = |key: &str| value.get(key).is_some_and(|value| !value.is_null());
    has("apiVersion") && has("kind") && value["apiVersion"] != crate::profile::VERSION
        || value["kind"].as_str().is_some_and(|kind| kind.ends_with("List")) && value["items"].is_array()
}

/// The documents of a file as one map of objects, `Deployment/web`; lists are taken apart.
pub(super) fn tree(values: Vec<Json>) -> Json {
    let mut map = Map::new();
    for value in values {
        add(value, None, &mut map);
    }
    Json::Object(map)
}

fn add(mut value: Json, listed: Option<&str>, to: &mut Map<String, Json>) {
    // Empty documents stand between the pieces of a chart.
    if value.is_null() {
        return;
    }
    let kind = value["kind"].as_str().or(listed).unwrap_or("document").to_owned();
    let items = match value.get_mut("items") {
        Some(Json::Array(items)) if kind.ends_with("List") || listed.is_none() => std::mem::take(items),
        _ => Vec::new(),
    };
    if items.is_empty() {
        let name = value["metadata"]["name"].as_str().map(|name| format!("/{name}")).unwrap_or_default();
        return drop(to.insert(free(to, format!("{kind}{name}")), value));
    }
    if let Some(wrapper) = value.as_object_mut() {
        wrapper.shift_remove("items");
    }
    to.insert(free(to, kind.clone()), value);
    // The items of a typed list have no kind of their own.
    let single = kind.strip_suffix("List").filter(|kind| !kind.is_empty());
    for item in items {
        add(item, Some(single.unwrap_or("object")), to);
    }
}

fn free(map: &Map<String, Json>, key: String) -> String {
    if !map.contains_key(&key) {
        return key;
    }
    let numbered = |number: usize| format!("{key} ({number})");
    (2..).map(numbered).find(|key| !map.contains_key(key)).unwrap_or(key)
}

impl<'s> Cluster<'s> {
    pub fn of(inputs: &'s [Input]) -> Self {
        let mut cluster = Self { objects: Vec::new(), wrappers: Vec::new(), by_name: BTreeMap::new() };
        for (key, at) in inputs.iter().flat_map(|input| input.top().entries()) {
            let kind = key.split(['/', ' ']).next().unwrap_or_default();
            let name = at.find(&["metadata", "name"]).and_then(|name| name.value().as_str());
            match name {
                Some(name) => cluster.add(kind, name, at),
                None => cluster.wrappers.push(at),
            }
        }
        cluster
    }

    fn add(&mut self, kind: &str, name: &str, at: Taking<'s>) {
        let namespace = at.find(&["metadata", "namespace"]).and_then(|place| place.value().as_str());
        let namespace = namespace.unwrap_or("default").to_owned();
        let object = Object { kind: kind.to_owned(), name: name.to_owned(), namespace, at };
        let key = (object.kind.clone(), object.namespace.clone(), object.name.clone());
        match self.by_name.get(&key) {
            Some(earlier) => {
                self.objects[*earlier]
                    .at
                    .left_out("the same object stands further on, and the last one holds");
                self.objects[*earlier] = object;
            }
            None => {
                self.by_name.insert(key, self.objects.len());
                self.objects.push(object);
            }
        }
    }

    pub fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<&Object<'s>> {
        let key = (kind.to_owned(), namespace.to_owned(), name.to_owned());
        self.by_name.get(&key).map(|index| &self.objects[*index])
    }

    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Object<'s>> {
        self.objects.iter().filter(move |object| object.kind == kind)
    }

    /// What the stack is called: its namespace if it has one of its own, else the file.
    pub fn application(&self, from: &From, inputs: &[Input]) -> String {
        let namespaces: BTreeSet<&str> = self
            .objects
            .iter()
            .filter(|object| object.is_namespaced())
            .map(|object| object.namespace.as_str())
            .collect();
        let only = namespaces.iter().next().filter(|_| namespaces.len() == 1).map(|name| (*name).to_owned());
        let file = || {
            let name = inputs.first().map(Input::name).unwrap_or("captured");
            let name = name.rsplit('/').next().unwrap_or(name);
            name.split('.').next().unwrap_or(name).to_owned()
        };
        from.namespace.clone().or(only.filter(|name| name != "default")).unwrap_or_else(file)
    }
}

impl<'s> Object<'s> {
    fn is_namespaced(&self) -> bool {
        self.at.find(&["metadata", "namespace"]).is_some()
    }

    pub fn spec(&self) -> Option<Taking<'s>> {
        self.at.get("spec")
    }

    /// `Deployment/web`.
    pub fn title(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }

    /// What stands in every object and is taken by taking the object.
    pub fn known(&self) {
        for keys in [&["apiVersion"][..], &["kind"], &["metadata", "name"], &["metadata", "namespace"]] {
            if let Some(at) = self.at.find(keys) {
                at.used();
            }
        }
    }

    /// Kind and name of those that keep this object.
    pub fn owners(&self) -> Vec<(String, String)> {
        let owners =
            self.at.find(&["metadata", "ownerReferences"]).map(|all| all.items()).unwrap_or_default();
        let text = |at: &Taking<'_>, key: &str| Some(at.value()[key].as_str()?.to_owned());
        owners.iter().filter_map(|at| Some((text(at, "kind")?, text(at, "name")?))).collect()
    }

    /// A label or an annotation, unless it is not there.
    pub fn label(&self, of: &str, name: &str) -> Option<&'s str> {
        self.at.find(&["metadata", of])?.value()[name].as_str()
    }
}

/// Whether all of these labels are among those; no labels select nothing.
pub(super) fn selects(selector: &Json, labels: &Json) -> bool {
    let Some(selector) = selector.as_object().filter(|selector| !selector.is_empty()) else { return false };
    selector.iter().all(|(name, value)| labels.get(name) == Some(value))
}
