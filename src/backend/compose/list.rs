//! All mirrors of an engine, by their labels.

use std::collections::{BTreeMap, HashMap};

use bollard::{
    models::ContainerSummaryStateEnum,
    query_parameters::{ListNetworksOptionsBuilder, ListVolumesOptionsBuilder},
};

use super::{
    super::{Listed, ListedKeeper, Names, Result, Scope},
    Compose,
    observe::scope_labels,
    target::{label, plain_name},
    trouble::Doing as _,
};
use crate::labels::{self, Kind};

impl Compose {
    /// By labels alone.
    pub(super) async fn list_mirrors(&self, scope: &Scope) -> Result<Vec<Listed>> {
        let wanted = scope_labels(scope);
        let with_label = HashMap::from([("label", wanted.clone())]);
        let (containers, networks, volumes) = tokio::join!(
            self.containers_labelled(&wanted),
            self.docker.list_networks(Some(ListNetworksOptionsBuilder::new().filters(&with_label).build())),
            self.docker.list_volumes(Some(ListVolumesOptionsBuilder::new().filters(&with_label).build())),
        );
        let mut mirrors = Mirrors::default();
        for container in containers? {
            let text = |name: &str| label(&container, name).map(str::to_owned);
            let Some(listed) = mirrors.of(container.labels.as_ref()) else { continue };
            listed.names.containers.push(plain_name(&container));
            listed.youngest = listed.youngest.max(container.created.unwrap_or_default());
            if label(&container, labels::KIND) == Some(Kind::Keeper.as_str()) {
                let running = container.state == Some(ContainerSummaryStateEnum::RUNNING);
                let (run, profile, expires) =
                    (text(labels::RUN), text(labels::PROFILE), text(labels::EXPIRES));
                listed.keeper = Some(ListedKeeper { running, run, profile, expires });
            }
        }
        for network in networks.doing("list of networks")? {
            let Some(listed) = mirrors.of(network.labels.as_ref()) else { continue };
            listed.youngest =
                listed.youngest.max(network.created.map(|at| at.unix_timestamp()).unwrap_or_default());
            listed.names.networks.extend(network.name);
        }
        for volume in volumes.doing("list of volumes")?.volumes.unwrap_or_default() {
            let Some(listed) = mirrors.of(Some(&volume.labels)) else { continue };
            listed.youngest =
                listed.youngest.max(volume.created_at.map(|at| at.unix_timestamp()).unwrap_or_default());
            listed.names.volumes.push(volume.name);
        }
        // The engine's lists have an order of their own at each call.
        for listed in mirrors.0.values_mut() {
            let Names { containers, networks, volumes, .. } = &mut listed.names;
            [containers, networks, volumes].into_iter().for_each(|names| names.sort());
        }
        Ok(mirrors.0.into_values().collect())
    }
}

#[derive(Default)]
struct Mirrors(BTreeMap<String, Listed>);

impl Mirrors {
    /// The mirror that an object with these labels belongs to.
    fn of(&mut self, labels: Option<&HashMap<String, String>>) -> Option<&mut Listed> {
        let labels = labels?;
        let mirror = labels.get(labels::MIRROR)?;
        let listed = self.0.entry(mirror.clone()).or_default();
        listed.mirror.clone_from(mirror);
        if let Some(owner) = labels.get(labels::OWNER) {
            listed.owner.clone_from(owner);
        }
        Some(listed)
    }
}
