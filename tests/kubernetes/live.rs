//! `capture kubernetes` and `kubernetes:CONTEXT/NAMESPACE`, against an API server that answers recorded objects.

use std::fs;

use prodmirror::capture::kubernetes::documents;
use serde_json::{Value as Json, json};

use crate::{
    api::{Api, Rule, refused, reply, resource},
    cli::{Cli, Done},
    corpora,
};

/// A stack as a cluster has it, with what really runs.
pub const STACK: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, managedFields: [{manager: x}]}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: web:1
        env:
        - {name: LEVEL, valueFrom: {configMapKeyRef: {name: settings, key: level}}}
        - {name: TOKEN, valueFrom: {secretKeyRef: {name: keys, key: token}}}
        ports: [{containerPort: 8000}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data: {level: info}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 8000, targetPort: 8000}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web-1, namespace: shop, labels: {app: web}, ownerReferences: [{kind: ReplicaSet, name: web-x}]}
spec: {nodeName: n, containers: [{name: web, image: web:1}]}
status:
  containerStatuses:
  - {name: web, restartCount: 3, imageID: 'web@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'}
";

pub const SECRET: &str = "
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: shop}
data: {token: bGV0bWVpbi03Nw==}
";

pub fn nothing_else() -> Box<Rule> {
    Box::new(|_, _, _| None)
}

pub struct Stage {
    pub cli: Cli,
    pub api: Api,
}

impl Stage {
    pub fn new(text: &str, first: Box<Rule>) -> Self {
        Self::of(&documents(text).unwrap(), first)
    }

    pub fn of(objects: &[Json], first: Box<Rule>) -> Self {
        let (cli, api) = (Cli::new(), Api::new(objects, first));
        cli.file(".kube/config", &api.kubeconfig());
        Self { cli, api }
    }

    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Done {
        let done = self.cli.run(arguments);
        for value in ["letmein", "bGV0bWVpbi"] {
            assert!(!done.to_string().contains(value), "{done}");
        }
        done
    }

    #[track_caller]
    fn capture(&self, more: &[&str]) -> Json {
        let arguments = ["capture", "kubernetes", "--context", "prod", "--format", "json"];
        self.run(&[&arguments, more].concat()).ok().json()
    }
}

#[test]
fn a_live_namespace_is_what_its_saved_objects_are_and_every_call_is_written_down() {
    let stage = Stage::new(STACK, nothing_else());
    let journal = stage.cli.home.path().join("calls.jsonl");
    let live = stage.capture(&["--namespace", "shop", "--journal", journal.to_str().unwrap()]);
    let captured = &live["profile"]["captured"];
    assert_eq!(
        (&captured["from"], &captured["context"], &captured["namespace"], &captured["cluster"]),
        (&json!("kubernetes"), &json!("prod"), &json!("shop"), &json!("u-1"))
    );
    let saved = stage.cli.file("shop.yaml", STACK).display().to_string();
    let saved = stage.run(&["capture", "files", &saved, "--format", "json"]).ok().json();
    let without = |document: &Json| {
        let mut profile = document["profile"].clone();
        profile["captured"] = Json::Null;
        profile
    };
    assert_eq!(without(&live), without(&saved));
    assert!(without(&live)["services"]["web"]["image"].as_str().unwrap().contains("@sha256:aaaa"));

    let asked = stage.api.asked();
    assert_eq!(asked.len(), 15, "{asked:#?}");
    assert!(
        asked.iter().all(|one| one.starts_with("GET ") && !one.contains("secrets") && !one.contains("nodes"))
    );
    assert!(asked.iter().all(|one| !one.contains("watch")), "{asked:#?}");
    let calls: Vec<Json> = fs::read_to_string(&journal)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let paths: Vec<String> =
        calls.iter().map(|call| format!("GET {}", call["path"].as_str().unwrap())).collect();
    assert_eq!(paths, asked);
    assert!(
        calls
            .iter()
            .all(|call| call["status"] == 200 && call["at"].is_string() && call["bytes"].as_u64() > Some(0))
    );
}

#[test]
fn a_list_is_read_to_its_end_and_begun_anew_when_its_pages_expire() {
    let many: Vec<Json> = (0..5)
        .map(|number| {
            json!({"kind": "ConfigMap", "metadata": {"name": format!("c-{number}"),
        "namespace": "shop"}, "data": {"n": number.to_string()}})
        })
        .collect();
    let objects = documents(STACK).unwrap();
    let pages = many.clone();
    let stage = Stage::of(
        &objects,
        Box::new(move |path, query, before| {
            if resource(path) != "configmaps" {
                return None;
            }
            let from: usize = query.split("continue=p").nth(1).map_or(0, |place| place.parse().unwrap());
            // The second page expires once.
            if from == 2 && before == 1 {
                return refused(410, "the provided continue parameter is too old");
            }
            let next = if from + 2 < pages.len() { format!("p{}", from + 2) } else { String::new() };
            let page: Vec<Json> = pages.iter().skip(from).take(2).cloned().collect();
            reply(200, json!({"kind": "ConfigMapList", "metadata": {"continue": next}, "items": page}))
        }),
    );
    let live = stage.capture(&[]);
    let asked: Vec<String> = stage.api.asked().into_iter().filter(|one| one.contains("configmaps")).collect();
    let places: Vec<&str> =
        asked.iter().map(|one| one.split("continue=").nth(1).unwrap_or("start")).collect();
    assert_eq!(places, ["start", "p2", "start", "p2", "p4"]);
    let notes = live["notes"].to_string();
    assert!((0..5).all(|number| notes.contains(&format!("c-{number}"))), "none is lost: {notes}");
}

