//! `--set PATH=VALUE` and `--unset PATH`: the last layer, typed on the command line.
//!
//! A value is read by the type of its field: where a text may stand it is
//! taken letter by letter, elsewhere it is YAML, `[db, cache]`.

use serde_json::Value as Json;

use super::{
    merge::merge,
    node::{Entry, Kind, Node},
    parse::{BUDGET, parse},
    problem::Problem,
    schema,
    source::{Source, Span},
    v1, words,
};
use crate::path::{Path, Segment};

/// Puts one option over the document, which is in its long form.
pub(crate) fn set(root: &mut Node, option: &Source, index: u16, types: &Json) -> Result<(), Box<Problem>> {
    let text = String::from_utf8_lossy(&option.bytes).into_owned();
    let whole = Span { source: Some(index), start: 0, end: text.len(), line: 1, column: 1 };
    let (path, value_at) = split(&text, whole)?;
    let value = &text[value_at..];
    let span = Span { start: value_at, column: column(&text, value_at), ..whole };
    let mut node = if value.is_empty() {
        schema::empty(types, &path, span)
    } else if schema::takes_text(types, &path, value) {
        Node::plain(value, span)
    } else {
        let source = Source::new(option.name.as_str(), value);
        let mut node = parse(&source, index, BUDGET).map_err(|mut problem| {
            problem.path = path.clone();
            problem.span = span;
            problem
        })?;
        shift(&mut node, span);
        node
    };
    let by_position = path.0.iter().any(|segment| matches!(segment, Segment::Index(_)));
    if by_position {
        return replace(root, &path, node, whole);
    }
    for segment in path.0.iter().rev() {
        let inner = std::mem::replace(&mut node, Node::map(whole));
        match segment {
            Segment::Member { field, value } => {
                let mut member = inner;
                if member.as_map().is_none() {
                    let message = "a member of a list is changed field by field";
                    return Err(Problem::error("bad-path", &path, whole, message)
                        .hint(format!("write `{path}.FIELD=…`"))
                        .into());
                }
                member.insert(field, Node::quoted(value.as_str(), whole));
                node = Node::list(vec![member], whole);
            }
            Segment::Key(key) => {
                if let Some(map) = node.as_map_mut() {
                    map.entries.insert(key.clone(), Entry { key: whole, node: inner });
                }
            }
            Segment::Index(_) => {}
        }
    }
    v1::lengthen(&mut node);
    merge(root, node);
    Ok(())
}

/// Removes what stands at a path; answers whether there was something.
pub(crate) fn unset(root: &mut Node, path: &Path) -> bool {
    let Some((last, above)) = path.0.split_last() else { return false };
    let mut node = root;
    for segment in above {
        match step_mut(node, segment) {
            Some(next) => node = next,
            None => return false,
        }
    }
    let position = position(node, last);
    match (&mut node.kind, last) {
        (Kind::Map(map), Segment::Key(key)) => map.entries.shift_remove(key).is_some(),
        (Kind::List(items), _) => match position {
            Some(position) => {
                items.remove(position);
                true
            }
            None => false,
        },
        _ => false,
    }
}

/// Reads the path of an `--unset`.
pub(crate) fn unset_path(option: &Source, index: u16) -> Result<(Path, Span), Box<Problem>> {
    let text = String::from_utf8_lossy(&option.bytes).into_owned();
    let whole = Span { source: Some(index), start: 0, end: text.len(), line: 1, column: 1 };
    match text.parse::<Path>() {
        Ok(path) => Ok((path, whole)),
        Err(error) => Err(Problem::error("bad-path", &Path::root(), whole, error.to_string()).into()),
    }
}

