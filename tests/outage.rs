//! A cluster whose API server goes away for a moment, and whose nodes are emptied: what is under way goes on or fails
//! clearly, and nothing is left behind. A cluster of its own, as nobody beside it would understand.
//!
//! Short by default; with `PRODMIRROR_SOAK=1` it happens many times more, and two long cases run (`make soak`).

#![cfg(feature = "kubernetes")]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[path = "support/cli.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod cli;
#[path = "upon/ground.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod ground;
#[path = "support/profiles.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod profiles;
#[path = "kind/stage.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod stage;

use std::{
    io::Read as _,
    process::Output,
    sync::{Mutex, MutexGuard, Once, PoisonError},
    time::Duration,
};

use cli::Cli;
use ground::{User, ground, until};
use profiles::Profile;
use serde_json::Value;

/// Kills it in its container; the kubelet starts another, later each time, unless it begins anew itself.
const KILL: &str = "systemctl restart kubelet; pkill -KILL -x kube-apiserver";

/// The same with those who decide on pods and volumes.
const ANEW: &str = "systemctl restart kubelet; pkill -KILL -x kube-scheduler; pkill -KILL -x kube-controller";

/// Who makes volumes on a cluster of Kind's: its namespace, and its object.
const MAKER: (&str, &str) = ("local-path-storage", "deployment/local-path-provisioner");

/// One case at a time: each has the cluster for itself.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    static BEGUN: Once = Once::new();
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    BEGUN.call_once(|| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(stage::stage_with(2));
        // The cluster has its claim as long as this process lives.
        std::mem::forget(runtime);
    });
    turn
}

