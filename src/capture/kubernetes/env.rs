//! The variables of a container, each with its origin: as the kubelet makes them of `envFrom`, `env` and service links.

use indexmap::IndexMap;
use serde_json::{Value as Json, json};

use super::{
    container::{Place, amount, divisor},
    expansion::{Value, expand},
    field,
    objects::Object,
    services,
    workloads::Workload,
};
use crate::{
    capture::draft::{Sketch, Taking, scalar},
    profile::{EngineKind, Piece, ServiceField, StoreField, Text},
};

/// One variable, and all the places that say what it is.
#[derive(Clone)]
pub(super) struct Variable<'s> {
    pub value: Value,
    pub places: Vec<Taking<'s>>,
}

pub(super) type Variables<'s> = IndexMap<String, Variable<'s>>;

/// In Kubernetes' order: whole ConfigMaps and Secrets, then single variables, which win.
pub(super) fn variables<'s>(
    container: &Taking<'s>,
    place: &Place<'_, 's>,
    to: &mut Sketch<'s>,
) -> Variables<'s> {
    let mut variables = Variables::new();
    for source in container.get("envFrom").map(|all| all.items()).unwrap_or_default() {
        whole(&source, place, &mut variables, to);
    }
    for variable in container.get("env").map(|all| all.items()).unwrap_or_default() {
        let Some(name) = variable.get("name") else {
            variable.left_out("it has no name");
            continue;
        };
        name.used();
        let key = name.value().as_str().unwrap_or_default().to_owned();
        if let Some(found) = one(&variable, container, place, &variables, to) {
            // A later one takes the place of an earlier.
            variables.shift_remove(&key);
            variables.insert(key, found);
        }
    }
    variables
}

/// All keys of a ConfigMap or of a Secret.
fn whole<'s>(source: &Taking<'s>, place: &Place<'_, 's>, to_add: &mut Variables<'s>, to: &mut Sketch<'s>) {
    let prefix = source.value()["prefix"].as_str().unwrap_or_default();
    if let Some(prefix) = source.get("prefix") {
        prefix.used();
    }
    for (key, kind) in [("configMapRef", "ConfigMap"), ("secretRef", "Secret")] {
        let Some(reference) = source.get(key) else { continue };
        let name = reference.value()["name"].as_str().unwrap_or_default();
        let Some(object) = place.cluster.get(kind, &place.workload.object.namespace, name) else {
            match reference.value()["optional"] == Json::Bool(true) {
                true => reference.left_out(format!("the {kind} `{name}` was not read, and it may be absent")),
                false => reference
                    .left_out(format!("the {kind} `{name}` was not read: its variables are not known")),
            }
            continue;
        };
        reference.used();
        for (key, at) in keys(object, kind) {
            let value = match kind {
                "ConfigMap" => Value::Text(Text::literal(scalar(at.value()).unwrap_or_default())),
                _ => Value::Text(secret(name, key, to)),
            };
            let places = vec![reference.clone(), at.clone()];
            to_add.insert(format!("{prefix}{key}"), Variable { value, places });
            taken(kind, &at);
        }
    }
}

/// Keys of a ConfigMap or a Secret; the values of a Secret are not looked at.
pub(super) fn keys<'s>(object: &Object<'s>, kind: &str) -> Vec<(&'s str, Taking<'s>)> {
    let folders: &[&str] = if kind == "Secret" { &["data", "stringData"] } else { &["data"] };
    folders.iter().filter_map(|folder| object.at.get(folder)).flat_map(|folder| folder.entries()).collect()
}

/// A ConfigMap's value stands in the profile then; a Secret's never does.
pub(super) fn taken(kind: &str, at: &Taking<'_>) {
    match kind {
        "Secret" => {
            at.left_out("a Secret's value is not read; another one is made, or given with `--secret`")
        }
        _ => at.used(),
    }
}

