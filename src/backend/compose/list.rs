//! All mirrors of an engine, by their labels.

use std::collections::{BTreeMap, HashMap};

use bollard::{
    models::ContainerSummaryStateEnum,
    query_parameters::{ListNetworksOptionsBuilder, ListVolumesOptionsBuilder},
};

use super::{
    super::Result,
    Compose,
    target::{label, plain_name},
    trouble::Doing as _,
};
use crate::labels::{self, Kind};

/// One mirror as its objects tell it; nothing is asked of its keeper.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listed {
    pub mirror: String,
    pub owner: String,
    /// Absent when it was never made or is gone.
    pub keeper: Option<ListedKeeper>,
    /// Names of the containers, the keeper's included, with whether each runs.
    pub containers: Vec<(String, bool)>,
    pub networks: Vec<String>,
    pub volumes: Vec<String>,
    /// When the youngest object was made, in Unix seconds.
    pub youngest: i64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListedKeeper {
    pub running: bool,
    /// `prodmirror.run`, `prodmirror.profile` and `prodmirror.expires` of its launch.
    pub run: Option<String>,
    pub profile: Option<String>,
    pub expires: Option<String>,
}

impl Compose {
    /// Every mirror with at least one object on the engine, in order of name; `owner` limits it to one owner's.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn list(&self, owner: Option<&str>) -> Result<Vec<Listed>> {
        let with_label = HashMap::from([("label", vec![labels::MIRROR])]);
        let ours = [labels::MIRROR.to_owned()];
        let (containers, networks, volumes) = tokio::join!(
            self.containers_labelled(&ours),
            self.docker.list_networks(Some(ListNetworksOptionsBuilder::new().filters(&with_label).build())),
            self.docker.list_volumes(Some(ListVolumesOptionsBuilder::new().filters(&with_label).build())),
        );
        let mut mirrors = Mirrors::default();
        for container in containers? {
            let running = container.state == Some(ContainerSummaryStateEnum::RUNNING);
            let text = |name: &str| label(&container, name).map(str::to_owned);
            let Some(listed) = mirrors.of(container.labels.as_ref()) else { continue };
            listed.containers.push((plain_name(&container), running));
            listed.youngest = listed.youngest.max(container.created.unwrap_or_default());
            if label(&container, labels::KIND) == Some(Kind::Keeper.as_str()) {
                let (run, profile, expires) =
                    (text(labels::RUN), text(labels::PROFILE), text(labels::EXPIRES));
                listed.keeper = Some(ListedKeeper { running, run, profile, expires });
            }
        }
        for network in networks.doing("list of networks")? {
            let Some(listed) = mirrors.of(network.labels.as_ref()) else { continue };
            listed.youngest =
                listed.youngest.max(network.created.map(|at| at.unix_timestamp()).unwrap_or_default());
            listed.networks.extend(network.name);
        }
        for volume in volumes.doing("list of volumes")?.volumes.unwrap_or_default() {
            let Some(listed) = mirrors.of(Some(&volume.labels)) else { continue };
            listed.youngest =
                listed.youngest.max(volume.created_at.map(|at| at.unix_timestamp()).unwrap_or_default());
            listed.volumes.push(volume.name);
        }
        let wanted = |listed: &Listed| owner.is_none_or(|owner| listed.owner == owner);
        Ok(mirrors.0.into_values().filter(wanted).collect())
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
