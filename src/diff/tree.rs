//! Two trees side by side.

use serde_json::Value;

use super::shape;
use crate::{
    path::{Path, Segment},
    profile::hole,
};

/// A list whose members are known by their `name`: maps, each with a name of its own.
pub fn named(list: &Value) -> Option<Vec<(&str, &Value)>> {
    let members = list.as_array().filter(|members| !members.is_empty())?;
    let name = |member: &Value| member.as_object()?.get("name")?.as_str().map(str::len);
    if !members.iter().all(|member| name(member).is_some()) {
        return None;
    }
    let all: Vec<(&str, &Value)> =
        members.iter().filter_map(|member| Some((member["name"].as_str()?, member))).collect();
    let mut names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.windows(2).all(|pair| pair[0] != pair[1]).then_some(all)
}

/// Whether two trees say the same: maps and named lists in any order, other lists in theirs.
pub fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        (Value::Array(x), Value::Array(y)) => match (named(a), named(b)) {
            (Some(a), Some(b)) => {
                let other =
                    |name: &str| b.iter().find(|(other, _)| *other == name).map(|(_, member)| *member);
                a.len() == b.len() && a.iter().all(|(name, a)| other(name).is_some_and(|b| equal(a, b)))
            }
            _ => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| equal(x, y)),
        },
        _ => a == b,
    }
}

/// The members of a map or named list, each with its own path; `None` for a leaf.
fn members<'a>(path: &Path, value: &'a Value) -> Option<Vec<(Path, &'a Value)>> {
    match value {
        Value::Object(map) => Some(map.iter().map(|(key, value)| (path.key(key.as_str()), value)).collect()),
        Value::Array(_) => {
            Some(named(value)?.into_iter().map(|(name, value)| (path.member("name", name), value)).collect())
        }
        _ => None,
    }
}

/// Takes one difference: where, what A has there, what B has.
pub type Emit<'e> = dyn FnMut(&Path, Option<&Value>, Option<&Value>) + 'e;

/// Calls `emit` once for each difference; at least one of the two sides is there.
pub fn walk(path: &Path, a: Option<&Value>, b: Option<&Value>, emit: &mut Emit<'_>) {
    match (a, b) {
        (Some(a), Some(b)) if equal(a, b) => {}
        (Some(a), Some(b)) => both(path, a, b, emit),
        (Some(only), None) | (None, Some(only)) => {
            let apart = members(path, only).filter(|members| !members.is_empty() && shape::is_apart(path));
            match apart {
                Some(members) => {
                    for (path, member) in &members {
                        walk(path, a.map(|_| *member), b.map(|_| *member), emit);
                    }
                }
                None => emit(path, a, b),
            }
        }
        (None, None) => {}
    }
}

fn both(path: &Path, a: &Value, b: &Value, emit: &mut Emit<'_>) {
    let whole = match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let one_is_empty = a.is_empty() || b.is_empty();
            shape::is_one(path, a, b) || one_is_empty && !path.0.is_empty()
        }
        (Value::Array(_), Value::Array(_)) => false,
        _ => true,
    };
    // A hole has no members, and what has members becomes one as a whole.
    let whole = whole || hole(path, a).is_some() || hole(path, b).is_some();
    let (Some(mine), Some(theirs)) = (members(path, a), members(path, b)) else {
        return emit(path, Some(a), Some(b));
    };
    if whole {
        return emit(path, Some(a), Some(b));
    }
    let other = |of: &'_ Value, path: &Path| path.0.last().and_then(|last| step(of, last)).is_some();
    for (path, a) in &mine {
        walk(path, Some(a), path.0.last().and_then(|last| step(b, last)), emit);
    }
    for (path, b) in theirs.iter().filter(|(path, _)| !other(a, path)) {
        walk(path, None, Some(b), emit);
    }
}

/// The member of a map or list that one segment of a path names.
pub fn step<'a>(value: &'a Value, segment: &Segment) -> Option<&'a Value> {
    match segment {
        Segment::Key(key) => value.as_object()?.get(key),
        Segment::Index(index) => value.as_array()?.get(*index),
        Segment::Member { field, value: name } => value.as_array()?.get(position(value, field, name)?),
    }
}

/// Where in a list the member stands that has this field.
pub fn position(list: &Value, field: &str, name: &str) -> Option<usize> {
    list.as_array()?.iter().position(|member| member.get(field).and_then(Value::as_str) == Some(name))
}

pub fn get<'a>(value: &'a Value, path: &Path) -> Option<&'a Value> {
    path.0.iter().try_fold(value, step)
}
