//! What became of a mirror, summed up from its events: its ups and downs, its stops, its seeds.

use serde::{Deserialize, Serialize};

use super::journal::{Event, KeeperStatus, Line, ProfileMark, SeedStatus, UpState};

/// Unix time in milliseconds.
pub type Millis = u64;

/// Unix milliseconds of an RFC 3339 time.
pub fn millis(text: &str) -> Option<Millis> {
    let time: jiff::Timestamp = text.parse().ok()?;
    Millis::try_from(time.as_millisecond()).ok()
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Course {
    pub run: Option<String>,
    pub profile: Option<ProfileMark>,
    pub up: UpState,
    #[serde(default)]
    was_up: bool,
    pub failure: Option<String>,
    /// RFC 3339.
    pub expires: Option<String>,
    /// Oldest first; what a later one covers is gone.
    orders: Vec<Order>,
    pub seeds: Vec<SeedStatus>,
}

/// A `stop` or `start`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    service: Option<String>,
    ordinal: Option<u32>,
    stop: bool,
    at: Millis,
}

/// What was ordered for one replica last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordered {
    /// Nothing.
    Run,
    Stop,
    /// Started again at this time; containers that ended before were stopped, they did not crash.
    Resume(Millis),
}

impl Course {
    pub fn ordered(&self, service: &str, ordinal: u32) -> Ordered {
        let last = self.orders.iter().rev().find(|order| {
            order.service.as_deref().is_none_or(|s| s == service)
                && order.ordinal.is_none_or(|o| o == ordinal)
        });
        match last {
            None => Ordered::Run,
            Some(order) if order.stop => Ordered::Stop,
            Some(order) => Ordered::Resume(order.at),
        }
    }

    /// Whether the whole mirror was stopped and nothing of it started since.
    pub fn stopped(&self) -> bool {
        self.orders.first().is_some_and(|order| order.service.is_none() && order.stop)
            && self.orders.iter().all(|order| order.stop)
    }

    /// Takes one event in; those that tell of single containers change nothing.
    pub fn apply(&mut self, line: &Line) {
        let at = millis(&line.at).unwrap_or_default();
        match &line.event {
            Event::UpBegun { run, profile, expires } => {
                self.run = Some(run.clone());
                self.profile = Some(profile.clone());
                self.expires = expires.clone();
                (self.up, self.failure) = (UpState::Begun, None);
            }
            Event::UpDone { .. } => (self.up, self.was_up) = (UpState::Done, true),
            Event::UpFailed { message, expires, .. } => {
                self.expires = expires.clone();
                (self.up, self.failure) = (UpState::Failed, Some(message.clone()));
            }
            Event::DownBegun { .. } => (self.up, self.was_up) = (UpState::DownBegun, false),
            Event::Stopped { service, ordinal } => self.order(service, *ordinal, true, at),
            Event::Started { service, ordinal } => self.order(service, *ordinal, false, at),
            Event::StoreSeeded { store, seed, hash, fingerprint, bytes, count, millis, expired } => {
                self.seeds.retain(|known| known.store != *store);
                self.seeds.push(SeedStatus {
                    store: store.clone(),
                    seed: seed.clone(),
                    hash: hash.clone(),
                    fingerprint: fingerprint.clone(),
                    bytes: *bytes,
                    count: *count,
                    expired: *expired,
                    millis: *millis,
                    at: line.at.clone(),
                });
            }
            Event::SeedTouched { store, fingerprint } => {
                let seed = self.seeds.iter_mut().find(|known| known.store == *store);
                seed.into_iter().for_each(|seed| seed.fingerprint = Some(fingerprint.clone()));
            }
            Event::StoreCleared { store } => self.seeds.retain(|known| known.store != *store),
            Event::Compacted { .. }
            | Event::KeeperStarted { .. }
            | Event::StoreReset { .. }
            | Event::JobFinished { .. }
            | Event::ContainerExited { .. }
            | Event::ContainerRestarted { .. }
            | Event::Probe { .. }
            | Event::Ready { .. }
            | Event::Hook { .. }
            | Event::ReplicaReplaced { .. }
            | Event::Placed { .. }
            | Event::Expired
            | Event::OwnerDied { .. } => {}
        }
    }

    fn order(&mut self, service: &Option<String>, ordinal: Option<u32>, stop: bool, at: Millis) {
        let covered = |old: &Order| {
            (service.is_none() || *service == old.service) && (ordinal.is_none() || ordinal == old.ordinal)
        };
        self.orders.retain(|old| !covered(old));
        self.orders.push(Order { service: service.clone(), ordinal, stop, at });
    }

