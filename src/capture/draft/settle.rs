//! Takes out of a profile what `check` refuses, until it refuses nothing, and says so of what it came from.

use serde_json::Value as Json;

use super::{Origins, hole_reason, long};
use crate::{
    path::{Path, Segment},
    profile::{Problem, Problems, Severity, check_value, from_tree},
};

/// Answers the long form.
pub(super) fn settle(tree: &mut Json, origins: &Origins<'_>) -> Result<Json, Problems> {
    // Each round takes something out.
    for _ in 0..=values(tree) {
        let problems = errors(tree);
        if problems.is_empty() {
            return long(tree);
        }
        // What is gone already is no reason to take out what was around it.
        let found = tree.clone();
        let mut removed = false;
        for problem in &problems {
            let Some(path) = nearest(&found, &problem.path) else { continue };
            // Where no hole can stand, its reason is why the value is not there.
            let hole = hole_above(&found, &path);
            let (path, why) = hole.unwrap_or_else(|| (path.clone(), problem.message.clone()));
            if !take_out(tree, &path) {
                continue;
            }
            removed = true;
            for at in origins.of(&path) {
                at.left_out(why.as_str());
            }
        }
        if !removed {
            return Err(Problems(problems));
        }
    }
    long(tree)
}

fn errors(tree: &Json) -> Vec<Problem> {
    match from_tree(tree) {
        Ok(profile) => check_value(&profile, true).into_iter().filter(Problem::is_error).collect(),
        Err(Problems(problems)) => {
            problems.into_iter().filter(|problem| problem.severity == Severity::Error).collect()
        }
    }
}

/// The path, or the nearest above it that is there and is no section of the profile.
fn nearest(tree: &Json, path: &Path) -> Option<Path> {
    let mut path = path.clone();
    while path.0.len() > 1 {
        if get(tree, &path.0).is_some() {
            return Some(path);
        }
        path.0.pop();
    }
    None
}

/// The hole that a path is, or is in, and its reason.
fn hole_above(tree: &Json, path: &Path) -> Option<(Path, String)> {
    let mut path = path.clone();
    while !path.0.is_empty() {
        if let Some(reason) = get(tree, &path.0).and_then(hole_reason) {
            return Some((path.clone(), reason.to_owned()));
        }
        path.0.pop();
    }
    None
}

/// Takes a value out, and the maps above it that are empty then.
pub fn take_out(tree: &mut Json, path: &Path) -> bool {
    let Some((last, above)) = path.0.split_last() else { return false };
    let removed = match (get_mut(tree, above), last) {
        (Some(Json::Object(map)), Segment::Key(key)) => map.shift_remove(key).is_some(),
        (Some(Json::Array(items)), segment) => {
            let found = items.iter().position(|item| is(item, segment)).or(match segment {
                Segment::Index(index) => Some(*index).filter(|index| *index < items.len()),
                _ => None,
            });
            found.map(|at| items.remove(at)).is_some()
        }
        _ => false,
    };
    let above = Path(above.to_vec());
    let is_empty = |value: &Json| match value {
        Json::Object(map) => map.is_empty(),
        Json::Array(items) => items.is_empty(),
        _ => false,
    };
    if removed && above.0.len() > 2 && get(tree, &above.0).is_some_and(is_empty) {
        take_out(tree, &above);
    }
    removed
}

fn is(item: &Json, segment: &Segment) -> bool {
    matches!(segment, Segment::Member { field, value } if item.get(field).and_then(Json::as_str) == Some(value))
}

pub(super) fn get<'a>(tree: &'a Json, path: &[Segment]) -> Option<&'a Json> {
    path.iter().try_fold(tree, |value, segment| match segment {
        Segment::Key(key) => value.get(key),
        Segment::Index(index) => value.get(index),
        Segment::Member { .. } => value.as_array()?.iter().find(|item| is(item, segment)),
    })
}

fn get_mut<'a>(tree: &'a mut Json, path: &[Segment]) -> Option<&'a mut Json> {
    path.iter().try_fold(tree, |value, segment| match segment {
        Segment::Key(key) => value.get_mut(key),
        Segment::Index(index) => value.get_mut(index),
        Segment::Member { .. } => value.as_array_mut()?.iter_mut().find(|item| is(item, segment)),
    })
}

fn values(tree: &Json) -> usize {
    match tree {
        Json::Object(map) => 1 + map.values().map(values).sum::<usize>(),
        Json::Array(items) => 1 + items.iter().map(values).sum::<usize>(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_wrong_twice_is_taken_out_once_and_nothing_around_it() {
        let mut tree = json!({
            "apiVersion": crate::profile::VERSION,
            "name": "shop",
            "services": {"web": {"image": "web:1", "hostname": "web", "probes": {"readiness": {"tcpp": 1}}}},
        });
        let profile = settle(&mut tree, &Origins::default()).unwrap();
        let web = &profile["services"]["web"];
        assert_eq!((&web["image"], &web["hostname"]), (&json!("web:1"), &json!("web")));
        assert!(web.get("probes").is_none(), "{web}");
    }
}
