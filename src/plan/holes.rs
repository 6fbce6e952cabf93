//! Holes: values that could not be read, refused together and listed as a block to fill in.

use super::{Refusal, Site};
use crate::{
    ledger::is_given,
    path::{Path, Segment},
    profile::yaml_scalar,
};

const CODE: &str = "hole";

pub(crate) fn refusals(site: &Site<'_>) -> Vec<Refusal> {
    let left = site.profile.holes.iter().filter(|(path, _)| !is_given(site.capabilities, path));
    let refusal = |path: &Path, reason: &str| Refusal {
        code: CODE.to_owned(),
        path: path.to_string(),
        message: format!("{}{}", beginning(&path.to_string()), reason.replace(['\n', '\r'], " ")),
        fill: Some(match secret(path) {
            Some(name) => format!("--secret {name}=@FILE"),
            None => format!("--set '{path}=…'"),
        }),
    };
    left.map(|(path, reason)| refusal(path, reason)).collect()
}

/// All holes as what to complete and hand in: an overlay, options, a file of secrets. `None` where there is none.
///
/// A value that is left as it stands here is refused again: it is empty, and that is no value.
pub fn to_fill(refusals: &[Refusal]) -> Option<String> {
    let holes = refusals.iter().filter(|refusal| refusal.code == CODE);
    let (mut overlay, mut options, mut secrets) = (Overlay::default(), Vec::new(), Vec::new());
    for refusal in holes {
        let path: Path = refusal.path.parse().ok()?;
        match (secret(&path), keys(&path)) {
            (Some(name), _) => secrets.push(format!("{name}=")),
            (None, Some(keys)) => overlay.add(&keys, reason(refusal)),
            (None, None) => options.push(format!("--set '{path}=…'")),
        }
    }
    let parts = [
        ("# in an overlay, `-f FILE`", overlay.lines),
        ("# as options", options),
        ("# in a file, `--secrets-file FILE`", secrets),
    ];
    let written = parts.into_iter().filter(|(_, lines)| !lines.is_empty());
    let text: String = written.map(|(title, lines)| format!("{title}\n{}\n", lines.join("\n"))).collect();
    if text.is_empty() { None } else { Some(text) }
}

/// How a refusal's message begins; the reason follows.
fn beginning(path: &str) -> String {
    format!("`{path}` could not be read: ")
}

/// Why, without the path, which stands beside it.
fn reason(refusal: &Refusal) -> &str {
    refusal.message.strip_prefix(&beginning(&refusal.path)).unwrap_or(&refusal.message)
}

fn secret(path: &Path) -> Option<&str> {
    path.key_at(1).filter(|_| path.0.len() == 2 && path.key_at(0) == Some("secrets"))
}

/// The keys under which an overlay has the value; a member of a list without names has none.
fn keys(path: &Path) -> Option<Vec<&str>> {
    path.0
        .iter()
        .map(|segment| match segment {
            Segment::Key(key) => Some(key.as_str()),
            // A list of named members is merged with a map of their names.
            Segment::Member { value, .. } => Some(value.as_str()),
            Segment::Index(_) => None,
        })
        .collect()
}

/// Lines of YAML, the keys that two neighbours share written once.
#[derive(Default)]
struct Overlay {
    lines: Vec<String>,
    open: Vec<String>,
}

impl Overlay {
    fn add(&mut self, keys: &[&str], reason: &str) {
        let same = self.open.iter().zip(keys).take_while(|(a, b)| a == *b).count();
        for (depth, key) in keys.iter().enumerate().skip(same) {
            let (indent, key) = ("  ".repeat(depth), yaml_scalar(key));
            let is_leaf = depth + 1 == keys.len();
            self.lines.push(if is_leaf {
                format!("{indent}{key}: # {reason}")
            } else {
                format!("{indent}{key}:")
            });
        }
        self.open = keys.iter().map(|key| (*key).to_owned()).collect();
    }
}
