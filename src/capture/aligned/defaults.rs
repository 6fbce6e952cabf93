//! What is so without being written: one side says it, the other does not.

use serde_json::{Value as Json, json};

use super::{Teller, get, has_its_workload, matches, pattern, put, remove};
use crate::{diff::Untold, path::Path};

/// As the plan has it where a profile is silent.
fn table() -> [(&'static str, Json); 12] {
    [
        ("services.*.replicas", json!(1)),
        ("services.*.probes.*.initial_delay", json!("0s")),
        ("services.*.probes.*.period", json!("10s")),
        ("services.*.probes.*.timeout", json!("1s")),
        ("services.*.probes.*.success_threshold", json!(1)),
        ("services.*.probes.*.failure_threshold", json!(3)),
        ("services.*.probes.*.http.scheme", json!("http")),
        ("services.*.stop_grace_period", json!("30s")),
        ("services.*.enable_service_links", json!(false)),
        ("services.*.read_only", json!(false)),
        ("services.*.balancing", json!("cluster-ip")),
        ("services.*.no_new_privileges", json!(false)),
    ]
}

/// What the API server writes wherever nobody did; without a word a container of Docker is not started again.
fn of_cluster() -> (&'static str, Json) {
    ("services.*.restart", json!("always"))
}

/// What Kubernetes does wherever nobody says otherwise, and a mirror only where it is asked to.
const LINKS: (&str, &str) = (
    "services.*.enable_service_links",
    "Kubernetes gives them wherever nobody says otherwise, and does not tell whether anybody did",
);

/// Writes it where the other does, and leaves it out where the other does; answers what nobody may have asked for.
pub(super) fn spell(tree: &mut Json, teller: Teller, other: &Json) -> Vec<Untold> {
    let mut unasked = Vec::new();
    for section in ["services", "jobs", "stores"] {
        for (path, value) in table().into_iter().chain((teller == Teller::Kubernetes).then(of_cluster)) {
            let path = pattern(&path.replacen("services", section, 1));
            for at in matches(tree, &path) {
                if get(tree, &at.0) == Some(&value) && get(other, &at.0).is_none() {
                    remove(tree, &at.0);
                }
            }
            for at in matches(other, &path) {
                let has_above = get(tree, &at.0[..at.0.len() - 1]).is_some() && has_its_workload(tree, &at);
                if has_above && get(tree, &at.0).is_none() && get(other, &at.0) == Some(&value) {
                    put(tree, &at.0, &value);
                }
            }
        }
        requests(tree, other, section);
        if teller == Teller::Kubernetes {
            let (path, why) = LINKS;
            for at in matches(tree, &pattern(&path.replacen("services", section, 1))) {
                let is_silent = get(other, &at.0).is_none() && get(other, &at.0[..2]).is_some();
                if is_silent && get(tree, &at.0) == Some(&json!(true)) {
                    remove(tree, &at.0);
                    unasked.push(Untold { path: at, why: why.to_owned() });
                }
            }
        }
    }
    unasked
}

/// Kubernetes asks for as much as it allows where nothing is asked for.
fn requests(tree: &mut Json, other: &Json, section: &str) {
    for at in matches(tree, &pattern(&format!("{section}.*.resources.requests.*"))) {
        let Some(what) = at.key_at(4) else { continue };
        let limit = Path::of([section, at.key_at(1).unwrap_or_default(), "resources", "limits", what]);
        if get(tree, &at.0) == get(tree, &limit.0) && get(other, &at.0).is_none() {
            remove(tree, &at.0);
        }
    }
    for at in matches(tree, &pattern(&format!("{section}.*.resources.requests"))) {
        if get(tree, &at.0).and_then(Json::as_object).is_some_and(serde_json::Map::is_empty) {
            remove(tree, &at.0);
        }
    }
}