/// The profile's secret for a key of a Secret.
pub(super) fn secret(object: &str, key: &str, to: &mut Sketch<'_>) -> Text {
    let name = to.secrets.declare(&format!("Secret/{object}/{key}"), &format!("{object}-{key}"), None);
    Text(vec![Piece::Secret(name)])
}

fn one<'s>(
    variable: &Taking<'s>,
    container: &Taking<'s>,
    place: &Place<'_, 's>,
    known: &Variables<'s>,
    to: &mut Sketch<'s>,
) -> Option<Variable<'s>> {
    let Some(from) = variable.get("valueFrom") else {
        let text = variable.get("value").and_then(|value| scalar(value.value())).unwrap_or_default();
        let lookup =
            |name: &str| known.get(name).map(|found| found.value.clone()).or_else(|| link(name, place));
        let value = expand(&text, &lookup).map_or_else(Value::Hole, Value::Text);
        return Some(Variable { value, places: vec![variable.clone()] });
    };
    for (key, kind) in [("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")] {
        if let Some(reference) = from.get(key) {
            return of_key(&reference, kind, variable, place, to);
        }
    }
    let value = if let Some(reference) = from.get("fieldRef") {
        of_field(reference.value()["fieldPath"].as_str().unwrap_or_default(), place)
    } else if let Some(reference) = from.get("resourceFieldRef") {
        of_resource(&reference, container, place)
    } else {
        Value::Hole("where it comes from is not known".to_owned())
    };
    Some(Variable { value, places: vec![variable.clone()] })
}

fn of_key<'s>(
    reference: &Taking<'s>,
    kind: &str,
    variable: &Taking<'s>,
    place: &Place<'_, 's>,
    to: &mut Sketch<'s>,
) -> Option<Variable<'s>> {
    let text = |key: &str| reference.value()[key].as_str().unwrap_or_default();
    let (name, key) = (text("name"), text("key"));
    let optional = reference.value()["optional"] == Json::Bool(true);
    let object = place.cluster.get(kind, &place.workload.object.namespace, name);
    let found = object.and_then(|object| keys(object, kind).into_iter().find(|(known, _)| *known == key));
    let mut places = vec![variable.clone()];
    let value = match (&found, object) {
        (Some((_, at)), _) => {
            taken(kind, at);
            if kind == "ConfigMap" {
                places.push(at.clone());
            }
            match kind {
                "ConfigMap" => Value::Text(Text::literal(scalar(at.value()).unwrap_or_default())),
                _ => Value::Text(secret(name, key, to)),
            }
        }
        // Kubernetes leaves the variable out then.
        (None, Some(_)) if optional => {
            variable.left_out(format!("the {kind} `{name}` has no key `{key}`, and it may be absent"));
            return None;
        }
        (None, Some(_)) => Value::Hole(format!("the {kind} `{name}` has no key `{key}`")),
        // A Secret is rarely at hand, and the profile makes a value of its own.
        (None, None) if kind == "Secret" => Value::Text(secret(name, key, to)),
        (None, None) => {
            Value::Hole(format!("the {kind} `{name}` was not read, and its key `{key}` is meant"))
        }
    };
    Some(Variable { value, places })
}

/// The downward API.
fn of_field(path: &str, place: &Place<'_, '_>) -> Value {
    let workload = place.workload;
    let literal = |text: &str| Value::Text(Text::literal(text));
    let of_map = |map: &str, key: &str| {
        let found = workload.template.find(&["metadata", map]).and_then(|all| all.value()[key].as_str());
        // One that is not there is empty.
        literal(found.unwrap_or_default())
    };
    let keyed = |prefix: &str| path.strip_prefix(prefix)?.strip_prefix("['")?.strip_suffix("']");
    match path {
        "metadata.name" => Value::Field("pod.name"),
        "status.podIP" | "status.podIPs" => Value::Field("pod.address"),
        "spec.nodeName" => Value::Field("node.name"),
        "metadata.namespace" => literal(&workload.object.namespace),
        "spec.serviceAccountName" => {
            let account = workload.spec().and_then(|spec| spec.get("serviceAccountName"));
            literal(account.and_then(|account| account.value().as_str()).unwrap_or("default"))
        }
        path => match (keyed("metadata.labels"), keyed("metadata.annotations")) {
            (Some(key), _) => of_map("labels", key),
            (_, Some(key)) => of_map("annotations", key),
            _ => Value::Hole(format!("the pod's field `{path}` is known only where it runs")),
        },
    }
}

