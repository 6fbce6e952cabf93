//! Objects into the cluster, by server-side apply.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
    core::{ApiResource, DynamicObject, GroupVersionKind},
    discovery::{self, Scope},
};
use serde_json::{Value, value::RawValue};

use super::{Cluster, ClusterError, MANAGER, ObjectName, Result, error};
use crate::render::escape;

/// How many objects are sent at once.
const AT_ONCE: usize = 8;

impl Cluster {
    /// Sends one wave of objects, each as a whole manifest: the fields in it become ours, whoever had them before; those
    /// that a manifest no longer has are taken away; those of others stay. A field that the API does not know is refused.
    ///
    /// The objects of a wave go in no order. What must be there before, as a namespace, is a wave before.
    ///
    /// # Errors
    /// [`ClusterError::Refused`] with the words of the first no: those of the API server's check, of a quota or of an
    /// admission rule. Others of the wave may be applied by then.
    pub async fn apply(&self, wave: impl IntoIterator<Item = &Value>) -> Result<()> {
        let sent: Vec<_> = wave.into_iter().map(|manifest| self.apply_one(manifest)).collect();
        stream::iter(sent).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await.map(|_| ())
    }

    async fn apply_one(&self, manifest: &Value) -> Result<()> {
        let object = ObjectName::of(manifest);
        let (group, version) = group_and_version(manifest["apiVersion"].as_str().unwrap_or_default());
        let kind = GroupVersionKind::gvk(group, version, &object.kind);
        let api = self.api(&kind, object.namespace.as_deref()).await?;
        let how = PatchParams::apply(MANAGER).force();
        let what = format!("apply {object}");
        let sent = error::answer(&what, api.patch(&object.name, &how, &Patch::Apply(yaml(manifest)))).await?;
        sent.map(|_| ()).map_err(|error| {
            let why = error::words(&error);
            match error::status(&error) {
                Some(400..500) => ClusterError::Refused { object, why },
                // A field that is in no schema is answered as a fault of the server's.
                Some(500) if why.contains("typed patch") => ClusterError::Refused { object, why },
                _ => ClusterError::Api { what, why },
            }
        })
    }

    /// The objects of a kind: of one namespace, of all, or of the cluster where the kind has none.
    pub(super) async fn api(
        &self,
        kind: &GroupVersionKind,
        namespace: Option<&str>,
    ) -> Result<Api<DynamicObject>> {
        let (resource, scope) = self.resources.of(&self.client, kind).await?;
        Ok(match namespace {
            Some(namespace) if scope == Scope::Namespaced => {
                Api::namespaced_with(self.client.clone(), namespace, &resource)
            }
            _ => Api::all_with(self.client.clone(), &resource),
        })
    }
}

/// A manifest as it is applied: what the API server takes for YAML, though it is JSON.
pub(super) fn yaml(manifest: &Value) -> Box<RawValue> {
    // What was a document of JSON still is one.
    RawValue::from_string(escape::whole(manifest.to_string())).unwrap_or_default()
}

/// `apps/v1` is of a group, `v1` of none.
pub(super) fn group_and_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// How the kinds are called in the API's paths, each asked for once.
#[derive(Clone, Default)]
pub(super) struct Resources(Arc<Mutex<HashMap<GroupVersionKind, (ApiResource, Scope)>>>);

impl Resources {
    async fn of(&self, client: &Client, kind: &GroupVersionKind) -> Result<(ApiResource, Scope)> {
        if let Some(known) = self.lock().get(kind) {
            return Ok(known.clone());
        }
        let what = format!("kind {} of {}", kind.kind, kind.api_version());
        let (resource, found) = error::ask(what, discovery::pinned_kind(client, kind)).await?;
        let known = (resource, found.scope);
        self.lock().insert(kind.clone(), known.clone());
        Ok(known)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<GroupVersionKind, (ApiResource, Scope)>> {
        // Nothing that holds it can panic, and a map is whole between any two steps.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
