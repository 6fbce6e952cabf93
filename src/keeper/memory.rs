//! What the journal adds up to: the keeper's memory, the same after every restart.

use std::{collections::BTreeMap, net::IpAddr};

use serde::{Deserialize, Serialize};

use super::backoff::BackOff;
use crate::formats::course::{Course, Millis, millis};
use crate::formats::duties::Duties;
use crate::formats::journal::{Event, JobStatus, KeeperStatus, LastExit, Line, ProbeKind};
use crate::log;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    #[serde(flatten)]
    pub course: Course,
    /// The end was decided: it expired, or its owner died.
    pub condemned: bool,
    pub jobs: Vec<JobStatus>,
    #[serde(with = "pairs")]
    recalls: BTreeMap<(String, u32, String), Recall>,
    last_exited: Option<(String, u32, String)>,
    #[serde(with = "pairs")]
    ready: BTreeMap<(String, u32), bool>,
    /// Replicas by the launch's word, for a keeper that cannot look.
    #[serde(with = "pairs")]
    pub placed: BTreeMap<(String, u32), Placed>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Placed {
    pub duties: Duties,
    pub address: IpAddr,
    pub at: Millis,
}

/// What is remembered of one container, across the containers that took its place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recall {
    pub restarts: u32,
    pub back_off: BackOff,
    /// The last end that was told: container id and time.
    pub told: Option<(String, String)>,
    pub last_exit: Option<LastExit>,
    /// The end with which a job was over.
    pub finished: Option<(String, String)>,
    /// The last verdicts and their times.
    verdicts: BTreeMap<ProbeKind, (bool, Millis)>,
    /// When `post_start` passed last.
    hooked: Option<Millis>,
}

impl Recall {
    /// The verdict of a probe, if it was found in the life that began at `started`.
    pub fn verdict(&self, probe: ProbeKind, started: Millis) -> Option<bool> {
        self.verdicts.get(&probe).filter(|(_, at)| *at >= started).map(|(passed, _)| *passed)
    }

    pub fn hooked(&self, started: Millis) -> bool {
        self.hooked.is_some_and(|at| at >= started)
    }
}

impl Memory {
    pub fn recall(&self, service: &str, ordinal: u32, container: &str) -> Recall {
        self.recalls.get(&(service.to_owned(), ordinal, container.to_owned())).cloned().unwrap_or_default()
    }

    pub fn was_ready(&self, service: &str, ordinal: u32) -> Option<bool> {
        self.ready.get(&(service.to_owned(), ordinal)).copied()
    }

    pub fn job_done(&self, job: &str) -> Option<i64> {
        self.jobs.iter().find(|known| known.job == job).map(|known| known.code)
    }

    pub fn apply(&mut self, line: &Line) {
        self.course.apply(line);
        let at = millis(&line.at).unwrap_or_default();
        match &line.event {
            // It stands for everything before it.
            Event::Compacted { memory, .. } => match Self::deserialize(memory) {
                Ok(memory) => *self = memory,
                Err(error) => log::error("the journal's sum cannot be read", &[("why", &error)]),
            },
            Event::KeeperStarted { .. } | Event::ReplicaReplaced { .. } => {}
            // The course has them.
            Event::UpBegun { .. }
            | Event::UpDone { .. }
            | Event::UpFailed { .. }
            | Event::DownBegun { .. }
            | Event::Stopped { .. }
            | Event::Started { .. }
            | Event::StoreSeeded { .. }
            | Event::SeedTouched { .. }
            | Event::StoreCleared { .. }
            | Event::StoreReset { .. } => {}
            Event::JobFinished { job, spec, code } => {
                self.jobs.retain(|known| known.job != *job);
                self.jobs.push(JobStatus { job: job.clone(), spec: spec.clone(), code: *code });
                // It stands right behind the end that it is about.
                let last = self.last_exited.take().filter(|(service, ..)| service == job);
                if let Some(recall) = last.and_then(|key| self.recalls.get_mut(&key)) {
                    recall.finished = recall.told.clone();
                }
            }
            Event::ContainerExited {
                service, ordinal, container, code, oom_killed, id, finished, ..
            } => {
                let reason = super::seen::reason(*code, *oom_killed).to_owned();
                self.last_exited = Some((service.clone(), *ordinal, container.clone()));
                let recall = self.of(service, *ordinal, container);
                recall.told = Some((id.clone(), finished.clone()));
                recall.last_exit =
                    Some(LastExit { at: finished.clone(), code: *code, oom_killed: *oom_killed, reason });
            }
            Event::ContainerRestarted { service, ordinal, container, count, .. } => {
                let recall = self.of(service, *ordinal, container);
                recall.restarts = *count;
                let finished = recall.last_exit.as_ref().and_then(|exit| millis(&exit.at)).unwrap_or(at);
                recall.back_off.restarted(at, finished);
            }
            Event::Probe { service, ordinal, container, probe, passed, .. } => {
                self.of(service, *ordinal, container).verdicts.insert(*probe, (*passed, at));
            }
            Event::Hook { service, ordinal, container, hook, passed, .. } => {
                if *passed && hook == super::POST_START {
                    self.of(service, *ordinal, container).hooked = Some(at);
                }
            }
            Event::Ready { service, ordinal, ready } => {
                self.ready.insert((service.clone(), *ordinal), *ready);
            }
            Event::Placed { duties, address } => {
                let key = (duties.service.to_string(), duties.ordinal);
                self.placed.insert(key, Placed { duties: duties.clone(), address: *address, at });
            }
            Event::Expired | Event::OwnerDied { .. } => self.condemned = true,
        }
    }

    fn of(&mut self, service: &str, ordinal: u32, container: &str) -> &mut Recall {
        self.recalls.entry((service.to_owned(), ordinal, container.to_owned())).or_default()
    }

    /// The part of the status that the journal knows.
    pub fn status(&self) -> KeeperStatus {
        KeeperStatus { jobs: self.jobs.clone(), ..self.course.status() }
    }
}

/// Maps whose keys are no words, as lists: JSON has no other.
mod pairs {
    use super::{BTreeMap, Deserialize, Serialize};
    use serde::{Deserializer, Serializer};

    pub fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(map)
    }

    pub fn deserialize<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<BTreeMap<K, V>, D::Error> {
        Vec::<(K, V)>::deserialize(from).map(|pairs| pairs.into_iter().collect())
    }
}

#[cfg(test)]
mod tests;
