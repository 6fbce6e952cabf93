//! From a person's words to a container.

use std::collections::HashMap;

use bollard::models::{ContainerInspectResponse, ContainerSummary, ContainerSummaryStateEnum};

use super::{
    super::{BackendError, Result, Target},
    Compose,
    launch::id_of,
    trouble::Doing as _,
};
use crate::{
    labels::{self, Kind},
    name::Name,
};

impl Compose {
    /// The id of the container that is meant.
    ///
    /// # Errors
    /// [`BackendError::NoTarget`] where there is none.
    pub(super) async fn find(&self, target: &Target) -> Result<String> {
        let mut wanted = vec![
            format!("{}={}", labels::MIRROR, target.mirror),
            format!("{}={}", labels::SERVICE, target.service),
        ];
        wanted.extend(target.ordinal.map(|ordinal| format!("{}={ordinal}", labels::ORDINAL)));
        let name = target.container.as_deref().unwrap_or("main");
        let mut found = self.containers_labelled(&wanted).await?;
        found.retain(|container| container_name(container) == Some(name));
        found.sort_by_key(ordinal_of);
        found
            .first()
            .map(|container| id_of(container).to_owned())
            .ok_or_else(|| BackendError::NoTarget { mirror: target.mirror.clone(), what: in_words(target) })
    }

    /// The one container of a helper, if it is there.
    pub(super) async fn helper_container(
        &self,
        mirror: &Name,
        kind: Kind,
    ) -> Result<Option<ContainerSummary>> {
        let wanted = [format!("{}={mirror}", labels::MIRROR), format!("{}={}", labels::KIND, kind.as_str())];
        let mut found = self.containers_labelled(&wanted).await?;
        // One that runs comes before one that a replacement left behind.
        found.sort_by_key(|container| container.state != Some(ContainerSummaryStateEnum::RUNNING));
        Ok(found.into_iter().next())
    }

    pub(super) async fn inspect(&self, id: &str) -> Result<Option<ContainerInspectResponse>> {
        self.docker.inspect_container(id, None).await.if_there(format!("container {id}"))
    }
}

fn in_words(target: &Target) -> String {
    let ordinal = target.ordinal.map(|ordinal| format!("/{ordinal}")).unwrap_or_default();
    let container = target.container.as_ref().map(|name| format!(" (container {name})")).unwrap_or_default();
    format!("{}{ordinal}{container}", target.service)
}

pub(super) fn label<'a>(container: &'a ContainerSummary, name: &str) -> Option<&'a str> {
    container.labels.as_ref().and_then(|labels: &HashMap<_, _>| labels.get(name)).map(String::as_str)
}

pub(super) fn ordinal_of(container: &ContainerSummary) -> u32 {
    label(container, labels::ORDINAL).and_then(|ordinal| ordinal.parse().ok()).unwrap_or_default()
}

/// `main`, or the profile's name of the init container or sidecar; a pause has none.
pub(super) fn container_name(container: &ContainerSummary) -> Option<&str> {
    let kind = label(container, labels::KIND)?;
    let main = [Kind::Service, Kind::Store, Kind::Job].iter().any(|own| own.as_str() == kind);
    label(container, labels::CONTAINER).or(main.then_some("main"))
}

/// The name without the slash that the engine puts before it.
pub(super) fn plain_name(container: &ContainerSummary) -> String {
    let name = container.names.iter().flatten().next();
    name.map(|name| name.trim_start_matches('/').to_owned()).unwrap_or_default()
}
