//! One workload, its Pods, and what it names: the rest of the namespace is not asked for.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::{
    ReadError,
    calls::Which,
    lists,
    reading::{Reading, items},
};
use crate::capture::selector::selects;

/// A workload by its kind, in lower case, and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub kind: String,
    pub name: String,
}

/// What of a namespace a workload names.
#[derive(Debug, Default, PartialEq, Eq)]
struct Named {
    configmaps: BTreeSet<String>,
    secrets: BTreeSet<String>,
    claims: BTreeSet<String>,
}

pub(super) async fn read(reading: &mut Reading<'_>, target: &Target) -> Result<(), ReadError> {
    let namespace = reading.namespace().to_owned();
    let none = || ReadError::NoObject {
        kind: target.kind.clone(),
        name: target.name.clone(),
        namespace: namespace.clone(),
    };
    let list = lists::of_kind(&target.kind).ok_or_else(none)?;
    let Some(found) = reading.list(list, &Which::called(&target.name)).await? else {
        return Err(reading.nothing());
    };
    let object = found.first().ok_or_else(none)?.clone();
    match target.kind.as_str() {
        "pod" => {}
        "cronjob" => {
            let jobs = reading.list_if(&lists::JOBS, &Which::All, &|job| is_owned(job, target)).await?;
            let names: Vec<&str> = jobs.iter().filter_map(|job| job["metadata"]["name"].as_str()).collect();
            if !names.is_empty() {
                let of_jobs = Which::Labelled(format!("job-name in ({})", names.join(",")));
                reading.list(&lists::PODS, &of_jobs).await?;
            }
        }
        kind => {
            let own = Which::Labelled(selector(&object["spec"]["selector"]));
            if kind == "deployment" {
                reading.list_if(&lists::REPLICASETS, &own, &|set| is_owned(set, target)).await?;
            }
            reading.list(&lists::PODS, &own).await?;
        }
    }
    // Service links are made of every Service, and what scales it is known to the scaler alone.
    reading.list(&lists::SERVICES, &Which::All).await?;
    let is_ours = |scaler: &Json| {
        let scaled = &scaler["spec"]["scaleTargetRef"];
        scaled["name"] == target.name.as_str()
            && scaled["kind"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case(&target.kind))
    };
    reading.list_if(&lists::SCALERS, &Which::All, &is_ours).await?;
    budgets(reading, target, &object).await?;
    let Named { configmaps, secrets, claims } = Named::of(&object);
    let secrets = if reading.reads_secrets() { secrets } else { BTreeSet::new() };
    let named = [(&lists::CONFIGMAPS, configmaps), (&lists::CLAIMS, claims), (&lists::SECRETS, secrets)];
    for (list, names) in named {
        for name in names {
            reading.list(list, &Which::called(&name)).await?;
        }
    }
    if reading.reads_nodes() {
        reading.list(&lists::NODES, &Which::All).await?;
    }
    Ok(())
}

/// Those that hold this workload; one that holds others too is none of its own.
async fn budgets(reading: &mut Reading<'_>, target: &Target, object: &Json) -> Result<(), ReadError> {
    let labels = match target.kind.as_str() {
        "job" | "cronjob" => return Ok(()),
        "pod" => &object["metadata"]["labels"],
        _ => &object["spec"]["template"]["metadata"]["labels"],
    };
    let own = |pod: &Json| match target.kind.as_str() {
        "pod" => pod["metadata"]["name"] == target.name.as_str(),
        _ => is_selected(&object["spec"]["selector"], pod),
    };
    let Some(mut found) = reading.look(&lists::BUDGETS, &Which::All).await? else { return Ok(()) };
    let mut held = items(&mut found);
    held.retain(|budget| selects(&budget["spec"]["selector"], labels));
    // Several over the same pods are nobody's, whatever else they hold.
    if let [only] = &held[..] {
        let pods = match selector(&only["spec"]["selector"]) {
            everything if everything.is_empty() => Which::All,
            labels => Which::Labelled(labels),
        };
        let pods = reading.look(&lists::PODS, &pods).await?;
        if pods.is_some_and(|mut pods| !items(&mut pods).iter().all(own)) {
            held.clear();
        }
    }
    found["items"] = held.into();
    reading.add(&lists::BUDGETS, found);
    Ok(())
}

