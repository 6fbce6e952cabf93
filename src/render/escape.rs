//! Text as YAML that every parser reads the same: double quotes and JSON's escapes.
//!
//! JSON strings are not always YAML: the characters of `is_refused` are
//! rejected or altered by one parser or another unless they are escaped.

use std::fmt::Write as _;

/// A double-quoted scalar that reads back as `text`.
pub fn quoted(text: &str) -> String {
    // Writing a text to memory cannot fail.
    whole(serde_json::to_string(text).unwrap_or_default())
}

/// A whole document of JSON, whose strings every YAML parser reads the same: an API server takes what is applied for
/// YAML, and folds a line at a raw U+2028.
pub fn whole(json: String) -> String {
    let is_plain = json.bytes().all(|b| b.is_ascii() && b != 0x7f);
    if is_plain || !json.chars().any(is_refused) {
        return json;
    }
    // JSON has such a character nowhere but in strings.
    let mut yaml = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_refused(c) {
            // Writing to a String cannot fail; all refused characters fit four digits.
            let _ = write!(yaml, "\\u{:04X}", u32::from(c));
        } else {
            yaml.push(c);
        }
    }
    yaml
}

/// DEL and the C1 controls, Unicode's line breaks, the byte order mark, and two characters that are none.
fn is_refused(c: char) -> bool {
    matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// A mapping's key: bare where no parser can take it for anything but this text, else quoted.
///
/// Compose does not interpolate keys, so a `$` stays single here.
pub fn key(text: &str) -> String {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let rest = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'/'));
    let word = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    if starts && rest && !word.contains(&text.to_ascii_lowercase().as_str()) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// One line for a comment: whatever could end the line becomes a space.
pub fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_refused(c) { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(yaml: &str) -> serde_yaml::Value {
        serde_yaml::from_str(yaml).unwrap()
    }

    #[test]
    fn every_character_of_unicode_reads_back() {
        let all: Vec<char> = ('\u{1}'..=char::MAX).collect();
        for some in all.chunks(4096) {
            let text: String = some.iter().collect();
            assert_eq!(read(&quoted(&text)).as_str(), Some(text.as_str()));
        }
    }

    #[test]
    fn words_that_yaml_takes_for_something_else_stay_text() {
        for text in ["no", "0777", "", "~", "null", "1e3", "- a", "a: b", "# c", "<<", " a ", "Yes", "x: {"] {
            assert_eq!(read(&quoted(text)).as_str(), Some(text));
            let map = read(&format!("{}: 1", key(text)));
            assert_eq!(map.as_mapping().unwrap().keys().next().unwrap().as_str(), Some(text));
        }
        assert_eq!(key("api.0.main"), "api.0.main");
        assert_eq!(key("on"), "\"on\"");
    }

    #[test]
    fn a_comment_stays_on_its_line() {
        assert_eq!(comment("a\nservices: {}\u{2028}b\r"), "a services: {} b ");
    }

    proptest! {
        #[test]
        fn any_text_reads_back_in_a_map(name in "\\PC{0,12}", text in any::<String>()) {
            let map = read(&format!("{}: {}", key(&name), quoted(&text)));
            let (found, value) = map.as_mapping().unwrap().iter().next().unwrap();
            prop_assert_eq!(found.as_str(), Some(name.as_str()));
            prop_assert_eq!(value.as_str(), Some(text.as_str()));
        }
    }
}
