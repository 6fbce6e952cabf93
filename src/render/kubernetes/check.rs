//! Reads manifests back and holds them against the plan.
//!
//! A template may add to a manifest; it may not lose or change what a process is given, what a pod mounts, or the walls
//! around it, and it may not open what the plan keeps closed.

use std::fmt::Display;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value as Json, json};

use super::{
    RenderError, expansion,
    words::{self, mount, pod_walls, policy, resources, selected, variable, volume, walls},
};
use crate::{
    formats::duties::Role,
    plan::kubernetes::{Body, ClusterPlan, ContainerSpec, Object, PodSpec, ServicePort, protocol_text},
};

pub fn check(plan: &ClusterPlan, file: &str, objects: &[&Object], found: &[Json]) -> Result<(), RenderError> {
    let whole = At { file, path: String::new() };
    whole.same("documents", &json!(objects.len()), Some(&json!(found.len())))?;
    objects.iter().zip(found).try_for_each(|(object, found)| {
        check_object(plan, &At { file, path: object.key().to_string() }, object, found)
    })
}

fn check_object(plan: &ClusterPlan, at: &At<'_>, object: &Object, found: &Json) -> Result<(), RenderError> {
    let kind = object.body.kind();
    at.same("apiVersion", &json!(kind.api_version()), found.get("apiVersion"))?;
    at.same("kind", &json!(kind.as_str()), found.get("kind"))?;
    let (meta, at_meta) = (&found["metadata"], at.at("metadata"));
    at_meta.same("name", &json!(object.name), meta.get("name"))?;
    let namespace = json!(plan.namespace);
    let is_namespace = matches!(object.body, Body::Namespace { .. });
    at_meta.optional("namespace", Some(namespace).filter(|_| !is_namespace), meta.get("namespace"))?;
    at_meta.same("labels", &json!(object.labels), meta.get("labels"))?;
    at_meta.holds("annotations", &object.annotations, &meta["annotations"])?;
    let (spec, at_spec) = (&found["spec"], at.at("spec"));
    match &object.body {
        Body::Namespace { security: _ } => Ok(()),
        // A token is a way to the API server; a pod asks for it by itself.
        Body::ServiceAccount => {
            at.same("automountServiceAccountToken", &json!(false), found.get("automountServiceAccountToken"))
        }
        // No file holds one.
        Body::Secret { data: _ } => at.optional("kind", None, found.get("kind")),
        Body::NetworkPolicy { egress } => at.same("spec", &policy(egress), found.get("spec")),
        Body::ConfigMap { data } => config(at, data, found),
        Body::Claim { size } => at_spec.same(
            "resources.requests.storage",
            &json!(size.to_string()),
            spec.pointer("/resources/requests/storage"),
        ),
        Body::Service { headless, ports } => service(&at_spec, object, *headless, ports, spec),
        Body::Deployment { replicas, pod } => {
            at_spec.same("replicas", &json!(replicas), spec.get("replicas"))?;
            matched(&at_spec, object, spec)?;
            template(&at_spec, pod, &spec["template"])
        }
        Body::StatefulSet { replicas, governing, claims, pod } => {
            at_spec.same("replicas", &json!(replicas), spec.get("replicas"))?;
            at_spec.same("serviceName", &json!(governing), spec.get("serviceName"))?;
            let claimed = list(spec, "volumeClaimTemplates").iter().map(|claim| {
                json!([claim["metadata"]["name"], claim.pointer("/spec/resources/requests/storage")])
            });
            let wanted = claims.iter().map(|(name, size)| json!([name, size.to_string()]));
            at_spec.same("volumeClaimTemplates", &wanted.collect(), Some(&claimed.collect()))?;
            matched(&at_spec, object, spec)?;
            template(&at_spec, pod, &spec["template"])
        }
        Body::Job { retries, pod } => {
            at_spec.same("backoffLimit", &json!(retries), spec.get("backoffLimit"))?;
            template(&at_spec, pod, &spec["template"])
        }
        Body::CronJob { schedule, retries, pod } => {
            at_spec.same("schedule", &json!(schedule), spec.get("schedule"))?;
            at_spec.same("suspend", &json!(true), spec.get("suspend"))?;
            let (job, at_job) = (&spec["jobTemplate"]["spec"], at_spec.at("jobTemplate.spec"));
            at_job.same("backoffLimit", &json!(retries), job.get("backoffLimit"))?;
            template(&at_job, pod, &job["template"])
        }
        Body::Autoscaler { kind, min, max, target_cpu: _ } => {
            at_spec.same("minReplicas", &json!(min), spec.get("minReplicas"))?;
            at_spec.same("maxReplicas", &json!(max), spec.get("maxReplicas"))?;
            at_spec.same("scaleTargetRef.kind", &json!(kind.as_str()), spec.pointer("/scaleTargetRef/kind"))
        }
        Body::DisruptionBudget { bound } => {
            let (key, portion) = words::bound(*bound);
            for word in ["minAvailable", "maxUnavailable"] {
                at_spec.optional(word, (word == key).then(|| json!(portion)), spec.get(word))?;
            }
            matched(&at_spec, object, spec)
        }
    }
}

