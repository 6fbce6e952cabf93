//! A capture that was cut off, and the run that goes on with it.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use prodmirror::capture::kubernetes::documents;
use serde_json::{Value as Json, json};

use crate::{
    api::{refused, reply, resource},
    live::{STACK, Stage},
};

const CAPTURE: [&str; 6] = ["capture", "kubernetes", "--context", "prod", "--format", "json"];
const PASSWORD: &str = "letmein-77";

/// A cluster whose second page of ConfigMaps does not come as long as it hangs; the first one holds a password.
struct Hanging {
    stage: Stage,
    hangs: Arc<AtomicBool>,
    expires: Arc<AtomicBool>,
}

impl Hanging {
    fn new() -> Self {
        let (hangs, expires) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
        let pages: Vec<Json> = (0..5)
            .map(|number| {
                json!({"kind": "ConfigMap", "metadata": {"name": format!("c-{number}"), "namespace": "shop"},
                    "data": {"DB_PASSWORD": PASSWORD, "n": number.to_string()}})
            })
            .chain(documents(STACK).unwrap().into_iter().filter(|one| one["kind"] == "ConfigMap"))
            .collect();
        let (hanging, expiring) = (hangs.clone(), expires.clone());
        let stage = Stage::of(
            &documents(STACK).unwrap(),
            Box::new(move |path, query, _| {
                if resource(path) != "configmaps" {
                    return None;
                }
                let from: usize = query.split("continue=p").nth(1).map_or(0, |place| place.parse().unwrap());
                let mut hung = false;
                while from == 2 && hanging.load(Ordering::Relaxed) {
                    hung = true;
                    thread::sleep(Duration::from_millis(5));
                }
                // Whoever was killed meanwhile reads no answer.
                if !hung && from == 2 && expiring.swap(false, Ordering::Relaxed) {
                    return refused(410, "the provided continue parameter is too old");
                }
                let next = if from + 2 < pages.len() { format!("p{}", from + 2) } else { String::new() };
                let page: Vec<Json> = pages.iter().skip(from).take(2).cloned().collect();
                reply(200, json!({"kind": "ConfigMapList", "metadata": {"continue": next}, "items": page}))
            }),
        );
        Self { stage, hangs, expires }
    }

