//! What an object of a place is called, and how it differs.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::path::Path;

/// One object of a namespace, or of the cluster where no namespace is said: `deployment/api`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.to_lowercase(), self.name)
    }
}

/// One object that would not be what it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectDifference {
    /// It would be made.
    New {
        object: ObjectName,
    },
    Changed {
        object: ObjectName,
        changes: Vec<FieldChange>,
    },
    /// A job cannot be changed: it would be removed, and run again.
    Again {
        object: ObjectName,
    },
    /// The plan no longer has it.
    Gone {
        object: ObjectName,
    },
    /// The server, a quota or an admission rule would say no, in its own words.
    Refused {
        object: ObjectName,
        why: String,
    },
}

/// One field, by its path in the object as the server would hold it. Of a Secret the path alone is told.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldChange {
    pub path: Path,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
}

impl ObjectDifference {
    /// A line for each thing that would change.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::New { object } => vec![format!("+ {object}")],
            Self::Gone { object } => vec![format!("- {object}")],
            Self::Again { object } => vec![format!("~ {object} runs again")],
            Self::Refused { object, why } => vec![format!("! {object} is refused: {why}")],
            Self::Changed { object, changes } => {
                let value =
                    |value: &Option<Value>| value.as_ref().map_or("nothing".to_owned(), Value::to_string);
                let field = |change: &FieldChange| match (&change.from, &change.to) {
                    (None, None) => format!("    {}", change.path),
                    (from, to) => format!("    {}: {} -> {}", change.path, value(from), value(to)),
                };
                std::iter::once(format!("~ {object}")).chain(changes.iter().map(field)).collect()
            }
        }
    }
}
