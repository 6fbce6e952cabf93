//! The engine's answers as [`crate::observed`] keeps them: every field by name.

use std::collections::BTreeMap;

use bollard::models::{ContainerInspectResponse, Network, Volume};
use serde_json::Value as Json;

use crate::observed::{self, Container, inspect};

pub(super) fn container(there: ContainerInspectResponse) -> Container {
    inspect::container(&document(there))
}

/// The engine's own document, as `docker inspect` prints it: what is saved is of this form too, and one reader
/// knows it.
pub(super) fn document(there: ContainerInspectResponse) -> Json {
    serde_json::to_value(there).expect("the client's own types are JSON's")
}

pub(super) fn sysctls(there: &ContainerInspectResponse) -> BTreeMap<String, String> {
    let host = there.host_config.as_ref();
    host.and_then(|host| host.sysctls.clone()).unwrap_or_default().into_iter().collect()
}

pub(super) fn network(there: Network) -> observed::Network {
    let configs = there.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
    observed::Network {
        id: there.id.unwrap_or_default(),
        name: there.name.unwrap_or_default(),
        labels: there.labels.unwrap_or_default().into_iter().collect(),
        internal: there.internal.unwrap_or_default(),
        subnets: configs.into_iter().filter_map(|config| config.subnet).collect(),
    }
}

pub(super) fn volume(there: Volume) -> observed::Volume {
    observed::Volume {
        name: there.name,
        labels: there.labels.into_iter().collect(),
        options: there.options.into_iter().collect(),
    }
}
