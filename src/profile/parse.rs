//! YAML text to a tree of nodes, strictly and under a budget.
//!
//! One pass over the parser's events. Budgets are counted in bytes, nodes,
//! depth, aliases and characters after aliases are expanded, so a small file
//! cannot become a big tree. Nothing is resolved: scalars stay letters.

use serde_saphyr::granit_parser::{self, Parser};

use super::{
    builder::{Builder, small},
    node::Node,
    problem::Problem,
    source::{Source, Span},
};
use crate::path::Path;

/// What a document may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    pub bytes: usize,
    /// Values and keys after expansion of aliases.
    pub nodes: usize,
    pub depth: usize,
    pub aliases: usize,
    /// Bytes of scalars after expansion of aliases.
    pub text: usize,
}

/// Room for a captured profile of a thousand services and more.
pub const BUDGET: Budget = Budget { bytes: 8 << 20, nodes: 200_000, depth: 48, aliases: 500, text: 16 << 20 };

/// Reads one document; `index` is its position among the sources.
pub(crate) fn parse(source: &Source, index: u16, budget: Budget) -> Result<Node, Box<Problem>> {
    let start = Span { source: Some(index), line: 1, column: 1, ..Span::default() };
    let fail = |code, message: String| Box::new(Problem::error(code, &Path::root(), start, message));
    if source.bytes.len() > budget.bytes {
        let message =
            format!("{} bytes are more than a profile may have ({})", source.bytes.len(), budget.bytes);
        return Err(fail("too-large", message));
    }
    let text = match std::str::from_utf8(&source.bytes) {
        Ok(text) => text,
        Err(error) => {
            let span = span_at(&String::from_utf8_lossy(&source.bytes[..error.valid_up_to()]), start);
            return Err(Problem::error("not-utf8", &Path::root(), span, "this byte is not UTF-8")
                .hint("save the file as UTF-8")
                .into());
        }
    };
    let skipped = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let options = granit_parser::options! { emit_comments: false, disallow_directives: true };
    let mut builder = Builder::new(text, skipped, start, budget);
    for event in Parser::new_from_str_with_options(&text[skipped..], options) {
        match event {
            Ok((event, span)) => builder.take(event, span)?,
            Err(error) => return Err(builder.syntax(&error)),
        }
    }
    builder.finish().ok_or_else(|| {
        fail("empty", "the document is empty".into())
            .hint("a profile starts with `apiVersion: prodmirror/v1`")
            .into()
    })
}

fn span_at(before: &str, start: Span) -> Span {
    let line = before.matches('\n').count();
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
    let (line, column) = (small(line + 1), small(column + 1));
    Span { start: before.len(), end: before.len() + 1, line, column, ..start }
}