fn user(stem: &str) -> User {
    let whole = |profile: Profile| {
        profile
            .with(r#"secrets: {db-password: {generate: "hex:12"}}"#)
            .web("env: {DATABASE_URL: \"${store:db.url}\"}\nneeds: [db]")
            .db("seed: ./seed.sql")
    };
    let it = User::new(stem, whole);
    it.cli.file("seed.sql", "create table note (id int);\ninsert into note values (1);\n");
    it
}

fn is_long() -> bool {
    std::env::var("PRODMIRROR_SOAK").is_ok_and(|soak| soak == "1")
}

/// When something happens in a command that takes some ten seconds.
fn instants(short: &[u64]) -> Vec<Duration> {
    let millis = if is_long() { (0..12_000).step_by(750).collect() } else { short.to_vec() };
    millis.into_iter().map(Duration::from_millis).collect()
}

/// A command in whose middle the API server is killed.
fn killed(it: &User, words: &[&str], after: Duration) -> Output {
    let child = it.cli.spawn(words);
    std::thread::sleep(after);
    cli::docker(&["exec", &ground().node(), "sh", "-c", KILL]);
    child.wait_with_output().unwrap()
}

/// Waits until the API server is back. In the long form, where it goes away again and again, also until those are well who
/// lost their lead with it; and as the scheduler and the maker of volumes listen anew later each time, and take a claim for
/// the one before it until they do, they begin anew.
fn recovered() {
    const READY: [&str; 5] = ["wait", "--for=condition=Ready", "pod", "--all", "--timeout=2m"];
    let in_space = |space, words: &[&str]| ground().try_kubectl(&[&["--namespace", space], words].concat());
    until("the API server answers", || ground().kubectl_says(&["get", "--raw", "/readyz"]) == "ok");
    if !is_long() {
        return;
    }
    cli::docker(&["exec", &ground().node(), "sh", "-c", ANEW]);
    // Until the kubelet has seen that they ended, they count as ready.
    std::thread::sleep(Duration::from_secs(3));
    until("the control plane is well", || in_space("kube-system", &READY).status.success());
    in_space(MAKER.0, &["delete", "pod", "--all", "--grace-period=1"]);
    until("volumes are made", || in_space(MAKER.0, &READY).status.success());
}

fn told(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("exit {:?}\n{out}\n{err}", output.status.code())
}

#[test]
fn an_api_server_that_restarts_in_the_middle_of_an_up_is_waited_for() {
    let _turn = turn();
    let it = user("outage");
    for after in instants(&[1000, 4000]) {
        let output = killed(&it, &["up", "-f", &it.file, "--format", "json"], after);
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        match output.status.code() {
            Some(0) => assert_eq!(answer["ready"], true, "after {after:?}: {answer:#}"),
            // A command inside a pod ends with its connection: the seed is half there, and said to be.
            Some(4) => assert_eq!(answer["code"], "seed", "after {after:?}: {}", told(&output)),
            _ => panic!("after {after:?}: {}", told(&output)),
        }
        recovered();
        it.up(&[]).ok();
        assert_eq!(it.sql("select count(*) from note"), "1", "after {after:?}");
        it.run("down", &[]).ok();
        assert!(!ground().has(&it.name), "after {after:?}");
    }
}

#[test]
fn an_api_server_that_restarts_in_the_middle_of_a_down_is_waited_for() {
    let _turn = turn();
    let it = user("outage-down");
    for after in instants(&[700]) {
        it.up(&[]).ok();
        let output = killed(&it, &["down", &it.name], after);
        assert!(output.status.success(), "after {after:?}: {}", told(&output));
        recovered();
        assert!(!ground().has(&it.name), "after {after:?}");
    }
}

#[test]
fn a_volume_that_nobody_makes_is_told_with_the_store_and_the_claim_that_waits_for_it() {
    let _turn = turn();
    let it = user("outage-volume");
    let makers = |count| {
        let replicas = format!("--replicas={count}");
        ground().kubectl(&["--namespace", MAKER.0, "scale", MAKER.1, &replicas]);
        ground().kubectl(&["--namespace", MAKER.0, "rollout", "status", MAKER.1, "--timeout=60s"]);
    };
    makers(0);
    let late = it.up(&["--timeout", "12s", "--format", "json"]);
    makers(1);
    let late = late.code(5).json();
    assert_eq!((&late["code"], &late["service"]), (&"timeout".into(), &"db".into()), "{late:#}");
    let message = late["message"].as_str().unwrap();
    assert!(message.contains("pod/db-0") && message.contains("claim `data-db-0` has no volume"), "{late:#}");
    it.up(&[]).ok();
    it.run("down", &[]).ok();
}

#[test]
fn a_command_whose_connection_breaks_is_told_and_not_waited_for() {
    let _turn = turn();
    let it = user("outage-exec");
    it.up(&[]).ok();
    let script = "echo it runs; sleep 600";
    let mut child = it.cli.spawn(&["exec", "-T", &it.name, "web/0", "--", "sh", "-c", script]);
    let mut begun = [0; "it runs\n".len()];
    child.stdout.as_mut().unwrap().read_exact(&mut begun).unwrap();
    cli::docker(&["exec", &ground().node(), "sh", "-c", KILL]);
    let has_ended = (0..300).any(|_| {
        std::thread::sleep(Duration::from_millis(200));
        child.try_wait().unwrap().is_some()
    });
    let _ = child.kill();
    let told = told(&child.wait_with_output().unwrap());
    assert!(has_ended && told.contains("exit Some(125)"), "{told}");
    assert!(told.contains("the connection broke before the command ended"), "{told}");
    recovered();
    it.run("down", &[]).ok();
}

#[test]
fn a_seed_whose_connection_breaks_is_told_as_cut_off() {
    let _turn = turn();
    let it = user("outage-seed");
    it.cli
        .file("seed.sql", "create table note (id int);\nselect pg_sleep(8);\ninsert into note values (1);\n");
    let child = it.cli.spawn(&["up", "-f", &it.file, "--format", "json"]);
    let sleeping = "select count(*) from pg_stat_activity where query like 'select pg_sleep%'";
    let psql = ["exec", "db-0", "--", "psql", "-U", "app", "-d", "notes", "-Atc", sleeping];
    let space = ground::space(&it.name);
    until("the seed is on its way", || {
        ground().kubectl_says(&[&["--namespace", &space][..], &psql].concat()) == "1"
    });
    cli::docker(&["exec", &ground().node(), "sh", "-c", KILL]);
    let output = child.wait_with_output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &answer["code"]), (Some(4), &"seed".into()), "{}", told(&output));
    assert!(answer["message"].as_str().unwrap().contains("its seeding was cut off"), "{}", told(&output));
    recovered();
    it.run("down", &[]).ok();
}

/// The node that a service's pod is on.
fn node_of(it: &User, service: &str) -> String {
    let selector = format!("prodmirror/service={service}");
    it.kubectl(&["get", "pods", "--selector", &selector, "--output", "jsonpath={.items[0].spec.nodeName}"])
}

fn drain(node: &str) {
    let words = ["--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=120s"];
    ground().kubectl(&[&["drain", node][..], &words].concat());
}

