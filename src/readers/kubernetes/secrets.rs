//! Secrets without their values, before anything else sees them.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value as Json, json};

use crate::env::{HashKey, Keyed};

/// Leaves names and keys in a list of Secrets; answers the hashes of the values that are text, by `Secret/NAME/KEY`.
pub(super) fn hide(list: &mut Json, key: &HashKey) -> BTreeMap<String, Keyed> {
    let mut hashes = BTreeMap::new();
    for item in list["items"].as_array_mut().into_iter().flatten() {
        let name = item["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        if let Some(object) = item.as_object_mut() {
            object.shift_remove("stringData");
        }
        for (field, value) in item.get_mut("data").and_then(Json::as_object_mut).into_iter().flatten() {
            let bytes = value.as_str().and_then(|text| STANDARD.decode(text).ok());
            if let Some(text) = bytes.and_then(|bytes| String::from_utf8(bytes).ok()) {
                hashes.insert(format!("Secret/{name}/{field}"), key.hash(&text));
            }
            *value = json!("");
        }
        // What was applied last holds the values again.
        if let Some(metadata) = item.get_mut("metadata").and_then(Json::as_object_mut) {
            metadata.shift_remove("annotations");
        }
    }
    hashes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_is_left_wherever_it_stood() {
        let applied = json!({"kubectl.kubernetes.io/last-applied-configuration": "bGV0bWVpbi03Nw=="});
        let mut list = json!({"items": [{
            "metadata": {"name": "db", "annotations": applied},
            "data": {"password": "bGV0bWVpbi03Nw==", "binary": "/w=="}, "stringData": {"x": "letmein-77"},
        }]});
        let key = HashKey::new(b"0123456789abcdef").unwrap();
        let hashes = hide(&mut list, &key);
        assert_eq!(
            hashes.into_iter().collect::<Vec<_>>(),
            [("Secret/db/password".to_owned(), key.hash("letmein-77"))]
        );
        assert_eq!(
            list,
            json!({"items": [{"metadata": {"name": "db"}, "data": {"password": "", "binary": ""}}]})
        );
    }
}
