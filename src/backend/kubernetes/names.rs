//! What an object is called, in messages and in sets.

use std::fmt;

use kube::core::DynamicObject;
use serde_json::Value;

/// One object of a namespace, or of the cluster where no namespace is said: `deployment/api`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct ObjectName {
    /// As the API writes it: `Deployment`.
    pub kind: String,
    pub name: String,
    pub namespace: Option<String>,
}

impl ObjectName {
    pub fn new(kind: &str, name: &str, namespace: Option<&str>) -> Self {
        Self { kind: kind.to_owned(), name: name.to_owned(), namespace: namespace.map(str::to_owned) }
    }

    /// Of a manifest; what is not written is empty.
    pub fn of(manifest: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let metadata = &manifest["metadata"];
        Self {
            kind: text(&manifest["kind"]),
            name: text(&metadata["name"]),
            namespace: metadata["namespace"].as_str().map(str::to_owned),
        }
    }

    pub(super) fn read(kind: &str, object: &DynamicObject) -> Self {
        let metadata = &object.metadata;
        Self::new(kind, metadata.name.as_deref().unwrap_or_default(), metadata.namespace.as_deref())
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.to_lowercase(), self.name)
    }
}