    /// The part of a mirror's status that its events tell.
    pub fn status(&self) -> KeeperStatus {
        KeeperStatus {
            run: self.run.clone(),
            profile: self.profile.clone(),
            up: self.up,
            was_up: self.was_up,
            failure: self.failure.clone(),
            expires: self.expires.clone(),
            leased: false,
            stopped: self.stopped(),
            replicas: Vec::new(),
            seeds: self.seeds.clone(),
            jobs: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(events: Vec<(u64, Event)>) -> Course {
        let mut course = Course::default();
        for (second, event) in events {
            let at = jiff::Timestamp::from_second(i64::try_from(second).unwrap()).unwrap().to_string();
            course.apply(&Line { at, event });
        }
        course
    }

    fn stop(service: Option<&str>, ordinal: Option<u32>) -> Event {
        Event::Stopped { service: service.map(str::to_owned), ordinal }
    }

    fn start(service: Option<&str>, ordinal: Option<u32>) -> Event {
        Event::Started { service: service.map(str::to_owned), ordinal }
    }

    #[test]
    fn the_last_order_that_names_a_replica_counts() {
        let course =
            told(vec![(1, stop(None, None)), (2, start(Some("api"), None)), (3, stop(Some("api"), Some(1)))]);
        assert_eq!(course.ordered("db", 0), Ordered::Stop);
        assert_eq!(course.ordered("api", 0), Ordered::Resume(2000));
        assert_eq!(course.ordered("api", 1), Ordered::Stop);
        assert!(!course.stopped(), "api runs again");
        let course = told(vec![(1, stop(Some("api"), Some(1))), (2, start(None, None))]);
        assert_eq!(course.ordered("api", 1), Ordered::Resume(2000));
        assert!(told(vec![(1, stop(None, None)), (2, stop(Some("api"), None))]).stopped());
        assert!(!told(vec![(1, stop(Some("api"), None))]).stopped());
        assert_eq!(Course::default().ordered("api", 0), Ordered::Run);
    }

    #[test]
    fn orders_do_not_pile_up() {
        let mut course = Course::default();
        for second in 0..100 {
            let at = jiff::Timestamp::from_second(second).unwrap().to_string();
            course.apply(&Line { at: at.clone(), event: stop(Some("api"), Some(0)) });
            course.apply(&Line { at, event: start(Some("api"), Some(0)) });
        }
        assert_eq!(course.orders.len(), 1);
    }

    #[test]
    fn a_store_that_was_cleared_is_not_seeded_and_a_touched_seed_still_is() {
        let seeded = |store: &str| Event::StoreSeeded {
            store: store.to_owned(),
            seed: Some("./seed.sql".to_owned()),
            hash: Some("h".to_owned()),
            fingerprint: Some("f".to_owned()),
            bytes: 1,
            count: None,
            expired: None,
            millis: 1,
        };
        let touched = Event::SeedTouched { store: "db".to_owned(), fingerprint: "g".to_owned() };
        let cleared = Event::StoreCleared { store: "cache".to_owned() };
        let course = told(vec![(1, seeded("db")), (1, seeded("cache")), (2, touched), (3, cleared)]);
        let [db] = &course.seeds[..] else { panic!("{:?}", course.seeds) };
        assert_eq!((db.hash.as_deref(), db.fingerprint.as_deref()), (Some("h"), Some("g")));
    }

    #[test]
    fn an_up_that_failed_carries_its_own_expiry() {
        let begun = Event::UpBegun {
            run: "r".to_owned(),
            profile: ProfileMark { name: "p".to_owned(), file: "f".to_owned(), hash: "h".to_owned() },
            expires: None,
        };
        let failed = Event::UpFailed {
            run: "r".to_owned(),
            code: "never-ready".to_owned(),
            message: "api is not ready".to_owned(),
            expires: Some("2026-01-01T00:30:00Z".to_owned()),
        };
        let course = told(vec![(1, begun.clone()), (2, failed.clone())]);
        assert_eq!((course.up, course.failure.as_deref()), (UpState::Failed, Some("api is not ready")));
        assert!(course.expires.is_some());
        let course = told(vec![(1, begun.clone()), (2, failed), (3, begun)]);
        assert_eq!((course.up, course.failure, course.expires), (UpState::Begun, None, None));
    }

    #[test]
    fn a_mirror_was_up_from_the_end_of_an_up_until_a_down_begins() {
        let run = || "r".to_owned();
        let profile = ProfileMark { name: "p".to_owned(), file: "f".to_owned(), hash: "h".to_owned() };
        let begun = Event::UpBegun { run: run(), profile, expires: None };
        let steps = [begun.clone(), Event::UpDone { run: run() }, begun, Event::DownBegun { run: run() }];
        let lines = |count: usize| steps[..count].iter().cloned().map(|event| (1, event)).collect();
        let was_up: Vec<bool> = (1..=4).map(|count| told(lines(count)).status().was_up).collect();
        assert_eq!(was_up, [false, true, true, false]);
    }
}
