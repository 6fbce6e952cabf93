//! The version of Kubernetes, which one side may say more closely than the other.

use serde_json::Value as Json;

use super::{get, put};
use crate::{path::Path, plan::kubernetes::minor_version};

/// Takes the other's where it is the same as far as both say it.
pub(super) fn spell(tree: &mut Json, other: &Json) {
    let at = Path::of(["platform", "kubernetes", "version"]);
    let text = |tree: &Json| get(tree, &at.0).and_then(Json::as_str).map(str::to_owned);
    let (Some(mine), Some(theirs)) = (text(tree), text(other)) else { return };
    let is_close = |version: &str| version.split('.').count() > 2;
    if is_close(&mine) != is_close(&theirs) && minor_version(&mine) == minor_version(&theirs) {
        put(tree, &at.0, &theirs.into());
    }
}
