//! Which replicas may get a connection: the ready set, watched.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs,
    net::IpAddr,
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, SystemTime},
};

use crate::{formats::ready::ReadySet, gateway::GatewayError, log};

/// Addresses of ready replicas by service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backends(BTreeMap<String, Vec<IpAddr>>);

impl Backends {
    pub fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json).map(Self::of)
    }

    fn of(set: ReadySet) -> Self {
        let ready = |replicas: Vec<crate::formats::ready::ReadyReplica>| {
            replicas.into_iter().filter(|r| r.ready).map(|r| r.address).collect()
        };
        Self(set.services.into_iter().map(|(service, replicas)| (service, ready(replicas))).collect())
    }

    /// One of the ready ones; `dice` is any number, each value of it equally likely.
    pub fn choose(&self, service: &str, dice: u64) -> Option<IpAddr> {
        let ready = self.0.get(service).filter(|ready| !ready.is_empty())?;
        let index = usize::try_from(dice % ready.len() as u64).ok()?;
        ready.get(index).copied()
    }
}

/// Looks at the file ten times a second and reads it when it is another one.
///
/// The keeper renames a whole file into place, so inode and time tell. A file that
/// is absent or cannot be read changes nothing: without a keeper the last set known
/// is better than none.
pub async fn watch(file: &Path, backends: &RefCell<Backends>) -> Result<(), GatewayError> {
    let mut seen: Option<(u64, Option<SystemTime>)> = None;
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let Ok(metadata) = fs::metadata(file) else { continue };
        let mark = Some((metadata.ino(), metadata.modified().ok()));
        if mark == seen {
            continue;
        }
        seen = mark;
        match read(file) {
            Ok(set) => *backends.borrow_mut() = set,
            Err(why) => log::warn("ready set not read", &[("why", &why)]),
        }
    }
}

fn read(file: &Path) -> Result<Backends, String> {
    let bytes = fs::read(file).map_err(|error| error.to_string())?;
    Backends::parse(&bytes).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> Backends {
        Backends::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn only_ready_replicas_are_chosen_and_each_of_them() {
        let backends = set(r#"{"generation":1,"services":{"api":[
                {"ordinal":0,"address":"10.0.0.1","ready":true},
                {"ordinal":1,"address":"10.0.0.2","ready":false},
                {"ordinal":2,"address":"10.0.0.3","ready":true}]}}"#);
        let chosen: std::collections::BTreeSet<_> =
            (0..20).filter_map(|dice| backends.choose("api", dice)).collect();
        assert_eq!(chosen.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.0.0.1", "10.0.0.3"]);
    }

    #[test]
    fn no_ready_replica_and_no_service_are_both_nobody() {
        let backends =
            set(r#"{"generation":1,"services":{"api":[{"ordinal":0,"address":"10.0.0.1","ready":false}]}}"#);
        assert_eq!(backends.choose("api", 7), None);
        assert_eq!(backends.choose("db", 7), None);
    }
}
