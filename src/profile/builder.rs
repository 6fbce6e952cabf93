//! The tree of a document while the parser's events come in.

use std::collections::HashMap;

use serde_saphyr::granit_parser::{self, Event, Marker, ScalarStyle};

use super::{
    node::{Entry, Kind, Map, Node, Style},
    parse::Budget,
    problem::Problem,
    source::Span,
};
use crate::path::Path;

/// Keys become part of every path below them.
const LONGEST_KEY: usize = 1024;

/// Whether a plain scalar stands for nothing.
fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

pub(super) fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A key whose value comes next.
struct PendingKey {
    text: String,
    span: Span,
    /// `<<`, bare: the value is merged into the map.
    merges: bool,
}

/// A collection that is still open, with what it cost so far.
struct Open {
    node: Node,
    anchor: usize,
    nodes_before: usize,
    letters_before: usize,
    key: Option<PendingKey>,
    /// Values of `<<`, in order; what is written beside them wins.
    merges: Vec<Node>,
}

/// An anchored value and what each use of it costs.
struct Anchored {
    node: Node,
    nodes: usize,
    letters: usize,
}

pub(super) struct Builder<'a> {
    text: &'a str,
    /// Bytes of a byte order mark.
    skipped: usize,
    start: Span,
    budget: Budget,
    nodes: usize,
    letters: usize,
    aliases: usize,
    stack: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    root: Option<Node>,
}

impl<'a> Builder<'a> {
    pub fn new(text: &'a str, skipped: usize, start: Span, budget: Budget) -> Self {
        Self {
            text,
            skipped,
            start,
            budget,
            nodes: 0,
            letters: 0,
            aliases: 0,
            stack: Vec::new(),
            anchors: HashMap::new(),
            root: None,
        }
    }

    /// The document, if there was one.
    pub fn finish(self) -> Option<Node> {
        self.root
    }

