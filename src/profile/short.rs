//! The short forms of a profile: what a person would write for the long one.

use serde_json::{Map, Value as Json, json};

use super::{node::Node, v1};

/// The same document with every short form in its long one, whether or not it is a good profile.
pub fn lengthen(tree: &Json) -> Json {
    let mut node = Node::from(tree);
    v1::lengthen(&mut node);
    node.to_json()
}

/// The same profile, shorter: `from_tree(shorten(tree(p))) == p`.
pub fn shorten(tree: &Json) -> Json {
    let mut short = tree.clone();
    for section in ["services", "jobs", "stores"] {
        let workloads = short.get_mut(section).and_then(Json::as_object_mut);
        workloads.into_iter().flat_map(Map::values_mut).for_each(workload);
    }
    short
}

fn workload(value: &mut Json) {
    container(value);
    for beside in ["init", "sidecars"] {
        each(value, beside, container);
    }
    replace(value, "ports", ports);
    each(value, "files", |file| alone(file, "content"));
    each(value, "volumes", volume);
}

fn container(value: &mut Json) {
    each(value, "probes", |probe| {
        each_of(probe, "http", |http| alone(http, "path"));
        each_of(probe, "exec", |exec| alone(exec, "command"));
        each_of(probe, "tcp", |tcp| alone(tcp, "port"));
    });
    for hook in ["post_start", "pre_stop"] {
        if let Some(hook) = value.get_mut(hook) {
            each_of(hook, "exec", |exec| alone(exec, "command"));
        }
    }
    each(value, "ulimits", |limit| {
        if let (Some(soft), Some(hard)) = (limit.get("soft"), limit.get("hard"))
            && soft == hard
        {
            *limit = soft.clone();
        }
    });
}

/// `[{name: http, port: 80, protocol: tcp}]` is `{http: 80}`.
fn ports(list: &Json) -> Option<Json> {
    let mut map = Map::new();
    for member in list.as_array()? {
        let (name, port) = (member.get("name")?.as_str()?, member.get("port")?);
        let value = match member.get("protocol").and_then(Json::as_str) {
            None | Some("tcp") => port.clone(),
            Some(protocol) => json!({"port": port, "protocol": protocol}),
        };
        map.insert(name.to_owned(), value);
    }
    Some(map.into())
}

/// The disk is what an empty volume is on, and a folder of the host can be written.
fn volume(volume: &mut Json) {
    if let Some(empty) = volume.get_mut("empty").and_then(Json::as_object_mut)
        && empty.get("medium").and_then(Json::as_str) == Some("disk")
    {
        empty.shift_remove("medium");
    }
    if let Some(map) = volume.as_object_mut()
        && map.get("read_only") == Some(&Json::Bool(false))
    {
        map.shift_remove("read_only");
    }
}

/// A map with one key that may be left out, and no other.
fn alone(value: &mut Json, key: &str) {
    if let Some(map) = value.as_object().filter(|map| map.len() == 1)
        && let Some(inner) = map.get(key)
    {
        *value = inner.clone();
    }
}

fn each(value: &mut Json, key: &str, change: impl FnMut(&mut Json)) {
    let map = value.get_mut(key).and_then(Json::as_object_mut);
    map.into_iter().flat_map(Map::values_mut).for_each(change);
}

fn each_of(value: &mut Json, key: &str, change: impl FnOnce(&mut Json)) {
    if let Some(inner) = value.get_mut(key) {
        change(inner);
    }
}

fn replace(value: &mut Json, key: &str, change: impl FnOnce(&Json) -> Option<Json>) {
    if let Some(inner) = value.get_mut(key)
        && let Some(changed) = change(inner)
    {
        *inner = changed;
    }
}
