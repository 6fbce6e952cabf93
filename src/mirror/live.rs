//! A mirror as the profile that it really is.

use serde_json::Value;

use crate::{
    backend::{Backend, SecretValues},
    capture, diff,
    path::Path,
    plan::Plan,
};

use super::{Result, verify};

/// The profile with live values, and where the plan itself departs from the profile on this host, with the reason.
pub struct LiveTree {
    pub tree: Value,
    pub departures: Vec<(Path, String)>,
}

/// Reads everything live, as verify does; `tree` is the profile that the mirror came from.
pub async fn live_tree(
    backend: &dyn Backend,
    plan: &Plan,
    tree: &Value,
    secrets: &SecretValues,
) -> Result<LiveTree> {
    let observed = verify::look(backend, plan, secrets).await?;
    let captured = capture::mirror(tree, plan, &observed, &secrets.0);
    // Where what runs is what was planned, the difference from the profile is the host's, and no drift.
    let kept = diff::diff(&captured.planned, &captured.tree);
    let departs = diff::diff(tree, &captured.planned).into_iter().map(|change| change.path);
    let departures = departs
        .filter(|path| {
            !kept.iter().any(|change| change.path.starts_with(path) || path.starts_with(&change.path))
        })
        .map(|path| {
            let why = captured.readings.get(&path).and_then(|reading| reading.why.clone());
            (path, why.unwrap_or_else(|| "this host cannot have it as the profile says".to_owned()))
        })
        .collect();
    Ok(LiveTree { tree: captured.tree, departures })
}