    pub fn take(&mut self, event: Event<'_>, span: granit_parser::Span) -> Result<(), Box<Problem>> {
        let at = self.span(span.start, span.end);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.map(|tag| tag.core_suffix().map(str::to_owned).ok_or(tag.original()));
                let as_text = match &tag {
                    None => style != ScalarStyle::Plain,
                    Some(Ok(core)) if core == "str" => true,
                    Some(Ok(core)) if matches!(core.as_str(), "int" | "float" | "bool" | "null") => false,
                    Some(Ok(core)) => return Err(self.no_tag(at, &format!("!!{core}"))),
                    Some(Err(other)) => return Err(self.no_tag(at, other)),
                };
                let kind = if !as_text && is_null(&text) {
                    Kind::Null
                } else {
                    let style = if as_text { Style::Quoted } else { Style::Plain };
                    if text.contains('\0') {
                        return Err(self.problem("nul", at, "the character NUL cannot be part of a value"));
                    }
                    Kind::Scalar { text: text.into_owned(), style }
                };
                let letters = match &kind {
                    Kind::Scalar { text, .. } => text.len(),
                    _ => 0,
                };
                self.spend(1, letters, at)?;
                let node = Node { span: at, kind };
                if anchor != 0 {
                    self.anchors.insert(anchor, Anchored { node: node.clone(), nodes: 1, letters });
                }
                self.place(node)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.collection_tag(tag.as_deref(), "seq", at)?;
                self.open(Kind::List(Vec::new()), anchor, at)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.collection_tag(tag.as_deref(), "map", at)?;
                self.open(Kind::Map(Map::default()), anchor, at)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(at),
            Event::Alias(anchor) => self.alias(anchor, at),
            Event::DocumentStart(..) if self.root.is_some() => Err(self
                .problem("many-documents", at, "a profile is one document; here a second one starts")
                .hint("hand further files in as overlays, with `-f`")
                .into()),
            _ => Ok(()),
        }
    }

    fn open(&mut self, kind: Kind, anchor: usize, at: Span) -> Result<(), Box<Problem>> {
        if self.stack.len() >= self.budget.depth {
            let message = format!("more than {} levels deep", self.budget.depth);
            return Err(self.problem("too-deep", at, message));
        }
        let (nodes_before, letters_before) = (self.nodes, self.letters);
        self.spend(1, 0, at)?;
        let node = Node { span: at, kind };
        self.stack.push(Open { node, anchor, nodes_before, letters_before, key: None, merges: Vec::new() });
        Ok(())
    }

    fn close(&mut self, at: Span) -> Result<(), Box<Problem>> {
        let Some(mut open) = self.stack.pop() else { return Ok(()) };
        open.node.span.end = at.end.max(open.node.span.start);
        for merged in std::mem::take(&mut open.merges) {
            self.merge_key(&mut open.node, merged, at)?;
        }
        if open.anchor != 0 {
            let (nodes, letters) = (self.nodes - open.nodes_before, self.letters - open.letters_before);
            self.anchors.insert(open.anchor, Anchored { node: open.node.clone(), nodes, letters });
        }
        self.place(open.node)
    }

    /// Carries out `<<`: keys that are not written beside it are taken over.
    fn merge_key(&mut self, into: &mut Node, merged: Node, at: Span) -> Result<(), Box<Problem>> {
        let parts = match merged.kind {
            Kind::List(items) => items,
            kind => vec![Node { span: merged.span, kind }],
        };
        for part in parts {
            let Kind::Map(from) = part.kind else {
                return Err(self.problem("bad-merge-key", part.span, "`<<` takes a map or a list of maps"));
            };
            if let Some(map) = into.as_map_mut() {
                for (key, entry) in from.entries {
                    map.entries.entry(key).or_insert(entry);
                }
            }
        }
        self.spend(0, 0, at)
    }

    fn alias(&mut self, anchor: usize, at: Span) -> Result<(), Box<Problem>> {
        self.aliases += 1;
        if self.aliases > self.budget.aliases {
            let message = format!("more than {} aliases", self.budget.aliases);
            return Err(self.problem("too-many-aliases", at, message));
        }
        let Some(Anchored { node, nodes, letters }) = self.anchors.get(&anchor) else {
            return Err(self.problem(
                "bad-alias",
                at,
                "an alias cannot stand inside the value that it names",
            ));
        };
        let (nodes, letters) = (*nodes, *letters);
        // Paid for before the copy is made.
        if self.nodes + nodes > self.budget.nodes || self.letters + letters > self.budget.text {
            return self.spend(nodes, letters, at);
        }
        let node = node.clone();
        self.spend(nodes, letters, at)?;
        self.place(node)
    }

    /// Puts a finished value where it belongs: a key, a value, a member or the root.
    fn place(&mut self, node: Node) -> Result<(), Box<Problem>> {
        let Some(open) = self.stack.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        let map = match &mut open.node.kind {
            Kind::List(items) => {
                items.push(node);
                return Ok(());
            }
            Kind::Map(map) => map,
            Kind::Null | Kind::Scalar { .. } | Kind::Hole(_) => return Ok(()),
        };
        match open.key.take() {
            Some(PendingKey { merges: true, .. }) => open.merges.push(node),
            Some(PendingKey { text, span, .. }) => {
                map.entries.insert(text, Entry { key: span, node });
            }
            None => match node.kind {
                Kind::Scalar { text, style } => {
                    let merges = text == "<<" && style == Style::Plain;
                    if let Some(first) = map.entries.get(&text).map(|entry| entry.key) {
                        let message =
                            format!("the key `{text}` is written twice; the first is in line {}", first.line);
                        return Err(self.problem("duplicate-key", node.span, message));
                    }
                    if text.len() > LONGEST_KEY {
                        let message = format!("a key of {} bytes is longer than {LONGEST_KEY}", text.len());
                        return Err(self.problem("bad-key", node.span, message));
                    }
                    open.key = Some(PendingKey { text, span: node.span, merges });
                }
                _ => {
                    let problem = self.problem("bad-key", node.span, "a key is a single value");
                    return Err(problem.hint("quote a value that holds `{`, such as \"${secret:a}\"").into());
                }
            },
        }
        Ok(())
    }

    fn spend(&mut self, nodes: usize, letters: usize, at: Span) -> Result<(), Box<Problem>> {
        self.nodes += nodes;
        self.letters += letters;
        if self.nodes > self.budget.nodes {
            let message = format!("more than {} values, aliases counted at each use", self.budget.nodes);
            return Err(self.problem("too-many-values", at, message));
        }
        if self.letters > self.budget.text {
            let message =
                format!("more than {} bytes of text, aliases counted at each use", self.budget.text);
            return Err(self.problem("too-large", at, message));
        }
        Ok(())
    }

    fn collection_tag(
        &self,
        tag: Option<&granit_parser::Tag>,
        kind: &str,
        at: Span,
    ) -> Result<(), Box<Problem>> {
        match tag {
            Some(tag) if tag.core_suffix() != Some(kind) => Err(self.no_tag(at, &tag.original())),
            _ => Ok(()),
        }
    }

    fn no_tag(&self, at: Span, tag: &str) -> Box<Problem> {
        self.problem("bad-tag", at, format!("the tag `{tag}` has no meaning in a profile"))
    }

    fn problem(&self, code: &'static str, at: Span, message: impl Into<String>) -> Box<Problem> {
        Box::new(Problem::error(code, &self.path(), at, message))
    }

    /// The path of what is being read.
    fn path(&self) -> Path {
        self.stack.iter().fold(Path::root(), |path, open| match (&open.node.kind, &open.key) {
            (Kind::List(items), _) => path.index(items.len()),
            (_, Some(key)) => path.key(key.text.as_str()),
            _ => path,
        })
    }

    fn span(&self, start: Marker, end: Marker) -> Span {
        let byte = |mark: Marker| mark.byte_offset().unwrap_or_default() + self.skipped;
        Span {
            start: byte(start),
            end: byte(end).max(byte(start)),
            line: small(start.line()),
            column: small(start.col() + 1),
            ..self.start
        }
    }

    pub fn syntax(&self, error: &granit_parser::ScanError) -> Box<Problem> {
        let mark = *error.marker();
        let span = self.span(mark, mark);
        let problem = self.problem("syntax", span, error.kind().to_string());
        let line = self.text.lines().nth(span.line.saturating_sub(1) as usize).unwrap_or_default();
        if line.contains("${") {
            problem.hint("quote a value that holds `${…}`: KEY: \"${secret:NAME}\"").into()
        } else if line.contains('\t') {
            problem.hint("YAML is indented with spaces, not tabs").into()
        } else {
            problem
        }
    }
}
