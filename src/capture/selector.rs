//! Kubernetes' selectors of labels.

use serde_json::Value as Json;

/// Whether a selector, `matchLabels` and `matchExpressions`, selects what has these labels.
///
/// An empty one selects everything, one that is not there nothing (`LabelSelector` of the API). What is no selector of
/// the API selects nothing either.
pub(crate) fn selects(selector: &Json, labels: &Json) -> bool {
    if !selector.is_object() {
        return false;
    }
    let mut pairs = selector["matchLabels"].as_object().into_iter().flatten();
    let mut terms = selector["matchExpressions"].as_array().into_iter().flatten();
    pairs.all(|(key, value)| labels.get(key) == Some(value)) && terms.all(|term| meets(term, labels))
}

fn meets(term: &Json, labels: &Json) -> bool {
    let found = term["key"].as_str().and_then(|key| labels.get(key));
    let is_listed =
        || found.is_some_and(|value| term["values"].as_array().is_some_and(|all| all.contains(value)));
    match term["operator"].as_str() {
        Some("In") => is_listed(),
        Some("NotIn") => !is_listed(),
        Some("Exists") => found.is_some(),
        Some("DoesNotExist") => found.is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_selector_selects_as_the_api_server_has_it() {
        let labels = json!({"app": "web", "tier": "front"});
        let term = |operator: &str, key: &str, values: Json| json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
        for (selector, wanted) in [
            (json!({}), true),
            (json!(null), false),
            (json!({"matchLabels": {"app": "web"}}), true),
            (json!({"matchLabels": {"app": "web", "release": "a"}}), false),
            (json!({"matchLabels": {"app": "api"}}), false),
            (term("In", "tier", json!(["back", "front"])), true),
            (term("In", "zone", json!(["a"])), false),
            (term("NotIn", "tier", json!(["front"])), false),
            (term("NotIn", "zone", json!(["a"])), true),
            (term("Exists", "tier", json!(null)), true),
            (term("Exists", "zone", json!(null)), false),
            (term("DoesNotExist", "zone", json!(null)), true),
            (term("DoesNotExist", "tier", json!(null)), false),
            (term("Near", "tier", json!(null)), false),
            (
                json!({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}),
                false,
            ),
        ] {
            assert_eq!(selects(&selector, &labels), wanted, "{selector}");
        }
    }
}
