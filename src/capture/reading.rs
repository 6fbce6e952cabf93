//! One value read back, and what that says about the wanted one.

use serde_json::Value as Json;

/// What was found for one path.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The live value in the profile's spelling; absent if it is not there or cannot be read.
    pub live: Option<Json>,
    /// Whether the live value is the wanted one. `None` says that it could not be read, or, with a value beside it,
    /// that the mirror is as planned where the plan itself departs from the profile.
    pub holds: Option<bool>,
    pub from: String,
    pub why: Option<String>,
}

impl Reading {
    pub(super) fn unread(why: impl Into<String>) -> Self {
        Self { why: Some(why.into()), ..Self::default() }
    }

    /// A value that was read; equal to the wanted one, or not.
    pub(super) fn of(wanted: &Json, live: impl Into<Json>, from: impl Into<String>) -> Self {
        let live = live.into();
        Self { holds: Some(live == *wanted), live: Some(live), from: from.into(), why: None }
    }

    /// A value that may depart from the wanted one because the plan does.
    pub(super) fn planned(
        wanted: &Json,
        planned: impl Into<Json>,
        live: impl Into<Json>,
        from: impl Into<String>,
    ) -> Self {
        let (planned, reading) = (planned.into(), Self::of(wanted, live, from));
        match &reading.live {
            Some(live) if live != wanted && *live == planned => Self { holds: None, ..reading },
            _ => reading,
        }
    }

    /// The wanted value where the mirror is as it was planned, else what is there instead.
    pub(super) fn as_wanted(
        wanted: &Json,
        as_planned: bool,
        live: impl FnOnce() -> Json,
        from: impl Into<String>,
    ) -> Self {
        let live = if as_planned { wanted.clone() } else { live() };
        Self { live: Some(live), holds: Some(as_planned), from: from.into(), why: None }
    }

    /// The value is not there.
    pub(super) fn absent(from: impl Into<String>, why: impl Into<String>) -> Self {
        Self { live: None, holds: Some(false), from: from.into(), why: Some(why.into()) }
    }

    pub(super) fn because(self, why: impl Into<String>) -> Self {
        Self { why: Some(why.into()), ..self }
    }

    /// Two ways to read one value: the one that departs is the live one.
    pub(super) fn and(self, other: Option<Self>) -> Self {
        let Some(other) = other else { return self };
        let from = format!("{}, {}", self.from, other.from);
        let worst = if other.badness() > self.badness() { other } else { self };
        let from = if worst.holds == Some(false) { worst.from.clone() } else { from };
        Self { from, ..worst }
    }

    /// The value of whichever replica departs from what is wanted; the reason names it.
    pub(super) fn of_all(readings: impl IntoIterator<Item = (String, Self)>) -> Option<Self> {
        let worst = readings.into_iter().reduce(|a, b| if b.1.badness() > a.1.badness() { b } else { a });
        worst.map(|(name, reading)| match (reading.badness(), &reading.why) {
            (0, _) => reading,
            (_, Some(why)) => Self { why: Some(format!("{name}: {why}")), ..reading },
            (_, None) => Self { why: Some(format!("in {name}")), ..reading },
        })
    }

    pub(super) fn badness(&self) -> u8 {
        match (self.holds, &self.live) {
            (Some(true), _) => 0,
            (None, Some(_)) => 1,
            (None, None) => 2,
            (Some(false), _) => 3,
        }
    }
}
