//! Documents out of text: YAML of one or many documents, or JSON.

use serde::Deserialize as _;
use serde_json::Value as Json;

/// Every document of a text, in order; empty ones between the pieces of a chart are none.
///
/// # Errors
/// What is no YAML, and in which line.
pub fn documents(text: &str) -> Result<Vec<Json>, String> {
    let text = text.trim_start_matches('\u{feff}');
    // Not all of JSON is YAML, and a large answer of a cluster is read much faster as what it is.
    if text.trim_start().starts_with('{')
        && let Ok(value) = serde_json::from_str(text)
    {
        return Ok(vec![value]);
    }
    let mut values = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let mut value = serde_yaml::Value::deserialize(document).map_err(|error| error.to_string())?;
        value.apply_merge().map_err(|error| error.to_string())?;
        let value = serde_json::to_value(value).map_err(|error| error.to_string())?;
        if !value.is_null() {
            values.push(value);
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_of_both_kinds_are_read_and_what_is_neither_is_said() {
        assert_eq!(
            documents("a: 1\n---\n# nothing\n---\nb: 2\n"),
            Ok(vec![json!({"a": 1}), json!({"b": 2})])
        );
        assert_eq!(documents("\u{feff} {\"a\": \"\u{7f}\"}"), Ok(vec![json!({"a": "\u{7f}"})]));
        assert_eq!(documents("{a: 1}\n"), Ok(vec![json!({"a": 1})]));
        assert_eq!(
            documents("x: &x {a: 1}\ny: {<<: *x, b: 2}\n"),
            Ok(vec![json!({"x": {"a": 1}, "y": {"a": 1, "b": 2}})])
        );
        assert!(documents("a: [1\n").unwrap_err().contains("line"));
        assert!(documents("a: 1\na: 2\n").is_err());
    }
}
