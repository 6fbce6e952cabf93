//! The variables of a pod's containers, as far as its spec and its status tell them.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, EnvVarSource, Pod};

use crate::capture::kubernetes::filled;

/// Values of Secrets by name and key, as far as they were read.
pub(super) type Secrets = BTreeMap<(String, String), String>;

/// The variables of a container as the kubelet gives them to it, and the names of those that nobody told here.
pub(super) fn variables(
    pod: &Pod,
    container: &Container,
    secrets: &Secrets,
) -> (Vec<(String, String)>, Vec<String>) {
    let (mut env, mut untold) = (Vec::<(String, String)>::new(), Vec::new());
    for variable in container.env.iter().flatten() {
        let value = match (&variable.value, &variable.value_from) {
            (Some(text), _) => {
                let known = |name: &str| {
                    env.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.clone())
                };
                Some(filled(text, &known))
            }
            (None, Some(from)) => taken(pod, from, secrets),
            (None, None) => Some(String::new()),
        };
        match value {
            Some(value) => env.push((variable.name.clone(), value)),
            None => untold.push(variable.name.clone()),
        }
    }
    (env, untold)
}

fn taken(pod: &Pod, from: &EnvVarSource, secrets: &Secrets) -> Option<String> {
    if let Some(secret) = &from.secret_key_ref {
        return secrets.get(&(secret.name.clone(), secret.key.clone())).cloned();
    }
    match from.field_ref.as_ref()?.field_path.as_str() {
        "metadata.name" => pod.metadata.name.clone(),
        "metadata.namespace" => pod.metadata.namespace.clone(),
        "status.podIP" => pod.status.as_ref()?.pod_ip.clone(),
        "spec.nodeName" => pod.spec.as_ref()?.node_name.clone(),
        _ => None,
    }
}
