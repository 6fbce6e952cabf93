//! A profile rendered for Compose and captured from that file is the same profile, but for a list.

use std::{collections::BTreeMap, process::Command};

use prodmirror::{
    capture::{aligned::Teller, compose, draft::From, redact::Rules},
    plan::plan,
    profile::{self, Origins, Profile},
    readers::compose::{Ask, KEPT, read},
    render::{self, COMPOSE_FILE, Form, Templates},
};
use serde_json::Value as Json;

use crate::{
    generate, launched, planned,
    returned::{differences, pattern},
};

/// Why a field is not what it was. What is not here has to come back.
const WHY: &[(&str, &[&str], &str)] = &[
    ("added", &["env"], "`timezone` and service links are variables in the file"),
    (
        "changed",
        &["env"],
        "what a variable takes from its replica, its host or a store has a value in the file",
    ),
    ("lost", &["env"], "a hole has no value to write"),
    ("added", &["groups"], "`fs_group` is a group in the file"),
    ("changed", &["groups"], "`fs_group` is a group in the file"),
    ("lost", &["fs_group"], "`fs_group` is a group in the file"),
    (
        "added",
        &["image"],
        "every container of the file has its own, where the profile has that of its workload",
    ),
    ("changed", &["image"], "one that was built here is taken by its name alone"),
    ("not comparable", &["image"], "a tag may mean the digest"),
    ("added", &["needs"], "what a variable refers to is waited for"),
    ("changed", &["needs"], "what a variable refers to is waited for"),
    ("lost", &["needs"], "one that is no replica's is waited for by nobody"),
    ("added", &["pre_stop", "probes"], "the keeper is told every number"),
    ("changed", &["pre_stop", "probes"], "the keeper is told ports by their numbers"),
    ("lost", &["probes"], "a hole has no value to write; a job is not probed"),
    ("not comparable", &["probes", "settings"], "a hole on one side"),
    ("added", &["restart"], "silence means `always`"),
    ("lost", &["restart", "retries"], "a job is told how often it is tried, and 0 is silence"),
    ("added", &["sysctls"], "those of the network are the replica's, whichever container asks"),
    ("lost", &["sysctls"], "those of the network are the replica's, whichever container asks"),
    ("added", &["settings"], "a command that holds settings alone is settings"),
    ("lost", &["settings"], "beside a command they are words of it"),
    ("changed", &["command"], "settings beside it are words of it"),
    ("lost", &["command"], "a hole has no value to write, and an empty one is none"),
    ("changed", &["ports"], "the keeper is told no protocol"),
    ("changed", &["resources"], "the engine has a least cpu and a least memory"),
    ("lost", &["resources"], "no quota of what is written on this host; a hole has no value"),
    ("changed", &["stop_grace_period"], "Docker counts seconds"),
    ("lost", &["dns"], "an empty one says nothing"),
    ("lost", &["enable_service_links"], "the links are there, or they are not"),
    ("lost", &["files"], "their content lies in volumes, which are filled from beside the file"),
    (
        "lost",
        &["host_network", "host_pid", "privileged"],
        "nothing is allowed in silence, and `false` is silence",
    ),
    ("lost", &["no_new_privileges", "read_only"], "`false` is silence"),
    ("lost", &["password"], "a hole has no value to write"),
    ("lost", &["schedule"], "cron jobs run on demand"),
    ("lost", &["seccomp"], "`runtime/default` is silence"),
    ("lost", &["service_account"], "no cluster, no account"),
    ("lost", &["stateful"], "names of replicas alone tell it"),
    ("lost", &["volumes"], "folders of the host are left out, and what is not in memory has no size"),
    ("lost", &["services.*"], "no replica, no key"),
    ("not comparable", &["secrets.*", "seed", "flags"], "no file of Compose tells it"),
];

/// The line of the list, with its reason.
fn told((path, how): (prodmirror::path::Path, &'static str)) -> String {
    let pattern = match pattern(&path) {
        flag if flag.starts_with("flags.") => "flags".to_owned(),
        pattern => pattern,
    };
    let field = pattern.rsplit('.').next().unwrap_or_default();
    let is_it = |(of, fields, _): &&(&str, &[&str], &str)| {
        *of == how && fields.iter().any(|known| *known == field || *known == pattern)
    };
    let why = WHY.iter().find(is_it).map_or("NOBODY KNOWS WHY", |(_, _, why)| why);
    format!("{how:<15} {pattern:<42} {why}")
}

/// What a capture makes of a profile's Compose file, as Compose itself reads it, in its long form.
fn returned(of: &Profile) -> Json {
    let mut host = planned::host();
    // No image stands in for another: that is the host's doing, and no part of the profile.
    host.roles.clear();
    let plan = plan(of, &host, &Origins::default());
    let bundle = render::bundle(&plan, Form::Standalone, &Templates::embedded()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    launched::write(&bundle, folder.path());
    let environment =
        KEPT.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var_os(name)?))).collect();
    let files = vec![folder.path().join(COMPOSE_FILE)];
    let ask = Ask { files, profiles: vec!["*".to_owned()], environment, ..Ask::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let document = runtime.block_on(read(&ask)).unwrap();
    assert!(document.by_compose);
    let from = From { from: "compose", ..From::default() };
    compose::draft(document, &from, &Rules::default()).unwrap().profile
}

/// What did not come back the first time, and what the second time.
fn compared(seed: u64) -> [Vec<String>; 2] {
    let of = generate::profile(seed);
    let once = returned(&of);
    let first = differences(&profile::tree(&of), &once, Teller::Compose).into_iter().map(told).collect();
    let of = profile::from_tree(&once).unwrap();
    if !of.holes.is_empty() {
        return [first, Vec::new()];
    }
    let again = differences(&once, &returned(&of), Teller::Compose).into_iter().map(told);
    [first, again.chain(["read twice".to_owned()]).collect()]
}

/// The keeper's duties stand in the file, and so do the names of volumes: what is lost is what neither tells.
#[test]
fn a_profile_comes_back_from_its_compose_file_but_for_a_list_and_then_as_it_is() {
    if !Command::new("docker")
        .args(["compose", "version"])
        .output()
        .is_ok_and(|output| output.status.success())
    {
        println!("skipped: no docker compose on PATH");
        return;
    }
    const PROFILES: u64 = 60;
    let some = |seeds: std::ops::Range<u64>| seeds.map(compared).collect::<Vec<_>>();
    // Processes of Compose: two at a time.
    let found = std::thread::scope(|scope| {
        let first = scope.spawn(|| some(0..PROFILES / 2));
        let second = some(PROFILES / 2..PROFILES);
        [first.join().unwrap(), second].concat()
    });
    let mut lists = [BTreeMap::<String, usize>::new(), BTreeMap::new()];
    for one in found {
        for (list, lines) in lists.iter_mut().zip(one) {
            for line in lines {
                *list.entry(line).or_default() += 1;
            }
        }
    }
    let twice = lists[1].remove("read twice").unwrap_or_default();
    assert!(twice > 10, "{twice} of {PROFILES} have no hole");
    let [first, again] = lists.map(|list| list.into_keys().collect::<Vec<_>>().join("\n"));
    assert!(!first.contains("NOBODY KNOWS WHY"), "{first}");
    insta::assert_snapshot!("returned_from_compose", first);
    insta::assert_snapshot!("returned_from_compose_again", again);
}
