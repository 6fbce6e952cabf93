//! What an object is called, in messages and in sets.

use kube::core::DynamicObject;

pub use crate::backend::ObjectName;

pub(super) fn of_object(kind: &str, object: &DynamicObject) -> ObjectName {
    let metadata = &object.metadata;
    ObjectName::new(kind, metadata.name.as_deref().unwrap_or_default(), metadata.namespace.as_deref())
}
