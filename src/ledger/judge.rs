//! Judging: what was wanted against what is live, and what a caller requires of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Entry, Grade, Wanted, table};
use crate::{name::Name, path::Path, plan::BackendKind};

/// What was read back for one entry.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Live {
    pub value: Option<serde_json::Value>,
    /// `None`: cannot be read.
    pub holds: Option<bool>,
    /// Absent: where the table says.
    pub read_from: Option<String>,
    /// Said in place of the plan's reason.
    pub why: Option<String>,
    /// A worse grade than the plan's; a better one changes nothing.
    pub grade: Option<Grade>,
}

/// The account of one mirror.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    pub mirror: Name,
    pub backend: BackendKind,
    pub entries: Vec<Entry>,
    pub summary: Summary,
}

/// Every entry is counted once; the six add up to the total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub total: usize,
    pub enforced: usize,
    pub emulated: usize,
    pub approximated: usize,
    pub dropped: usize,
    /// The grade promises a live value and there is none.
    pub unread: usize,
    /// What is live is not what is wanted.
    pub unmet: usize,
}

/// Puts what is live beside what was wanted.
pub fn judge(mirror: &Name, backend: BackendKind, wanted: &[Wanted], live: &BTreeMap<Path, Live>) -> Ledger {
    let entries: Vec<Entry> = wanted.iter().map(|wanted| entry(wanted, live.get(&wanted.path))).collect();
    Ledger { mirror: mirror.clone(), backend, summary: sum(&entries), entries }
}

fn entry(wanted: &Wanted, live: Option<&Live>) -> Entry {
    let live = live.cloned().unwrap_or_default();
    let was_read = live.holds.is_some() || live.value.is_some();
    let usual = table::row(&wanted.path).filter(|row| was_read && !row.read_from.is_empty());
    Entry {
        path: wanted.path.clone(),
        class: wanted.class,
        service: wanted.service.clone(),
        wanted: wanted.wanted.clone(),
        grade: live.grade.map_or(wanted.grade, |grade| grade.min(wanted.grade)),
        live: live.value,
        holds: live.holds,
        read_from: live.read_from.or_else(|| usual.map(|row| row.read_from.to_owned())),
        why: live.why.or_else(|| wanted.why.clone()),
    }
}

fn sum(entries: &[Entry]) -> Summary {
    let mut sum = Summary { total: entries.len(), ..Summary::default() };
    for entry in entries {
        let counter = match (entry.holds, entry.grade) {
            (Some(false), _) => &mut sum.unmet,
            (None, grade) if grade.promises_live_value() => &mut sum.unread,
            (_, Grade::Enforced) => &mut sum.enforced,
            (_, Grade::Emulated) => &mut sum.emulated,
            (_, Grade::Approximated) => &mut sum.approximated,
            (_, Grade::Dropped) => &mut sum.dropped,
        };
        *counter += 1;
    }
    sum
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::ledger::Class;

    fn wanted(path: &str, class: Class, grade: Grade) -> Wanted {
        let (path, wanted) = (path.parse().unwrap(), serde_json::Value::Null);
        Wanted { path, class, service: None, wanted, grade, why: None }
    }

    fn live(holds: Option<bool>, grade: Option<Grade>) -> Live {
        Live { holds, grade, ..Live::default() }
    }

    /// One entry of every kind.
    pub(crate) fn ledger() -> Ledger {
        use Grade::{Approximated, Dropped, Emulated, Enforced};
        let wanted = [
            wanted("a.env.A", Class::Env, Enforced),
            wanted("a.env.B", Class::Env, Enforced),
            wanted("a.probes", Class::Probe, Emulated),
            wanted("b.env.A", Class::Env, Approximated),
            wanted("b.image", Class::Image, Dropped),
            wanted("b.user", Class::Security, Enforced),
        ];
        let live = [
            ("a.env.A", live(Some(true), Some(Enforced))),
            ("a.env.B", live(Some(false), None)),
            ("a.probes", live(None, None)),
            ("b.user", live(Some(true), Some(Dropped))),
            ("b.image", live(None, Some(Enforced))),
        ];
        let live = live.into_iter().map(|(path, live)| (path.parse().unwrap(), live)).collect();
        judge(&Name::new("shop").unwrap(), BackendKind::Compose, &wanted, &live)
    }

    #[test]
    fn an_entry_is_counted_once_and_the_six_add_up() {
        let sum = ledger().summary;
        let wanted =
            Summary { total: 6, enforced: 1, emulated: 0, approximated: 1, dropped: 2, unread: 1, unmet: 1 };
        assert_eq!(sum, wanted);
    }

    #[test]
    fn what_is_live_can_only_lower_a_grade() {
        let grade =
            |path: &str| ledger().entries.into_iter().find(|e| e.path.to_string() == path).unwrap().grade;
        assert_eq!(grade("b.user"), Grade::Dropped);
        assert_eq!(grade("b.image"), Grade::Dropped);
    }

    #[test]
    fn the_document_has_the_fields_of_the_contract() {
        let json = serde_json::to_value(ledger()).unwrap();
        let keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["mirror", "backend", "entries", "summary"]);
        assert_eq!(json["entries"][2]["holds"], serde_json::Value::Null);
        assert!(json["entries"][2].as_object().unwrap().contains_key("holds"), "null is written");
        assert_eq!(json["entries"][0]["grade"], "enforced");
    }
}