fn config(at: &At<'_>, data: &indexmap::IndexMap<String, Vec<u8>>, found: &Json) -> Result<(), RenderError> {
    let (mut text, mut binary) = (Map::new(), Map::new());
    for (key, bytes) in data {
        match std::str::from_utf8(bytes) {
            Ok(value) => text.insert(key.clone(), value.into()),
            Err(_) => binary.insert(key.clone(), STANDARD.encode(bytes).into()),
        };
    }
    for (name, wanted) in [("data", text), ("binaryData", binary)] {
        at.optional(name, Some(wanted).filter(|map| !map.is_empty()).map(Json::Object), found.get(name))?;
    }
    Ok(())
}

/// No door of a Service leads out of the cluster.
fn service(
    at: &At<'_>,
    object: &Object,
    headless: bool,
    ports: &[ServicePort],
    spec: &Json,
) -> Result<(), RenderError> {
    for closed in ["type", "externalIPs", "externalName", "loadBalancerIP"] {
        at.optional(closed, None, spec.get(closed))?;
    }
    at.optional("clusterIP", headless.then(|| json!("None")), spec.get("clusterIP"))?;
    at.same("selector", &selected(object), spec.get("selector"))?;
    let wanted = ports.iter().map(|port| {
        let protocol = protocol_text(port.protocol);
        json!({"name": port.name, "port": port.port, "targetPort": port.port, "protocol": protocol})
    });
    at.optional("ports", some(wanted.collect()), spec.get("ports"))
}

fn matched(at: &At<'_>, object: &Object, spec: &Json) -> Result<(), RenderError> {
    at.same("selector", &json!({"matchLabels": selected(object)}), spec.get("selector"))
}

fn template(at: &At<'_>, pod: &PodSpec, found: &Json) -> Result<(), RenderError> {
    let at = at.at("template");
    at.same("metadata.labels", &json!(pod.labels), found.pointer("/metadata/labels"))?;
    at.at("metadata").holds("annotations", &pod.annotations, &found["metadata"]["annotations"])?;
    let (spec, at) = (&found["spec"], at.at("spec"));
    let flag = |value: bool| value.then(|| json!(true));
    at.optional("hostNetwork", flag(pod.host_network), spec.get("hostNetwork"))?;
    at.optional("hostPID", flag(pod.host_pid), spec.get("hostPID"))?;
    for closed in ["hostIPC", "ephemeralContainers"] {
        at.optional(closed, None, spec.get(closed))?;
    }
    let account = pod.service_account.as_ref().map(|name| json!(name));
    at.optional("serviceAccountName", account, spec.get("serviceAccountName"))?;
    at.same(
        "automountServiceAccountToken",
        &json!(pod.automount_token),
        spec.get("automountServiceAccountToken"),
    )?;
    at.same("enableServiceLinks", &json!(pod.enable_service_links), spec.get("enableServiceLinks"))?;
    at.same("restartPolicy", &json!(pod.restart.as_str()), spec.get("restartPolicy"))?;
    at.same("securityContext", &pod_walls(pod), Some(spec.get("securityContext").unwrap_or(&json!({}))))?;
    let volumes = pod.volumes.iter().map(|(name, source)| volume(name, source)).collect();
    at.optional("volumes", some(volumes), spec.get("volumes"))?;
    let before: Vec<&ContainerSpec> = pod.init.iter().chain(&pod.sidecars).collect();
    containers(&at, "initContainers", &before, spec)?;
    containers(&at, "containers", &[&pod.main], spec)
}

