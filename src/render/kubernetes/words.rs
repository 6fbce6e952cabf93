//! Parts of a plan as the API server is told them.

use serde_json::{Map, Value as Json, json};

use super::{
    container::{Where, field_path},
    expansion,
    view::selector,
};
use crate::{
    plan::kubernetes::{
        EgressRule, EnvSource, Object, PodMount, PodSpec, Projection, ProjectionSource, Quantities,
        VolumeSource, Walls,
    },
    profile::{Disruption, Portion},
};

/// The one word of a budget's bound, with its value; the other word is absent.
pub(crate) fn bound(bound: Disruption) -> (&'static str, Portion) {
    match bound {
        Disruption::MinAvailable(portion) => ("minAvailable", portion),
        Disruption::MaxUnavailable(portion) => ("maxUnavailable", portion),
    }
}

/// Nothing besides, for whatever is added is a way out.
pub(crate) fn policy(egress: &[EgressRule]) -> Json {
    let rules = egress.iter().map(|rule| match rule {
        EgressRule::Inside => json!({"to": [{"podSelector": {}}]}),
        EgressRule::Dns => json!({
            "to": [{
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
                "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
            }],
            "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
        }),
    });
    json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": rules.collect::<Vec<_>>()})
}

pub(crate) fn selected(object: &Object) -> Json {
    selector(object)
        .into_iter()
        .map(|pair| (pair.key.to_owned(), Json::from(pair.value)))
        .collect::<Map<_, _>>()
        .into()
}

pub(crate) fn pod_walls(pod: &PodSpec) -> Json {
    let mut wanted = Map::new();
    if let Some(group) = pod.fs_group {
        wanted.insert("fsGroup".to_owned(), json!(group));
    }
    if !pod.groups.is_empty() {
        wanted.insert("supplementalGroups".to_owned(), json!(pod.groups));
    }
    if !pod.sysctls.is_empty() {
        let sysctls = pod.sysctls.iter().map(|(name, value)| json!({"name": name, "value": value}));
        wanted.insert("sysctls".to_owned(), sysctls.collect());
    }
    wanted.into()
}

pub(crate) fn volume(name: &str, source: &VolumeSource) -> Json {
    match source {
        VolumeSource::Empty { memory, size } => {
            let mut empty = Map::new();
            if *memory {
                empty.insert("medium".to_owned(), json!("Memory"));
            }
            if let Some(size) = size {
                empty.insert("sizeLimit".to_owned(), json!(size.to_string()));
            }
            json!({"name": name, "emptyDir": empty})
        }
        VolumeSource::Claim { name: claim } => {
            json!({"name": name, "persistentVolumeClaim": {"claimName": claim}})
        }
        VolumeSource::Host { path } => json!({"name": name, "hostPath": {"path": path}}),
        VolumeSource::Files { from } => {
            let sources: Vec<Json> = from.iter().map(projection).collect();
            json!({"name": name, "projected": {"sources": sources}})
        }
    }
}

fn projection(projection: &Projection) -> Json {
    let items = projection
        .items
        .iter()
        .map(|item| json!({"key": item.key, "path": item.path, "mode": item.mode}))
        .collect::<Vec<_>>();
    match &projection.source {
        ProjectionSource::ConfigMap(name) => json!({"configMap": {"name": name, "items": items}}),
        ProjectionSource::Secret(name) => json!({"secret": {"name": name, "items": items}}),
    }
}

pub(crate) fn variable((name, source): (&String, &EnvSource)) -> Json {
    match source {
        EnvSource::Text(text) => json!({"name": name, "value": expansion::literal(text)}),
        EnvSource::Secret { name: secret, key } => {
            json!({"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}})
        }
        EnvSource::Field(field) => match field_path(*field) {
            Where::Pod(path) => json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}),
            Where::Resource(resource) => {
                json!({"name": name, "valueFrom": {"resourceFieldRef": {"resource": resource, "divisor": "1"}}})
            }
        },
    }
}

pub(crate) fn mount(mount: &PodMount) -> Json {
    let PodMount { volume, target, subpath, read_only } = mount;
    let mut wanted =
        Map::from_iter([("name".to_owned(), json!(volume)), ("mountPath".to_owned(), json!(target))]);
    if let Some(path) = subpath {
        wanted.insert("subPath".to_owned(), json!(path));
    }
    if *read_only {
        wanted.insert("readOnly".to_owned(), json!(true));
    }
    wanted.into()
}

pub(crate) fn walls(walls: &Walls) -> Map<String, Json> {
    let Walls { user, group, read_only, privileged, privilege_escalation, seccomp, cap_add, cap_drop } =
        walls;
    let mut capabilities = Map::new();
    for (key, caps) in [("add", cap_add), ("drop", cap_drop)] {
        if !caps.is_empty() {
            capabilities.insert(key.to_owned(), json!(caps));
        }
    }
    let all = [
        ("runAsUser", user.map(|user| json!(user))),
        ("runAsGroup", group.map(|group| json!(group))),
        ("runAsNonRoot", walls.is_non_root().then(|| json!(true))),
        ("readOnlyRootFilesystem", read_only.then(|| json!(true))),
        ("privileged", privileged.then(|| json!(true))),
        ("allowPrivilegeEscalation", privilege_escalation.map(|may| json!(may))),
        ("seccompProfile", seccomp.map(|seccomp| json!({"type": seccomp.as_str()}))),
        ("capabilities", Some(capabilities).filter(|caps| !caps.is_empty()).map(Json::Object)),
    ];
    all.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

pub(crate) fn resources(quantities: &Quantities) -> Option<Json> {
    let pairs: Map<String, Json> =
        quantities.pairs().map(|(key, value)| (key.to_owned(), Json::from(value))).collect();
    Some(pairs).filter(|pairs| !pairs.is_empty()).map(Json::Object)
}
