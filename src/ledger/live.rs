//! Live values for the ledger: what was wanted, joined with what a capture of the mirror says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::{Live, wanted::file};
use crate::{
    capture::{self, Captured, Reading},
    observed::Observed,
    path::{Path, Segment},
    plan::Plan,
};

/// Live values by path: of every entry that the plan has, and of what nobody asked for.
///
/// `tree` is the profile in its long form; `secrets` are the values of the plan's variables, and none gets out.
///
/// An entry with a value that neither holds nor fails is as planned where the plan departs from the profile (a limit
/// cut to the host's, the build of an image's role), which its grade says already.
pub fn live(
    plan: &Plan,
    tree: &Json,
    observed: &Observed,
    secrets: &BTreeMap<String, String>,
) -> BTreeMap<Path, Live> {
    let captured = capture::mirror(tree, plan, observed, secrets);
    let entries = plan.ledger.iter().map(|entry| &entry.path);
    let paths: BTreeSet<&Path> = captured.readings.keys().chain(entries).collect();
    paths.into_iter().map(|path| (path.clone(), entry(&captured, path))).collect()
}

fn entry(captured: &Captured, path: &Path) -> Live {
    let Reading { live, holds, from, why } = captured.at(path).unwrap_or_default();
    Live {
        value: live.map(|live| if is_file(path) { as_shown(&live) } else { live }),
        holds,
        read_from: Some(from).filter(|from| !from.is_empty()),
        why,
        grade: None,
    }
}

/// `services.api.files["/etc/x"]`
fn is_file(path: &Path) -> bool {
    matches!(path.0.as_slice(), [_, _, Segment::Key(field), Segment::Key(_)] if field == "files")
}

/// A file as the ledger shows it, by its hash; one that differs was read as a hash.
fn as_shown(live: &Json) -> Json {
    let read_hash = live["content"].as_str().filter(|content| content.starts_with("sha256:"));
    match (file(live), read_hash) {
        (Json::Object(mut shown), Some(hash)) => {
            shown.insert("sha256".to_owned(), hash.into());
            Json::Object(shown)
        }
        (Json::Object(shown), None) => Json::Object(shown),
        (_, _) => Json::Object(Map::new()),
    }
}
