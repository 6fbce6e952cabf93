//! The table: every field of a profile, what each back end does with it, how faithful that is and where it is read
//! back.
//!
//! `run` stands for a service, job or store, and for their init containers and sidecars where these have the field;
//! `store` for what only stores have. A field without a row is dropped, so a test walks the schema for new ones.
//! The columns stand in files of their own, and a test holds that both have every row.

mod compose;
mod kubernetes;

use std::{collections::HashMap, sync::LazyLock};

use super::{
    Class, Grade,
    grades::Verdict,
    leaves::relative,
    wanted::{Case, Shape},
};
use crate::{
    path::{Path, Segment},
    plan::{BackendKind, ClusterPlan, Plan},
};
pub(crate) use compose::ROWS;

/// One field, and what Compose does with it.
pub(crate) struct Row {
    /// In the grammar of paths, `*` for any key.
    pub field: &'static str,
    pub class: Class,
    /// Whether all that lies below is one entry.
    pub whole: bool,
    pub compose: Column<Plan>,
}

/// What one back end does with a field.
pub(crate) struct Column<P: Shape> {
    pub how: &'static str,
    pub read_from: &'static str,
    pub grade: Rule<P>,
}

pub(crate) enum Rule<P: Shape> {
    Always(Grade),
    /// As the profile and the host decide.
    By(fn(&Case<'_, P>) -> Verdict),
}

const fn field(
    field: &'static str,
    class: Class,
    how: &'static str,
    read_from: &'static str,
    grade: Rule<Plan>,
) -> Row {
    Row { field, class, whole: false, compose: Column { how, read_from, grade } }
}

/// A row for all that lies below the field.
const fn whole(mut row: Row) -> Row {
    row.whole = true;
    row
}

impl Row {
    /// What a Kubernetes cluster does with the field.
    pub fn kubernetes(&self) -> &'static Column<ClusterPlan> {
        CLUSTER.get(self.field).copied().unwrap_or(&kubernetes::NOTHING)
    }

    /// Where a back end reads the live value; empty is nowhere.
    pub fn read_from(&self, backend: BackendKind) -> &'static str {
        match backend {
            BackendKind::Compose => self.compose.read_from,
            BackendKind::Kind | BackendKind::Kubernetes => self.kubernetes().read_from,
        }
    }
}

static CLUSTER: LazyLock<HashMap<&str, &Column<ClusterPlan>>> =
    LazyLock::new(|| kubernetes::COLUMN.iter().map(|(field, column)| (*field, column)).collect());

type Fields = HashMap<String, Vec<(Path, &'static Row)>>;

/// Rows by their first two keys: a profile has thousands of leaves.
static INDEX: LazyLock<HashMap<String, Fields>> = LazyLock::new(|| {
    let mut index: HashMap<String, Fields> = HashMap::new();
    for row in ROWS {
        // Every field of the table parses: a test reads them all.
        let path: Path = row.field.parse().unwrap_or_default();
        let (first, second) = (key(path.0.first()).to_owned(), second(&path.0).to_owned());
        index.entry(first).or_default().entry(second).or_default().push((path, row));
    }
    index
});

fn key(segment: Option<&Segment>) -> &str {
    match segment {
        Some(Segment::Key(key)) => key,
        _ => "",
    }
}

/// The second key, where it is one of a record and not anyone's.
fn second(segments: &[Segment]) -> &str {
    match key(segments.first()) {
        "run" | "store" | "platform" | "network" | "captured" => key(segments.get(1)),
        _ => "",
    }
}

/// The row of a path.
pub(crate) fn row(path: &Path) -> Option<&'static Row> {
    let (first, second, scoped, rest) = match relative(path) {
        (Some(scope), rest) => (scope, key(rest.first()), 1, rest),
        (None, all) => (key(all.first()), second(all), 0, all),
    };
    let rows = INDEX.get(first)?.get(second)?;
    rows.iter().find(|(field, _)| matches(&field.0[scoped..], rest)).map(|(_, row)| *row)
}

fn matches(field: &[Segment], path: &[Segment]) -> bool {
    // `*` stands for a key, not for a member of a list.
    let covers = |(mine, theirs): (&Segment, &Segment)| match (mine, theirs) {
        (Segment::Key(mine), Segment::Key(theirs)) => mine == "*" || mine == theirs,
        (Segment::Member { value, .. }, Segment::Member { .. } | Segment::Index(_)) if value == "*" => true,
        (Segment::Member { .. } | Segment::Index(_), _) => mine == theirs,
        (Segment::Key(_), _) => false,
    };
    field.len() == path.len() && field.iter().zip(path).all(covers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_field_of_its_own_and_a_reason() {
        let mut fields: Vec<&str> = ROWS.iter().map(|row| row.field).collect();
        for row in ROWS {
            assert!(row.field.parse::<Path>().is_ok(), "{}", row.field);
            whole_column(row.field, &row.compose);
            whole_column(row.field, row.kubernetes());
        }
        fields.sort_unstable();
        fields.dedup();
        assert_eq!(fields.len(), ROWS.len());
    }

    fn whole_column<P: Shape>(field: &str, column: &Column<P>) {
        assert!(!column.how.is_empty(), "{field}");
        let promised = matches!(column.grade, Rule::Always(grade) if grade.promises_live_value());
        assert!(!promised || !column.read_from.is_empty(), "{field} promises a live value");
    }

    #[test]
    fn both_columns_have_every_row_once() {
        let rows: Vec<&str> = ROWS.iter().map(|row| row.field).collect();
        let cluster: Vec<&str> = kubernetes::COLUMN.iter().map(|(field, _)| *field).collect();
        assert_eq!(cluster, rows, "in the same order");
    }
}
