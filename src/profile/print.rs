//! JSON values as YAML text that every reader understands alike.
//!
//! Keys, short words, quantities and images stand bare, a text of several
//! lines stands as a block, all else in double quotes, so no reader of YAML 1.1
//! takes `no` for a boolean or `1_000` for a number.

use std::fmt::Write;

use serde_json::Value as Json;

/// A block document, two spaces a level.
pub(crate) fn yaml(value: &Json) -> String {
    let mut text = String::new();
    block(&mut text, value, 0);
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// One text as YAML: bare where every reader takes it for a text, else in double quotes.
pub fn yaml_scalar(text: &str) -> String {
    let mut out = String::new();
    scalar(&mut out, text);
    out
}

fn block(out: &mut String, value: &Json, depth: usize) {
    match value {
        Json::Object(object) if !object.is_empty() => {
            for (position, (key, value)) in object.iter().enumerate() {
                if position > 0 {
                    indent(out, depth);
                }
                scalar(out, key);
                out.push(':');
                after_key(out, value, depth);
            }
        }
        Json::Array(items) if !items.is_empty() => {
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    indent(out, depth);
                }
                out.push_str("- ");
                match item {
                    Json::String(text) if is_lines(text) => lines(out, text, depth + 1),
                    _ => block(out, item, depth + 1),
                }
                end_line(out);
            }
        }
        Json::Object(_) => out.push_str("{}"),
        Json::Array(_) => out.push_str("[]"),
        Json::String(text) => scalar(out, text),
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

fn after_key(out: &mut String, value: &Json, depth: usize) {
    let nested = match value {
        Json::Object(object) => !object.is_empty(),
        Json::Array(items) => !items.is_empty(),
        _ => false,
    };
    if nested {
        out.push('\n');
        indent(out, depth + 1);
        block(out, value, depth + 1);
    } else {
        out.push(' ');
        match value {
            Json::String(text) if is_lines(text) => lines(out, text, depth + 1),
            _ => block(out, value, depth),
        }
    }
    end_line(out);
}

fn indent(out: &mut String, depth: usize) {
    for _ in 0..depth {
        out.push_str("  ");
    }
}

fn end_line(out: &mut String) {
    if !out.ends_with('\n') {
        out.push('\n');
    }
}

fn scalar(out: &mut String, text: &str) {
    if is_bare(text) { out.push_str(text) } else { quote(out, text) }
}

/// Words that are a text to every reader.
fn is_bare(text: &str) -> bool {
    const RESERVED: &[&str] = &["y", "n", "yes", "no", "on", "off", "true", "false", "null", "inf", "nan"];
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '_');
    let rest = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./:@".contains(&b));
    let word =
        starts && rest && !text.ends_with(':') && !RESERVED.contains(&text.to_ascii_lowercase().as_str());
    text.len() <= 250 && (word || is_quantity(text))
}

/// `512Mi`, `1m30s`: digits and units in turn, none of which makes a number (`1e3` would).
fn is_quantity(text: &str) -> bool {
    const UNITS: &[&str] = &["ms", "s", "m", "h", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti"];
    let mut rest = text;
    while !rest.is_empty() {
        let unit = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let end = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        if unit.len() == rest.len() || !UNITS.contains(&&unit[..end]) {
            return false;
        }
        rest = &unit[end..];
    }
    !text.is_empty()
}

/// Several lines that a block keeps exactly: no spaces at an end, at most one line end at the last.
pub(super) fn is_lines(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    body.contains('\n')
        && !text.chars().any(|c| c != '\n' && is_special(c))
        && !body.starts_with(['\n', ' '])
        && !body.ends_with('\n')
        && body.split('\n').all(|line| !line.starts_with('\t') && !line.ends_with([' ', '\t']))
}

pub(super) fn lines(out: &mut String, text: &str, depth: usize) {
    out.push_str(if text.ends_with('\n') { "|\n" } else { "|-\n" });
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        if !line.is_empty() {
            indent(out, depth);
            out.push_str(line);
        }
        out.push('\n');
    }
}

