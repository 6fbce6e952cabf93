//! The kubelet's own language inside values: `$$` is a dollar, `$(NAME)` another variable.
//!
//! It reads variables, `command`, `args` and the commands of probes so, and hooks not.

use std::borrow::Cow;

/// A literal, so that the kubelet's reading of it is the text itself.
///
/// A dollar is doubled where it would be read with what follows: before another one, before `(`, and before a character
/// beyond ASCII, whose first byte alone the kubelet would take for a character.
pub fn literal(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let is_read = |at: usize| {
        bytes[at] == b'$' && bytes.get(at + 1).is_some_and(|next| matches!(next, b'$' | b'(' | 0x80..))
    };
    if !(0..bytes.len()).any(is_read) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for (at, c) in text.char_indices() {
        if is_read(at) {
            escaped.push('$');
        }
        escaped.push(c);
    }
    escaped.into()
}

pub fn literals(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| literal(text).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The kubelet's `Expand`, byte by byte, where no variable is known.
    fn expand(input: &[u8]) -> Vec<u8> {
        let (mut out, mut at) = (Vec::new(), 0);
        while at < input.len() {
            if input[at] != b'$' || at + 1 == input.len() {
                out.push(input[at]);
                at += 1;
                continue;
            }
            match input[at + 1] {
                b'$' => {
                    out.push(b'$');
                    at += 2;
                }
                b'(' => match input[at + 2..].iter().position(|b| *b == b')') {
                    Some(length) => {
                        // What it makes of a variable that it does not know is left open here: none may be read.
                        out.extend(b"<variable>");
                        at += 3 + length;
                    }
                    None => {
                        out.extend(b"$(");
                        at += 2;
                    }
                },
                other => {
                    // It makes a character of the one byte.
                    out.push(b'$');
                    out.extend(char::from(other).to_string().bytes());
                    at += 2;
                }
            }
        }
        out
    }

    #[test]
    fn only_dollars_that_would_be_read_are_doubled() {
        for (text, escaped) in [
            ("$HOME", "$HOME"),
            ("$(HOME)", "$$(HOME)"),
            ("$$", "$$$"),
            ("$$(A)", "$$$$(A)"),
            ("a$é", "a$$é"),
            ("$", "$"),
            ("${A}", "${A}"),
        ] {
            assert_eq!(literal(text), escaped);
            assert_eq!(expand(escaped.as_bytes()), text.as_bytes());
        }
        assert_ne!(expand("$é".as_bytes()), "$é".as_bytes(), "the kubelet breaks it unless it is escaped");
    }

    proptest! {
        #[test]
        fn any_text_arrives_as_it_is(text in "([$()A]|\\PC){0,12}") {
            prop_assert_eq!(expand(literal(&text).as_bytes()), text.as_bytes());
        }
    }
}