#[test]
fn a_server_that_asks_for_patience_or_fails_once_is_asked_again_from_the_same_place() {
    let stage = Stage::new(
        STACK,
        Box::new(|path, _, before| match (resource(path), before) {
            ("deployments", 0) => {
                let mut busy = refused(429, "too many requests").unwrap();
                busy.headers.push(("Retry-After", "0".to_owned()));
                Some(busy)
            }
            ("pods", 0) => refused(503, "the server is currently unable to handle the request"),
            _ => None,
        }),
    );
    let live = stage.capture(&[]);
    assert!(live["profile"]["services"]["web"]["image"].as_str().unwrap().contains("@sha256"));
    let count = |of: &str| stage.api.asked().iter().filter(|one| one.contains(&format!("/{of}?"))).count();
    assert_eq!((count("deployments"), count("pods"), count("services")), (2, 2, 1));

    let broken = Stage::new(
        STACK,
        Box::new(|path, _, _| match resource(path) {
            "deployments" => {
                let mut busy = refused(429, "too many requests").unwrap();
                busy.headers.push(("Retry-After", "0".to_owned()));
                Some(busy)
            }
            _ => None,
        }),
    );
    let done = broken.run(&["capture", "kubernetes", "--context", "prod"]).code(4);
    assert!(done.stderr.contains("list deployments.apps: 429"), "{done}");
}

#[test]
fn a_list_that_is_refused_is_named_and_what_only_it_tells_is_no_silent_difference() {
    let denied = |path: &str| match resource(path) {
        of @ ("configmaps" | "horizontalpodautoscalers") => {
            refused(403, &format!("{of} is forbidden: User \"dev\" cannot list resource"))
        }
        "kube-system" => refused(403, "namespaces \"kube-system\" is forbidden"),
        _ => None,
    };
    let stage = Stage::new(STACK, Box::new(move |path, _, _| denied(path)));
    let live = stage.capture(&[]);
    let notes = live["notes"].to_string();
    for what in ["list configmaps", "list horizontalpodautoscalers.autoscaling", "get namespaces/kube-system"]
    {
        assert!(notes.contains(&format!("`{what}` was refused")), "{what}: {notes}");
    }
    let holes: Vec<&str> =
        live["holes"].as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect();
    assert_eq!(holes, ["services.web.env.LEVEL"]);

    // The same namespace with the rights, as a profile that scales.
    let whole = Stage::new(STACK, nothing_else());
    let profile = whole.cli.home.path().join("p.yaml").display().to_string();
    whole.run(&["capture", "kubernetes", "--context", "prod", "-o", &profile]).ok();
    whole.run(&["drift", "kubernetes:prod/shop", "--against", &profile]).ok();
    let scales = fs::read_to_string(&profile)
        .unwrap()
        .replace("    ports:", "    autoscaling: {min: 1, max: 3}\n    ports:");
    let scales = stage.cli.file("scales.yaml", &scales).display().to_string();
    let drift = stage
        .run(&["drift", "kubernetes:prod/shop", "--against", &scales, "--format", "json"])
        .code(6)
        .json();
    let unread: Vec<&str> =
        drift["incomparable"].as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect();
    assert_eq!(unread, ["services.web.env.LEVEL", "services.web.autoscaling"]);
    let one = whole.run(&["env-dump", "--from", "kubernetes:prod/shop/deployment/web"]).ok();
    assert!(one.stdout.contains("LEVEL=info") && one.stdout.contains("#secret TOKEN="), "{one}");
}

#[test]
fn who_may_read_nothing_is_told_what_to_ask_for() {
    let stage = Stage::new(STACK, Box::new(|_, _, _| refused(403, "forbidden")));
    let done = stage.run(&["capture", "kubernetes", "--context", "prod"]).code(4);
    assert!(done.stderr.contains("--print-rbac"), "{done}");
    let stranger = Stage::new(STACK, Box::new(|_, _, _| refused(401, "Unauthorized")));
    let done = stranger.run(&["capture", "kubernetes", "--context", "prod"]).code(4);
    assert!(done.stderr.contains("does not know who asks"), "{done}");
    assert_eq!(stranger.api.asked().len(), 1, "it is not asked again and again");
    let rights = stage.run(&["capture", "kubernetes", "--print-rbac", "--namespace", "shop", "--nodes"]).ok();
    assert_eq!(documents(&rights.stdout).unwrap().len(), 2);
    assert!(stage.run(&["capture", "kubernetes"]).code(2).stderr.contains("never used"));
    let done = stage.run(&["capture", "kubernetes", "--context", "staging"]).code(2);
    assert!(done.stderr.contains("no context `staging`; it has prod"), "{done}");
}

