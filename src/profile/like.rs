//! `like`: a job that takes over what another workload has.
//!
//! Copied are image, env, flags, files, user and resources; what the job
//! writes itself is merged over them by the rule of layers.

use super::{
    merge::merge,
    node::{Entry, Node},
    parse::BUDGET,
    problem::{Gathering, Problem},
    words,
};
use crate::path::Path;

const KEY: &str = "like";
const COPIED: &[&str] = &["image", "env", "flags", "files", "user", "resources"];

/// Jobs that are like a job that is like a job.
const LONGEST_CHAIN: usize = 48;

/// Expands every `like` in the jobs of a document in its long form.
pub(crate) fn expand(root: &mut Node, problems: &mut Gathering) {
    let Some(jobs) = root.get("jobs").and_then(Node::as_map) else { return };
    let names: Vec<String> = jobs.entries.keys().cloned().collect();
    let mut left = Left { nodes: BUDGET.nodes, text: BUDGET.text };
    for name in names {
        let mut seen = Vec::new();
        resolve(root, &name, &mut seen, &mut left, problems);
    }
}

/// What copies may still cost; a model that many jobs are like is copied for each.
struct Left {
    nodes: usize,
    text: usize,
}

impl Left {
    fn pay(&mut self, copied: &Node) -> bool {
        let (nodes, text) = copied.cost();
        let paid = (self.nodes.checked_sub(nodes), self.text.checked_sub(text));
        let (Some(nodes), Some(text)) = paid else { return false };
        *self = Self { nodes, text };
        true
    }
}

/// Expands one job, those that it is like before it.
fn resolve(root: &mut Node, name: &str, seen: &mut Vec<String>, left: &mut Left, problems: &mut Gathering) {
    let at = Path::of(["jobs", name]).key(KEY);
    let Some(job) = root.get_mut("jobs").and_then(|jobs| jobs.get_mut(name)) else { return };
    let Some(entry) = job.as_map_mut().and_then(|map| map.entries.shift_remove(KEY)) else { return };
    let Some(target) = entry.node.as_text().map(str::to_owned) else {
        problems.push(Problem::error(
            "wrong-type",
            &at,
            entry.node.span,
            "`like` takes the name of a service or job",
        ));
        return;
    };
    seen.push(name.to_owned());
    if seen.contains(&target) {
        let message = format!("`like` goes round in a circle: {} → {target}", seen.join(" → "));
        problems.push(Problem::error("like-cycle", &at, entry.node.span, message));
        stand_in(root, name, &entry);
        return;
    }
    let is_job = has(root, "jobs", &target);
    if is_job && seen.len() > LONGEST_CHAIN {
        let message = format!("more than {LONGEST_CHAIN} jobs are like one another in a row");
        problems.push(Problem::error("too-deep", &at, entry.node.span, message));
        return stand_in(root, name, &entry);
    }
    if is_job {
        resolve(root, &target, seen, left, problems);
    } else if !has(root, "services", &target) {
        let message = format!("`{target}` is neither a service nor a job");
        let known = if problems.is_full() { Vec::new() } else { known(root) };
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let hint = words::nearest(&target, &known).map(|near| format!("did you mean `{near}`?"));
        problems.push(Problem::error("unknown-like", &at, entry.node.span, message).maybe_hint(hint));
        stand_in(root, name, &entry);
        return;
    }
    let kind = if is_job { "jobs" } else { "services" };
    let Some(model) = root.get(kind).and_then(|map| map.get(&target)).and_then(Node::as_map) else {
        return stand_in(root, name, &entry);
    };
    let taken = || COPIED.iter().filter_map(|key| Some((*key, model.entries.get(*key)?)));
    if !taken().all(|(_, copied)| left.pay(&copied.node)) {
        let message = "what all jobs take over by `like` is more than a profile may hold";
        problems.push(Problem::error("too-many-values", &at, entry.node.span, message));
        return stand_in(root, name, &entry);
    }
    let copied: Vec<(String, Entry)> =
        taken().map(|(key, copied)| (key.to_owned(), copied.clone())).collect();
    if let Some(job) = root.get_mut("jobs").and_then(|jobs| jobs.get_mut(name)) {
        let mut whole = Node::map(job.span);
        if let Some(map) = whole.as_map_mut() {
            map.entries.extend(copied);
        }
        let own = std::mem::replace(job, Node::map(job.span));
        merge(&mut whole, own);
        *job = whole;
    }
}

/// The problem is said; that the image is missing too need not be.
fn stand_in(root: &mut Node, name: &str, entry: &Entry) {
    if let Some(job) = root.get_mut("jobs").and_then(|jobs| jobs.get_mut(name))
        && job.get("image").is_none()
    {
        job.insert("image", Node::quoted("local:unreadable:unreadable", entry.node.span));
    }
}

fn has(root: &Node, kind: &str, name: &str) -> bool {
    root.get(kind).and_then(|map| map.get(name)).is_some()
}

fn known(root: &Node) -> Vec<String> {
    let keys =
        |kind: &str| root.get(kind).and_then(Node::as_map).into_iter().flat_map(|map| map.entries.keys());
    keys("services").chain(keys("jobs")).cloned().collect()
}
