//! Removing a mirror whole.

use std::{collections::HashMap, time::Duration};

use bollard::{
    models::ContainerSummary,
    query_parameters::{ListNetworksOptionsBuilder, ListVolumesOptionsBuilder},
};
use futures_util::future::try_join_all;

use super::{
    super::{Names, Progress, Report, Result, Volumes as _},
    Compose,
    launch::id_of,
    target::{label, plain_name},
    trouble::{self, Doing as _},
};
use crate::{
    labels::{self, Kind},
    name::Name,
};

/// A keeper that dies may have made one more container meanwhile; each round finds fewer.
const ROUNDS: u32 = 5;
/// The engine lets go of volumes and networks a moment after it has removed their container.
const TRIES: u32 = 50;
const BETWEEN: Duration = Duration::from_millis(100);

impl Compose {
    pub(super) async fn remove_mirror(&self, mirror: &Name, report: &dyn Report) -> Result<Names> {
        let begun = std::time::Instant::now();
        let step = || "down".to_owned();
        report.event(Progress::Begun { step: step(), what: mirror.to_string() });
        let mut removed = Names::default();
        for _ in 0..ROUNDS {
            let there = self.containers_labelled(&[of(mirror)]).await?;
            if there.is_empty() {
                break;
            }
            let is_keeper =
                |container: &ContainerSummary| label(container, labels::KIND) == Some(Kind::Keeper.as_str());
            // The keeper last: while it is there, a killed `down` is known to have begun.
            let (keeper, others): (Vec<_>, Vec<_>) = there.iter().partition(|container| is_keeper(container));
            for group in [others, keeper] {
                try_join_all(group.iter().map(|container| self.remove_container(id_of(container)))).await?;
                removed.containers.extend(group.into_iter().map(plain_name));
            }
        }
        removed.volumes = self.remove_volumes(mirror).await?;
        removed.networks = self.remove_networks(mirror).await?;
        for names in [&mut removed.containers, &mut removed.volumes, &mut removed.networks] {
            names.sort();
            names.dedup();
        }
        report.event(Progress::Done { step: step(), millis: begun.elapsed().as_millis() as u64 });
        Ok(removed)
    }

    async fn remove_volumes(&self, mirror: &Name) -> Result<Vec<String>> {
        let filters = HashMap::from([("label", vec![of(mirror)])]);
        let options = ListVolumesOptionsBuilder::new().filters(&filters).build();
        let there = self.docker.list_volumes(Some(options)).await.doing("list of volumes")?;
        let names: Vec<_> = there.volumes.unwrap_or_default().into_iter().map(|volume| volume.name).collect();
        try_join_all(names.iter().map(|name| patiently(|| self.remove(name)))).await?;
        Ok(names)
    }

    async fn remove_networks(&self, mirror: &Name) -> Result<Vec<String>> {
        let filters = HashMap::from([("label", vec![of(mirror)])]);
        let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
        let there = self.docker.list_networks(Some(options)).await.doing("list of networks")?;
        let names: Vec<_> = there.into_iter().filter_map(|network| network.name).collect();
        let remove = async |name: &String| {
            self.docker.remove_network(name).await.if_there(format!("removing network {name}")).map(|_| ())
        };
        try_join_all(names.iter().map(|name| patiently(move || remove(name)))).await?;
        Ok(names)
    }
}

fn of(mirror: &Name) -> String {
    format!("{}={mirror}", labels::MIRROR)
}

/// Tries again while the engine says that something is still in use; the last answer counts.
async fn patiently<F: Future<Output = Result<()>>>(act: impl Fn() -> F) -> Result<()> {
    for _ in 1..TRIES {
        match act().await {
            Err(error) if trouble::is_busy(&error) => tokio::time::sleep(BETWEEN).await,
            done => return done,
        }
    }
    act().await
}
