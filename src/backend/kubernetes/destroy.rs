//! A mirror out of its cluster, until nothing is left.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

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
use crate::{
    backend::{Progress, Report, Unheard},
    name::Name,
};

const AT_ONCE: usize = 8;
/// What is not gone after this is told, each time anew.
const HELD_FOR: Duration = Duration::from_secs(15);
/// How many objects are told by name. Of a kind that holds more, so many are read: there may be thousands on their way.
const MOST: u32 = 20;

/// What is left of a namespace.
#[derive(Debug, Default)]
struct Left {
    count: u64,
    /// [`MOST`] of them, those that wait for somebody first.
    named: Vec<String>,
}

impl Cluster {
    /// As [`Cluster::destroy_telling`], with nobody to tell.
    pub async fn destroy(&self, namespace: &str, mirror: &Name, within: Duration) -> Result<()> {
        self.destroy_telling(namespace, mirror, within, &Unheard).await
    }

    /// Deletes a mirror's namespace and waits until it is gone with all that was in it; one that is not there is no
    /// error. A call that was cut off, or was too short, can be made again.
    ///
    /// `within` is how long it is waited for while nothing goes: a large mirror takes the time that it takes.
    ///
    /// # Errors
    /// [`ClusterError::NotOurs`] where the namespace is not that mirror's; [`ClusterError::NotGone`] with the objects and
    /// the finalizers that hold it.
    pub async fn destroy_telling(
        &self,
        namespace: &str,
        mirror: &Name,
        within: Duration,
        report: &dyn Report,
    ) -> Result<()> {
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
        let mut gone = pin!(until_gone(&spaces, &what, namespace));
        let (mut before, mut stood) = (None, Instant::now());
        loop {
            // Of two looks the second tells whether something went.
            if let Ok(gone) = tokio::time::timeout(HELD_FOR.min(within / 2), &mut gone).await {
                return gone;
            }
            let Left { count, named } = self.left(namespace).await;
            if before.replace(count).is_some_and(|before| count < before) {
                stood = Instant::now();
            }
            if stood.elapsed() >= within {
                let namespace = namespace.to_owned();
                return Err(ClusterError::NotGone { namespace, waited: within, left: named });
            }
            report.event(Progress::Note(format!("namespace `{namespace}` is held by {}", named.join("; "))));
        }
    }

    /// What holds a namespace: objects that are left, with their finalizers, and what the cluster says that it cannot
    /// look at. What cannot be read is left out.
    async fn left(&self, namespace: &str) -> Left {
        let of_kinds: Vec<(u64, Vec<String>, Vec<String>)> = stream::iter(self.listable().await)
            .map(|resource| self.left_of(namespace, resource))
            .buffered(AT_ONCE)
            .collect()
            .await;
        let mut left = Left::default();
        let mut others = Vec::new();
        for (count, waiting, leaving) in of_kinds {
            left.count += count;
            left.named.extend(waiting);
            others.extend(leaving);
        }
        left.named.extend(others);
        left.named.truncate(MOST as usize);
        if left.count > left.named.len() as u64 {
            left.named.push(format!("{} more", left.count - left.named.len() as u64));
        }
        let there = self.namespace(namespace).await.ok().flatten();
        let conditions = there.and_then(|there| there.status?.conditions).unwrap_or_default();
        let blind = ["NamespaceDeletionDiscoveryFailure", "NamespaceDeletionGroupVersionParsingFailure"];
        let blind =
            conditions.into_iter().filter(|c| c.status == "True" && blind.contains(&c.type_.as_str()));
        left.named.extend(blind.filter_map(|condition| condition.message));
        if left.named.is_empty() {
            left.named.push("its last objects, which are on their way out".to_owned());
        }
        left
    }

    /// How many there are of a kind, and of the first those with finalizers and those without.
    async fn left_of(&self, namespace: &str, resource: ApiResource) -> (u64, Vec<String>, Vec<String>) {
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), namespace, &resource);
        let first = ListParams::default().limit(MOST);
        let listed = error::ask("what is left", api.list_metadata(&first)).await;
        let Ok(listed) = listed else { return (0, Vec::new(), Vec::new()) };
        let more = listed.metadata.remaining_item_count.unwrap_or_default();
        let count = listed.items.len() as u64 + u64::try_from(more).unwrap_or_default();
        let (mut waiting, mut leaving) = (Vec::new(), Vec::new());
        for object in listed.items {
            let name =
                ObjectName::new(&resource.kind, &object.metadata.name.unwrap_or_default(), Some(namespace));
            match object.metadata.finalizers.unwrap_or_default() {
                finalizers if finalizers.is_empty() => leaving.push(name.to_string()),
                finalizers => waiting.push(format!("{name} (finalizers {})", finalizers.join(", "))),
            }
        }
        (count, waiting, leaving)
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
