//! The end: a one-shot container of the helper image removes the mirror, the keeper included.
//!
//! It carries no label of the mirror and no network, and the engine removes it when it is done.

use std::{collections::HashMap, time::Duration};

use bollard::{
    errors::Error,
    models::{ContainerCreateBody, HostConfig},
    query_parameters::{
        CreateContainerOptions, ListNetworksOptions, ListVolumesOptions, RemoveVolumeOptions,
    },
};
use futures_util::future::join_all;

use super::{
    engine::{Engine, SOCKET, words},
    world::Found,
};
use crate::{labels, log};

/// What is in use now may be free a moment later.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(500);

/// Starts the sweeper of a mirror, from the image of its keeper and with its socket.
pub async fn start(engine: &Engine, keeper: &Found, mirror: &str) -> Result<(), String> {
    let own = engine.inspect(&keeper.id).await.map_err(words)?.ok_or("the keeper's container is gone")?;
    let mounts = own.mounts.unwrap_or_default();
    let socket = mounts.into_iter().find(|mount| mount.destination.as_deref() == Some(SOCKET));
    let socket = socket.and_then(|mount| mount.source).ok_or("the keeper has no socket")?;
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let body = ContainerCreateBody {
        image: own.image,
        entrypoint: Some(vec![program.to_string_lossy().into_owned()]),
        cmd: Some(["keeper", "sweep", "--mirror", mirror].map(str::to_owned).to_vec()),
        host_config: Some(HostConfig {
            auto_remove: Some(true),
            network_mode: Some("none".to_owned()),
            binds: Some(vec![format!("{socket}:{SOCKET}")]),
            ..Default::default()
        }),
        ..Default::default()
    };
    let name = format!("pm-{mirror}.sweep");
    // One that was made but never ran; one that runs is left to its work.
    if let Some(old) = engine.inspect(&name).await.map_err(words)? {
        if old.state.and_then(|state| state.running) == Some(true) {
            return Ok(());
        }
        engine.remove(&name).await.map_err(words)?;
    }
    let options = CreateContainerOptions { name: Some(name), ..Default::default() };
    let made = engine.docker.create_container(Some(options), body).await.map_err(words)?;
    engine.start(&made.id).await.map_err(words)
}

/// Removes containers (the keeper first, for it would start the others again), networks and volumes of a mirror.
pub async fn sweep(engine: &Engine, mirror: &str) -> Result<(), String> {
    let mut left = String::new();
    for _ in 0..TRIES {
        match once(engine, mirror).await {
            Ok(()) => return Ok(()),
            Err(error) => left = words(error),
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(left)
}

async fn once(engine: &Engine, mirror: &str) -> Result<(), Error> {
    let all = engine.find_all().await?;
    let keepers = all.iter().filter(|found| found.kind == labels::Kind::Keeper.as_str());
    first_error(join_all(keepers.map(|keeper| engine.remove(&keeper.id))).await)?;
    let ids = engine.list().await?;
    first_error(join_all(ids.iter().map(|id| engine.remove(id))).await)?;
    let filter = || HashMap::from([("label".to_owned(), vec![format!("{}={mirror}", labels::MIRROR)])]);
    let networks = engine.docker.list_networks(Some(ListNetworksOptions { filters: Some(filter()) })).await?;
    let networks = networks.into_iter().filter_map(|network| network.id);
    let volumes = engine.docker.list_volumes(Some(ListVolumesOptions { filters: Some(filter()) })).await?;
    let volumes: Vec<_> = volumes.volumes.unwrap_or_default().into_iter().map(|volume| volume.name).collect();
    for network in networks {
        gone_or(engine.docker.remove_network(&network).await)?;
    }
    for volume in &volumes {
        gone_or(engine.docker.remove_volume(volume, None::<RemoveVolumeOptions>).await)?;
    }
    log::info("swept", &[("mirror", &mirror), ("containers", &ids.len()), ("volumes", &volumes.len())]);
    Ok(())
}

fn first_error(all: Vec<Result<(), Error>>) -> Result<(), Error> {
    all.into_iter().collect()
}

fn gone_or(result: Result<(), Error>) -> Result<(), Error> {
    match result {
        Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
        other => other,
    }
}
