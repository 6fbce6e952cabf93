//! What Kubernetes itself adds to what it is asked for, and which is nobody's wish and no departure.
//!
//! Beside these the kubelet gives every process `KUBERNETES_*` variables and `HOSTNAME`, which stand in no spec, and every
//! namespace has a ServiceAccount `default` and a ConfigMap `kube-root-ca.crt`, which are not looked at.

use serde_json::{Value as Json, json};

use super::scene::items;

/// Where an account's token is mounted, unless the pod says that it wants none.
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Labels of the controllers that make pods.
const LABELS: [&str; 9] = [
    "pod-template-hash",
    "controller-revision-hash",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
    "batch.kubernetes.io/job-completion-index",
    "controller-uid",
    "job-name",
];

/// Fields of a pod's spec that other readers look at, or that tell where it is and no more.
const READ: [&str; 18] = [
    "containers",
    "initContainers",
    "ephemeralContainers",
    "volumes",
    "restartPolicy",
    "terminationGracePeriodSeconds",
    "serviceAccountName",
    "serviceAccount",
    "automountServiceAccountToken",
    "enableServiceLinks",
    "hostNetwork",
    "hostPID",
    "hostname",
    "hostAliases",
    "dnsConfig",
    "securityContext",
    "nodeName",
    // A StatefulSet gives it to its pods.
    "subdomain",
];

pub(super) fn is_label(name: &str) -> bool {
    LABELS.contains(&name) || name.starts_with(crate::labels::kubernetes::PREFIX)
        || name == crate::labels::kubernetes::MANAGED_BY
        // A node's topology, copied to its pods from 1.35 on.
        || name.starts_with("topology.kubernetes.io/")
}

pub(super) fn is_token(mount: &Json) -> bool {
    mount["mountPath"] == TOKEN
}

/// Whether a field of a pod's spec is what it is where nobody said anything.
pub(super) fn is_usual(field: &str, value: &Json, on_host: bool) -> bool {
    match field {
        field if READ.contains(&field) => true,
        "dnsPolicy" => value == if on_host { "ClusterFirstWithHostNet" } else { "ClusterFirst" },
        "schedulerName" => value == "default-scheduler",
        "priority" => value == 0,
        "preemptionPolicy" => value == "PreemptLowerPriority",
        "tolerations" => items(value).all(is_usual_toleration),
        // Credentials that the launch or the account brings: what is pulled is known by its digest.
        "imagePullSecrets" => true,
        _ => false,
    }
}

/// For five minutes a pod outlives its node.
fn is_usual_toleration(toleration: &Json) -> bool {
    let usual = |key: &str| {
        *toleration
            == json!({"effect": "NoExecute", "key": key, "operator": "Exists", "tolerationSeconds": 300})
    };
    usual("node.kubernetes.io/not-ready") || usual("node.kubernetes.io/unreachable")
}

/// A value of a field that nobody asked for, in one piece, without what Kubernetes adds to it.
pub(super) fn shown(field: &str, value: &Json) -> Json {
    let is_added = |item: &Json| field == "tolerations" && is_usual_toleration(item);
    match value {
        Json::Array(list) => list.iter().filter(|item| !is_added(item)).map(text).collect(),
        value => value.clone(),
    }
}

/// An item of a list as one word: a list of maps would be as many entries.
fn text(item: &Json) -> Json {
    if item.is_object() { item.to_string().into() } else { item.clone() }
}

/// Fields of a container that other readers look at, or that say how it was pulled and told.
const OF_CONTAINER: [&str; 18] = [
    "name",
    "image",
    "imagePullPolicy",
    "command",
    "args",
    "workingDir",
    "env",
    "envFrom",
    "ports",
    "resources",
    "volumeMounts",
    "startupProbe",
    "readinessProbe",
    "livenessProbe",
    "lifecycle",
    "securityContext",
    "restartPolicy",
    // Logs say why a container ended.
    "terminationMessagePath",
];

/// Whether a field of a container is what it is where nobody said anything.
pub(super) fn is_usual_of_container(field: &str, value: &Json) -> bool {
    match field {
        field if OF_CONTAINER.contains(&field) => true,
        "terminationMessagePolicy" => value == "File",
        "stdin" | "stdinOnce" | "tty" => value == false,
        "resizePolicy" | "restartPolicyRules" => items(value).next().is_none(),
        _ => false,
    }
}
