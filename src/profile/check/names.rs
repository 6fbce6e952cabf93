//! Names that must differ, and words that are taken.

use std::collections::HashMap;

use super::Check;
use crate::path::Path;

pub(super) fn check(check: &mut Check<'_>) {
    workloads_differ(check);
    containers_differ(check);
    reserved_labels(check);
}

/// Services, jobs and stores share one network, and so one set of names.
fn workloads_differ(check: &mut Check<'_>) {
    let mut first: HashMap<&str, Path> = HashMap::new();
    for workload in &check.stack.all {
        let name = workload.name.as_str();
        match first.get(name) {
            Some(other) => {
                let message = format!("the name `{name}` is taken by `{other}`");
                check.key_error("name-clash", &workload.at, message);
            }
            None => {
                first.insert(name, workload.at.clone());
            }
        }
    }
}

fn containers_differ(check: &mut Check<'_>) {
    for workload in &check.stack.all {
        for name in workload.run.init.keys().chain(workload.run.sidecars.keys()) {
            let both = workload.run.init.contains_key(name) && workload.run.sidecars.contains_key(name);
            let is_init = workload.run.init.contains_key(name);
            let at = workload.at.key(if is_init { "init" } else { "sidecars" }).key(name.as_str());
            if name.as_str() == "main" {
                check.key_error("name-clash", &at, "`main` is the name of the workload's own container");
            }
            if both {
                let at = workload.at.key("sidecars").key(name.as_str());
                check.key_error("name-clash", &at, format!("`{name}` is an init container too"));
            }
        }
    }
}

/// The mirror's identity is its labels; a profile cannot write them.
fn reserved_labels(check: &mut Check<'_>) {
    for workload in &check.stack.all {
        for label in workload.run.labels.keys() {
            if label.starts_with("prodmirror.") || label.starts_with("prodmirror/") {
                let at = workload.at.key("labels").key(label.as_str());
                check.key_error(
                    "reserved-label",
                    &at,
                    "labels that start with `prodmirror.` belong to the mirror",
                );
            }
        }
    }
}