    /// Captures until the cluster hangs, and is killed then; answers the token that it had shown.
    fn cut_off(&self, more: &[&str]) -> String {
        let arguments = [&CAPTURE[..], &["--resumable"], more].concat();
        let mut child = self.stage.cli.command(&arguments);
        let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let first = BufReader::new(child.stderr.take().unwrap()).lines().next().unwrap().unwrap();
        let (_, token) = first.split_once("--resume ").expect("the first line says how to go on");
        let end = Instant::now() + Duration::from_secs(60);
        while !self.asked().iter().any(|one| one.contains("continue=p2")) {
            assert!(Instant::now() < end, "it never came to the page that hangs: {:#?}", self.asked());
            thread::sleep(Duration::from_millis(5));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        self.hangs.store(false, Ordering::Relaxed);
        token.to_owned()
    }

    fn asked(&self) -> Vec<String> {
        self.stage.api.asked()
    }

    /// What lies in the folder of the state.
    fn kept(&self) -> Vec<PathBuf> {
        let folder = self.stage.cli.home.path().join(".local/state/prodmirror/captures");
        fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
    }
}

fn without_time(document: &Json) -> Json {
    let mut profile = document["profile"].clone();
    profile["captured"]["at"] = Json::Null;
    profile
}

#[test]
fn a_killed_capture_is_gone_on_with_and_is_what_a_whole_one_is() {
    let cluster = Hanging::new();
    let journal = cluster.stage.cli.home.path().join("calls.jsonl").display().to_string();
    let token = cluster.cut_off(&["--journal", &journal]);
    let before = cluster.asked().len();
    let [file] = cluster.kept().try_into().unwrap();
    let bytes = fs::read(&file).unwrap();
    assert!(bytes.len() > 2000, "ten lists and a page");
    for word in [PASSWORD, "DB_PASSWORD", "configmaps", "web", token.as_str()] {
        assert!(!bytes.windows(word.len()).any(|window| window == word.as_bytes()), "{word} is in the file");
    }

    let again = [&CAPTURE[..], &["--resume", &token, "--journal", &journal]].concat();
    let resumed = cluster.stage.run(&again).ok();
    let asked = cluster.asked();
    let rest: Vec<&str> = asked[before..].iter().map(|one| one.split("/v1").nth(1).unwrap_or(one)).collect();
    assert!(rest[0].contains("configmaps") && rest[0].contains("continue=p2"), "{rest:#?}");
    assert!(rest[1].contains("configmaps") && rest[1].contains("continue=p4"), "{rest:#?}");
    let lists =
        ["persistentvolumeclaims", "horizontalpodautoscalers", "poddisruptionbudgets", "networkpolicies"];
    assert_eq!(rest.len(), 2 + lists.len() + 1, "{rest:#?}");
    assert!(lists.iter().all(|list| rest.iter().any(|one| one.contains(list))), "{rest:#?}");
    assert!(cluster.kept().is_empty(), "the capture is done");
    let calls = fs::read_to_string(&journal).unwrap().lines().count();
    // The call that was never answered was never written down.
    assert_eq!(calls, asked.len() - 1);

    let resumed = resumed.json();
    assert!(resumed["notes"].to_string().contains("was cut off"), "{}", resumed["notes"]);
    let whole = cluster.stage.run(&CAPTURE).ok().json();
    assert_eq!(without_time(&resumed), without_time(&whole));
    assert!(!whole["notes"].to_string().contains("was cut off"));
    assert!(cluster.kept().is_empty(), "without a terminal and --resumable nothing is kept");
}

#[test]
fn a_list_whose_pages_expired_meanwhile_is_begun_anew() {
    let cluster = Hanging::new();
    let token = cluster.cut_off(&[]);
    cluster.expires.store(true, Ordering::Relaxed);
    let before = cluster.asked().len();
    let resumed = cluster.stage.run(&[&CAPTURE[..], &["--resume", &token]].concat()).ok().json();
    let asked = cluster.asked();
    let places: Vec<&str> = asked[before..]
        .iter()
        .filter(|one| one.contains("configmaps"))
        .map(|one| one.split("continue=").nth(1).unwrap_or("start"))
        .collect();
    assert_eq!(places, ["p2", "start", "p2", "p4"]);
    assert_eq!(without_time(&resumed), without_time(&cluster.stage.run(&CAPTURE).ok().json()));
}

#[test]
fn a_capture_that_failed_tells_how_to_go_on_and_what_cannot_be_gone_on_with_says_why() {
    let broken = Arc::new(AtomicBool::new(true));
    let breaks = broken.clone();
    let stage = Stage::of(
        &documents(STACK).unwrap(),
        Box::new(move |path, _, _| match resource(path) {
            "pods" if breaks.load(Ordering::Relaxed) => refused(400, "the server is not well"),
            _ => None,
        }),
    );
    let failed = stage.run(&["capture", "kubernetes", "--context", "prod", "--resumable"]).code(4);
    let tokens: Vec<&str> =
        failed.stderr.split("--resume ").skip(1).map(|text| text.lines().next().unwrap()).collect();
    let [token, told] = tokens.as_slice() else { panic!("{failed}") };
    assert!(told.starts_with(token), "the failure tells it again: {failed}");
    let resume = |more: &[&str]| stage.run(&[&["capture", "kubernetes", "--context", "prod"], more].concat());
    let other = resume(&["--resume", token, "--namespace", "elsewhere"]).code(2);
    assert!(other.stderr.contains("is of namespace `shop`, and this one is of `elsewhere`"), "{other}");
    let other = resume(&["--resume", token, "--selector", "app=web"]).code(2);
    assert!(other.stderr.contains("is of selector ``, and this one is of `app=web`"), "{other}");
    assert_eq!(resume(&["--resume", "letmein"]).code, 2);
    let unknown = "a".repeat(64);
    assert!(resume(&["--resume", &unknown]).code(2).stderr.contains("no capture was cut off"));
    broken.store(false, Ordering::Relaxed);
    let asked = stage.api.asked().len();
    resume(&["--resume", token]).ok();
    assert!(stage.api.asked().len() - asked < 15);
    let done = resume(&["--resume", token]).code(2);
    assert!(done.stderr.contains("no capture was cut off"), "it was finished: {done}");
}

#[test]
fn of_secrets_nothing_is_kept_and_they_are_asked_for_again() {
    let broken = Arc::new(AtomicBool::new(true));
    let breaks = broken.clone();
    let secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: keys, namespace: shop}\ndata: {token: bGV0bWVpbi03Nw==}\n";
    let stage = Stage::of(
        &documents(&format!("{STACK}{secret}")).unwrap(),
        Box::new(move |path, _, _| match resource(path) {
            // The last thing that is asked.
            "kube-system" if breaks.load(Ordering::Relaxed) => refused(400, "the server is not well"),
            _ => None,
        }),
    );
    let capture = ["capture", "kubernetes", "--context", "prod", "--hash-secrets"];
    let failed = stage.run(&[&capture[..], &["--resumable"]].concat()).code(4);
    let (_, token) = failed.stderr.lines().next().unwrap().split_once("--resume ").unwrap();
    let before = stage.api.asked().len();
    broken.store(false, Ordering::Relaxed);
    let resumed = stage.run(&[&capture[..], &["--resume", token, "--format", "json"]].concat()).ok().json();
    let asked = stage.api.asked()[before..].to_vec();
    assert!(
        matches!(asked.as_slice(), [secrets, last] if secrets.contains("/secrets?") && last.contains("kube-system")),
        "{asked:#?}"
    );
    assert!(resumed["secrets"]["keys-token"]["secret"].is_string(), "{}", resumed["secrets"]);
}
