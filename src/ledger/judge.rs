//! Judging: what was wanted against what is live, and what a caller requires of it.

use std::{collections::BTreeMap, fmt, str::FromStr};

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

pub(crate) fn sum(entries: &[Entry]) -> Summary {
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

/// `GRADE:WHAT`, as `--require` takes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirement {
    pub grade: Grade,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Class(Class),
    /// Entries at or below the path, in which `*` stands for any key.
    Path(Path),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequirementError {
    #[error("`{0}` is no requirement: write GRADE:WHAT, `enforced:env` or `emulated:services.*.probes`")]
    Form(String),
    #[error("`{0}` is no grade; known are enforced, emulated, approximated and dropped")]
    Grade(String),
    #[error(transparent)]
    Path(#[from] crate::path::PathError),
    #[error("`{0}` covers no entry of the ledger")]
    Nothing(Requirement),
}

impl Eq for Requirement {}

impl FromStr for Requirement {
    type Err = RequirementError;
    fn from_str(text: &str) -> Result<Self, RequirementError> {
        let (grade, what) = text.split_once(':').ok_or_else(|| RequirementError::Form(text.to_owned()))?;
        let grade = word(grade).ok_or_else(|| RequirementError::Grade(grade.to_owned()))?;
        let what = match word::<Class>(what) {
            Some(class) => What::Class(class),
            None => What::Path(what.parse()?),
        };
        Ok(Self { grade, what })
    }
}

/// A value by the word that documents use for it.
fn word<T: for<'de> Deserialize<'de>>(text: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::from(text)).ok()
}

fn to_word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Class(class) => write!(f, "{}:{}", self.grade, to_word(class)),
            What::Path(path) => write!(f, "{}:{path}", self.grade),
        }
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_word(self))
    }
}

/// An entry that falls short of a requirement.
#[derive(Clone, Debug, PartialEq)]
pub struct Failed {
    pub requirement: Requirement,
    pub entry: Entry,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requirement, entry } = self;
        let state = match entry.holds {
            Some(true) => "",
            Some(false) => " and does not hold",
            None => " and cannot be read",
        };
        write!(f, "{requirement}: {} is {}{state}", entry.path, entry.grade)?;
        entry.why.as_ref().map_or(Ok(()), |why| write!(f, " ({why})"))
    }
}

/// Every entry that falls short of a requirement: a worse grade, a value that does not hold, or one that cannot be
/// read where the required grade promises one.
///
/// A requirement that covers no entry is an error, so that a slip of the pen does not pass.
pub fn require(ledger: &Ledger, requirements: &[Requirement]) -> Result<Vec<Failed>, RequirementError> {
    let mut failed = Vec::new();
    for requirement in requirements {
        let mut covered = ledger.entries.iter().filter(|entry| covers(requirement, entry)).peekable();
        if covered.peek().is_none() {
            return Err(RequirementError::Nothing(requirement.clone()));
        }
        let short = covered.filter(|entry| {
            let must_be_read = requirement.grade.promises_live_value();
            let holds = entry.holds.unwrap_or(!must_be_read);
            entry.grade < requirement.grade || !holds
        });
        failed.extend(short.map(|entry| Failed { requirement: requirement.clone(), entry: entry.clone() }));
    }
    Ok(failed)
}

fn covers(requirement: &Requirement, entry: &Entry) -> bool {
    match &requirement.what {
        What::Class(class) => entry.class == *class,
        What::Path(path) => path.covers(&entry.path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(path: &str, class: Class, grade: Grade) -> Wanted {
        let (path, wanted) = (path.parse().unwrap(), serde_json::Value::Null);
        Wanted { path, class, service: None, wanted, grade, why: None }
    }

    fn live(holds: Option<bool>, grade: Option<Grade>) -> Live {
        Live { holds, grade, ..Live::default() }
    }

    fn ledger() -> Ledger {
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
    fn a_requirement_asks_for_a_grade_that_holds() {
        let failed = |text: &str| -> Vec<String> {
            let requirement: Requirement = text.parse().unwrap();
            assert_eq!(requirement.to_string(), text);
            require(&ledger(), &[requirement]).unwrap().iter().map(|f| f.entry.path.to_string()).collect()
        };
        assert_eq!(failed("enforced:env"), ["a.env.B", "b.env.A"]);
        assert_eq!(failed("approximated:*.env"), ["a.env.B"]);
        assert_eq!(failed("enforced:a.env.A"), [""; 0]);
        assert_eq!(failed("emulated:probe"), ["a.probes"], "it cannot be read");
        assert_eq!(failed("approximated:a.probes"), [""; 0]);
    }

    #[test]
    fn a_requirement_of_nothing_is_an_error() {
        for text in ["enforced:job", "enforced:services.gone"] {
            let requirement = text.parse().unwrap();
            assert!(
                matches!(require(&ledger(), &[requirement]), Err(RequirementError::Nothing(_))),
                "{text}"
            );
        }
        for text in ["enforced", "good:env", "enforced:a b"] {
            assert!(text.parse::<Requirement>().is_err(), "{text}");
        }
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
