//! Digests into the text of a profile, in place: comments, order and quotes stay.
//!
//! Looking digests up is the caller's. The text is spliced at the places that
//! the parser gave, read again, and compared with what was meant; where the
//! two differ nothing is answered.

use super::{
    Image, Seed,
    node::{Kind, Node},
    parse::{BUDGET, parse},
    problem::{Gathering, Problem, Problems},
    source::{Source, Span},
    v1,
};
use crate::path::{Path, Segment};

/// Something in a profile that may mean another thing tomorrow.
#[derive(Clone, Debug, PartialEq)]
pub struct Pinnable {
    pub path: Path,
    /// As written.
    pub from: String,
    pub what: Unpinned,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Unpinned {
    /// An image of a registry without a digest.
    Image(super::ImageRef),
    /// A snapshot by name, `snapshot:NAME`.
    Snapshot(String),
}

/// What stands at a path, and what shall stand there.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Pin {
    pub path: Path,
    pub from: String,
    pub to: String,
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PinError {
    #[error(transparent)]
    Unreadable(#[from] Problems),
    #[error("`{from}` does not stand at `{path}`")]
    NotThere { path: Path, from: String },
    #[error("`{to}` does not pin `{from}`: it is another image, or has no digest")]
    NotAPin { from: String, to: String },
    #[error("`{0}` is written over several lines; write it in one")]
    SeveralLines(Path),
    #[error("`{0}` and `{1}` are one text in the file, and cannot have two values")]
    Shared(Path, Path),
    #[error("the text would not read back as it is meant; nothing is changed")]
    ReadsOtherwise,
}

/// All that can be pinned in a document, in the order of the text.
pub fn pinnable(source: &Source) -> Result<Vec<Pinnable>, Problems> {
    let root = read(source).map_err(|problem| Gathering::only(*problem, std::slice::from_ref(source)))?;
    let mut found = Vec::new();
    root.leaves(&Path::root(), &mut |path, node| {
        let Some(text) = node.as_text() else { return };
        let what = match last_key(&path) {
            Some("image") if is_image(&path) => match text.parse() {
                Ok(Image::Registry(reference)) if reference.digest.is_none() => Unpinned::Image(reference),
                _ => return,
            },
            Some("seed") if path.key_at(0) == Some("stores") && path.0.len() == 3 => {
                match text.strip_prefix("snapshot:") {
                    Some(name) => Unpinned::Snapshot(name.to_owned()),
                    None => return,
                }
            }
            _ => return,
        };
        found.push(Pinnable { path, from: text.to_owned(), what });
    });
    Ok(found)
}

/// The text with every pin in its place.
pub fn pin(source: &Source, pins: &[Pin]) -> Result<String, PinError> {
    let unreadable = |problem: Box<Problem>| Gathering::only(*problem, std::slice::from_ref(source));
    let root = read(source).map_err(unreadable)?;
    let mut splices: Vec<(Span, &Pin)> = Vec::new();
    for pin in pins {
        let not_there = || PinError::NotThere { path: pin.path.clone(), from: pin.from.clone() };
        let node =
            pin.path.0.iter().try_fold(&root, |node, segment| node.step(segment)).ok_or_else(not_there)?;
        if node.as_text() != Some(&pin.from) {
            return Err(not_there());
        }
        if !is_pin(&pin.from, &pin.to) {
            return Err(PinError::NotAPin { from: pin.from.clone(), to: pin.to.clone() });
        }
        // An alias: one text that stands at several paths.
        match splices.iter().find(|(span, _)| span.start == node.span.start) {
            Some((_, other)) if other.to != pin.to => {
                return Err(PinError::Shared(other.path.clone(), pin.path.clone()));
            }
            Some(_) => {}
            None => splices.push((node.span, pin)),
        }
    }
    let text = splice(&source.text(), &splices)?;
    let again = Source::new(source.name.as_str(), text.as_str());
    let wanted = letters(&parse(source, 0, BUDGET).map_err(unreadable)?, &splices);
    match parse(&again, 0, BUDGET) {
        Ok(read) if letters(&read, &[]) == wanted => Ok(text),
        _ => Err(PinError::ReadsOtherwise),
    }
}

/// The document in its long form, with the places of the text.
fn read(source: &Source) -> Result<Node, Box<Problem>> {
    let mut root = parse(source, 0, BUDGET)?;
    v1::lengthen(&mut root);
    Ok(root)
}

fn last_key(path: &Path) -> Option<&str> {
    match path.0.last() {
        Some(Segment::Key(key)) => Some(key),
        _ => None,
    }
}

/// `services.X.image`, or that of an init container or sidecar.
fn is_image(path: &Path) -> bool {
    let workload = matches!(path.key_at(0), Some("services" | "jobs" | "stores"));
    let beside = path.0.len() == 5 && matches!(path.key_at(2), Some("init" | "sidecars"));
    workload && (path.0.len() == 3 || beside)
}

fn is_pin(from: &str, to: &str) -> bool {
    // First: `snapshot:a` and `sha256:…` would pass for images.
    if let Ok(Seed::Snapshot(_)) = from.parse() {
        let plain =
            to.bytes().all(|b| b.is_ascii_alphanumeric() || b"_:-.".contains(&b)) && !to.ends_with(':');
        return plain && matches!(to.parse(), Ok(Seed::Snapshot(_)));
    }
    match (from.parse(), to.parse()) {
        (Ok(Image::Registry(from)), Ok(Image::Registry(to))) => {
            to.digest.is_some() && from.name == to.name && from.tag == to.tag
        }
        _ => false,
    }
}

/// From the end of the text to its start, so that places before stay true.
fn splice(text: &str, splices: &[(Span, &Pin)]) -> Result<String, PinError> {
    let mut splices = splices.to_vec();
    splices.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    let mut text = text.to_owned();
    for (span, pin) in splices {
        let old = text.get(span.start..span.end).ok_or(PinError::ReadsOtherwise)?;
        let new = match old.chars().next() {
            Some(quote @ ('"' | '\'')) => format!("{quote}{}{quote}", pin.to),
            Some('|' | '>') => return Err(PinError::SeveralLines(pin.path.clone())),
            _ if old.contains('\n') => return Err(PinError::SeveralLines(pin.path.clone())),
            _ => pin.to.clone(),
        };
        text.replace_range(span.start..span.end, &new);
    }
    Ok(text)
}

/// A tree without places, each scalar in its letters; what is spliced has its new ones.
#[derive(PartialEq)]
enum Letters {
    Null,
    Scalar(String, super::node::Style),
    List(Vec<Letters>),
    Map(Vec<(String, Letters)>),
}

fn letters(node: &Node, splices: &[(Span, &Pin)]) -> Letters {
    match &node.kind {
        // No text is a hole before its short forms are long ones.
        Kind::Null | Kind::Hole(_) => Letters::Null,
        Kind::Scalar { text, style } => {
            let new =
                splices.iter().find(|(span, _)| span.start == node.span.start && span.end == node.span.end);
            Letters::Scalar(new.map_or_else(|| text.clone(), |(_, pin)| pin.to.clone()), *style)
        }
        Kind::List(items) => Letters::List(items.iter().map(|item| letters(item, splices)).collect()),
        Kind::Map(map) => {
            let each = map.entries.iter().map(|(key, entry)| (key.clone(), letters(&entry.node, splices)));
            Letters::Map(each.collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn all(source: &Source) -> Vec<Pin> {
        let to = |found: &Pinnable| match &found.what {
            Unpinned::Image(_) => format!("{}@{DIGEST}", found.from),
            Unpinned::Snapshot(_) => DIGEST.to_owned(),
        };
        let found = pinnable(source).unwrap();
        found.into_iter().map(|found| Pin { to: to(&found), from: found.from, path: found.path }).collect()
    }

    #[test]
    fn comments_order_quotes_and_line_ends_stay() {
        let text = "\u{feff}# head\r\napiVersion: prodmirror/v1 # v\r\nname: t\r\nstores:\r\n  db: {image: \"postgres:16.4\", \
                    engine: postgres, seed: 'snapshot:a'} # db\r\nservices:\r\n  ünï: # x\r\n    image:   nginx:1.27   # web\r\n    \
                    sidecars: {log: {image: 'a/b'}}\r\n  own:\r\n    image: local:x:dev\r\n    env: {image: nginx:1}\r\n";
        let source = Source::new("p.yaml", text);
        let pinned = pin(&source, &all(&source)).unwrap();
        let wanted = text
            .replace("\"postgres:16.4\"", &format!("\"postgres:16.4@{DIGEST}\""))
            .replace("'snapshot:a'", &format!("'{DIGEST}'"))
            .replace("nginx:1.27 ", &format!("nginx:1.27@{DIGEST} "))
            .replace("'a/b'", &format!("'a/b@{DIGEST}'"));
        assert_eq!(pinned, wanted);
        assert_eq!(pinnable(&Source::new("p.yaml", pinned)), Ok(Vec::new()));
    }

    #[test]
    fn an_image_that_stands_once_and_is_used_twice_is_pinned_once() {
        let text = "services:\n  a: {image: &img nginx:1}\n  b: {image: *img}\n";
        let source = Source::new("p.yaml", text);
        let pins = all(&source);
        assert_eq!(pins.len(), 2);
        assert_eq!(pin(&source, &pins).unwrap(), text.replace("nginx:1", &format!("nginx:1@{DIGEST}")));
    }

    #[test]
    fn what_is_no_pin_is_refused() {
        let source =
            Source::new("p.yaml", "services:\n  a: {image: nginx:1}\n  b:\n    image: >-\n      nginx:2\n");
        let path = |text: &str| -> Path { text.parse().unwrap() };
        let one = |at: &str, from: &str, to: &str| {
            pin(&source, &[Pin { path: path(at), from: from.into(), to: to.into() }])
        };
        let digest = format!("nginx:1@{DIGEST}");
        assert!(matches!(one("services.x.image", "nginx:1", &digest), Err(PinError::NotThere { .. })));
        assert!(matches!(one("services.a.image", "nginx", &digest), Err(PinError::NotThere { .. })));
        assert!(matches!(one("services.a.image", "nginx:1", "nginx:1"), Err(PinError::NotAPin { .. })));
        assert!(matches!(
            one("services.a.image", "nginx:1", &format!("nginx:2@{DIGEST}")),
            Err(PinError::NotAPin { .. })
        ));
        assert!(matches!(
            one("services.b.image", "nginx:2", &format!("nginx:2@{DIGEST}")),
            Err(PinError::SeveralLines(_))
        ));
    }
}
