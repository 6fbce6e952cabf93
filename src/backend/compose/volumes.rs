//! Volumes: made with our labels, copied by a one-shot of the helper image.

use std::collections::{BTreeMap, HashMap};

use bollard::{
    models::{Volume, VolumeCreateRequest},
    query_parameters::RemoveVolumeOptionsBuilder,
};
use futures_util::future::try_join_all;

use super::{
    super::{BackendError, Later, Result, Volumes},
    Compose,
    oneshot::OneShot,
    trouble::Doing as _,
};
use crate::{
    labels,
    plan::{Plan, VolumePlan},
};

impl Compose {
    pub(super) async fn start_volumes(&self, plan: &Plan) -> Result<()> {
        try_join_all(plan.volumes.iter().map(|volume| self.ensure_volume(volume))).await?;
        Ok(())
    }

    async fn ensure_volume(&self, volume: &VolumePlan) -> Result<()> {
        let labels: BTreeMap<_, _> = volume.labels.clone().into_iter().collect();
        self.ensure_volume_with(&volume.name, &labels, tmpfs_options(volume)).await
    }

    async fn ensure_volume_with(
        &self,
        name: &str,
        labels: &BTreeMap<String, String>,
        options: HashMap<String, String>,
    ) -> Result<()> {
        if let Some(there) = self.inspect_volume(name).await? {
            return check(&there, labels);
        }
        let request = VolumeCreateRequest {
            name: Some(name.to_owned()),
            driver: Some("local".to_owned()),
            driver_opts: Some(options),
            labels: Some(labels.clone().into_iter().collect()),
            ..Default::default()
        };
        // The engine answers with the volume of this name if someone made it in between.
        let made = self.docker.create_volume(request).await.doing(format!("volume {name}"))?;
        check(&made, labels)
    }

    async fn inspect_volume(&self, name: &str) -> Result<Option<Volume>> {
        self.docker.inspect_volume(name).await.if_there(format!("volume {name}"))
    }

    async fn copy(&self, from: &str, to: &str, labels: &BTreeMap<String, String>) -> Result<u64> {
        let printed = self
            .run_oneshot(&OneShot {
                mounts: vec![(from, "/from".to_owned()), (to, "/to".to_owned())],
                args: ["carry", "copy", "/from", "/to"].map(str::to_owned).to_vec(),
                labels: labels.clone(),
            })
            .await?;
        printed.trim().parse().map_err(|_| BackendError::Engine {
            what: format!("copying volume {from}"),
            why: format!("the copy answered `{}`", printed.trim()),
        })
    }

    /// Labels of a volume that is there; the one-shots that work on it carry the same.
    pub(super) async fn labels_of_volume(&self, name: &str) -> Result<BTreeMap<String, String>> {
        let there = self.inspect_volume(name).await?;
        there.map(|volume| volume.labels.into_iter().collect()).ok_or_else(|| BackendError::Engine {
            what: format!("volume {name}"),
            why: "it is not there".to_owned(),
        })
    }
}

impl Volumes for Compose {
    fn make<'a>(&'a self, name: &'a str, labels: &'a BTreeMap<String, String>) -> Later<'a, ()> {
        Box::pin(self.ensure_volume_with(name, labels, HashMap::new()))
    }

    fn has<'a>(&'a self, name: &'a str) -> Later<'a, bool> {
        Box::pin(async move { Ok(self.inspect_volume(name).await?.is_some()) })
    }

    fn clone_of<'a>(
        &'a self,
        source: &'a str,
        name: &'a str,
        labels: &'a BTreeMap<String, String>,
    ) -> Later<'a, u64> {
        Box::pin(async move {
            // An unlabelled volume appears by itself when a container names it: the source must be there first.
            self.labels_of_volume(source).await?;
            self.make(name, labels).await?;
            self.copy(source, name, labels).await
        })
    }

    fn restore<'a>(&'a self, frozen: &'a str, name: &'a str) -> Later<'a, u64> {
        Box::pin(async move {
            self.labels_of_volume(frozen).await?;
            let labels = self.labels_of_volume(name).await?;
            self.copy(frozen, name, &labels).await
        })
    }

    fn remove<'a>(&'a self, name: &'a str) -> Later<'a, ()> {
        Box::pin(async move {
            let options = RemoveVolumeOptionsBuilder::new().force(false).build();
            let gone = self.docker.remove_volume(name, Some(options)).await;
            gone.if_there(format!("removing volume {name}")).map(|_| ())
        })
    }
}

/// A volume of this name that belongs to another mirror is never used.
fn check(there: &Volume, wanted: &BTreeMap<String, String>) -> Result<()> {
    if there.labels.get(labels::MIRROR) == wanted.get(labels::MIRROR) {
        return Ok(());
    }
    Err(BackendError::Engine {
        what: format!("volume {}", there.name),
        why: "a volume of this name is there and is not this mirror's".to_owned(),
    })
}

/// Options of the engine's local driver for a volume in memory.
fn tmpfs_options(volume: &VolumePlan) -> HashMap<String, String> {
    let Some(size) = volume.memory else { return HashMap::new() };
    let mode = volume.mode.map(|mode| format!("mode={mode:o}"));
    let options: Vec<_> = size.map(|size| format!("size={size}")).into_iter().chain(mode).collect();
    let mut all = vec![("type", "tmpfs".to_owned()), ("device", "tmpfs".to_owned())];
    if !options.is_empty() {
        all.push(("o", options.join(",")));
    }
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
