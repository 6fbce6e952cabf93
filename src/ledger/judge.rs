//! Judging: what was wanted against what is live, and what a caller requires of it.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{Class, Entry, Grade, Wanted, table};
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

/// Puts what is live beside what was wanted; what is live and was never wanted has an entry of its own, last.
pub fn judge(mirror: &Name, backend: BackendKind, wanted: &[Wanted], live: &BTreeMap<Path, Live>) -> Ledger {
    let known: HashSet<&Path> = wanted.iter().map(|wanted| &wanted.path).collect();
    let unasked = live.iter().filter(|(path, _)| !known.contains(path));
    let entries: Vec<Entry> = wanted
        .iter()
        .map(|wanted| entry(backend, wanted, live.get(&wanted.path)))
        .chain(unasked.map(|(path, live)| entry(backend, &unasked_for(path), Some(live))))
        .collect();
    Ledger { mirror: mirror.clone(), backend, summary: sum(&entries), entries }
}

/// The profile is silent, and that is not kept.
fn unasked_for(path: &Path) -> Wanted {
    let is_workload = matches!(path.key_at(0), Some("services" | "jobs" | "stores"));
    Wanted {
        path: path.clone(),
        class: Class::of(path),
        service: path.key_at(1).filter(|_| is_workload).and_then(|name| Name::new(name).ok()),
        wanted: None,
        grade: Grade::Dropped,
        why: Some("nobody asked for it".to_owned()),
    }
}

fn entry(backend: BackendKind, wanted: &Wanted, live: Option<&Live>) -> Entry {
    let live = live.cloned().unwrap_or_default();
    let was_read = live.holds.is_some() || live.value.is_some();
    let usual = table::row(&wanted.path).map(|row| row.read_from(backend));
    let usual = usual.filter(|from| was_read && !from.is_empty());
    Entry {
        path: wanted.path.clone(),
        class: wanted.class,
        service: wanted.service.clone(),
        wanted: wanted.wanted.clone(),
        grade: live.grade.map_or(wanted.grade, |grade| grade.min(wanted.grade)),
        live: live.value,
        holds: live.holds,
        read_from: live.read_from.or_else(|| usual.map(str::to_owned)),
        why: why(wanted, live.holds, live.why),
    }
}

/// Where nothing is promised the plan knows best why; else what was read.
fn why(wanted: &Wanted, holds: Option<bool>, read: Option<String>) -> Option<String> {
    let planned = wanted.why.clone();
    if holds.is_none() && !wanted.grade.promises_live_value() { planned.or(read) } else { read.or(planned) }
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

    fn wanted(path: &str, class: Class, grade: Grade) -> Wanted {
        let (path, wanted) = (path.parse().unwrap(), Some(serde_json::Value::Null));
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
    fn what_runs_and_was_never_wanted_is_an_entry_that_does_not_hold() {
        let live = Live { value: Some("1".into()), holds: Some(false), ..Live::default() };
        let live = [("services.api.env.NEW".parse().unwrap(), live)].into();
        let ledger = judge(&Name::new("shop").unwrap(), BackendKind::Compose, &[], &live);
        assert_eq!((ledger.summary.total, ledger.summary.unmet), (1, 1));
        let entry = serde_json::to_value(&ledger.entries[0]).unwrap();
        assert!(entry.get("wanted").is_none(), "absent is left out");
        assert_eq!((&entry["class"], &entry["service"]), (&"env".into(), &"api".into()));
        assert_eq!((&entry["grade"], &entry["why"]), (&"dropped".into(), &"nobody asked for it".into()));
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
