//! One value from both sides: as the engine was told, and as the kernel says inside; both must agree.

use serde_json::{Value as Json, json};

use super::Reading;
use crate::{
    observed::{Container, Inside},
    profile::{Bytes, Cpu},
};

pub(super) const HOST: &str = "`HostConfig` of the container";

/// A container that is asked for one value.
pub(super) struct Sides<'a> {
    wanted: &'a Json,
    found: &'a Container,
    /// Where the host does not allow what is wanted.
    planned: Option<Json>,
}

impl<'a> Sides<'a> {
    pub fn of(wanted: &'a Json, found: &'a Container) -> Self {
        Self { wanted, found, planned: None }
    }

    pub fn planned(self, planned: Option<Json>) -> Self {
        Self { planned, ..self }
    }

    /// What the engine was told.
    pub fn told(&self, live: Option<Json>) -> Reading {
        self.read(live, HOST)
    }

    /// What the engine was told, and what a file inside says, where it could be asked: `None` inside is no limit.
    pub fn both(
        &self,
        told: Option<Json>,
        said: impl FnOnce(&Inside) -> Option<Option<Json>>,
        file: &str,
    ) -> Reading {
        let said = self.found.inside.as_ref().and_then(said);
        self.told(told).and(said.map(|live| self.read(live, file)))
    }

    fn read(&self, live: Option<Json>, from: &str) -> Reading {
        let reading = match live {
            Some(live) => Reading::of(self.wanted, live, from),
            None => Reading::absent(from, "none is set"),
        };
        match &self.planned {
            Some(planned) => reading.planned(planned.clone()),
            None => reading,
        }
    }
}

/// A limit that is set; 0 and below is the engine's word for none.
pub(super) fn set(value: i64) -> Option<i64> {
    (value > 0).then_some(value)
}

pub(super) fn cpu(millis: i64) -> Json {
    spelled(millis, |millis| json!(Cpu { millis }))
}

pub(super) fn bytes(bytes: i64) -> Json {
    spelled(bytes, |bytes| json!(Bytes(bytes)))
}

fn spelled(value: i64, spell: impl Fn(u64) -> Json) -> Json {
    u64::try_from(value).map_or_else(|_| json!(value), spell)
}

/// Thousandths of a core, by either of the engine's two ways to say it.
pub(super) fn told_cpu(found: &Container) -> Option<i64> {
    let by_quota = || {
        let period = set(found.host.cpu_period).unwrap_or(100_000);
        set(found.host.cpu_quota).map(|quota| quota.saturating_mul(1000) / period)
    };
    set(found.host.nano_cpus).map(|nanos| nanos / 1_000_000).or_else(by_quota)
}

/// Thousandths of a core that a request became shares of.
pub(super) fn requested(shares: i64) -> i64 {
    (shares.saturating_mul(1000) + 512) / 1024
}
