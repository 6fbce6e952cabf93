//! What a file holds, told by its first lines.

use serde_json::Value as Json;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    Profile,
    /// A Compose file, with services that are no profile's.
    Compose,
    Kubernetes,
    /// `docker inspect`.
    Inspect,
    /// What `capture --format json` answered.
    Capture,
    /// Variables of some dialect.
    Variables,
}

/// Tells by the content alone; what is nothing else is a file of variables.
pub fn recognize(text: &str) -> Content {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with(['{', '[']) {
        return serde_json::from_str(text).map_or(Content::Variables, |json| of_json(&json));
    }
    let top = |key: &str| {
        let after = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        after.filter(|after| after.is_empty() || after.starts_with([' ', '\t', '\r'])).map(str::trim)
    };
    match top("apiVersion").or(top("\"apiVersion\"")) {
        Some(version) if version.trim_matches(['"', '\'']).starts_with("prodmirror/") => {
            return Content::Profile;
        }
        Some(_) if top("kind").is_some() || top("items").is_some() || top("metadata").is_some() => {
            return Content::Kubernetes;
        }
        _ => {}
    }
    // A variable may be called so; then it has a value on the same line.
    let opens = |after: &str| after.is_empty() || after.starts_with(['#', '{']);
    match top("services").or(top("include")) {
        Some(after) if opens(after) => Content::Compose,
        _ => Content::Variables,
    }
}

fn of_json(json: &Json) -> Content {
    let first = json.as_array().and_then(|items| items.first()).unwrap_or(json);
    let version = first["apiVersion"].as_str().unwrap_or_default();
    if first["Config"]["Env"].is_array() || first["Id"].is_string() && first["Config"].is_object() {
        return Content::Inspect;
    }
    match (version, first["kind"].as_str()) {
        (_, Some("Environment")) => Content::Variables,
        (version, Some("Capture")) if version.starts_with("prodmirror/") => Content::Capture,
        (version, None) if version.starts_with("prodmirror/") => Content::Profile,
        ("", _) if first["services"].is_object() => Content::Compose,
        // The API's own lists, saved as they were answered.
        ("", kind) if kind.is_none_or(|kind| kind.ends_with("List")) && first["items"].is_array() => {
            Content::Kubernetes
        }
        (_, Some(_)) if !version.is_empty() => Content::Kubernetes,
        _ => Content::Variables,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_apart_by_what_they_hold() {
        for (text, wanted) in [
            ("apiVersion: prodmirror/v1\nname: x\n", Content::Profile),
            ("# c\napiVersion: \"prodmirror/v1\"\n", Content::Profile),
            ("apiVersion: apps/v1\nkind: Deployment\n", Content::Kubernetes),
            ("version: '3'\nservices:\n  a:\n    image: x\n", Content::Compose),
            ("name: x\nservices: # all\n  a: {image: x}\n", Content::Compose),
            ("include: [base.yaml]\n", Content::Variables),
            ("include:\n- base.yaml\n", Content::Compose),
            ("services=1\nA=2\n", Content::Variables),
            ("services: a b\n", Content::Variables),
            ("environment:\n  A: x\n", Content::Variables),
            ("A=1\n", Content::Variables),
            ("", Content::Variables),
            (r#"{"A": "1"}"#, Content::Variables),
            (r#"["A=1"]"#, Content::Variables),
            (r#"{"apiVersion": "prodmirror/v1", "kind": "Environment"}"#, Content::Variables),
            (r#"{"apiVersion": "prodmirror/v1", "name": "x"}"#, Content::Profile),
            (r#"{"apiVersion": "prodmirror/v1", "kind": "Capture", "profile": {}}"#, Content::Capture),
            (r#"[{"Id": "x", "Config": {"Env": ["A=1"]}}]"#, Content::Inspect),
            (r#"{"apiVersion": "v1", "kind": "List", "items": []}"#, Content::Kubernetes),
            (r#"{"kind": "PodList", "items": []}"#, Content::Kubernetes),
            (r#"{"services": {"a": {}}}"#, Content::Compose),
        ] {
            assert_eq!(recognize(text), wanted, "{text}");
        }
    }
}