pub(crate) fn nothing_there(root: &Node, path: &Path, span: Span) -> Problem {
    let problem = Problem::warning("unset-nothing", path, span, format!("nothing stands at `{path}`"));
    let Some((Segment::Key(last), above)) = path.0.split_last() else { return problem };
    let above = above.iter().try_fold(root, |node, segment| node.step(segment));
    let known: Vec<&str> = above
        .and_then(Node::as_map)
        .map(|map| map.entries.keys().map(String::as_str).collect())
        .unwrap_or_default();
    problem.maybe_hint(words::nearest(last, &known).map(|near| format!("did you mean `{near}`?")))
}

/// Splits at the first `=` that ends a path; an `=` within brackets is part of it.
fn split(text: &str, whole: Span) -> Result<(Path, usize), Box<Problem>> {
    let fail = |message: String| -> Box<Problem> {
        Problem::error("bad-path", &Path::root(), whole, message)
            .hint("write `--set services.api.replicas=3`")
            .into()
    };
    let (mut depth, mut quoted, mut escaped) = (0u32, false, false);
    let at = text.char_indices().find_map(|(at, c)| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if depth > 0 => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted => depth = depth.saturating_sub(1),
            '=' if depth == 0 => return Some(at),
            _ => {}
        }
        None
    });
    let at = at.ok_or_else(|| fail(format!("`{text}` has no `=`")))?;
    let path: Path = text[..at].parse().map_err(|error: crate::path::PathError| fail(error.to_string()))?;
    Ok((path, at + 1))
}

fn column(text: &str, at: usize) -> u32 {
    u32::try_from(text[..at].chars().count() + 1).unwrap_or(u32::MAX)
}

/// Moves the places of a value that was parsed on its own to where it stands in the option.
fn shift(node: &mut Node, by: Span) {
    let move_span = |span: &mut Span| {
        span.start += by.start;
        span.end += by.start;
        if span.line == 1 {
            span.column += by.column - 1;
        }
    };
    move_span(&mut node.span);
    match &mut node.kind {
        Kind::Map(map) => {
            for entry in map.entries.values_mut() {
                move_span(&mut entry.key);
                shift(&mut entry.node, by);
            }
        }
        Kind::List(items) => items.iter_mut().for_each(|item| shift(item, by)),
        Kind::Null | Kind::Scalar { .. } | Kind::Hole(_) => {}
    }
}

fn replace(root: &mut Node, path: &Path, value: Node, whole: Span) -> Result<(), Box<Problem>> {
    let missing = || -> Box<Problem> {
        Problem::error("bad-path", path, whole, format!("nothing stands at `{path}`"))
            .hint("a position counts from 0, and the one after the last adds a member")
            .into()
    };
    let Some((last, above)) = path.0.split_last() else { return Err(missing()) };
    let mut node = root;
    for segment in above {
        node = step_mut(node, segment).ok_or_else(missing)?;
    }
    let position = position(node, last);
    match (&mut node.kind, last) {
        (Kind::Map(_), Segment::Key(key)) => node.insert(key, value),
        (Kind::List(items), Segment::Index(index)) if *index == items.len() => items.push(value),
        (Kind::List(items), _) => match position.and_then(|position| items.get_mut(position)) {
            Some(item) => *item = value,
            None => return Err(missing()),
        },
        _ => return Err(missing()),
    }
    Ok(())
}

/// A member's position in a list; a bare key is the member of that name.
fn position(node: &Node, segment: &Segment) -> Option<usize> {
    let Kind::List(items) = &node.kind else { return None };
    match segment {
        Segment::Index(index) => (*index < items.len()).then_some(*index),
        Segment::Member { field, value } => {
            items.iter().position(|item| item.get(field).and_then(Node::as_text) == Some(value))
        }
        Segment::Key(key) => items.iter().position(|item| item.member_name() == Some(key)),
    }
}

fn step_mut<'n>(node: &'n mut Node, segment: &Segment) -> Option<&'n mut Node> {
    let position = position(node, segment);
    match (&mut node.kind, segment) {
        (Kind::Map(map), Segment::Key(key)) => map.entries.get_mut(key).map(|entry| &mut entry.node),
        (Kind::List(items), _) => items.get_mut(position?),
        _ => None,
    }
}
