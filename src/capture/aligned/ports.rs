//! Ports by the names that the other profile gives them: a number is what a process listens on, a name is not.

use serde_json::Value as Json;

use super::{get, matches, pattern, put, remove};
use crate::path::Path;

const WORKLOADS: [&str; 2] = ["services.*", "jobs.*"];
const USES: [&str; 5] = [
    "probes.*.http.port",
    "probes.*.tcp.port",
    "probes.*.grpc.port",
    "post_start.http.port",
    "pre_stop.http.port",
];

/// Renames the ports that both have, and spells what leads to the same port as the other spells it.
pub(super) fn spell(tree: &mut Json, other: &Json) {
    let workloads: Vec<Path> =
        WORKLOADS.iter().flat_map(|workloads| matches(tree, &pattern(workloads))).collect();
    for at in workloads {
        let (Some(mine), Some(theirs)) = (get(tree, &at.0).cloned(), get(other, &at.0)) else { continue };
        let renamed = renamed(&mine, theirs);
        for use_of in USES {
            for place in either(&mine, theirs, &pattern(use_of)) {
                spell_use(tree, &at, &place, (&mine, theirs));
            }
        }
        put(tree, &at.key("ports").0, &renamed);
        if renamed.as_array().is_none_or(Vec::is_empty) {
            remove(tree, &at.key("ports").0);
        }
    }
}

/// The places of a kind that are there, or whose action is there, on both sides.
fn either(mine: &Json, theirs: &Json, pattern: &Path) -> Vec<Path> {
    let action = Path(pattern.0[..pattern.0.len() - 1].to_vec());
    let both = matches(mine, &action).into_iter().filter(|at| get(theirs, &at.0).is_some());
    both.map(|at| at.key("port")).collect()
}

fn spell_use(tree: &mut Json, at: &Path, place: &Path, (mine, theirs): (&Json, &Json)) {
    let whole = Path(at.0.iter().chain(&place.0).cloned().collect());
    let (led, should) = (number(mine, place), number(theirs, place));
    match get(theirs, &place.0) {
        _ if led.is_none() => {}
        Some(spelled) if led == should => put(tree, &whole.0, spelled),
        None if led == should => remove(tree, &whole.0),
        // Its own name may be another's by now.
        _ => put(tree, &whole.0, &Json::from(led)),
    }
}

/// The number that a use leads to: itself, the port of that name, the only port.
fn number(workload: &Json, place: &Path) -> Option<u64> {
    let ports = workload.get("ports").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    match get(workload, &place.0) {
        None => match ports {
            [only] => only["port"].as_u64(),
            _ => None,
        },
        Some(Json::String(name)) => name
            .parse()
            .ok()
            .or_else(|| ports.iter().find(|port| port["name"] == name.as_str())?["port"].as_u64()),
        Some(number) => number.as_u64(),
    }
}

/// A port that both listen on has the other's name, unless another of the ports has it.
fn renamed(mine: &Json, theirs: &Json) -> Json {
    let ports = |of: &Json| of.get("ports").and_then(Json::as_array).cloned().unwrap_or_default();
    let socket = |port: &Json| (port["port"].as_u64(), port["protocol"].as_str().unwrap_or("tcp").to_owned());
    let (mut mine, theirs) = (ports(mine), ports(theirs));
    for index in 0..mine.len() {
        let Some(same) = theirs.iter().find(|port| socket(port) == socket(&mine[index])) else { continue };
        let is_taken = mine.iter().enumerate().any(|(at, port)| at != index && port["name"] == same["name"]);
        if !is_taken {
            mine[index].clone_from(same);
        }
    }
    Json::Array(mine)
}
