//! Labels of what is made, and the seal on them: the hash of the one object's own plan.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value;

use super::Capabilities;
use crate::{
    digest,
    labels::{self, Kind},
    name::Name,
};

pub(crate) type Labels = IndexMap<String, String>;

/// Ours, but for the seal: mirror, owner, kind, and service and ordinal where they apply.
pub(crate) fn labels(
    capabilities: &Capabilities,
    kind: Kind,
    service: Option<&Name>,
    ordinal: Option<u32>,
) -> Labels {
    let mut of = Labels::new();
    of.insert(labels::MIRROR.to_owned(), capabilities.mirror.to_string());
    of.insert(labels::OWNER.to_owned(), capabilities.owner.clone());
    of.insert(labels::KIND.to_owned(), kind.as_str().to_owned());
    if let Some(service) = service {
        of.insert(labels::SERVICE.to_owned(), service.to_string());
    }
    if let Some(ordinal) = ordinal {
        of.insert(labels::ORDINAL.to_owned(), ordinal.to_string());
    }
    of
}

/// The labels with `prodmirror.spec`: the hash of the object, of these labels, and of `also`, what the object stands
/// on and does not hold itself. The order of maps is no part of it.
pub(crate) fn sealed(object: &impl Serialize, mut labels: Labels, also: &impl Serialize) -> Labels {
    labels.shift_remove(labels::SPEC);
    let seal = seal(&(object, &labels, also));
    labels.insert(labels::SPEC.to_owned(), seal);
    labels
}

/// The hash of a value in which the order of maps plays no part.
pub(crate) fn seal(value: &impl Serialize) -> String {
    let mut whole = serde_json::to_value(value).unwrap_or_default();
    sort(&mut whole);
    digest::spec(&whole)
}

fn sort(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.sort_keys();
            object.values_mut().for_each(sort);
        }
        Value::Array(items) => items.iter_mut().for_each(sort),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
