//! What is wrong with a profile, and where.

use std::fmt;

use super::source::{Source, Span};
use crate::path::Path;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
}

/// One thing that is wrong; `code` is stable, wording is not.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Problem {
    pub severity: Severity,
    pub code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// From 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// In characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    #[serde(skip_serializing_if = "is_root")]
    pub path: Path,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Where the caret goes.
    #[serde(skip)]
    pub span: Span,
}

fn is_root(path: &Path) -> bool {
    path.0.is_empty()
}

impl Problem {
    pub(crate) fn error(code: &'static str, path: &Path, span: Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            file: None,
            line: None,
            column: None,
            path: path.clone(),
            message: message.into(),
            hint: None,
            span,
        }
    }

    pub(crate) fn warning(code: &'static str, path: &Path, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, path, span, message) }
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub(crate) fn maybe_hint(self, hint: Option<String>) -> Self {
        Self { hint, ..self }
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Fills file, line and column from the span.
    pub(crate) fn place(&mut self, sources: &[Source]) {
        let Some(source) = self.span.source.and_then(|index| sources.get(usize::from(index))) else { return };
        self.file = Some(source.name.clone());
        self.line = Some(self.span.line);
        self.column = Some(self.span.column);
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(file), Some(line), Some(column)) = (&self.file, self.line, self.column) {
            write!(f, "{file}:{line}:{column}: ")?;
        }
        if !self.path.0.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong with a profile, errors and warnings, in the order of the text.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}", lines(.0))]
pub struct Problems(pub Vec<Problem>);

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
    lines.join("\n")
}

impl Problems {
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(Problem::is_error)
    }
}

/// Problems while they are found, no more of them than anyone would read.
///
/// The bound keeps a hostile profile from costing more to complain of than to read.
#[derive(Default)]
pub(crate) struct Gathering {
    problems: Vec<Problem>,
    errors: usize,
    dropped: bool,
    /// Where the last one that is dropped is put.
    scrap: Option<Problem>,
}

impl Gathering {
    /// As many errors, and as many warnings.
    pub const MOST: usize = 1000;

    pub fn push(&mut self, problem: Problem) -> &mut Problem {
        let again = |last: &Problem| {
            (last.span, last.code, &last.message) == (problem.span, problem.code, &problem.message)
        };
        if self.problems.last().is_some_and(again) {
            return self.scrap.insert(problem);
        }
        let same_kind = match problem.is_error() {
            true => self.errors,
            false => self.problems.len() - self.errors,
        };
        if same_kind >= Self::MOST {
            self.dropped = true;
            return self.scrap.insert(problem);
        }
        self.errors += usize::from(problem.is_error());
        let last = self.problems.len();
        self.problems.push(problem);
        &mut self.problems[last]
    }

    /// Takes a problem that is none after all.
    pub fn scrap(&mut self, problem: Problem) -> &mut Problem {
        self.scrap.insert(problem)
    }

    /// Whether further errors would be dropped, so that there is no use in looking for them.
    pub fn is_full(&self) -> bool {
        self.errors >= Self::MOST
    }

    /// A mark for `since`.
    pub fn mark(&self) -> usize {
        self.problems.len()
    }

    /// Those that were added after a mark.
    pub fn since(&mut self, mark: usize) -> &mut [Problem] {
        self.problems.get_mut(mark..).unwrap_or_default()
    }

    /// Places, sorts by position and drops what was said twice.
    pub fn settle(self, sources: &[Source]) -> Problems {
        let mut problems = self.problems;
        for problem in &mut problems {
            problem.place(sources);
        }
        problems.sort_by_key(|p| (p.span.source, p.span.start, p.severity));
        // What a job has by `like` stands in the text once, and is said once.
        let mut said = std::collections::HashSet::new();
        problems.retain(|p| {
            p.span.source.is_none() || said.insert((p.span.source, p.span.start, p.code, p.message.clone()))
        });
        if self.dropped || self.errors >= Self::MOST {
            let span = problems.first().map(|first| first.span).unwrap_or_default();
            let message = "further problems are not shown";
            let mut last = Problem::warning("too-many-problems", &Path::root(), span, message);
            last.place(sources);
            problems.push(last);
        }
        Problems(problems)
    }

    /// The one problem that ended a reading.
    pub fn only(problem: Problem, sources: &[Source]) -> Problems {
        let mut all = Self::default();
        all.push(problem);
        all.settle(sources)
    }
}
