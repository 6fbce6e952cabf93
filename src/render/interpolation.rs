//! Compose's own language inside values: `$$` is a dollar, `${NAME:?message}` a variable that must be set.

use std::borrow::Cow;

use crate::plan::{Template, TemplatePiece};

/// What Compose says when a variable of ours is not set. Unset would silently be empty.
pub const UNSET: &str = "set it, or use prodmirror up";

/// A literal, so that Compose's reading of it is the text itself.
pub fn literal(text: &str) -> Cow<'_, str> {
    if text.contains('$') { text.replace('$', "$$").into() } else { text.into() }
}

/// A template in Compose's language.
pub fn write(template: &Template) -> String {
    let mut text = String::new();
    push(&mut text, template);
    text
}

/// `NAME=value` in Compose's language.
pub fn assigned(name: &str, value: &Template) -> String {
    let mut text = String::with_capacity(name.len() + 32);
    text.push_str(&literal(name));
    text.push('=');
    push(&mut text, value);
    text
}

fn push(text: &mut String, template: &Template) {
    for piece in &template.0 {
        match piece {
            TemplatePiece::Literal(plain) => text.push_str(&literal(plain)),
            TemplatePiece::Variable(name) => text.extend(["${", name, ":?", UNSET, "}"]),
        }
    }
}

/// Reads what [`write()`] wrote; `None` for anything else that Compose would interpolate.
pub fn read(text: &str) -> Option<Template> {
    let (mut pieces, mut plain, mut rest) = (Vec::new(), String::new(), text);
    while let Some(at) = rest.find('$') {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            plain.push('$');
            rest = after;
            continue;
        }
        let (inner, after) = rest.strip_prefix('{')?.split_once('}')?;
        let name = inner.strip_suffix(UNSET)?.strip_suffix(":?")?;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return None;
        }
        if !plain.is_empty() {
            pieces.push(TemplatePiece::Literal(std::mem::take(&mut plain)));
        }
        pieces.push(TemplatePiece::Variable(name.to_owned()));
        rest = after;
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(TemplatePiece::Literal(plain));
    }
    Some(Template(pieces))
}

/// The template with neighbouring literals joined and empty ones left out: the form that [`read`] answers.
pub fn joined(template: &Template) -> Template {
    let mut pieces: Vec<TemplatePiece> = Vec::new();
    for piece in &template.0 {
        match (pieces.last_mut(), piece) {
            (_, TemplatePiece::Literal(text)) if text.is_empty() => {}
            (Some(TemplatePiece::Literal(before)), TemplatePiece::Literal(text)) => before.push_str(text),
            _ => pieces.push(piece.clone()),
        }
    }
    Template(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dollars_are_doubled_and_variables_must_be_set() {
        let template = Template(vec![
            TemplatePiece::Literal("a$b$$${c}".into()),
            TemplatePiece::Variable("DB_PASSWORD".into()),
            TemplatePiece::Literal("@db".into()),
        ]);
        let text = "a$$b$$$$$${c}${DB_PASSWORD:?set it, or use prodmirror up}@db";
        assert_eq!(write(&template), text);
        assert_eq!(read(text), Some(template));
    }

    #[test]
    fn what_we_do_not_write_is_not_read() {
        for text in ["$HOME", "${HOME}", "${A:-b}", "$", "${A:?other}", "${:?set it, or use prodmirror up}"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_template_reads_back(pieces in proptest::collection::vec((any::<bool>(), "[a$ {}:?]{0,6}|\\PC{0,4}"), 0..6)) {
            let template = Template(pieces.into_iter().map(|(variable, text)| {
                if variable { TemplatePiece::Variable("A_1".into()) } else { TemplatePiece::Literal(text) }
            }).collect());
            prop_assert_eq!(read(&write(&template)), Some(joined(&template)));
        }
    }
}