/// Selectors of old controllers are labels alone.
fn is_selected(selector: &Json, pod: &Json) -> bool {
    let labels = &pod["metadata"]["labels"];
    match selector.get("matchLabels").or(selector.get("matchExpressions")) {
        Some(_) => selects(selector, labels),
        None => selects(&json!({"matchLabels": selector}), labels),
    }
}

fn is_owned(object: &Json, target: &Target) -> bool {
    let mut owners = object["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    owners.any(|owner| {
        owner["name"] == target.name.as_str()
            && owner["kind"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case(&target.kind))
    })
}

/// A selector of labels as a query has it.
fn selector(selector: &Json) -> String {
    let labels = selector["matchLabels"].as_object().into_iter().flatten();
    let mut terms: Vec<String> =
        labels.filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?))).collect();
    for one in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = one["key"].as_str().unwrap_or_default();
        let values: Vec<&str> =
            one["values"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
        match one["operator"].as_str() {
            Some("In") => terms.push(format!("{key} in ({})", values.join(","))),
            Some("NotIn") => terms.push(format!("{key} notin ({})", values.join(","))),
            Some("Exists") => terms.push(key.to_owned()),
            Some("DoesNotExist") => terms.push(format!("!{key}")),
            _ => {}
        }
    }
    terms.join(",")
}

impl Named {
    fn of(object: &Json) -> Self {
        let mut named = Self::default();
        named.walk(object);
        named
    }

    fn walk(&mut self, value: &Json) {
        match value {
            Json::Object(map) => {
                for (key, value) in map {
                    let (to, field) = match key.as_str() {
                        "configMap" | "configMapRef" | "configMapKeyRef" => (&mut self.configmaps, "name"),
                        "secretRef" | "secretKeyRef" => (&mut self.secrets, "name"),
                        // A volume's and a projected one's spell it each in its own way.
                        "secret" if value.get("secretName").is_some() => (&mut self.secrets, "secretName"),
                        "secret" => (&mut self.secrets, "name"),
                        "persistentVolumeClaim" => (&mut self.claims, "claimName"),
                        _ => {
                            self.walk(value);
                            continue;
                        }
                    };
                    to.extend(value[field].as_str().map(str::to_owned));
                }
            }
            Json::Array(items) => items.iter().for_each(|item| self.walk(item)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_a_pod_names_is_found_wherever_it_stands() {
        let object = json!({"spec": {"template": {"spec": {
            "containers": [{"env": [{"valueFrom": {"configMapKeyRef": {"name": "a", "key": "k"}}},
                {"valueFrom": {"secretKeyRef": {"name": "s"}}}], "envFrom": [{"configMapRef": {"name": "b"}}]}],
            "initContainers": [{"envFrom": [{"secretRef": {"name": "t"}}]}],
            "volumes": [{"configMap": {"name": "c"}}, {"secret": {"secretName": "u"}},
                {"projected": {"sources": [{"secret": {"name": "v"}}, {"configMap": {"name": "d"}}]}},
                {"persistentVolumeClaim": {"claimName": "p"}}],
        }}}});
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let wanted = Named {
            configmaps: set(&["a", "b", "c", "d"]),
            secrets: set(&["s", "t", "u", "v"]),
            claims: set(&["p"]),
        };
        assert_eq!(Named::of(&object), wanted);
    }

    #[test]
    fn a_selector_is_spelled_as_kubectl_spells_it() {
        let all = json!({"matchLabels": {"app": "web"}, "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["a", "b"]}, {"key": "old", "operator": "NotIn", "values": ["x"]},
            {"key": "on", "operator": "Exists"}, {"key": "off", "operator": "DoesNotExist"}]});
        assert_eq!(selector(&all), "app=web,tier in (a,b),old notin (x),on,!off");
    }
}
