//! Differences that may be: paths with a reason each.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value;

use super::{Change, Difference, Incomparable, tree};
use crate::path::{Path, Segment};

/// A path, `*` for any one key, that may differ with everything below it, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Allowance {
    pub path: Path,
    pub reason: String,
}

/// What is wrong with a file of allowances.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadAllowances(String);

/// A difference after the allowances took what they may.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    pub difference: Difference,
    /// What differs and may, with the reason.
    pub allowed: Vec<(Change, String)>,
    /// Allowances that name nothing on either side.
    pub unknown: Vec<Allowance>,
    /// Allowances for what does not differ.
    pub unused: Vec<Allowance>,
}

/// Reads a map of YAML from paths to reasons.
pub fn allowances(text: &str) -> Result<Vec<Allowance>, BadAllowances> {
    if text.lines().all(|line| line.trim().is_empty() || line.starts_with('#')) {
        return Ok(Vec::new());
    }
    let map: IndexMap<String, String> = serde_yaml::from_str(text)
        .map_err(|error| BadAllowances(format!("this is no map of paths to reasons: {error}")))?;
    let one = |(path, reason): (String, String)| {
        if reason.trim().is_empty() {
            return Err(BadAllowances(format!("`{path}` has no reason; say why it may differ")));
        }
        let path = path.parse().map_err(|error| BadAllowances(format!("`{path}` is no path: {error}")))?;
        Ok(Allowance { path, reason })
    };
    map.into_iter().map(one).collect()
}

/// Takes out of a difference between `a` and `b` what may differ.
pub fn judge(difference: Difference, allowances: &[Allowance], a: &Value, b: &Value) -> Judged {
    let mut used = vec![false; allowances.len()];
    let mut of = |path: &Path| {
        let at = allowances.iter().position(|allowance| allowance.path.covers(path))?;
        used[at] = true;
        Some(allowances[at].reason.clone())
    };
    let mut judged = Judged::default();
    for change in difference.changes {
        match of(&change.path) {
            Some(reason) => judged.allowed.push((change, reason)),
            None => judged.difference.changes.push(change),
        }
    }
    judged.difference.untold = difference.untold;
    let unread = difference.incomparable.into_iter();
    judged.difference.incomparable = unread.filter(|one: &Incomparable| of(&one.path).is_none()).collect();
    for (allowance, used) in allowances.iter().zip(used) {
        let known = names(a, &allowance.path.0) || names(b, &allowance.path.0);
        match (used, known) {
            (true, _) => {}
            (false, true) => judged.unused.push(allowance.clone()),
            (false, false) => judged.unknown.push(allowance.clone()),
        }
    }
    judged
}

/// Whether a pattern leads to anything in a tree.
fn names(tree: &Value, pattern: &[Segment]) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return true };
    match (first, tree) {
        (Segment::Key(star), Value::Object(map)) if star == "*" => {
            map.values().any(|value| names(value, rest))
        }
        (Segment::Key(star), Value::Array(list)) if star == "*" => {
            list.iter().any(|value| names(value, rest))
        }
        (Segment::Member { value, .. }, Value::Array(list)) if value == "*" => {
            list.iter().any(|value| names(value, rest))
        }
        _ => tree::step(tree, first).is_some_and(|value| names(value, rest)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::diff::compare;

    #[test]
    fn what_may_differ_is_taken_out_and_what_is_left_is_told() {
        let a = json!({"services": {"api": {"image": "a", "env": {"X": "1", "Y": "1"}, "replicas": 1}}});
        let b = json!({"services": {"api": {"image": "b", "env": {"X": "2", "Y": {"hole": "no right"}}, "replicas": 1}}});
        let allowed = allowances(
            "services.*.env: each place has its own\nservices.api.replicas: scaled by hand\nservices.web.image: gone\n",
        )
        .unwrap();
        let judged = judge(compare(&a, &b), &allowed, &a, &b);
        let paths: Vec<String> =
            judged.difference.changes.iter().map(|change| change.path.to_string()).collect();
        assert_eq!(paths, ["services.api.image"]);
        assert!(judged.difference.incomparable.is_empty());
        assert_eq!(judged.allowed.len(), 1);
        assert_eq!(judged.allowed[0].1, "each place has its own");
        assert_eq!(judged.unused[0].path.to_string(), "services.api.replicas");
        assert_eq!(judged.unknown[0].path.to_string(), "services.web.image");
    }

    #[test]
    fn an_allowance_has_a_path_and_a_reason() {
        assert!(allowances("services..x: why").unwrap_err().to_string().contains("is no path"));
        assert!(allowances("services.api: ''").unwrap_err().to_string().contains("say why"));
        assert!(allowances("- services.api").is_err());
        assert_eq!(allowances("# nothing\n\n"), Ok(Vec::new()));
    }
}
