//! Processes that come and go while what they were made from stays: the keeper's work, in its order.

use bollard::models::ContainerSummary;
use futures_util::future::try_join_all;

use super::{
    super::{BackendError, Part, Power, Result},
    Compose,
    launch::id_of,
    target::container_name,
    trouble::Doing as _,
};
use crate::{
    labels::{self, Kind},
    name::Name,
};

impl Compose {
    /// The keeper does it where there is one: what stops behind its back it would replace. Stopped by hand, it can do
    /// nothing until it runs again.
    pub(super) async fn keeper_power(&self, mirror: &Name, part: &Part, power: Power) -> Result<()> {
        match self.helper_container(mirror, Kind::Keeper).await?.filter(keeps) {
            Some(keeper) if command_of(&keeper).contains(" --no-socket") => {
                Err(BackendError::NoSocket { mirror: mirror.clone() })
            }
            Some(_) => {
                self.wake_keeper(mirror).await?;
                let words = words(part, power);
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                self.keeper_call(mirror, &words, None).await.map(|_| ())
            }
            None => self.power_alone(mirror, part, power).await,
        }
    }

    /// Each container by the engine, with its own signal and grace.
    async fn power_alone(&self, mirror: &Name, part: &Part, power: Power) -> Result<()> {
        let mut wanted = vec![format!("{}={mirror}", labels::MIRROR)];
        wanted.extend(part.service.iter().map(|service| format!("{}={service}", labels::SERVICE)));
        wanted.extend(part.ordinal.iter().map(|ordinal| format!("{}={ordinal}", labels::ORDINAL)));
        let mut there = self.containers_labelled(&wanted).await?;
        there.retain(|container| container_name(container).is_some());
        if matches!(power, Power::Stop | Power::Restart) {
            try_join_all(there.iter().map(|container| self.stop(id_of(container)))).await?;
        }
        if matches!(power, Power::Start | Power::Restart) {
            let start = there.iter().map(|container| self.docker.start_container(id_of(container), None));
            try_join_all(start).await.doing("starting containers")?;
        }
        Ok(())
    }
}

fn command_of(keeper: &ContainerSummary) -> &str {
    keeper.command.as_deref().unwrap_or_default()
}

/// Whether a keeper is what it runs.
fn keeps(keeper: &ContainerSummary) -> bool {
    command_of(keeper).contains(" keeper")
}

fn words(part: &Part, power: Power) -> Vec<String> {
    let word = match power {
        Power::Stop => "stop",
        Power::Start => "start",
        Power::Restart => "restart",
    };
    let mut words = vec![word.to_owned()];
    words.extend(part.service.iter().flat_map(|service| ["--service".to_owned(), service.to_string()]));
    words.extend(part.ordinal.iter().flat_map(|ordinal| ["--ordinal".to_owned(), ordinal.to_string()]));
    words
}
