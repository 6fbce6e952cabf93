//! Answers of a cluster's API before anything else sees them: pages of lists, and Secrets without their values.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value as Json, json};

use crate::env::{HashKey, Keyed};

/// A list that grows page by page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pages {
    items: Vec<Json>,
}

impl Pages {
    /// Adds a page; answers the place where the next one begins, if there is one.
    pub fn add(&mut self, page: &mut Json) -> Option<String> {
        if let Some(Json::Array(more)) = page.get_mut("items").map(Json::take) {
            self.items.extend(more);
        }
        page["metadata"]["continue"].as_str().filter(|place| !place.is_empty()).map(str::to_owned)
    }

    /// All of it as one list, with the head of its last page.
    pub fn close(self, last: &Json) -> Json {
        let head = |key: &str| last[key].clone();
        json!({"kind": head("kind"), "apiVersion": head("apiVersion"), "items": self.items})
    }
}

/// Takes out of a page who wrote which field, which no part of a profile tells.
pub fn without_managed_fields(page: &mut Json) {
    for item in page.get_mut("items").and_then(Json::as_array_mut).into_iter().flatten() {
        if let Some(metadata) = item.get_mut("metadata").and_then(Json::as_object_mut) {
            metadata.shift_remove("managedFields");
        }
    }
}

/// Leaves names and keys in a list of Secrets; answers the hashes of the values that are text, by `Secret/NAME/KEY`.
pub fn hide(list: &mut Json, key: &HashKey) -> BTreeMap<String, Keyed> {
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
