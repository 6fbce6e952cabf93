//! Changes put on a tree.

use serde_json::{Map, Value};

use super::{Change, Op, equal, shape, tree};
use crate::path::{Path, Segment};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    #[error("{path}: there is nothing to {op}")]
    Absent { path: Path, op: &'static str },
    #[error("{path}: is there already")]
    Present { path: Path },
    #[error("{path}: is {found}, not {wanted} as the change has it")]
    Other { path: Path, wanted: String, found: String },
    #[error("{path}: the change lacks its value")]
    NoValue { path: Path },
    #[error("{path}: leads through what is no map or list")]
    Blocked { path: Path },
}

/// Puts changes on a tree in their order; some of a difference or all of it.
///
/// Each must fit: what is removed or changed is there with the value that the
/// change names, what is added is not. Maps above an added value are made,
/// maps that a profile never writes empty go with their last member.
pub fn apply(tree: &Value, changes: &[Change]) -> Result<Value, ApplyError> {
    changes.iter().try_fold(tree.clone(), |mut tree, change| {
        fits(&tree, change)?;
        match (&change.to, change.op) {
            (_, Op::Remove) => remove(&mut tree, &change.path),
            (Some(to), _) => put(&mut tree, &change.path, to.clone())?,
            (None, _) => return Err(ApplyError::NoValue { path: change.path.clone() }),
        }
        Ok(tree)
    })
}

fn fits(tree: &Value, change: &Change) -> Result<(), ApplyError> {
    let path = change.path.clone();
    match (change.op, tree::get(tree, &change.path)) {
        (Op::Add, None) => Ok(()),
        (Op::Add, Some(_)) => Err(ApplyError::Present { path }),
        (Op::Remove, None) => Err(ApplyError::Absent { path, op: "remove" }),
        (Op::Change, None) => Err(ApplyError::Absent { path, op: "change" }),
        (_, Some(found)) => match &change.from {
            Some(from) if equal(from, found) => Ok(()),
            Some(from) => Err(ApplyError::Other { path, wanted: from.to_string(), found: found.to_string() }),
            None => Err(ApplyError::NoValue { path }),
        },
    }
}

fn put(tree: &mut Value, path: &Path, to: Value) -> Result<(), ApplyError> {
    let blocked = || ApplyError::Blocked { path: path.clone() };
    let Some((last, above)) = path.0.split_last() else {
        *tree = to;
        return Ok(());
    };
    let mut at = tree;
    for (depth, segment) in above.iter().enumerate() {
        at = enter(at, segment, &path.0[depth + 1]).ok_or_else(blocked)?;
    }
    match (last, at) {
        (Segment::Key(key), Value::Object(map)) => {
            map.insert(key.clone(), to);
        }
        (Segment::Member { field, value }, at @ Value::Array(_)) => {
            let position = tree::position(at, field, value);
            let list = at.as_array_mut().ok_or_else(blocked)?;
            match position {
                Some(position) => list[position] = to,
                None => list.push(to),
            }
        }
        (Segment::Index(index), Value::Array(list)) => *list.get_mut(*index).ok_or_else(blocked)? = to,
        _ => return Err(blocked()),
    }
    Ok(())
}

/// The value one step down; what is absent is made to hold `next`.
fn enter<'a>(at: &'a mut Value, segment: &Segment, next: &Segment) -> Option<&'a mut Value> {
    let empty = || match next {
        Segment::Key(_) => Value::Object(Map::new()),
        Segment::Member { .. } | Segment::Index(_) => Value::Array(Vec::new()),
    };
    match segment {
        Segment::Key(key) => Some(at.as_object_mut()?.entry(key.as_str()).or_insert_with(empty)),
        Segment::Index(index) => at.as_array_mut()?.get_mut(*index),
        Segment::Member { field, value } => {
            let position = tree::position(at, field, value)?;
            at.as_array_mut()?.get_mut(position)
        }
    }
}

/// Removes a value that is there.
fn remove(tree: &mut Value, path: &Path) {
    let mut path = path.clone();
    loop {
        let Some(last) = path.0.pop() else {
            *tree = Value::Null;
            return;
        };
        let Some(above) = get_mut(tree, &path) else { return };
        let is_empty = match (&last, above) {
            (Segment::Key(key), Value::Object(map)) => {
                map.shift_remove(key);
                map.is_empty()
            }
            (last, above @ Value::Array(_)) => {
                let position = match last {
                    Segment::Member { field, value } => tree::position(above, field, value),
                    Segment::Index(index) => Some(*index),
                    Segment::Key(_) => None,
                };
                let Some((list, position)) = above.as_array_mut().zip(position) else { return };
                list.remove(position);
                list.is_empty()
            }
            _ => return,
        };
        if !is_empty || path.0.is_empty() || !shape::is_apart(&path) {
            return;
        }
    }
}

fn get_mut<'a>(tree: &'a mut Value, path: &Path) -> Option<&'a mut Value> {
    path.0.iter().try_fold(tree, |at, segment| match segment {
        Segment::Key(key) => at.as_object_mut()?.get_mut(key),
        Segment::Index(index) => at.as_array_mut()?.get_mut(*index),
        Segment::Member { field, value } => {
            let position = tree::position(at, field, value)?;
            at.as_array_mut()?.get_mut(position)
        }
    })
}
