//! `$(NAME)` as the kubelet fills it in: `$$` is one `$`, and what is not known stays as it is.

use crate::profile::{Piece, Text};

/// What a variable is, as far as it is known without running anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(Text),
    /// Known when the replica runs: the profile's name for it.
    Field(&'static str),
    /// Not known, and why.
    Hole(String),
}

/// # Errors
/// Why a variable that is named has no value that could stand in a text.
pub(super) fn expand(text: &str, lookup: &dyn Fn(&str) -> Option<Value>) -> Result<Text, String> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        literal.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            literal.push('$');
            rest = after;
            continue;
        }
        let named = rest.strip_prefix('(').and_then(|inner| inner.split_once(')'));
        let Some((name, after)) = named else {
            literal.push('$');
            continue;
        };
        rest = after;
        match lookup(name) {
            None => literal.push_str(&format!("$({name})")),
            Some(Value::Text(Text(found))) => {
                for piece in found {
                    match piece {
                        Piece::Literal(text) => literal.push_str(&text),
                        other => {
                            flush(&mut literal, &mut pieces);
                            pieces.push(other);
                        }
                    }
                }
            }
            Some(Value::Field(field)) => {
                return Err(format!("it holds `$({name})`, which is {field} of a pod and known only there"));
            }
            Some(Value::Hole(why)) => return Err(format!("it holds `$({name})`: {why}")),
        }
    }
    literal.push_str(rest);
    flush(&mut literal, &mut pieces);
    Ok(Text(pieces))
}

/// A text as a container gets it, of variables whose values are known.
pub fn filled(text: &str, known: &dyn Fn(&str) -> Option<String>) -> String {
    let lookup = |name: &str| known(name).map(|value| Value::Text(Text::literal(value)));
    let text = expand(text, &lookup).unwrap_or_default();
    text.as_literal().map(str::to_owned).unwrap_or_default()
}

fn flush(literal: &mut String, pieces: &mut Vec<Piece>) {
    if !literal.is_empty() {
        pieces.push(Piece::Literal(std::mem::take(literal)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_as_the_kubelet_does_it() {
        let lookup = |name: &str| match name {
            "A" => Some(Value::Text(Text::literal("1"))),
            "EMPTY" => Some(Value::Text(Text::literal(""))),
            "S" => Some(Value::Text(Text(vec![Piece::Secret("x".parse().unwrap())]))),
            "F" => Some(Value::Field("pod.name")),
            _ => None,
        };
        let literal = |text: &str| expand(text, &lookup).unwrap().as_literal().map(str::to_owned);
        for (text, filled) in [
            ("$(A)", "1"),
            ("a$(A)b$(A)", "a1b1"),
            ("$$(A)", "$(A)"),
            ("$$$(A)", "$1"),
            ("$(NONE)", "$(NONE)"),
            ("$A ${A} $", "$A ${A} $"),
            ("$(A", "$(A"),
            ("[$(EMPTY)]", "[]"),
            ("$((A))", "$((A))"),
        ] {
            assert_eq!(literal(text).as_deref(), Some(filled), "{text}");
        }
        assert_eq!(expand("x://u:$(S)@h", &lookup).unwrap().to_string(), "x://u:${secret:x}@h");
        assert!(expand("$(F)-1", &lookup).unwrap_err().contains("pod.name"));
    }
}