/// JSON's quotes, less the characters that YAML does not take bare or may change.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_special(c) => {
                let code = u32::from(c);
                let _ =
                    if code > 0xffff { write!(out, "\\U{code:08x}") } else { write!(out, "\\u{code:04x}") };
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn is_special(c: char) -> bool {
    let code = u32::from(c);
    c.is_control() || matches!(code, 0x2028 | 0x2029 | 0xfeff) || code & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_document_is_in_blocks_with_bare_words() {
        let value = json!({"a": {"b": ["x", {"c": "no", "d": []}], "e": {}}, "1": 2, "f": "a b"});
        insta::assert_snapshot!(yaml(&value), @r#"
        a:
          b:
            - x
            - c: "no"
              d: []
          e: {}
        "1": 2
        f: "a b"
        "#);
    }

    #[test]
    fn lines_stand_as_lines_where_a_block_keeps_them() {
        let value = json!({"a": "x\n  y: #z\n\n---\n", "l": ["p\nq", {"k": "r\ns"}], "q": "x \ny", "t": "1m30s", "e": "1e3"});
        let printed = yaml(&value);
        insta::assert_snapshot!(printed, @r#"
        a: |
          x
            y: #z

          ---
        l:
          - |-
            p
            q
          - k: |-
              r
              s
        q: "x \ny"
        t: 1m30s
        e: "1e3"
        "#);
        assert_eq!(serde_yaml::from_str::<Json>(&printed).unwrap(), value);
    }

    proptest! {
        #[test]
        fn lines_of_any_kind_read_back(text in "([a #:%|>-]{0,4}\n){0,4}[a\t ]{0,3}|(\\PC{0,3}\n){0,4}", at in 0usize..3) {
            let value = match at {
                0 => json!({"a": {"b": [text.clone(), {"c": text}]}, "z": 1}),
                1 => json!([[text.clone()], text, "z"]),
                _ => json!({"a": text, "b": 1}),
            };
            let printed = yaml(&value);
            let theirs: Json = serde_yaml::from_str(&printed).unwrap();
            prop_assert_eq!(&theirs, &value);
            let ours: Json = serde_saphyr::from_str(&printed).unwrap();
            prop_assert_eq!(&ours, &value);
        }

        #[test]
        fn words_that_look_like_something_read_back(text in "[0-9]{0,3}[a-zA-Z:@./_-]{0,4}[0-9]{0,2}[eEsmM:x_]{0,2}") {
            let mut value = json!({"k": text});
            value[text] = json!(1);
            let theirs: Json = serde_yaml::from_str(&yaml(&value)).unwrap();
            prop_assert_eq!(&theirs, &value);
            let ours: Json = serde_saphyr::from_str(&yaml(&value)).unwrap();
            prop_assert_eq!(&ours, &value);
        }

        #[test]
        fn both_readers_read_back_any_text(text in "\\PC{0,12}|[\u{0}-\u{ff}\u{2028}\u{feff}\u{fffe}]{0,12}|[a-z0-9_.:#~-]{0,8}") {
            prop_assume!(!text.contains('\0'));
            let value = json!({"k": [text.clone()], "m": {"x": text}});
            let printed = yaml(&value);
            let theirs: Json = serde_yaml::from_str(&printed).unwrap();
            prop_assert_eq!(&theirs, &value);
            let ours: Json = serde_saphyr::from_str(&printed).unwrap();
            prop_assert_eq!(&ours, &value);
        }

        #[test]
        fn any_key_reads_back(key in "\\PC{1,12}") {
            let mut object = serde_json::Map::new();
            object.insert(key, json!({"a": 1}));
            let value = Json::from(object);
            let theirs: Json = serde_yaml::from_str(&yaml(&value)).unwrap();
            prop_assert_eq!(theirs, value);
        }
    }
}
