//! What a launch would change, asked from the cluster itself by a dry run of its server.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use kube::{
    api::{Patch, PatchParams},
    core::{DynamicObject, GroupVersionKind},
};
use serde_json::Value;

use super::{
    Cluster, ClusterError, Launch, MANAGER, ObjectName, Result,
    apply::{group_and_version, yaml},
    error,
    launch::{kept, secret},
};
use crate::{
    backend::{FieldChange, ObjectDifference},
    diff,
    labels::kubernetes::SPEC,
    path::Path,
    plan::kubernetes::{Body, Object, ObjectKind},
};

const AT_ONCE: usize = 8;

impl Cluster {
    /// Sends every object of a launch as it would be sent, to be thrown away, and holds what the server would make of
    /// it against what is there: a default that it fills in is on both sides, and is no difference. Makes nothing.
    ///
    /// In the order of the plan, then what would be pruned. In a namespace that is not there yet everything is new,
    /// and the server is not asked about it: it refuses even to try.
    ///
    /// A Secret whose value the launch does not have keeps the one that it has.
    ///
    /// # Errors
    /// [`ClusterError::NotOurs`] for a namespace of somebody else's.
    pub async fn preview(&self, launch: &Launch<'_>) -> Result<Vec<ObjectDifference>> {
        let plan = launch.plan;
        self.admit(plan).await?;
        let is_there = self.namespace(&plan.namespace).await?.is_some();
        let objects: Vec<_> =
            plan.objects.iter().map(|object| self.preview_one(launch, object, is_there)).collect();
        let found: Vec<Option<ObjectDifference>> =
            stream::iter(objects).buffered(AT_ONCE).try_collect().await?;
        let mut all: Vec<ObjectDifference> = found.into_iter().flatten().collect();
        if is_there {
            let gone = self.prunable(&plan.namespace, &plan.mirror, &kept(plan)).await?;
            all.extend(gone.into_iter().map(|object| ObjectDifference::Gone { object }));
        }
        Ok(all)
    }

    async fn preview_one(
        &self,
        launch: &Launch<'_>,
        object: &Object,
        is_there: bool,
    ) -> Result<Option<ObjectDifference>> {
        let kind = object.body.kind();
        let namespace = (kind != ObjectKind::Namespace).then_some(launch.plan.namespace.as_str());
        let name = ObjectName::new(kind.as_str(), &object.name, namespace);
        if !is_there {
            return Ok(Some(ObjectDifference::New { object: name }));
        }
        let (group, version) = group_and_version(kind.api_version());
        let api = self.api(&GroupVersionKind::gvk(group, version, kind.as_str()), namespace).await?;
        let there = error::ask(format!("read {name}"), api.get_opt(&object.name)).await?;
        if let Body::Secret { .. } = object.body {
            return of_secret(launch, object, name, there.as_ref());
        }
        let manifest = launch.manifests.iter().find(|(key, _)| *key == object.key());
        let Some((_, manifest)) = manifest else {
            let why = "the launch has no manifest of it".to_owned();
            return Err(ClusterError::Api { what: name.to_string(), why });
        };
        let spec = |labels: Option<&BTreeMap<String, String>>| labels.and_then(|all| all.get(SPEC)).cloned();
        if let (ObjectKind::Job, Some(there)) = (kind, &there) {
            let seal = manifest["metadata"]["labels"][SPEC].as_str();
            let is_same = spec(there.metadata.labels.as_ref()).as_deref() == seal;
            return Ok((!is_same).then_some(ObjectDifference::Again { object: name }));
        }
        let how = PatchParams { dry_run: true, ..PatchParams::apply(MANAGER).force() };
        let what = format!("try {name}");
        let tried =
            error::answer(&what, api.patch(&object.name, &how, &Patch::Apply(yaml(manifest)))).await?;
        Ok(match (tried, there) {
            (Ok(_), None) => Some(ObjectDifference::New { object: name }),
            (Ok(would_be), Some(there)) => changed(name, &there, &would_be)?,
            (Err(error), _) if error::status(&error).is_some_and(|status| status < 500) => {
                Some(ObjectDifference::Refused { object: name, why: error::words(&error) })
            }
            (Err(error), _) => return Err(error::refused(what, &error)),
        })
    }
}

fn changed(
    object: ObjectName,
    there: &DynamicObject,
    would_be: &DynamicObject,
) -> Result<Option<ObjectDifference>> {
    let changes = compared(&plain(&object, there)?, &plain(&object, would_be)?);
    Ok((!changes.is_empty()).then_some(ObjectDifference::Changed { object, changes }))
}

fn compared(there: &Value, would_be: &Value) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    diff::walk(&Path::root(), Some(there), Some(would_be), &mut |path, from, to| {
        changes.push(FieldChange { path: path.clone(), from: from.cloned(), to: to.cloned() });
    });
    changes
}

/// What people decide of an object: not what the server keeps of its own, nor our seal, which says nothing to a person.
fn plain(name: &ObjectName, object: &DynamicObject) -> Result<Value> {
    let json = serde_json::to_value(object);
    let bad = |error: serde_json::Error| ClusterError::Api { what: name.to_string(), why: error.to_string() };
    let mut plain = json.map_err(bad)?;
    if let Some(fields) = plain.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = plain["metadata"].as_object_mut() {
        for own in ["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp"] {
            metadata.remove(own);
        }
        if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
            labels.remove(SPEC);
        }
    }
    Ok(plain)
}

fn of_secret(
    launch: &Launch<'_>,
    object: &Object,
    name: ObjectName,
    there: Option<&DynamicObject>,
) -> Result<Option<ObjectDifference>> {
    let Some(there) = there else { return Ok(Some(ObjectDifference::New { object: name })) };
    let filled = match secret(launch, object) {
        Ok(filled) => filled,
        Err(ClusterError::NoValue { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut changes = compared(&there.data["data"], &filled["data"]);
    for change in &mut changes {
        let path = Path::of(["data"]).0.into_iter().chain(std::mem::take(&mut change.path.0));
        *change = FieldChange { path: Path(path.collect()), from: None, to: None };
    }
    Ok((!changes.is_empty()).then_some(ObjectDifference::Changed { object: name, changes }))
}