#[test]
fn secrets_are_read_by_a_switch_alone_and_compared_by_their_hash() {
    let stage = Stage::new(&format!("{STACK}---{SECRET}"), nothing_else());
    let live = stage.capture(&["--hash-secrets"]);
    assert!(stage.api.asked().iter().any(|one| one.contains("/secrets?")));
    let notes = live["notes"].to_string();
    assert!(notes.contains("its value in production has the hash "), "{notes}");
    assert_eq!(live["profile"]["services"]["web"]["env"]["TOKEN"], "${secret:keys-token}");
    let hash = live["secrets"]["keys-token"]["secret"].as_str().unwrap();
    assert!(notes.contains(hash), "the document says it as data too: {live}");

    // What was captured is a SOURCE, and is compared with what runs, by hash.
    let saved = |stage: &Stage| stage.cli.file("prod.json", &live.to_string()).display().to_string();
    let file = saved(&stage);
    let journal = stage.cli.home.path().join("calls.jsonl");
    let written = ["--journal", journal.to_str().unwrap()];
    let same = [&["diff", &file, "kubernetes:prod/shop", "--hash-secrets", "--format", "json"], &written[..]];
    assert_eq!(stage.run(&same.concat()).ok().json()["untold"], json!([]));
    assert!(fs::read_to_string(&journal).unwrap().contains("/secrets?"));
    stage.run(&["env-diff", &file, "kubernetes:prod/shop#web", "--hash-secrets"]).ok();

    // bGV0bWVpbi03OA== is another value; both users have one key.
    let other = Stage::new(&format!("{STACK}---{}", SECRET.replace("bi03Nw", "bi03OA")), nothing_else());
    let key = ".local/state/prodmirror/hash-key";
    other.cli.file(key, "");
    fs::copy(stage.cli.home.path().join(key), other.cli.home.path().join(key)).unwrap();
    let file = saved(&other);
    let differs = ["diff", &file, "kubernetes:prod/shop", "--format", "json"];
    let difference = other.run(&[&differs, &["--hash-secrets"][..]].concat()).code(1).json();
    let changes = difference["changes"].as_array().unwrap().iter();
    let changes: Vec<&Json> = changes.filter(|one| one["noise"].is_null()).collect();
    assert_eq!(changes.len(), 1, "{changes:#?}");
    assert_eq!((&changes[0]["path"], &changes[0]["class"]), (&json!("secrets.keys-token"), &json!("secret")));
    assert_eq!(changes[0]["from"]["secret"], hash);
    let unread = other.run(&differs).code(6).json();
    assert_eq!(unread["incomparable"][0]["path"], "secrets.keys-token", "nothing is read without the switch");
    let variables = ["env-diff", &file, "kubernetes:prod/shop#web", "--format", "json"];
    let unread = other.run(&variables).code(6).json();
    let why = unread["incomparable"][0]["why"].as_str().unwrap();
    assert!(why.contains("the second is a secret that was not read: `--hash-secrets` reads it"), "{why}");
    let twice = ["env-diff", "kubernetes:prod/shop#web", "kubernetes:prod/shop#web", "--format", "json"];
    assert_eq!(other.run(&twice).code(6).json()["changes"], json!([]));
    let variables = other
        .run(&["env-diff", &file, "kubernetes:prod/shop#web", "--hash-secrets", "--format", "json"])
        .code(1)
        .json();
    assert_eq!(variables["changes"][0]["name"], "TOKEN");
    assert!(other.api.asked().iter().filter(|one| one.contains("/secrets?")).count() == 2);

    // Under another key nothing can be told.
    let stranger = Stage::new(&format!("{STACK}---{SECRET}"), nothing_else());
    let file = saved(&stranger);
    stranger.run(&["diff", &file, "kubernetes:prod/shop", "--hash-secrets"]).code(6);
}

#[test]
fn the_lists_of_a_real_cluster_are_read_as_its_files_are() {
    let Some(root) = corpora::corpora() else {
        println!("skipped: no ../shared/corpora; PRODMIRROR_CORPORA names the folder");
        return;
    };
    let file = root.join("k8s-dump/deployments/default.json");
    let text = fs::read_to_string(&file).unwrap();
    let list: Json = serde_json::from_str(&text).unwrap();
    let stage = Stage::of(
        &[],
        Box::new(move |path, _, _| match resource(path) {
            "deployments" => reply(200, list.clone()),
            _ => None,
        }),
    );
    let live = stage.capture(&["--namespace", "default"]);
    let saved = stage.run(&["capture", "files", file.to_str().unwrap(), "--format", "json"]).ok().json();
    assert_eq!(live["profile"]["services"], saved["profile"]["services"]);
    assert!(live["profile"]["services"].as_object().unwrap().len() > 3);
}
