//! The `Mirror` document: what `up`, `status` and `run` answer, read from labels and the keeper alone.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    backend::Endpoint,
    formats::journal::{ContainerStatus, KeeperStatus, ReplicaStatus, SeedStatus, UpState},
    labels,
    observed::{Container, Observed},
    plan::BackendKind,
};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MirrorDocument {
    pub name: String,
    pub owner: String,
    pub backend: BackendKind,
    pub profile: ProfileDocument,
    pub created: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    pub ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failed>,
    pub services: Vec<ServiceRow>,
    pub stores: Vec<StoreRow>,
    pub endpoints: Vec<EndpointRow>,
    pub timings: Vec<Timing>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ProfileDocument {
    pub name: String,
    pub file: String,
    pub hash: String,
}

/// Why a mirror is kept although its `up` failed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Failed {
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ServiceRow {
    pub name: String,
    pub ordinal: u32,
    /// ready | starting | unready | restarting | finished | failed | stopped
    pub state: &'static str,
    pub restarts: u32,
    pub image: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_exit: Option<LastExit>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LastExit {
    pub at: String,
    pub code: i64,
    pub oom_killed: bool,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoreRow {
    pub name: String,
    pub engine: String,
    /// The seed that it was loaded from; absent when it began empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// How its state came to be: `restore` from a seed.
    #[serde(rename = "clone", skip_serializing_if = "Option::is_none")]
    pub how: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_millis: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EndpointRow {
    pub service: String,
    pub port: String,
    pub protocol: String,
    /// `127.0.0.1:PORT`
    pub address: String,
    /// With the scheme of the port's name or engine; absent where none is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Timing {
    pub step: String,
    pub millis: u64,
}

impl MirrorDocument {
    /// Reads one mirror's document; `show` decides whether URLs carry passwords.
    pub fn read(
        backend: BackendKind,
        observed: &Observed,
        endpoints: &[Endpoint],
        timings: Vec<Timing>,
        show: Credentials,
    ) -> Self {
        let keeper = observed.keeper.clone().unwrap_or_default();
        // A mirror that has just begun has no container yet, but a network, or a namespace in its place.
        let containers = observed.containers.iter().map(|container| &container.labels);
        let networks = observed.networks.iter().map(|network| &network.labels);
        let any = containers.chain(networks).next();
        let label = |name: &str| any.and_then(|labels| labels.get(name)).cloned().unwrap_or_default();
        let services = rows(observed, &keeper);
        let failed = keeper.up == UpState::Failed;
        let ready = !services.is_empty()
            && keeper.up == UpState::Done
            && services.iter().all(|row| matches!(row.state, "ready" | "finished"));
        Self {
            name: label(labels::MIRROR),
            owner: label(labels::OWNER),
            backend,
            profile: profile(observed, &keeper),
            created: observed.containers.iter().map(|c| c.created.clone()).min().unwrap_or_default(),
            expires: keeper.expires.clone(),
            ready,
            failure: failed.then(|| Failed { message: keeper.failure.clone().unwrap_or_default() }),
            services,
            stores: stores(observed, &keeper),
            endpoints: endpoint_rows(observed, endpoints, show),
            timings,
        }
    }
}

/// Whether addresses carry passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials {
    Shown,
    Masked,
    /// Left out, user name included.
    None,
}

fn profile(observed: &Observed, keeper: &KeeperStatus) -> ProfileDocument {
    let mark = keeper.profile.clone();
    let label = || {
        let labels = observed.containers.iter().find_map(|c| c.labels.get(labels::PROFILE));
        labels.cloned().unwrap_or_default()
    };
    match mark {
        Some(mark) => ProfileDocument { name: mark.name, file: mark.file, hash: mark.hash },
        None => ProfileDocument { name: String::new(), file: String::new(), hash: label() },
    }
}

/// Main containers in order of service and ordinal.
fn mains(observed: &Observed) -> Vec<(&Container, String, u32)> {
    let mut mains: Vec<_> = observed
        .containers
        .iter()
        .filter(|c| {
            matches!(c.labels.get(labels::KIND).map(String::as_str), Some("service" | "store" | "job"))
        })
        .filter_map(|c| {
            let service = c.labels.get(labels::SERVICE)?.clone();
            let ordinal = c.labels.get(labels::ORDINAL).and_then(|o| o.parse().ok()).unwrap_or(0);
            Some((c, service, ordinal))
        })
        .collect();
    mains.sort_by(|a, b| (&a.1, a.2).cmp(&(&b.1, b.2)));
    mains
}

fn rows(observed: &Observed, keeper: &KeeperStatus) -> Vec<ServiceRow> {
    mains(observed)
        .into_iter()
        .map(|(container, name, ordinal)| {
            let replica = keeper.replicas.iter().find(|r| r.service == name && r.ordinal == ordinal);
            let status = replica.and_then(|r| r.containers.iter().find(|c| c.name == "main"));
            let is_job = container.labels.get(labels::KIND).is_some_and(|kind| kind == "job");
            let facts = observed.images.get(&container.image_id);
            ServiceRow {
                state: state(container, replica, status, is_job),
                restarts: status.map_or(0, |s| s.restarts),
                image: container.image_reference.clone(),
                digest: container.image_descriptor.clone().or_else(|| {
                    facts
                        .and_then(|f| f.repo_digests.first())
                        .and_then(|d| d.split_once('@'))
                        .map(|d| d.1.to_owned())
                }),
                last_exit: last_exit(container, status),
                name,
                ordinal,
            }
        })
        .collect()
}

fn last_exit(container: &Container, status: Option<&ContainerStatus>) -> Option<LastExit> {
    if let Some(exit) = status.and_then(|status| status.last_exit.clone()) {
        return Some(LastExit {
            at: exit.at,
            code: exit.code,
            oom_killed: exit.oom_killed,
            reason: exit.reason,
        });
    }
    (container.state.status == "exited").then(|| LastExit {
        at: container.state.finished.clone(),
        code: container.state.exit_code,
        oom_killed: container.state.oom_killed,
        reason: if container.state.oom_killed {
            "OOMKilled"
        } else if container.state.exit_code == 0 {
            "Completed"
        } else {
            "Error"
        }
        .to_owned(),
    })
}

fn state(
    container: &Container,
    replica: Option<&ReplicaStatus>,
    status: Option<&ContainerStatus>,
    is_job: bool,
) -> &'static str {
    let running = container.state.status == "running";
    if is_job && container.state.status == "exited" {
        return if container.state.exit_code == 0 { "finished" } else { "failed" };
    }
    if replica.is_some_and(|r| r.stopped) {
        return "stopped";
    }
    if status.is_some_and(|s| s.waiting_millis.is_some()) {
        return "restarting";
    }
    match (running, replica) {
        (true, Some(replica)) if replica.ready => "ready",
        (true, Some(_))
            if status.is_some_and(|s| s.probe == Some(crate::formats::journal::ProbeKind::Readiness)) =>
        {
            "unready"
        }
        (true, _) => "starting",
        (false, _) if container.state.status == "created" => "starting",
        (false, _) => "failed",
    }
}

fn stores(observed: &Observed, keeper: &KeeperStatus) -> Vec<StoreRow> {
    mains(observed)
        .into_iter()
        .filter_map(|(container, name, _)| {
            let engine = container.labels.get(labels::ENGINE)?.clone();
            let seed: Option<&SeedStatus> = keeper.seeds.iter().find(|seed| seed.store == name);
            Some(StoreRow {
                engine,
                snapshot: seed.and_then(|seed| seed.seed.clone()),
                how: seed.and_then(|seed| seed.seed.as_ref()).map(|_| "restore"),
                ready_millis: seed.map(|seed| seed.millis),
                name,
            })
        })
        .collect()
}

/// Addresses with the URL that a client of this host uses.
pub fn endpoint_rows(observed: &Observed, endpoints: &[Endpoint], show: Credentials) -> Vec<EndpointRow> {
    let stores: BTreeMap<String, &Container> = mains(observed)
        .into_iter()
        .filter(|(container, ..)| container.labels.contains_key(labels::ENGINE))
        .map(|(container, name, _)| (name, container))
        .collect();
    endpoints
        .iter()
        .map(|endpoint| EndpointRow {
            url: match stores.get(endpoint.service.as_str()) {
                Some(store) => store_url(store, endpoint, show),
                None => service_url(endpoint),
            },
            service: endpoint.service.to_string(),
            port: endpoint.port.to_string(),
            protocol: endpoint.protocol.clone(),
            address: endpoint.address.to_string(),
        })
        .collect()
}

fn service_url(endpoint: &Endpoint) -> Option<String> {
    let name = endpoint.port.as_str();
    let scheme = ["https", "http"]
        .into_iter()
        .find(|scheme| name == *scheme || name.starts_with(&format!("{scheme}-")))?;
    Some(format!("{scheme}://{}", endpoint.address))
}

fn store_url(store: &Container, endpoint: &Endpoint, show: Credentials) -> Option<String> {
    let variable = |name: &str| {
        store.env.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
    };
    let (scheme, user, password, database) = match store.labels.get(labels::ENGINE)?.as_str() {
        "postgres" => {
            let user = variable("POSTGRES_USER").unwrap_or_else(|| "postgres".to_owned());
            let database = variable("POSTGRES_DB").unwrap_or_else(|| user.clone());
            ("postgres", user, variable("POSTGRES_PASSWORD"), database)
        }
        "redis" => ("redis", String::new(), variable("REDISCLI_AUTH"), "0".to_owned()),
        _ => return None,
    };
    let login = match (show, password) {
        (Credentials::None, _) => String::new(),
        (Credentials::Masked, Some(_)) => format!("{user}:***@"),
        (Credentials::Shown, Some(password)) => {
            format!("{user}:{}@", crate::plan::url_encode(&password))
        }
        (_, None) if user.is_empty() => String::new(),
        (_, None) => format!("{user}@"),
    };
    Some(format!("{scheme}://{login}{}/{database}", endpoint.address))
}