#[test]
fn a_mirror_comes_back_from_a_drained_node_and_says_why_what_cannot_does_not() {
    let _turn = turn();
    let it = user("drained");
    it.up(&[]).ok();

    // Its volume is on the node: the database waits for it, and the reason is told.
    let node = node_of(&it, "db");
    drain(&node);
    until("the web server is ready elsewhere", || it.states().contains(&"web/0 ready".to_owned()));
    assert_ne!(node_of(&it, "web"), node);
    assert!(!it.states().contains(&"db/0 ready".to_owned()), "{:?}", it.states());
    it.run("ledger", &[]).code(1);
    let refused = it.up(&["--timeout", "20s", "--format", "json"]).code(5).json();
    let message = refused["message"].as_str().unwrap();
    assert!(message.contains("db") && refused["code"] == "unschedulable", "{refused:#}");

    ground().kubectl(&["uncordon", &node]);
    until("the database is ready", || it.states().contains(&"db/0 ready".to_owned()));
    it.up(&[]).ok();
    it.run("ledger", &[]).ok();
    assert_eq!(it.sql("select count(*) from note"), "1");

    // On a node that leaves, a mirror goes as well as anywhere.
    ground().kubectl(&["cordon", &node]);
    it.run("down", &[]).ok();
    ground().kubectl(&["uncordon", &node]);
    assert!(!ground().has(&it.name));
    let left = it.cli.run(&["gc", "--dry-run", "--format", "json"]).ok().json();
    assert_eq!(left["objects"], serde_json::json!([]), "{left:#}");
}

/// What holds pods to policies on the nodes of `scripts/kind/node`.
const HOLDS: [&str; 3] = ["--namespace", "kube-system", "daemonset/podnet"];

/// Has the network of the cluster know nothing of policies, or know them again.
fn policies(are_kept: bool) {
    let command = if are_kept { "podpolicy" } else { "sleep" };
    let argument = if are_kept { "" } else { ", \"infinity\"" };
    let patch = format!(
        r#"{{"spec": {{"template": {{"spec": {{"containers": [{{"name": "podpolicy", "command": ["{command}"{argument}]}}]}}}}}}}}"#
    );
    let [option, space, network] = HOLDS;
    ground().kubectl(&[option, space, "patch", network, "--patch", &patch]);
    ground().kubectl(&[option, space, "rollout", "status", network, "--timeout=120s"]);
    if !are_kept {
        let label = format!("label=io.x-k8s.kind.cluster={}", ground().context.trim_start_matches("kind-"));
        for node in cli::docker(&["ps", "--filter", &label, "--format", "{{.Names}}"]).lines() {
            cli::docker(&["exec", node, "sh", "-c", "nft delete table ip podpolicy || true"]);
        }
    }
}

#[test]
#[ignore = "long: `make soak` runs it"]
fn a_network_that_ignores_policies_is_told_in_the_ledger() {
    let _turn = turn();
    let [option, space, network] = HOLDS;
    if ground().kubectl_says(&[option, space, "get", network, "--output", "name"]).is_empty() {
        eprintln!("skipped: the nodes are not those of scripts/kind/node, and keep policies in another way");
        return;
    }
    let it = User::new("open", |profile| profile.with("network: {egress: denied}").web(""));
    let egress = || {
        let ledger = it.run("ledger", &["--format", "json"]).json();
        let entries = ledger["entries"].as_array().unwrap().clone();
        entries.into_iter().find(|entry| entry["path"] == "network.egress").unwrap()
    };
    policies(false);
    it.up(&[]);
    let open = egress();
    policies(true);
    assert_eq!(open["grade"], "dropped", "{open:#}");
    assert!(open["why"].as_str().unwrap().contains("connected"), "{open:#}");
    until("the policy is kept", || egress()["grade"] == "enforced");
    assert_eq!(egress()["holds"], true);
}

#[test]
#[ignore = "long: `make soak` runs it"]
fn a_cluster_that_does_not_answer_is_not_taken_for_one_without_mirrors() {
    let _turn = turn();
    let node = ground().node();
    let path = format!("{}:{}", ground::release().display(), std::env::var("PATH").unwrap());
    let owner = Cli::with(vec![("PATH", path), ("PRODMIRROR_OWNER", stage::owner())]);
    // Its API server is away, and the kubelet does not bring it back.
    let sh = |line: &str| cli::docker(&["exec", &node, "sh", "-c", line]);
    sh("mv /etc/kubernetes/manifests/kube-apiserver.yaml /etc/kubernetes/aside.yaml");
    until("it is away", || owner.run(&["status"]).stderr.contains("does not answer"));
    let said = [&["down", "--all"][..], &["gc"], &["logs", "nobody"]].map(|words| owner.run(words));
    sh(
        "mv /etc/kubernetes/aside.yaml /etc/kubernetes/manifests/kube-apiserver.yaml; systemctl restart kubelet",
    );
    for done in said {
        let done = done.code(4);
        assert!(done.stderr.contains("does not answer, and may hold mirrors"), "{done}");
    }
    until("it is back", || !owner.run(&["status"]).stderr.contains("does not answer"));
    owner.run(&["down", "--all"]).ok();
}
