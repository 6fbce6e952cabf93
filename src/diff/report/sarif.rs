//! SARIF 2.1.0: a result for each path that differs, at the line where the profile writes it.

use serde_json::{Value, json};

use super::{Compared, class, sentence};
use crate::{
    diff::{Change, Judged, Untold, likelihood, page::Level},
    path::Path,
};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// The id of what is told of a path without judging it.
const UNTOLD: &str = "untold";

/// The log of one run; what may differ is a suppressed result with its reason.
///
/// What the source cannot tell is no result, which CI systems would show as an alert: it is a notification of the run
/// (3.20.21), told beside the results.
pub fn sarif(judged: &Judged, compared: Compared<'_>) -> String {
    let mut rules: Vec<String> = Vec::new();
    let mut results = Vec::new();
    let mut result = |id: String, level: &str, path: &Path, text: String, more: Value| {
        let index = rules.iter().position(|known| *known == id).unwrap_or_else(|| {
            rules.push(id.clone());
            rules.len() - 1
        });
        let mut result = json!({
            "ruleId": id,
            "ruleIndex": index,
            "level": level,
            "message": {"text": text},
            "locations": [location(path, &compared)],
            "partialFingerprints": {"path/v1": path.to_string()},
        });
        if let (Some(result), Value::Object(more)) = (result.as_object_mut(), more) {
            result.extend(more);
        }
        results.push(result);
    };
    for change in judged.difference.meaningful() {
        result(class(change), level(change), &change.path, sentence(change), properties(change));
    }
    for one in &judged.difference.incomparable {
        let text = format!("{} cannot be compared: {}", one.path, one.why);
        result("incomparable".to_owned(), "warning", &one.path, text, json!({}));
    }
    for (change, reason) in &judged.allowed {
        let mut more = properties(change);
        more["suppressions"] = json!([{"kind": "external", "justification": reason}]);
        result(class(change), level(change), &change.path, sentence(change), more);
    }
    let rules: Vec<Value> = rules
        .iter()
        .map(|id| {
            let text = match id.as_str() {
                "incomparable" => "A value could not be read on one side".to_owned(),
                class => format!("What runs departs from the profile: {class}"),
            };
            json!({"id": id, "shortDescription": {"text": text}})
        })
        .collect();
    let notifications: Vec<Value> =
        judged.difference.untold.iter().map(|one| untold(one, &compared)).collect();
    let mut driver = json!({"name": "prodmirror", "version": env!("CARGO_PKG_VERSION"), "rules": rules});
    if !notifications.is_empty() {
        let text = "A value that no source of this kind can tell, and no difference";
        driver["notifications"] = json!([{"id": UNTOLD, "shortDescription": {"text": text}}]);
    }
    let invocation = json!({"executionSuccessful": true, "toolExecutionNotifications": notifications});
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": driver},
            "invocations": [invocation],
            "results": results,
            "columnKind": "unicodeCodePoints",
        }],
    });
    format!("{log:#}\n")
}

fn untold(one: &Untold, compared: &Compared<'_>) -> Value {
    json!({
        "descriptor": {"id": UNTOLD, "index": 0},
        "level": "note",
        "message": {"text": format!("{} is not told by {}: {}", one.path, compared.source, one.why)},
        "locations": [location(&one.path, compared)],
    })
}

fn level(change: &Change) -> &'static str {
    match Level::of(change) {
        Level::High => "error",
        Level::Medium => "warning",
        Level::Low | Level::Noise => "note",
    }
}

fn properties(change: &Change) -> Value {
    match likelihood(change) {
        Some(likelihood) => json!({"properties": {"cause_prior": likelihood.prior, "why": likelihood.why}}),
        None => json!({}),
    }
}

fn location(path: &Path, compared: &Compared<'_>) -> Value {
    let logical = json!([{"fullyQualifiedName": path.to_string()}]);
    let (file, line, column) = compared.place.of(path).unwrap_or_else(|| (compared.against.to_owned(), 1, 1));
    json!({
        "physicalLocation": {
            "artifactLocation": {"uri": uri(&file)},
            "region": {"startLine": line.max(1), "startColumn": column.max(1)},
        },
        "logicalLocations": logical,
    })
}

/// A file's path as a URI reference: what is not plain is percent-encoded.
fn uri(file: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    file.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
