//! What a caller requires of a ledger: `--require GRADE:WHAT`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Class, Entry, Grade, Ledger};
use crate::path::Path;

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
    use crate::ledger::judge::tests::ledger;

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
}
