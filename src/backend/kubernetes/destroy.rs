//! A mirror out of its cluster, until nothing is left.

use std::{pin::pin, time::Duration};

use futures_util::{StreamExt as _, stream};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api,
    api::{DeleteParams, ListParams, WatchEvent, WatchParams},
    core::{ApiResource, DynamicObject},
    discovery::{self, verbs},
};

use serde::de::DeserializeOwned;

use super::{Cluster, ClusterError, ObjectName, Result, error, list::refuse_others};
use crate::name::Name;

const AT_ONCE: usize = 8;

impl Cluster {
    /// Deletes a mirror's namespace and waits until it is gone with all that was in it; one that is not there is no
    /// error. A call that was cut off, or was too short, can be made again.
    ///
    /// # Errors
    /// [`ClusterError::NotOurs`] where the namespace is not that mirror's; [`ClusterError::NotGone`] with the objects and
    /// the finalizers that hold it.
    pub async fn destroy(&self, namespace: &str, mirror: &Name, within: Duration) -> Result<()> {
        let Some(there) = self.namespace(namespace).await? else { return Ok(()) };
        refuse_others(&there, namespace, mirror, None)?;
        let spaces: Api<Namespace> = Api::all(self.client.clone());
        let what = format!("delete namespace `{namespace}`");
        match error::answer(&what, spaces.delete(namespace, &DeleteParams::background())).await? {
            Ok(_) => {}
            Err(error) if error::status(&error) == Some(404) => return Ok(()),
            // It is being deleted already.
            Err(error) if error::status(&error) == Some(409) => {}
            Err(error) => return Err(error::refused(what, &error)),
        }
        match tokio::time::timeout(within, until_gone(&spaces, &what, namespace)).await {
            Ok(gone) => gone,
            Err(_) => Err(ClusterError::NotGone {
                namespace: namespace.to_owned(),
                waited: within,
                left: self.left(namespace).await,
            }),
        }
    }

    /// What holds a namespace: each object that is left, with its finalizers, and what the cluster says that it cannot
    /// look at. What cannot be read is left out.
    pub(super) async fn left(&self, namespace: &str) -> Vec<String> {
        let mut left: Vec<String> = stream::iter(self.listable().await)
            .map(|resource| self.left_of(namespace, resource))
            .buffered(AT_ONCE)
            .collect::<Vec<_>>()
            .await
            .concat();
        let there = self.namespace(namespace).await.ok().flatten();
        let conditions = there.and_then(|there| there.status?.conditions).unwrap_or_default();
        let blind = ["NamespaceDeletionDiscoveryFailure", "NamespaceDeletionGroupVersionParsingFailure"];
        let blind =
            conditions.into_iter().filter(|c| c.status == "True" && blind.contains(&c.type_.as_str()));
        left.extend(blind.filter_map(|condition| condition.message));
        if left.is_empty() {
            left.push("its last objects are on their way out".to_owned());
        }
        left
    }

    async fn left_of(&self, namespace: &str, resource: ApiResource) -> Vec<String> {
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), namespace, &resource);
        let listed = error::ask("what is left", api.list_metadata(&ListParams::default())).await;
        let Ok(listed) = listed else { return Vec::new() };
        let tell = |object: kube::core::PartialObjectMeta<DynamicObject>| {
            let name =
                ObjectName::new(&resource.kind, &object.metadata.name.unwrap_or_default(), Some(namespace));
            match object.metadata.finalizers.unwrap_or_default() {
                finalizers if finalizers.is_empty() => name.to_string(),
                finalizers => format!("{name} (finalizers {})", finalizers.join(", ")),
            }
        };
        listed.items.into_iter().map(tell).collect()
    }

    /// Every kind that a namespace can hold and that can be listed.
    async fn listable(&self) -> Vec<ApiResource> {
        let run = discovery::Discovery::new(self.client.clone()).run();
        let Ok(found) = error::ask("kinds of the cluster", run).await else { return Vec::new() };
        let kinds = found.groups().flat_map(discovery::ApiGroup::recommended_resources);
        let kinds = kinds.filter(|(resource, found)| {
            // What happened holds nothing.
            found.scope == discovery::Scope::Namespaced
                && found.supports_operation(verbs::LIST)
                && resource.kind != "Event"
        });
        kinds.map(|(resource, _)| resource).collect()
    }
}

/// Watches one object until there is none of its name.
pub(super) async fn until_gone<K>(api: &Api<K>, what: &str, name: &str) -> Result<()>
where
    K: Clone + std::fmt::Debug + DeserializeOwned,
{
    let one = format!("metadata.name={name}");
    loop {
        let listed = error::ask(what, api.list(&ListParams::default().fields(&one))).await?;
        if listed.items.is_empty() {
            return Ok(());
        }
        let version = listed.metadata.resource_version.unwrap_or_default();
        let how = WatchParams::default().fields(&one);
        let mut watch = pin!(error::ask(what, api.watch(&how, &version)).await?);
        while let Some(Ok(event)) = watch.next().await {
            if let WatchEvent::Deleted(_) = event {
                return Ok(());
            }
        }
    }
}
