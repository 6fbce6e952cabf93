//! Everything of the mirror that the engine knows, as far as the keeper cares.

use std::{collections::BTreeMap, net::IpAddr};

use bollard::models::{BollardDate, ContainerInspectResponse, ContainerStateStatusEnum};

use super::seen::{ContainerSeen, Exit, Millis, PauseSeen, ReplicaSeen, Run};
use crate::{
    formats::{course::millis, duties::Duties},
    labels, log,
};

/// One container of the mirror.
#[derive(Clone, Debug)]
pub struct Found {
    pub id: String,
    pub name: String,
    /// The value of the label `prodmirror.kind`.
    pub kind: String,
    service: String,
    ordinal: Option<u32>,
    /// The Compose key.
    key: String,
    created: Option<BollardDate>,
    run: Run,
    started: Option<Millis>,
    joins: String,
    spec: String,
    address: Option<IpAddr>,
    duties: Option<Duties>,
    /// The label of the keeper.
    pub expires: Option<String>,
}

impl Found {
    /// `None`: it is being removed.
    pub fn read(container: ContainerInspectResponse) -> Option<Self> {
        let state = container.state?;
        let started = state.started_at.as_deref().and_then(millis).filter(|at| *at > 0);
        let finished = state.finished_at.unwrap_or_default();
        let run = match state.status? {
            ContainerStateStatusEnum::REMOVING | ContainerStateStatusEnum::DEAD => return None,
            ContainerStateStatusEnum::RUNNING | ContainerStateStatusEnum::PAUSED => Run::Running,
            ContainerStateStatusEnum::EXITED | ContainerStateStatusEnum::RESTARTING if started.is_some() => {
                Run::Exited(Exit {
                    code: state.exit_code.unwrap_or_default(),
                    oom_killed: state.oom_killed == Some(true),
                    at: millis(&finished).unwrap_or_default(),
                    finished,
                })
            }
            _ => Run::Created,
        };
        let labels = container.config.and_then(|config| config.labels).unwrap_or_default();
        let label = |name: &str| labels.get(name).cloned().unwrap_or_default();
        let mode = container.host_config.and_then(|host| host.network_mode).unwrap_or_default();
        let name = container.name.unwrap_or_default().trim_start_matches('/').to_owned();
        let duties = labels.get(labels::DUTIES).and_then(|text| {
            serde_json::from_str(text)
                .inspect_err(|error| log::error("duties not read", &[("container", &name), ("why", error)]))
                .ok()
        });
        let networks = container.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
        let address = networks.into_values().find_map(|end| end.ip_address?.parse().ok());
        Some(Self {
            id: container.id?,
            name,
            kind: label(labels::KIND),
            service: label(labels::SERVICE),
            ordinal: label(labels::ORDINAL).parse().ok(),
            key: label(labels::COMPOSE_SERVICE),
            created: container.created,
            run,
            started,
            joins: mode.strip_prefix("container:").unwrap_or_default().to_owned(),
            spec: label(labels::SPEC),
            address,
            duties,
            expires: labels.get(labels::EXPIRES).cloned(),
        })
    }

    fn is_pause(&self) -> bool {
        self.kind == labels::Kind::Pause.as_str()
    }
}

/// All containers of the mirror, by id.
#[derive(Debug, Default)]
pub struct World(BTreeMap<String, Found>);

impl World {
    pub fn set(&mut self, all: Vec<Found>) {
        self.0 = all.into_iter().map(|found| (found.id.clone(), found)).collect();
    }

    pub fn put(&mut self, id: &str, found: Option<Found>) {
        match found {
            Some(found) => self.0.insert(id.to_owned(), found),
            None => self.0.remove(id),
        };
    }

    pub fn keeper(&self) -> Option<&Found> {
        self.0.values().find(|found| found.kind == labels::Kind::Keeper.as_str())
    }

    /// The duties of every replica, by the newest of its pauses.
    pub fn duties(&self) -> BTreeMap<(String, u32), Duties> {
        let mut pauses: Vec<&Found> = self.0.values().filter(|found| found.is_pause()).collect();
        pauses.sort_by_key(|found| found.created);
        let duties = pauses.into_iter().filter_map(|pause| pause.duties.clone());
        duties.map(|duties| ((duties.service.to_string(), duties.ordinal), duties)).collect()
    }

    /// One replica as it is.
    pub fn replica(&self, duties: &Duties) -> ReplicaSeen {
        let mine = |found: &&Found| {
            found.service == duties.service.as_str() && found.ordinal == Some(duties.ordinal)
        };
        let pauses = self.0.values().filter(mine).filter(|found| found.is_pause());
        let pause = pauses.max_by_key(|found| found.created).map(|pause| PauseSeen {
            id: pause.id.clone(),
            running: pause.run == Run::Running,
            started: pause.started.unwrap_or_default(),
            address: pause.address,
        });
        ReplicaSeen { pause, containers: duties.containers.iter().map(|c| self.container(&c.key)).collect() }
    }

    /// The newest of a key. Where it was not started and an older one stands, someone is replacing the older one.
    fn container(&self, key: &str) -> Option<ContainerSeen> {
        let mut all: Vec<&Found> =
            self.0.values().filter(|found| found.key == key && !found.is_pause()).collect();
        all.sort_by_key(|found| found.created);
        let older = all.len() > 1;
        let found = all.pop()?;
        Some(ContainerSeen {
            id: found.id.clone(),
            run: found.run.clone(),
            started: found.started,
            joins: found.joins.clone(),
            spec: found.spec.clone(),
            doubled: older && found.run == Run::Created,
        })
    }
}
