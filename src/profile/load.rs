//! Text in, profile out: layers are parsed, merged, expanded, read and checked.

use indexmap::IndexMap;

use super::{
    Profile,
    check::cross_check,
    foreign,
    like::expand,
    merge::merge,
    node::{Kind, Node},
    parse::{BUDGET, parse},
    problem::{Gathering, Problem, Problems},
    schema::schema,
    set,
    source::{Origin, Source, Span},
    v1::{self, ReadFile, Reader},
};
use crate::path::Path;

/// All that a profile is made of, read by the caller.
pub struct Layers<'a> {
    /// The profile, then its overlays in order.
    pub documents: &'a [Source],
    /// Options `PATH=VALUE`, put over the documents in order.
    pub set: &'a [String],
    /// Paths that are removed last.
    pub unset: &'a [String],
    /// An image without a digest is a warning then, not an error.
    pub allow_unpinned: bool,
    /// Reads what `files.*.from` names: the document's name and the path to bytes, or the reason why not.
    pub read_file: &'a ReadFile<'a>,
}

/// A profile without errors, and what is worth knowing of how it came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    pub profile: Profile,
    pub origins: Origins,
    /// Warnings only.
    pub problems: Vec<Problem>,
}

/// Where each leaf of the profile was written, in the order of the document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origins(pub IndexMap<Path, Origin>);

impl Origins {
    /// The origin of a value: its own, else of the first leaf below it, else of the nearest above.
    pub fn of(&self, path: &Path) -> Option<&Origin> {
        if let Some(origin) = self.0.get(path) {
            return Some(origin);
        }
        if let Some((_, origin)) = self.0.iter().find(|(leaf, _)| leaf.starts_with(path)) {
            return Some(origin);
        }
        let mut above = path.clone();
        above.0.pop()?;
        self.of(&above)
    }
}

impl Layers<'_> {
    /// What problems point into: the documents, then each `--set`, then each `--unset`.
    pub fn sources(&self) -> Vec<Source> {
        let options = |name: &'static str, texts: &[String]| -> Vec<Source> {
            texts.iter().map(|text| Source::new(name, text.as_str())).collect()
        };
        let mut sources = self.documents.to_vec();
        sources.extend(options("--set", self.set));
        sources.extend(options("--unset", self.unset));
        sources
    }
}

/// Reads and checks a profile; with any error there is none, and every problem is answered.
pub fn load(layers: &Layers<'_>) -> Result<Loaded, Problems> {
    let sources = layers.sources();
    let mut problems = Gathering::default();
    let read = read(layers, &sources, &mut problems);
    let problems = problems.settle(&sources);
    match read {
        Some((profile, root)) if !problems.has_errors() => {
            let origins = origins(&root, &sources, layers.documents.len());
            Ok(Loaded { profile, origins, problems: problems.0 })
        }
        _ => Err(problems),
    }
}

/// Every problem of a profile, errors and warnings, in the order of the text.
pub fn check(layers: &Layers<'_>) -> Vec<Problem> {
    match load(layers) {
        Ok(loaded) => loaded.problems,
        Err(problems) => problems.0,
    }
}

/// Every problem of a profile that was not read from text, such as one that changes were applied to.
pub fn check_value(profile: &Profile, allow_unpinned: bool) -> Vec<Problem> {
    let mut problems = Gathering::default();
    cross_check(profile, &Node::from(&v1::tree(profile)), allow_unpinned, &mut problems);
    problems.settle(&[]).0
}

fn read(layers: &Layers<'_>, sources: &[Source], problems: &mut Gathering) -> Option<(Profile, Node)> {
    let mut root = merged(layers.documents, problems)?;
    apply_options(&mut root, layers, sources, problems);
    let names = sources.iter().map(|source| source.name.clone()).collect();
    let mut reader = Reader::new(std::mem::take(problems), names, layers.read_file);
    let profile = v1::read(&mut root, &mut reader);
    *problems = reader.problems;
    let profile = profile?;
    cross_check(&profile, &root, layers.allow_unpinned, problems);
    Some((profile, root))
}

/// The documents as one, in the long form.
fn merged(documents: &[Source], problems: &mut Gathering) -> Option<Node> {
    let mut root: Option<Node> = None;
    let mut whole = true;
    for (index, document) in documents.iter().enumerate() {
        let index = u16::try_from(index).unwrap_or(u16::MAX);
        let foreign = foreign::refuse(document, index).map(Box::new);
        let mut node = match foreign.map_or_else(|| parse(document, index, BUDGET), Err) {
            Ok(node) => node,
            Err(problem) => {
                problems.push(*problem);
                whole = false;
                continue;
            }
        };
        v1::lengthen(&mut node);
        match &mut root {
            None => root = Some(node),
            Some(base) if matches!(node.kind, Kind::Map(_)) => merge(base, node),
            Some(_) => {
                let message = format!("an overlay is a map; {} stands here", node.what());
                problems.push(Problem::error("wrong-type", &Path::root(), node.span, message));
            }
        }
    }
    if documents.is_empty() {
        problems.push(Problem::error("empty", &Path::root(), Span::default(), "there is no document"));
    }
    root.filter(|_| whole)
}

/// `--set`, `--unset`, and `like`, which sees what they did.
fn apply_options(root: &mut Node, layers: &Layers<'_>, sources: &[Source], problems: &mut Gathering) {
    let position = |offset: usize| u16::try_from(offset).unwrap_or(u16::MAX);
    let first_set = layers.documents.len();
    let types = if layers.set.is_empty() { serde_json::Value::Null } else { schema() };
    for offset in 0..layers.set.len() {
        let at = first_set + offset;
        if let Err(problem) = set::set(root, &sources[at], position(at), &types) {
            problems.push(*problem);
        }
    }
    let mut removals = Vec::new();
    for offset in 0..layers.unset.len() {
        let at = first_set + layers.set.len() + offset;
        match set::unset_path(&sources[at], position(at)) {
            Ok((path, span)) => {
                let found = set::unset(root, &path);
                removals.push((path, span, found));
            }
            Err(problem) => {
                problems.push(*problem);
            }
        }
    }
    expand(root, problems);
    for (path, span, found) in removals {
        // Once more, for what a job had by `like` only.
        if !set::unset(root, &path) && !found {
            problems.push(set::nothing_there(root, &path, span));
        }
    }
}

fn origins(root: &Node, sources: &[Source], documents: usize) -> Origins {
    let mut origins = IndexMap::new();
    root.leaves(&Path::root(), &mut |mut path, node| {
        // A scenario is one value: its inner steps are no paths of the profile.
        if path.key_at(0) == Some("scenarios") {
            path.0.truncate(2);
        }
        let Some(index) = node.span.source.map(usize::from) else { return };
        let Some(source) = sources.get(index) else { return };
        let origin = if index < documents {
            Origin::File { file: source.name.clone(), line: node.span.line, column: node.span.column }
        } else {
            Origin::Set(String::from_utf8_lossy(&source.bytes).into_owned())
        };
        origins.entry(path).or_insert(origin);
    });
    Origins(origins)
}
