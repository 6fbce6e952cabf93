//! `stop`, `start` and `restart`: processes come and go, state is kept. The keeper does it, in its order.

use crate::{
    backend::{Backend, Scope, compose::Compose},
    labels::{self, Kind},
    name::Name,
};

use super::{Result, StoryError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    Stop,
    Start,
    Restart,
}

/// The whole mirror, a service, or one replica.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    pub service: Option<Name>,
    pub ordinal: Option<u32>,
}

pub async fn power(backend: &Compose, mirror: &Name, part: &Part, power: Power) -> Result<()> {
    let word = match power {
        Power::Stop => "stop",
        Power::Start => "start",
        Power::Restart => "restart",
    };
    let ordinal = part.ordinal.map(|ordinal| ordinal.to_string());
    let mut argv = vec![word];
    if let Some(service) = &part.service {
        argv.extend(["--service", service.as_str()]);
    }
    if let Some(ordinal) = &ordinal {
        argv.extend(["--ordinal", ordinal]);
    }
    if backend.keeper_says(mirror).await?.is_none() {
        return Err(StoryError::NoMirror { mirror: mirror.clone() });
    }
    // Stopped by hand, it can neither stop nor start anything until it runs again.
    backend.wake_keeper(mirror).await?;
    if is_blind(backend, mirror).await? {
        return Err(StoryError::NoSocket { mirror: mirror.clone() });
    }
    backend.keeper_call(mirror, &argv, None).await?;
    Ok(())
}

/// Whether the mirror's keeper has no socket of the engine's, so that it can neither stop nor start anything.
pub async fn is_blind(backend: &Compose, mirror: &Name) -> Result<bool> {
    let observed = backend.observe(&Scope { mirror: Some(mirror.clone()), owner: None }, false).await?;
    let mut words = observed
        .containers
        .iter()
        .filter(|container| {
            container.labels.get(labels::KIND).map(String::as_str) == Some(Kind::Keeper.as_str())
        })
        .flat_map(|keeper| keeper.command.iter().flatten());
    Ok(words.any(|word| word == "--no-socket"))
}