fn of_resource(reference: &Taking<'_>, container: &Taking<'_>, place: &Place<'_, '_>) -> Value {
    let value = reference.value();
    let resource = value["resource"].as_str().unwrap_or_default();
    let own =
        value["containerName"].as_str().is_none_or(|name| container.value()["name"].as_str() == Some(name));
    let divided = divisor(value.get("divisor"));
    let field = match resource {
        "limits.cpu" => Some("limits.cpu"),
        "limits.memory" => Some("limits.memory"),
        "requests.cpu" => Some("requests.cpu"),
        "requests.memory" => Some("requests.memory"),
        _ => None,
    };
    if let (Some(field), true, Some(1.0)) = (field, own, divided)
        && amount(container, resource, 1.0).is_some()
    {
        return Value::Field(field);
    }
    // Of another container, or in other units: the number itself.
    let other = || {
        let name = value["containerName"].as_str()?;
        let all = place.workload.spec()?.get("containers")?.items();
        all.into_iter().find(|container| container.value()["name"].as_str() == Some(name))
    };
    let of = if own { Some(container.clone()) } else { other() };
    let found = of.and_then(|of| amount(&of, resource, divided?));
    found.map_or_else(
        || Value::Hole(format!("`{resource}` is not set, so Kubernetes gives the node's")),
        |number| Value::Text(Text::literal(number)),
    )
}

/// `REDIS_SERVICE_HOST`: the address of a service of the same namespace.
fn link(name: &str, place: &Place<'_, '_>) -> Option<Value> {
    let (stem, is_host) = match name.strip_suffix("_SERVICE_HOST") {
        Some(stem) => (stem, true),
        None => (name.strip_suffix("_SERVICE_PORT")?, false),
    };
    let known_as = |workload: &&Workload<'_>| {
        let service = services::service_of(place.cluster, workload);
        let spelled = service.map(|service| service.name.to_uppercase().replace('-', "_"));
        workload.object.namespace == place.workload.object.namespace && spelled.as_deref() == Some(stem)
    };
    let workload = place.workloads.iter().find(known_as)?;
    let target = workload.name.parse().ok()?;
    let piece = match (workload.section, is_host) {
        ("stores", true) => Piece::Store(target, StoreField::Host),
        ("stores", false) => Piece::Store(target, StoreField::Port),
        (_, true) => Piece::Service(target, ServiceField::Host),
        (_, false) => Piece::Service(target, ServiceField::Port),
    };
    Some(Value::Text(Text(vec![piece])))
}

/// Writes the variables: those that the profile has fields for there, the others below `env`.
pub(super) fn write<'s>(variables: &Variables<'s>, place: &Place<'_, 's>, to: &mut Sketch<'s>) {
    let engine = place.workload.engine.filter(|_| place.kind == super::container::Kind::Main);
    for (name, Variable { value, places }) in variables {
        let at = match (engine, name.as_str()) {
            (Some(EngineKind::Postgres), "POSTGRES_DB") => field(&place.at, &["database"]),
            (Some(EngineKind::Postgres), "POSTGRES_USER") => field(&place.at, &["user"]),
            (Some(EngineKind::Postgres), "POSTGRES_PASSWORD") => field(&place.at, &["password"]),
            _ => field(&place.at, &["env", name]),
        };
        for from in places {
            match value {
                Value::Text(text) => to.take(&at, text.to_string(), from),
                Value::Field(name) => to.take(&at, json!({"field": name}), from),
                Value::Hole(why) => to.hole(&at, why.as_str(), Some(from)),
            }
        }
    }
}
