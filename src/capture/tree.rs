//! A profile's tree, read and written by path.

use serde_json::Value as Json;

use crate::path::Segment;

pub(super) fn get<'a>(tree: &'a Json, path: &[Segment]) -> Option<&'a Json> {
    path.iter().try_fold(tree, |value, segment| match segment {
        Segment::Key(key) => value.get(key),
        Segment::Index(index) => value.get(index),
        Segment::Member { field, value: name } => {
            value.as_array()?.iter().find(|item| item[field].as_str() == Some(name))
        }
    })
}

/// Writes a value; maps on the way to it are made, and a list grows by one at its end.
pub(super) fn put(tree: &mut Json, path: &[Segment], value: &Json) {
    let Some((segment, rest)) = path.split_first() else {
        *tree = value.clone();
        return;
    };
    let next = match (segment, tree) {
        (Segment::Key(key), Json::Object(object)) => {
            let empty = || match rest.first() {
                Some(Segment::Index(_) | Segment::Member { .. }) => Json::Array(Vec::new()),
                Some(Segment::Key(_)) | None => Json::Object(Default::default()),
            };
            Some(object.entry(key).or_insert_with(empty))
        }
        (Segment::Index(index), Json::Array(items)) => {
            if *index == items.len() {
                items.push(Json::Null);
            }
            items.get_mut(*index)
        }
        (Segment::Member { field, value: name }, Json::Array(items)) => {
            items.iter_mut().find(|item| item[field].as_str() == Some(name))
        }
        _ => None,
    };
    if let Some(next) = next {
        put(next, rest, value);
    }
}

pub(super) fn remove(tree: &mut Json, path: &[Segment]) {
    let Some((last, above)) = path.split_last() else { return };
    let mut at = Some(tree);
    for segment in above {
        at = match (segment, at) {
            (Segment::Key(key), Some(value)) => value.get_mut(key),
            (Segment::Index(index), Some(value)) => value.get_mut(index),
            (Segment::Member { field, value: name }, Some(Json::Array(items))) => {
                items.iter_mut().find(|item| item[field].as_str() == Some(name))
            }
            _ => None,
        };
    }
    match (last, at) {
        (Segment::Key(key), Some(Json::Object(object))) => drop(object.shift_remove(key)),
        (Segment::Index(index), Some(Json::Array(items))) if *index < items.len() => {
            drop(items.remove(*index))
        }
        (Segment::Member { field, value }, Some(Json::Array(items))) => {
            items.retain(|item| item[field].as_str() != Some(value));
        }
        _ => {}
    }
}
