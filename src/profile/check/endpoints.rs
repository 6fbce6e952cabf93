//! The variables that tell a command where a mirror's ports are.
//!
//! A service with one port has `API_URL`, `API_HOST`, `API_PORT`, one with
//! several `API_HTTP_URL` and so on; the profile may add names of its own.

use std::collections::HashMap;

use super::{Check, Kind, workloads};
use crate::path::Path;
use crate::profile::{ServiceField, StoreField};

pub(super) fn check(check: &mut Check<'_>) {
    let mut owner: HashMap<String, Path> = HashMap::new();
    for workload in workloads(check.profile) {
        let exposed = check.profile.network.expose.as_ref();
        let published = |port: &str| match exposed {
            None => true,
            Some(list) => list.iter().any(|each| {
                each.service == *workload.name && each.port.as_ref().is_none_or(|name| name.as_str() == port)
            }),
        };
        if workload.kind == Kind::Job {
            continue;
        }
        let ports = workload.ports();
        let ports: Vec<&str> = ports.iter().map(|(name, _)| name.as_str()).collect();
        let stem = workload.name.to_variable();
        for port in ports.iter().filter(|port| published(port)) {
            let prefix = match ports.len() {
                1 => stem.clone(),
                _ => format!("{stem}_{}", port.to_ascii_uppercase().replace('-', "_")),
            };
            for field in ["URL", "HOST", "PORT"] {
                let variable = format!("{prefix}_{field}");
                let at = match workload.run.ports.is_empty() {
                    true => workload.at.clone(),
                    false => workload.at.key("ports").member("name", *port),
                };
                claim(check, &mut owner, variable, &at);
            }
        }
    }
    for (variable, template) in &check.profile.endpoints {
        let at = Path::of(["endpoints", "env"]).key(variable.as_str());
        claim(check, &mut owner, variable.clone(), &at);
        places(check, template, &at);
    }
}

fn claim(check: &mut Check<'_>, owner: &mut HashMap<String, Path>, variable: String, at: &Path) {
    match owner.get(&variable) {
        Some(first) if first != at => {
            let message = format!("the variable `{variable}` would mean `{first}` and this");
            let first_said =
                check.problems.iter().any(|problem| problem.code == "endpoint-clash" && problem.path == *at);
            if !first_said {
                check.key_error("endpoint-clash", at, message).hint =
                    Some("rename one of the two".to_owned());
            }
        }
        _ => {
            owner.insert(variable, at.clone());
        }
    }
}

/// Each `{…}` of a template names an endpoint: `{db.url}`, `{api.http.port}`.
fn places(check: &mut Check<'_>, template: &str, at: &Path) {
    let mut rest = template;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((inner, next)) = after.split_once('}') else {
            check.error("bad-endpoint", at, "`{` has no closing `}`");
            return;
        };
        rest = next;
        let parts: Vec<&str> = inner.split('.').collect();
        let (name, port, field) = match parts[..] {
            [name, field] => (name, None, field),
            [name, port, field] => (name, Some(port), field),
            _ => {
                let message = format!("`{{{inner}}}` names no endpoint");
                let hint = "write `{NAME.url}`, or `{NAME.PORT.url}` where there are several ports";
                check.error("bad-endpoint", at, message).hint = Some(hint.to_owned());
                continue;
            }
        };
        place(check, at, name, port, field);
    }
}

fn place(check: &mut Check<'_>, at: &Path, name: &str, port: Option<&str>, field: &str) {
    let all = workloads(check.profile);
    let known: Vec<&str> =
        all.iter().filter(|each| each.kind != Kind::Job).map(|each| each.name.as_str()).collect();
    let Some(workload) = all.iter().find(|each| each.name.as_str() == name && each.kind != Kind::Job) else {
        return check.unknown(
            "unknown-service",
            at,
            format!("`{name}` is no service or store"),
            name,
            &known,
        );
    };
    let fields: Vec<&str> = match workload.kind {
        Kind::Store(_) => {
            use StoreField as F;
            [F::Url, F::Host, F::Port, F::User, F::Password, F::Database].map(F::as_str).to_vec()
        }
        _ => [ServiceField::Url, ServiceField::Host, ServiceField::Port].map(ServiceField::as_str).to_vec(),
    };
    if !fields.contains(&field) {
        return check.unknown(
            "bad-endpoint",
            at,
            format!("`{field}` is no field of `{name}`"),
            field,
            &fields,
        );
    }
    let ports = workload.ports();
    let names: Vec<&str> = ports.iter().map(|(name, _)| name.as_str()).collect();
    match port {
        Some(port) if !names.contains(&port) => {
            check.unknown("unknown-port", at, format!("`{port}` is no port of `{name}`"), port, &names);
        }
        None if names.is_empty() => {
            check.error("no-port", at, format!("`{name}` has no port"));
        }
        None if names.len() > 1 && ["url", "port"].contains(&field) => {
            let message = format!("which port of `{name}`: {}?", names.join(", "));
            check.error("several-ports", at, message).hint =
                Some(format!("write `{{{name}.{}.{field}}}`", names[0]));
        }
        _ => {}
    }
}
