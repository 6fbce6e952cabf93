//! A mirror as the profile that it really is.

use serde_json::Value;

use crate::{
    backend::{Backend, SecretValues},
    capture::{
        self,
        draft::{Account, Draft, Note},
        redact::Values,
    },
    diff,
    name::Name,
    path::Path,
};

use super::{Drawn, Result, containers, objects};

/// The profile with live values, and where the plan itself departs from the profile on this host, with the reason.
pub struct LiveTree {
    pub tree: Value,
    pub departures: Vec<(Path, String)>,
    /// What could not be read and stands as the profile has it, with the reason.
    pub unread: Vec<(Path, String)>,
    /// How many values were looked for.
    pub looked_for: usize,
}

/// Reads everything live, as verify does; `tree` is the profile that the mirror came from.
pub async fn live_tree(
    backend: &dyn Backend,
    drawn: &Drawn<'_>,
    tree: &Value,
    secrets: &SecretValues,
) -> Result<LiveTree> {
    let captured = match drawn {
        Drawn::Containers { plan, .. } => {
            let observed = containers::look(backend, plan, secrets).await?;
            capture::mirror(tree, plan, &observed, &secrets.0)
        }
        Drawn::Objects { place, plan } => {
            let observed = objects::look(backend, *place, plan, secrets).await?;
            capture::on_cluster(tree, plan, &observed, &secrets.0)
        }
    };
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
    let unread = captured.readings.iter().filter(|(_, reading)| reading.is_unread());
    let unread = unread.map(|(path, reading)| (path.clone(), reading.why.clone().unwrap_or_default()));
    let remembered = captured.not_running().map(|path| (path, "it describes no running thing".to_owned()));
    let unread: Vec<(Path, String)> = remembered.chain(unread).collect();
    let looked_for = captured.readings.len() + captured.not_running().count();
    Ok(LiveTree { tree: captured.tree, departures, unread, looked_for })
}

impl LiveTree {
    /// The profile that the mirror is: what could not be read stands as its own profile has it, and is noted.
    pub fn into_draft(self, mirror: &Name) -> Draft {
        let Self { tree, departures, unread, looked_for } = self;
        let account =
            Account { leaves: looked_for, used: looked_for - unread.len(), noted: unread.len(), holes: 0 };
        let unread = unread.into_iter().map(|(path, why)| (path, format!("as its profile has it: {why}")));
        let note = |(path, message): (Path, String)| Note {
            beside: Some(path.clone()),
            path,
            source: format!("mirror:{mirror}"),
            message,
            left_out: false,
        };
        let departures =
            departures.into_iter().map(|(path, why)| (path, format!("not as its profile has it: {why}")));
        let notes = departures.chain(unread).map(note).collect();
        Draft { profile: tree, holes: Vec::new(), notes, account, values: Values::default() }
    }
}
