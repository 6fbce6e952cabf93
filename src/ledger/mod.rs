//! The fidelity ledger: what a profile asks for, how it is kept, and what was read back.

pub mod class;
mod grades;
mod judge;
mod leaves;
pub mod live;
mod require;
mod table;
mod wanted;

use serde::{Deserialize, Serialize};

use crate::{name::Name, path::Path};
pub use class::Class;
pub use judge::{Ledger, Live, Summary, judge};
pub use require::{Failed, Requirement, RequirementError, What, require};
pub(crate) use wanted::{is_given, wanted};

/// Whether the ledger's table answers for a field, `services.*.env.*`.
pub fn has_row(field: &Path) -> bool {
    table::row(field).is_some()
}

/// The row of the ledger's table that answers for a path of a profile, `run.env.*`.
pub fn field_of(path: &Path) -> Option<&'static str> {
    table::row(path).map(|row| row.field)
}

/// How faithfully a field is kept; ordered from worst to best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// Not done.
    Dropped,
    /// The behaviour differs in a way that is named.
    Approximated,
    /// Another mechanism, the same observable behaviour.
    Emulated,
    /// The same mechanism as in production.
    Enforced,
}

impl Grade {
    /// Whether the grade says that a live value will be read.
    pub fn promises_live_value(self) -> bool {
        matches!(self, Self::Enforced | Self::Emulated)
    }
}

/// One line as `plan` decides it; `verify` can only lower it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Wanted {
    pub path: Path,
    pub class: Class,
    /// The service, job or store that the path belongs to.
    pub service: Option<Name>,
    /// The value as the profile's long form writes it; a secret stays a reference. Absent where the profile is silent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<serde_json::Value>,
    pub grade: Grade,
    /// Why it is not better, or how it is done; always there below `enforced`.
    pub why: Option<String>,
}

/// One line of the ledger.
///
/// Every leaf of the profile has one, and behaviour that no field spells (`jobs.migrate.exit_code`). What runs and
/// was never asked for has one too, without `wanted`: a variable, a mount, a network, a replica too many. It is
/// dropped, as the profile's silence is not kept, and counted as unmet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub path: Path,
    pub class: Class,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<serde_json::Value>,
    pub grade: Grade,
    /// In the profile's spelling; of an entry that does not hold another than the wanted one, or absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<serde_json::Value>,
    /// Whether no difference between the profile and what runs touches the path. `null`: cannot be read, or, with a
    /// live value, as planned where the plan itself departs from the profile, which the grade says.
    pub holds: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}
