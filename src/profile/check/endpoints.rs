//! The variables that tell a command where a mirror's ports are.
//!
//! A service with one port has `API_URL`, `API_HOST`, `API_PORT`, one with
//! several `API_HTTP_URL` and so on; the profile may add names of its own.

use std::collections::{HashMap, HashSet};

use super::{Check, Kind};
use crate::path::Path;
use crate::profile::{Name, ServiceField, StoreField};

pub(super) fn check(check: &mut Check<'_>) {
    let mut owners = Owners::default();
    let exposed: Option<HashSet<(&str, Option<&str>)>> = check.profile.network.expose.as_ref().map(|list| {
        list.iter().map(|each| (each.service.as_str(), each.port.as_ref().map(Name::as_str))).collect()
    });
    for workload in &check.stack.all {
        let published = |port: &str| {
            let name = workload.name.as_str();
            exposed
                .as_ref()
                .is_none_or(|set| set.contains(&(name, None)) || set.contains(&(name, Some(port))))
        };
        if workload.kind == Kind::Job {
            continue;
        }
        let ports: Vec<&str> = workload.ports.iter().map(|(name, _)| name.as_str()).collect();
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
                owners.claim(check, variable, &at);
            }
        }
    }
    for (variable, template) in &check.profile.endpoints {
        let at = Path::of(["endpoints", "env"]).key(variable.as_str());
        owners.claim(check, variable.clone(), &at);
        places(check, template, &at);
    }
}

/// Who has which variable, and of whom a clash is said already.
#[derive(Default)]
struct Owners {
    first: HashMap<String, Path>,
    said: HashSet<Path>,
}

impl Owners {
    fn claim(&mut self, check: &mut Check<'_>, variable: String, at: &Path) {
        match self.first.get(&variable) {
            Some(first) if first != at => {
                if self.said.insert(at.clone()) {
                    let message = format!("the variable `{variable}` would mean `{first}` and this");
                    check.key_error("endpoint-clash", at, message).hint =
                        Some("rename one of the two".to_owned());
                }
            }
            _ => {
                self.first.insert(variable, at.clone());
            }
        }
    }
}

/// Each `{…}` of a template names an endpoint: `{db.url}`, `{api.http.port}`.
fn places(check: &mut Check<'_>, template: &str, at: &Path) {
    let mut rest = template;
    while let Some((_, after)) = rest.split_once('{') {
        if check.problems.is_full() {
            return;
        }
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
    let stack = check.stack;
    let Some(workload) = stack.get(name).filter(|each| each.kind != Kind::Job) else {
        let known = stack.names_of(|each| each.kind != Kind::Job);
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
    let names: Vec<&str> = workload.ports.iter().map(|(name, _)| name.as_str()).collect();
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
