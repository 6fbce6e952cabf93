//! Problems for a terminal: the line, a caret under the text, a hint.

use std::{borrow::Cow, ops::Range};

use annotate_snippets::{AnnotationKind, Element, Level, Origin, Renderer, Snippet};

use super::{
    problem::{Problem, Severity},
    source::Source,
};

/// Lines longer than this are shown in part.
const WIDE: usize = 160;

/// Codes whose line may hold a secret: only the place is shown.
const UNSHOWN: &[&str] = &["secret-value", "literal-password"];

/// All problems, one below the other, as text for a terminal.
pub fn render(problems: &[Problem], sources: &[Source], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let texts: Vec<Cow<'_, str>> = sources.iter().map(Source::text).collect();
    let shown: Vec<String> =
        problems.iter().map(|problem| one(problem, sources, &texts, &renderer)).collect();
    match shown.is_empty() {
        true => String::new(),
        false => shown.join("\n\n") + "\n",
    }
}

fn one(problem: &Problem, sources: &[Source], texts: &[Cow<'_, str>], renderer: &Renderer) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = match problem.path.0.is_empty() {
        true => problem.message.clone(),
        false => format!("{}: {}", problem.path, problem.message),
    };
    let mut group = level.primary_title(title).id(problem.code).elements(Vec::<Element<'_>>::new());
    let index = problem.span.source.map(usize::from);
    if let Some((source, text)) = index.and_then(|index| Some((sources.get(index)?, texts.get(index)?))) {
        let line = usize::try_from(problem.span.line).unwrap_or(1);
        if UNSHOWN.contains(&problem.code) {
            let column = usize::try_from(problem.span.column).unwrap_or(1);
            group = group.element(Origin::path(source.name.clone()).line(line).char_column(column));
        } else {
            let (shown, at) = excerpt(text, problem.span.start..problem.span.end);
            let snippet = Snippet::source(shown).path(source.name.clone()).line_start(line);
            group = group.element(snippet.annotation(AnnotationKind::Primary.span(at)));
        }
    }
    if let Some(hint) = &problem.hint {
        group = group.element(Level::HELP.message(hint.clone()));
    }
    renderer.render(&[group])
}

/// The line that a place starts in, and the place within it; a long line is cut on both sides.
fn excerpt(text: &str, at: Range<usize>) -> (String, Range<usize>) {
    let floor = |mut byte: usize| {
        byte = byte.min(text.len());
        while !text.is_char_boundary(byte) {
            byte -= 1;
        }
        byte
    };
    let start = floor(at.start);
    let from = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let to = text[start..].find(['\n', '\r']).map_or(text.len(), |newline| start + newline);
    let end = floor(at.end).clamp(start, to);
    let (from, cut) = if start - from > WIDE { (floor(start - WIDE / 2), true) } else { (from, false) };
    let to = to.min(floor(from + 2 * WIDE));
    let end = end.min(to);
    // Places stay true only if what takes the place of a character is as long: three bytes.
    let lead = if cut { "…" } else { "" };
    let shown = format!("{lead}{}", &text[from..to].replace('\u{feff}', "\u{fffd}"));
    let moved = |byte: usize| (byte.saturating_sub(from) + lead.len()).min(shown.len());
    (shown.clone(), moved(start)..moved(end).max(moved(start)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{path::Path, profile::source::Span};

    fn problem(start: usize, end: usize, line: u32) -> Problem {
        let span = Span { source: Some(0), start, end, line, column: 1 };
        Problem::error("unknown-key", &Path::of(["name"]), span, "the key is not known")
            .hint("did you mean `b`?")
    }

    #[test]
    fn the_caret_stands_under_the_text() {
        let sources = [Source::new("p.yaml", "a: 1\nbb: 2\n")];
        insta::assert_snapshot!(render(&[problem(5, 7, 2)], &sources, false), @r"
        error[unknown-key]: name: the key is not known
         --> p.yaml:2:1
          |
        2 | bb: 2
          | ^^
          |
          = help: did you mean `b`?
        ");
    }

    #[test]
    fn a_character_without_a_form_moves_no_caret() {
        let text = "a: \u{feff}\u{feff}öö c";
        let at = text.find('c').unwrap();
        let shown = render(&[problem(at, at + 1, 1)], &[Source::new("p", text)], false);
        let (line, caret) = (shown.lines().nth(3).unwrap(), shown.lines().nth(4).unwrap());
        let column = |line: &str, of| line.chars().position(|c| c == of);
        assert_eq!(column(line, 'c'), column(caret, '^'), "{shown}");
    }

    #[test]
    fn any_place_in_any_text_renders() {
        for text in ["", "x", "ä\u{feff}ö\r\n", "\u{feff}ööö", "\u{0}\n\n", &"ä".repeat(5000)] {
            for start in 0..=text.len().min(400) {
                for end in [start, start + 1, text.len() + 9] {
                    let sources = [Source::new("p", text)];
                    assert!(!render(&[problem(start, end, 1)], &sources, true).is_empty());
                }
            }
        }
    }
}
