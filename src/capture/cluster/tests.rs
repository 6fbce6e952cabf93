//! A mirror as a real cluster held it, and one thing of it broken at a time.
//!
//! `tests/observed.json` was recorded by the test of `tests/kind/verify.rs` and cut to what is looked at.

mod container;
mod mirror;
mod pod;
mod profiles;
mod readings;

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::Value as Json;

use crate::{
    ledger::{self, Entry, Grade, Ledger},
    name::Name,
    observed::{ClusterObserved, InContainer},
    plan::{self, BackendKind, Capabilities, ClusterPlan},
    profile::{self, Layers, Source},
};

#[derive(Clone)]
struct Stage {
    tree: Json,
    plan: ClusterPlan,
    observed: ClusterObserved,
    secrets: BTreeMap<String, String>,
}

impl Stage {
    fn set() -> Self {
        static FAITHFUL: LazyLock<Stage> = LazyLock::new(Stage::recorded);
        FAITHFUL.clone()
    }

    fn recorded() -> Self {
        let documents = [Source::new("mirror.yaml", include_str!("tests/mirror.yaml"))];
        let read_file = |_: &str, path: &str| Err(format!("there is no file {path}"));
        let layers = Layers {
            documents: &documents,
            set: &[],
            unset: &[],
            allow_unpinned: true,
            read_file: &read_file,
        };
        let loaded = profile::load(&layers).unwrap_or_else(|problems| panic!("{problems}"));
        let mirror = Name::new("kt-verify").unwrap();
        let mut capabilities = Capabilities::unknown(BackendKind::Kind, mirror, "test@here".to_owned());
        capabilities.host.arch = "amd64".to_owned();
        capabilities.host.cores = 2;
        let plan = plan::cluster(&loaded.profile, &capabilities, &loaded.origins);
        let value = |secret: &plan::SecretPlan| (secret.variable.clone(), format!("kept-{}", secret.secret));
        Self {
            tree: profile::tree(&loaded.profile),
            secrets: plan.secrets.iter().map(value).collect(),
            observed: serde_json::from_str(include_str!("tests/observed.json")).unwrap(),
            plan,
        }
    }

    fn object(&mut self, kind: &str, name: &str) -> &mut Json {
        self.observed.objects.get_mut(kind).unwrap().get_mut(name).unwrap()
    }

    fn put(&mut self, kind: &str, name: &str, object: Json) {
        self.observed.objects.entry(kind.to_owned()).or_default().insert(name.to_owned(), object);
    }

    fn remove(&mut self, kind: &str, name: &str) {
        self.observed.objects.get_mut(kind).unwrap().remove(name).unwrap();
    }

    /// The last pod of a workload: where there are several, the others stay as they were.
    fn pod_name(&self, service: &str) -> String {
        let of = format!("{service}-");
        self.observed.objects["Pod"].keys().rfind(|name| name.starts_with(&of)).unwrap().clone()
    }

    fn pod(&mut self, service: &str) -> &mut Json {
        let name = self.pod_name(service);
        self.object("Pod", &name)
    }

    /// The main container in the spec of that pod.
    fn main(&mut self, service: &str) -> &mut Json {
        &mut self.pod(service)["spec"]["containers"][0]
    }

    fn told(&mut self, service: &str) -> &mut InContainer {
        let name = self.pod_name(service);
        self.observed.inside.get_mut(&name).unwrap().get_mut("main").unwrap()
    }

    fn file(&mut self, service: &str, path: &str, text: &str) {
        self.told(service).inside.files.insert(path.to_owned(), text.to_owned());
    }

    fn judge(&self) -> Ledger {
        let live =
            ledger::live::live_on_cluster(&self.plan, &self.tree, self.observed.clone(), &self.secrets);
        ledger::judge(&self.plan.mirror, self.plan.backend, &self.plan.ledger, &live)
    }

    #[track_caller]
    fn entry(&self, path: &str) -> Entry {
        let found = self.judge().entries.into_iter().find(|entry| entry.path.to_string() == path);
        found.unwrap_or_else(|| panic!("there is no entry {path}"))
    }

    fn paths(&self, holds: Option<bool>) -> Vec<String> {
        let promised = |entry: &Entry| holds.is_some() || entry.grade.promises_live_value();
        let entries = self.judge().entries.into_iter();
        let entries = entries.filter(|entry| entry.holds == holds && promised(entry));
        let mut paths: Vec<String> = entries.map(|entry| entry.path.to_string()).collect();
        paths.sort();
        paths
    }
}

/// Breaks something and sees these entries fail, and no others; the first one's live value is the answer.
#[track_caller]
fn breaks<const N: usize>(act: impl FnOnce(&mut Stage), paths: [&str; N]) -> Json {
    let mut stage = Stage::set();
    act(&mut stage);
    assert_eq!(stage.paths(Some(false)), paths);
    let entry = stage.entry(paths.first().unwrap());
    assert!(entry.why.is_some() || entry.live.is_some(), "{entry:?}");
    entry.live.unwrap_or_default()
}

/// Hides something: these entries are unread beside what always is, and nothing fails.
#[track_caller]
fn hides<const N: usize>(act: impl FnOnce(&mut Stage), paths: [&str; N]) {
    let mut stage = Stage::set();
    let always = stage.paths(None);
    act(&mut stage);
    assert_eq!(stage.paths(Some(false)), [""; 0]);
    let unread: Vec<String> = stage.paths(None).into_iter().filter(|path| !always.contains(path)).collect();
    assert_eq!(unread, paths);
}

/// What changes nothing that anybody asked for.
#[track_caller]
fn passes(act: impl FnOnce(&mut Stage)) {
    hides(act, []);
}

#[test]
fn a_faithful_mirror_holds_in_every_entry_that_can_be_read() {
    let stage = Stage::set();
    assert_eq!(stage.paths(Some(false)), [""; 0]);
    assert_eq!(stage.paths(None), ["network.expose[0]"], "nobody was asked which ports are forwarded");
    assert_eq!(
        stage.judge().entries.len(),
        stage.plan.ledger.len(),
        "nothing is there that nobody asked for"
    );
}

#[test]
fn what_the_nodes_cannot_do_lowers_the_grade_that_a_plan_could_hope_for() {
    let entry = Stage::set().entry("services.web.resources.limits.memory.oom_group");
    assert_eq!((entry.grade, entry.holds), (Grade::Approximated, None));
    assert_eq!(entry.live, Some(false.into()));
    assert!(entry.why.unwrap().contains("cgroup v1"));
}

#[test]
fn what_is_live_is_told_where_the_plan_departs_from_the_profile() {
    let entry = Stage::set().entry("services.web.probes.liveness.initial_delay");
    assert_eq!((entry.live, entry.holds), (Some("2s".into()), None));
    let entry = Stage::set().entry("services.web.files[\"/etc/web/key\"]");
    assert_eq!((entry.live.unwrap()["mode"].clone(), entry.holds), ("0440".into(), None));
    let entry = Stage::set().entry("platform.kernel");
    assert!(entry.holds.is_none() && entry.live.is_some(), "{entry:?}");
}
