//! What is left: objects that a profile has no place for, and what stands in every object.

use super::{
    env,
    objects::{Cluster, Object},
    workloads,
};
use crate::{
    capture::draft::{Sketch, Taking},
    path::Path,
};

const OWN: &str = "Kubernetes keeps it for itself";

/// What every object's head says besides its name.
pub(super) fn metadata(object: &Taking<'_>) {
    let Some(metadata) = object.get("metadata") else { return };
    for (key, at) in metadata.entries() {
        match key {
            "name" | "namespace" => at.used(),
            "labels" if at.is_open() => {
                at.left_out("labels of the pods are taken, not those of what makes them")
            }
            "annotations" => at.left_out("annotations say nothing to a container of a mirror"),
            "labels" => {}
            _ if at.is_open() => at.left_out(OWN),
            _ => {}
        }
    }
}

/// Names every object of which nothing became a part of the profile.
pub(super) fn write<'s>(cluster: &Cluster<'s>, to: &mut Sketch<'s>) {
    for wrapper in &cluster.wrappers {
        wrapper_of(wrapper);
    }
    for object in &cluster.objects {
        match object.kind.as_str() {
            "Deployment"
            | "StatefulSet"
            | "DaemonSet"
            | "Job"
            | "CronJob"
            | "ReplicaSet"
            | "ReplicationController"
            | "Pod" => observed(object, cluster),
            "Service" | "HorizontalPodAutoscaler" | "PodDisruptionBudget" if !untouched(object) => {
                observed(object, cluster)
            }
            "PersistentVolumeClaim" if !untouched(object) => observed(object, cluster),
            "Node" => rest_of(object, "of a node its machine, its version and its zone are taken"),
            "ConfigMap" | "Secret" => keys(object),
            "Namespace" => {
                object.known();
                rest_of(object, "a mirror is a namespace of its own");
            }
            kind => unsupported(object, reason(kind), to),
        }
    }
}

fn untouched(object: &Object<'_>) -> bool {
    object.spec().is_none_or(|spec| spec.is_open()) && object.at.get("kind").is_none_or(|kind| kind.is_open())
}

fn wrapper_of(wrapper: &Taking<'_>) {
    let is_list = wrapper.value()["kind"].as_str().is_some_and(|kind| kind.ends_with("List"))
        || wrapper.value().get("kind").is_none() && wrapper.value().get("metadata").is_some();
    match is_list {
        true => wrapper.used(),
        false => wrapper.left_out("it is no object of Kubernetes with a name"),
    }
}

/// What Kubernetes wrote down of an object that was taken, and pods that are captured from their owners.
fn observed(object: &Object<'_>, cluster: &Cluster<'_>) {
    if object.kind == "Pod" && workloads::is_owned(object, cluster) {
        return rest_of(object, "a pod is captured from what made it; its digest and its restarts are taken");
    }
    object.known();
    metadata(&object.at);
    if let Some(status) = object.at.get("status") {
        rest_below(&status, "what Kubernetes observed; a mirror is observed by itself");
    }
}

/// Keys that something read are used; the others nobody reads.
fn keys(object: &Object<'_>) {
    object.known();
    metadata(&object.at);
    let why = match object.kind.as_str() {
        "Secret" => "nothing that was read uses it, and a Secret's value is not looked at",
        _ => "nothing that was read uses it",
    };
    for (_, at) in env::keys(object, &object.kind) {
        if at.is_open() {
            at.left_out(why);
        }
    }
    if let Some(kind) = object.at.get("type") {
        kind.used();
    }
    object.at.without(&[("immutable", OWN), ("binaryData", "a file of a profile is text")]);
}

/// Leaves out whatever of an object nobody said a word of.
fn rest_of(object: &Object<'_>, why: &str) {
    rest_below(&object.at, why);
}

fn rest_below(at: &Taking<'_>, why: &str) {
    if at.is_open() {
        return at.left_out(why);
    }
    for (_, below) in at.entries() {
        rest_below(&below, why);
    }
    for below in at.items() {
        rest_below(&below, why);
    }
}

pub(super) fn unsupported<'s>(object: &Object<'s>, why: &str, to: &mut Sketch<'s>) {
    if untouched(object) {
        to.put(&Path::of(["captured", "unsupported"]).key(object.title()), why);
        object.at.left_out(why);
    }
}

fn reason(kind: &str) -> &'static str {
    match kind {
        "NetworkPolicy" => "a mirror denies every way out, and opens all between its services",
        "Ingress" | "IngressClass" => "a mirror publishes ports on loopback; hosts and paths are not routed",
        "ServiceAccount" | "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding" => {
            "there is no Kubernetes API in a mirror"
        }
        "CustomResourceDefinition" => "a kind of a controller that does not run in a mirror",
        "PersistentVolume" | "StorageClass" | "PersistentVolumeClaim" => "volumes of a mirror are its own",
        "HorizontalPodAutoscaler" => "what it scales was not read",
        "Service" => "it leads to nothing that was read",
        "PriorityClass" | "LimitRange" | "ResourceQuota" => "nothing is scheduled in a mirror",
        "Endpoints" | "EndpointSlice" => "a mirror finds its replicas by itself",
        "Event" => "what happened is no part of a profile",
        "Kustomization" => "`kubectl kustomize` makes objects of it, and those can be captured",
        _ => "a profile has no place for this kind",
    }
}
