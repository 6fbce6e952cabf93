//! The same profile on both back ends: the ledgers have the same paths, and the grades differ only where the table says.

use std::collections::BTreeMap;

use prodmirror::{
    ledger::Wanted,
    plan::{BackendKind, cluster, plan},
    profile::{Origins, Profile},
};

use crate::{
    generate,
    golden::{load_file, profiles},
    support::{cluster_host, host},
};

/// Examples and 200 generated profiles.
fn all() -> impl Iterator<Item = (String, Profile)> {
    let examples = profiles().into_iter().map(|path| (path.display().to_string(), load_file(&path).profile));
    examples.chain((0..200).map(|seed| (format!("seed {seed}"), generate::profile(seed))))
}

fn ledgers(profile: &Profile, backend: BackendKind) -> (Vec<Wanted>, Vec<Wanted>) {
    let compose = plan(profile, &host(), &Origins::default());
    (compose.ledger, cluster(profile, &cluster_host(backend), &Origins::default()).ledger)
}

/// A path without the names in it: `services.api.env.A` and `jobs.x.sidecars.y.env.B` are `run.env.*`.
fn field(entry: &Wanted) -> String {
    prodmirror::ledger::field_of(&entry.path).unwrap_or_default().to_owned()
}

#[test]
fn both_ledgers_have_the_same_paths_in_the_same_order() {
    for (of, profile) in all() {
        for backend in [BackendKind::Kind, BackendKind::Kubernetes] {
            let (compose, cluster) = ledgers(&profile, backend);
            let paths =
                |ledger: &[Wanted]| ledger.iter().map(|entry| entry.path.to_string()).collect::<Vec<_>>();
            assert_eq!(paths(&compose), paths(&cluster), "{of} on {backend:?}");
            for (one, two) in compose.iter().zip(&cluster) {
                assert_eq!((one.class, &one.service), (two.class, &two.service), "{}", one.path);
            }
        }
    }
}

#[test]
fn grades_differ_only_where_the_table_of_differences_says() {
    let mut differences: BTreeMap<String, (String, usize)> = BTreeMap::new();
    for (_, profile) in all() {
        let (compose, cluster) = ledgers(&profile, BackendKind::Kind);
        for (one, two) in compose.iter().zip(&cluster).filter(|(one, two)| one.grade != two.grade) {
            let row = format!("{}: {} on Compose, {} on Kind", field(one), one.grade, two.grade);
            let why = [&one.why, &two.why].map(|why| why.clone().unwrap_or_else(|| "-".to_owned()));
            let of_row = differences.entry(row).or_insert_with(|| (why.join(" | "), 0));
            of_row.1 += 1;
        }
    }
    let table: Vec<String> = differences.iter().map(|(row, (why, _))| format!("{row}\n    {why}")).collect();
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("differences", table.join("\n"));
    });
}
