//! One look at a place of the profile: what was found there, and where it was read.

use serde_json::Value as Json;

use crate::ledger::Grade;

/// What was found for one path.
///
/// Whether that is what is wanted is no part of it: the tree that is made of all readings is compared with the
/// profile's. A value that is not the wanted one therefore has to differ from it, and cannot be made otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    found: Found,
    /// What the plan means to bring about, where the host does not let it be what is wanted.
    planned: Option<Json>,
    /// A worse grade than the plan's, which could not know it.
    lowered: Option<Grade>,
    pub from: String,
    pub why: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
enum Found {
    /// The wanted value or an equal one: the profile's own spelling stands.
    Wanted,
    /// Another value, in the profile's spelling.
    Other(Json),
    /// It was looked for and is not there.
    Nothing,
    Unread,
}

/// Said where a value that is not as wanted would read as if it were.
pub(super) const NO_WORD: &str = "it is not as wanted, and no word tells in what";

impl Reading {
    fn new(found: Found, from: impl Into<String>) -> Self {
        Self { found, planned: None, lowered: None, from: from.into(), why: None }
    }

    pub(super) fn unread(why: impl Into<String>) -> Self {
        Self::new(Found::Unread, "").because(why)
    }

    /// A value that was read; equal to the wanted one, or not.
    pub(super) fn of(wanted: &Json, live: impl Into<Json>, from: impl Into<String>) -> Self {
        let live = live.into();
        Self::new(if live == *wanted { Found::Wanted } else { Found::Other(live) }, from)
    }

    /// A value that is equal to the wanted one in another way than letter by letter, else what is there instead.
    pub(super) fn equal(
        wanted: &Json,
        is_equal: bool,
        live: impl FnOnce() -> Json,
        from: impl Into<String>,
    ) -> Self {
        if is_equal { Self::new(Found::Wanted, from) } else { Self::other(wanted, live(), from) }
    }

    /// A value that is not the wanted one.
    pub(super) fn other(wanted: &Json, live: Json, from: impl Into<String>) -> Self {
        if live == *wanted { Self::absent(from, NO_WORD) } else { Self::new(Found::Other(live), from) }
    }

    /// As it is wanted, by a sign that has no value of its own.
    pub(super) fn as_wanted(from: impl Into<String>) -> Self {
        Self::new(Found::Wanted, from)
    }

    /// The value is not there.
    pub(super) fn absent(from: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(Found::Nothing, from).because(why)
    }

    /// What runs though the profile is silent about it.
    pub(super) fn unasked(live: Json, from: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(Found::Other(live), from).because(why)
    }

    /// What was found in place of the wanted value.
    pub(super) fn live(&self) -> Option<&Json> {
        match &self.found {
            Found::Other(live) => Some(live),
            Found::Wanted | Found::Nothing | Found::Unread => None,
        }
    }

    /// Names what the plan means to bring about: the host may not allow what is wanted.
    pub(super) fn planned(self, planned: impl Into<Json>) -> Self {
        Self { planned: Some(planned.into()), ..self }
    }

    /// What was seen is worth no more than this, whatever the plan could hope for.
    pub(super) fn worth(self, grade: Grade) -> Self {
        Self { lowered: Some(grade), ..self }
    }

    pub(super) fn because(self, why: impl Into<String>) -> Self {
        Self { why: Some(why.into()), ..self }
    }

    /// The same place read in two ways: the one that departs is what is live.
    pub(super) fn and(self, other: Option<Self>) -> Self {
        let Some(other) = other else { return self };
        let from = format!("{}, {}", self.from, other.from);
        let worst = if other.departure() > self.departure() { other } else { self };
        match worst.departure() {
            Departure::None | Departure::Planned => Self { from, ..worst },
            Departure::Unread | Departure::Real => worst,
        }
    }

    /// The value of whichever replica departs from what is wanted; the reason names it.
    pub(super) fn of_all(readings: impl IntoIterator<Item = (String, Self)>) -> Option<Self> {
        let worst = |a: (String, Self), b: (String, Self)| {
            if b.1.departure() > a.1.departure() { b } else { a }
        };
        readings.into_iter().reduce(worst).map(|(name, reading)| match (reading.departure(), &reading.why) {
            // What was planned is so in every replica.
            (Departure::None, _) | (Departure::Planned, None) => reading,
            (_, Some(why)) => Self { why: Some(format!("{name}: {why}")), ..reading },
            (_, None) => Self { why: Some(format!("in {name}")), ..reading },
        })
    }

    /// Rewrites the value that was found in place of the wanted one, and the reason.
    pub(super) fn rewritten(
        self,
        wanted: &Json,
        value: impl FnOnce(Json) -> Json,
        why: impl FnOnce(&str) -> String,
    ) -> Self {
        let told = self.why.as_deref().map(why);
        let Found::Other(live) = self.found else { return Self { why: told, ..self } };
        let Self { found, why: lost, .. } = Self::other(wanted, value(live), "");
        Self { found, why: told.or(lost), ..self }
    }

    pub fn lowered(&self) -> Option<Grade> {
        self.lowered
    }

    pub fn is_unread(&self) -> bool {
        self.found == Found::Unread
    }

    /// What is to be done to the profile's tree to make it the live one.
    pub(super) fn edit(&self) -> Edit<'_> {
        match &self.found {
            Found::Wanted | Found::Unread => Edit::Keep,
            Found::Other(live) => Edit::Put(live),
            Found::Nothing => Edit::Remove,
        }
    }

    pub(super) fn planned_value(&self) -> Option<&Json> {
        self.planned.as_ref()
    }

    pub(super) fn departure(&self) -> Departure {
        match &self.found {
            Found::Wanted => Departure::None,
            Found::Other(live) if self.planned.as_ref() == Some(live) => Departure::Planned,
            Found::Unread => Departure::Unread,
            Found::Other(_) | Found::Nothing => Departure::Real,
        }
    }
}

pub(super) enum Edit<'a> {
    Keep,
    Put(&'a Json),
    Remove,
}

/// How far a reading is from what is wanted: of several, the last one speaks for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Departure {
    None,
    /// As planned, where the plan itself departs.
    Planned,
    Unread,
    Real,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_as_wanted_never_reads_as_if_it_were() {
        let wanted = json!("a");
        assert_eq!(Reading::other(&wanted, json!("a"), "x").found, Found::Nothing);
        assert_eq!(Reading::equal(&wanted, false, || json!("a"), "x").found, Found::Nothing);
        let reading = Reading::of(&wanted, "b", "x").rewritten(&wanted, |_| json!("a"), str::to_owned);
        assert_eq!(reading.found, Found::Nothing);
    }

    #[test]
    fn of_two_ways_to_read_a_value_the_one_that_departs_counts() {
        let wanted = json!(1);
        let good = || Reading::of(&wanted, 1, "a");
        let bad = || Reading::of(&wanted, 2, "b");
        assert_eq!(good().and(Some(bad())).edit_value(), Some(json!(2)));
        assert_eq!(bad().and(Some(good())).from, "b");
        assert_eq!(good().and(Some(good())).from, "a, a");
        assert!(good().and(Some(Reading::unread("gone"))).is_unread());
        let cut = Reading::of(&wanted, 2, "b").planned(2);
        assert_eq!(cut.departure(), Departure::Planned);
        assert!(Reading::unread("gone").departure() > cut.departure());
    }

    impl Reading {
        fn edit_value(&self) -> Option<Json> {
            match self.edit() {
                Edit::Put(value) => Some(value.clone()),
                Edit::Keep | Edit::Remove => None,
            }
        }
    }
}