fn containers(at: &At<'_>, key: &str, wanted: &[&ContainerSpec], spec: &Json) -> Result<(), RenderError> {
    let found = list(spec, key);
    let names = found.iter().map(|container| container["name"].clone()).collect();
    at.same(key, &json!(wanted.iter().map(|container| &container.name).collect::<Vec<_>>()), Some(&names))?;
    wanted.iter().zip(found).try_for_each(|(wanted, found)| {
        container(&at.at(&format!("{key}[name={}]", wanted.name)), wanted, found)
    })
}

fn container(at: &At<'_>, spec: &ContainerSpec, found: &Json) -> Result<(), RenderError> {
    at.same("image", &json!(spec.image.reference), found.get("image"))?;
    at.same("imagePullPolicy", &json!(spec.pull.as_str()), found.get("imagePullPolicy"))?;
    let always = (spec.role == Role::Sidecar).then(|| json!("Always"));
    at.optional("restartPolicy", always, found.get("restartPolicy"))?;
    let words = |words: &Option<Vec<String>>| words.as_deref().map(|words| json!(expansion::literals(words)));
    at.optional("command", words(&spec.entrypoint), found.get("command"))?;
    at.optional("args", words(&spec.command), found.get("args"))?;
    at.optional("workingDir", spec.working_dir.as_ref().map(|path| json!(path)), found.get("workingDir"))?;
    at.optional("envFrom", None, found.get("envFrom"))?;
    at.optional("env", some(spec.env.iter().map(variable).collect()), found.get("env"))?;
    at.optional("volumeMounts", some(spec.mounts.iter().map(mount).collect()), found.get("volumeMounts"))?;
    let walls = Some(walls(&spec.walls)).filter(|walls| !walls.is_empty()).map(Json::Object);
    at.optional("securityContext", walls, found.get("securityContext"))?;
    for (key, quantities) in [("limits", &spec.limits), ("requests", &spec.requests)] {
        let found = found.get("resources").and_then(|resources| resources.get(key));
        at.at("resources").optional(key, resources(quantities), found)?;
    }
    for (index, port) in list(found, "ports").iter().enumerate() {
        at.optional(&format!("ports[{index}].hostPort"), None, port.get("hostPort"))?;
    }
    for (key, is_there) in [
        ("startupProbe", spec.startup.is_some()),
        ("readinessProbe", spec.readiness.is_some()),
        ("livenessProbe", spec.liveness.is_some()),
    ] {
        at.same(key, &json!(is_there), Some(&json!(found.get(key).is_some())))?;
    }
    Ok(())
}

fn list<'a>(value: &'a Json, key: &str) -> &'a [Json] {
    value.get(key).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// An empty list is not written.
fn some(list: Vec<Json>) -> Option<Json> {
    Some(list).filter(|list| !list.is_empty()).map(Json::Array)
}

/// A place in a file, to name in an error.
struct At<'a> {
    file: &'a str,
    path: String,
}

impl At<'_> {
    fn at(&self, key: &str) -> At<'_> {
        At { file: self.file, path: format!("{}.{key}", self.path) }
    }

    fn same(&self, key: &str, wanted: &Json, found: Option<&Json>) -> Result<(), RenderError> {
        if found == Some(wanted) { Ok(()) } else { Err(self.mismatch(key, wanted, found)) }
    }

    /// `None`: the key must be absent.
    fn optional(&self, key: &str, wanted: Option<Json>, found: Option<&Json>) -> Result<(), RenderError> {
        if found == wanted.as_ref() {
            return Ok(());
        }
        match wanted {
            Some(wanted) => Err(self.mismatch(key, &wanted, found)),
            None => Err(self.mismatch(key, &"nothing", found)),
        }
    }

    /// Every pair is there; others may be besides.
    fn holds(
        &self,
        key: &str,
        wanted: &indexmap::IndexMap<String, String>,
        found: &Json,
    ) -> Result<(), RenderError> {
        let at = self.at(key);
        wanted.iter().try_for_each(|(name, value)| at.same(name, &json!(value), found.get(name)))
    }

    fn mismatch(&self, key: &str, wanted: &impl Display, found: Option<&Json>) -> RenderError {
        let path = match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        };
        let found = found.map_or_else(|| "nothing".to_owned(), Json::to_string);
        RenderError::Mismatch { file: self.file.to_owned(), path, wanted: wanted.to_string(), found }
    }
}
