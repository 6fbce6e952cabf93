//! The paths that a source file names, each written from its beginning.

use std::collections::BTreeMap;

use super::tokens::Token;

/// `crate::plan::Plan`, `std::fs::read`; the first segment is `crate` for everything of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub segments: Vec<String>,
    pub line: usize,
}

impl Named {
    pub fn text(&self) -> String {
        self.segments.join("::")
    }

    /// Whether the path is `prefix` or lies below it.
    pub fn below(&self, prefix: &str) -> bool {
        self.text().strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    }
}

/// Every path in `use` items and elsewhere, macros among them, with their mark (`println!`).
///
/// `module` is the place of the file (`["plan", "order"]`). Paths are followed through `crate`,
/// `self`, `super`, `prodmirror` and the names that the file's own `use` items bring in; the
/// names of one inner module serve the whole file, which can only find more.
pub fn named(tokens: &[Token], module: &[String]) -> Vec<Named> {
    let mut found = Vec::new();
    let mut names = BTreeMap::new();
    let mut others = Vec::new();
    let mut inner: Vec<(String, usize)> = Vec::new();
    let (mut depth, mut at) = (0_usize, 0);
    while at < tokens.len() {
        let place: Vec<String> = module.iter().chain(inner.iter().map(|(name, _)| name)).cloned().collect();
        match tokens[at].text.as_str() {
            "use" if tokens.get(at + 1).is_some_and(|next| next.text != "<") => {
                at = leaves(tokens, at + 1, &[], &mut |segments, name, line| {
                    let mut segments = absolute(segments, &place);
                    names.insert(name, segments.clone());
                    if segments == ["crate"] {
                        // The root under another name is everything below it.
                        segments.push("*".to_owned());
                    }
                    found.push(Named { segments, line });
                });
            }
            "mod" if tokens.get(at + 2).is_some_and(|next| next.text == "{") => {
                inner.push((tokens[at + 1].text.clone(), depth));
                at += 2;
            }
            "{" => (depth, at) = (depth + 1, at + 1),
            "}" => {
                depth = depth.saturating_sub(1);
                inner.retain(|(_, outer)| *outer < depth);
                at += 1;
            }
            _ if begins_path(tokens, at) => {
                let end = end_of_path(tokens, at);
                let segments = segments(tokens, at, end);
                if !segments.is_empty() {
                    others.push((segments, tokens[at].line, place));
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    for (segments, line, place) in others {
        let segments = match names.get(&segments[0]) {
            Some(full) => full.iter().chain(&segments[1..]).cloned().collect(),
            None => absolute(&segments, &place),
        };
        found.push(Named { segments, line });
    }
    found.sort_by_key(|path| path.line);
    found
}

/// Not behind a point (that is a field or a method) and not behind `::` (that is a path's middle).
fn begins_path(tokens: &[Token], at: usize) -> bool {
    let before = at.checked_sub(1).map(|before| tokens[before].text.as_str());
    match tokens[at].text.as_str() {
        // `<T as Trait>::now`, `::std::env`
        "::" => true,
        _ => tokens[at].is_word() && before != Some("."),
    }
}

/// The words of a path; `_` stands for the type in `<T>::now`, and a macro keeps its mark.
fn segments(tokens: &[Token], at: usize, end: usize) -> Vec<String> {
    let mut words: Vec<_> =
        tokens[at..end].iter().filter(|token| token.is_word()).map(|token| token.text.clone()).collect();
    let is = |at: usize, text: &str| tokens.get(at).is_some_and(|token| token.text == text);
    if tokens[at].text == "::" && at.checked_sub(1).is_some_and(|before| is(before, ">")) && !words.is_empty()
    {
        words.insert(0, "_".to_owned());
    }
    if let Some(last) = words.last_mut()
        && is(end, "!")
        && !is(end + 1, "=")
    {
        last.push('!');
    }
    words
}

fn end_of_path(tokens: &[Token], mut at: usize) -> usize {
    if tokens[at].text == "::" {
        at += 1;
    }
    while tokens.get(at).is_some_and(Token::is_word) {
        at += 1;
        match (tokens.get(at), tokens.get(at + 1)) {
            (Some(mark), Some(next)) if mark.text == "::" && next.is_word() => at += 1,
            _ => break,
        }
    }
    at
}

/// Calls `each` with the path, the name it brings in and the line of every leaf of the tree of
/// a `use` item that begins at `at`; returns the place behind it.
fn leaves(
    tokens: &[Token],
    mut at: usize,
    before: &[String],
    each: &mut dyn FnMut(&[String], String, usize),
) -> usize {
    let mut path = before.to_vec();
    let mut line = 0;
    while let Some(token) = tokens.get(at) {
        line = if line == 0 { token.line } else { line };
        match token.text.as_str() {
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token.text != "}") {
                    at = leaves(tokens, at, &path, each);
                    at += usize::from(tokens.get(at).is_some_and(|token| token.text == ","));
                }
                return at + 1;
            }
            "as" => {
                let name = tokens.get(at + 1).map(|token| token.text.clone()).unwrap_or_default();
                each(&path, name, line);
                return at + 2;
            }
            "," | ";" | "}" => break,
            "::" => {}
            // `use a::{self}` is `a` itself.
            "self" if !path.is_empty() => {}
            _ => path.push(token.text.clone()),
        }
        at += 1;
    }
    let name = path.last().cloned().unwrap_or_default();
    each(&path, name, line);
    at
}

fn absolute(segments: &[String], module: &[String]) -> Vec<String> {
    let mut base: Vec<String> = Vec::new();
    let mut rest = segments;
    let ours = |place: &[String]| std::iter::once("crate".to_owned()).chain(place.iter().cloned()).collect();
    while let Some((first, after)) = rest.split_first() {
        match first.as_str() {
            "crate" | "prodmirror" if base.is_empty() => base = ours(&[]),
            "self" if base.is_empty() => base = ours(module),
            "super" if base.is_empty() => base = ours(&module[..module.len().saturating_sub(1)]),
            "super" if base.len() > 1 => drop(base.pop()),
            _ => break,
        }
        rest = after;
    }
    base.into_iter().chain(rest.iter().cloned()).collect()
}
