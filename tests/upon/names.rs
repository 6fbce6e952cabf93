//! Whose a mirror is, and who may do what: names, owners, leases, rights, production's own cluster.

use std::{io::BufRead as _, process::Child};

use serde_json::json;

use crate::{
    cli::{Cli, Done},
    ground::{User, ground, space, until},
    profiles::Profile,
    stage,
};

const NEVER_READY: &str = "services.web.probes.readiness.http.path=/missing";

fn web(profile: Profile) -> Profile {
    profile.web("")
}

/// Until it has said this; what it says later is nobody's.
fn heard(child: &mut Child, what: &str) {
    let mut said = std::io::BufReader::new(child.stderr.take().unwrap()).lines();
    let found = said.any(|line| line.unwrap().contains(what));
    assert!(found, "it ended without `{what}`");
    std::thread::spawn(move || said.for_each(drop));
}

#[test]
fn of_two_ups_of_one_name_one_wins_and_the_other_says_so() {
    let it = User::new("two", |profile| profile.web("").shell("slow", "sleep 5; sleep 600", ""));
    let words = ["up", "-f", &it.file, "--set", NEVER_READY, "--timeout", "60s"];
    let mut first = it.cli.spawn(&words);
    heard(&mut first, "wait for");
    let second = it.up(&["--format", "json"]).code(4).json();
    assert_eq!(second["code"], "leased", "{second:#}");
    let down = it.run("down", &["--format", "json"]).code(4).json();
    assert_eq!(down["code"], "leased", "{down:#}");
    // Nor does `gc` take what somebody works on.
    it.cli.run(&["gc"]).ok();
    assert!(ground().has(&it.name));

    // Killed on this host, it holds nothing any more: the next one need not wait.
    first.kill().unwrap();
    first.wait().unwrap();
    let next = it.up(&[]).ok();
    assert!(next.stderr.contains("its remains are removed first"), "{next}");
}

#[test]
fn what_is_others_is_left_alone() {
    let (it, mut other) = (User::new("mine", web), User::new("theirs", web));
    it.up(&[]).ok();
    other.name.clone_from(&it.name);
    for command in ["down", "status"] {
        let done = other.run(command, &[]);
        assert_eq!(done.code, if command == "down" { 2 } else { 0 }, "{done}");
    }
    let taken = other.up(&["--name", &it.name, "--format", "json"]).code(2).json();
    assert_eq!(taken["code"], "name-taken", "{taken:#}");
    assert!(taken["message"].as_str().unwrap().contains(&it.cli.owner), "{taken:#}");
    for words in [&["gc", "--older-than", "1s"][..], &["down", "--all"]] {
        other.cli.run(words).ok();
        assert!(ground().has(&it.name), "{words:?}");
    }
    // The same owner's other profile.
    let text = std::fs::read_to_string(&it.file).unwrap();
    let file = it.cli.file("other.yaml", &text.replacen("name: t", "name: u", 1)).display().to_string();
    let taken = it.cli.run(&["up", "-f", &file, "--name", &it.name, "--format", "json"]).code(2).json();
    assert!(taken["message"].as_str().unwrap().contains("from the profile"), "{taken:#}");
    let replaced = it.cli.run(&["up", "-f", &file, "--name", &it.name, "--replace"]).ok();
    assert!(replaced.stderr.contains("replacing the mirror that is there"), "{replaced}");

    // A namespace that is no mirror.
    let name = it.cli.name("space");
    ground().kubectl(&["create", "namespace", &space(&name)]);
    let refused = it.up(&["--name", &name, "--format", "json"]).code(2).json();
    assert_eq!(refused["code"], "name-taken", "{refused:#}");
    it.cli.run(&["down", &name]).code(2);
    ground().kubectl(&["delete", "namespace", &space(&name), "--wait=false"]);
}

#[test]
fn every_right_that_is_missing_is_told_at_once() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ground = ground();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, runtime.block_on(stage::credentials_of("nobody-in-particular"))).unwrap();
    let it = User::new("rights", web);
    let before = ground.kubectl(&["get", "namespaces", "--output", "name"]);
    let mut command = it.cli.command(&["up", "-f", &it.file, "--format", "json"]);
    let output = command.env("KUBECONFIG", &kubeconfig).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    let error: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let message = error["message"].as_str().unwrap();
    for right in ["create namespaces", "delete deployments.apps", "get pods/log", "create pods/exec"] {
        assert!(message.contains(right), "{right}: {message}");
    }
    let after = ground.kubectl(&["get", "namespaces", "--output", "name"]);
    assert!(!after.contains(&space(&it.name)), "{before} {after}");
}

#[test]
fn productions_own_cluster_is_refused_unless_the_profile_allows_it() {
    let uid = ground().kubectl(&["get", "namespace", "kube-system", "--output", "jsonpath={.metadata.uid}"]);
    let captured = format!("captured: {{from: kubernetes, cluster: {uid}}}\n");
    let it = User::new("same", |profile| profile.with(&captured).shell("aside", "sleep 600", ""));
    let refused = it.up(&["--format", "json"]).code(4).json();
    assert!(refused["hint"].as_str().unwrap().contains("allow: [same-cluster]"), "{refused:#}");
    assert!(!ground().has(&it.name));
    let text = std::fs::read_to_string(&it.file).unwrap() + "allow: [same-cluster]\n";
    it.cli.file("prodmirror.yaml", &text);
    it.up(&[]).ok();
}

#[test]
fn gc_takes_what_nobody_will_come_back_for() {
    let it = User::new("gc", web);
    // Past its time.
    it.up(&["--ttl", "1s"]).ok();
    let dry = it.cli.run(&["gc", "--dry-run", "--format", "json"]).ok().json();
    assert!(dry["objects"].to_string().contains(&it.name) && ground().has(&it.name), "{dry:#}");
    it.cli.run(&["gc"]).ok();
    assert!(!ground().has(&it.name));

    // Kept as failed, it is nobody's to take before its time.
    it.up(&["--set", NEVER_READY, "--timeout", "3s"]).code(5);
    it.cli.run(&["gc"]).ok();
    assert!(ground().has(&it.name));
    it.run("down", &[]).ok();

    // A `run` whose caller was killed.
    let file = it.file.clone();
    let mut run = it.cli.spawn(&["run", "-f", &file, "--", "sh", "-c", "echo up; sleep 600"]);
    let mut line = String::new();
    std::io::BufReader::new(run.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "up\n");
    it.cli.run(&["gc"]).ok();
    let mirrors = || it.cli.run(&["status", "--format", "json"]).ok().json()["mirrors"].clone();
    let own = || mirrors().as_array().unwrap().iter().any(|one| one["owner"] == json!(it.cli.owner));
    assert!(own(), "its caller lives");
    run.kill().unwrap();
    run.wait().unwrap();
    it.cli.run(&["gc"]).ok();
    until("its mirror is gone", || !own());
}

#[test]
fn without_the_program_kind_ones_own_clusters_are_told_and_not_taken_for_none() {
    let cluster = ground().context.trim_start_matches("kind-");
    let path = std::env::var("PATH").unwrap();
    let is_here = std::env::split_paths(&path).any(|folder| folder.join("kind").is_file());
    assert!(!is_here, "`kind` is on the PATH of the tests: {path}");
    let it = Cli::new();
    let as_owner = |words: &[&str]| -> Done {
        it.command(words).env("PRODMIRROR_OWNER", stage::owner()).output().unwrap().into()
    };
    let status = as_owner(&["status"]).ok();
    let note = format!("note: {cluster} cannot be asked, as the program `kind` is not here");
    assert!(status.stderr.contains(&note), "{status}");
    for words in [&["down", "--all"][..], &["gc"], &["logs", "nobody"]] {
        let error = as_owner(&[words, &["--format", "json"]].concat()).code(4).json();
        assert_eq!(error["code"], "kind-missing", "{error:#}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(cluster) && message.ends_with("may hold mirrors"), "{message}");
    }
    // The cluster is none of whoever else asks.
    assert!(!it.run(&["status"]).ok().stderr.contains("`kind`"), "it tells of others' clusters");
    for words in [&["down", "--all"][..], &["gc"]] {
        it.run(words).ok();
    }
}

#[test]
fn a_mirror_that_cannot_be_looked_at_is_not_taken_for_one_that_nobody_made() {
    let it = User::new("blind", web);
    it.up(&[]).ok();
    // One who may see all of a mirror but its pods.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let kubeconfig = it.cli.file("blind.kubeconfig", &runtime.block_on(stage::credentials_of("blind")));
    let kinds = "namespaces,configmaps,leases,secrets,services,serviceaccounts,persistentvolumeclaims,deployments,\
        statefulsets,jobs,cronjobs,networkpolicies,horizontalpodautoscalers,poddisruptionbudgets";
    let role = format!("{}-blind", it.name);
    let rule = json!({"apiGroups": ["*"], "resources": kinds.split(',').collect::<Vec<_>>(), "verbs": ["get", "list"]});
    let metadata = json!({"name": role});
    let api = "rbac.authorization.k8s.io";
    for object in [
        json!({"apiVersion": format!("{api}/v1"), "kind": "ClusterRole", "metadata": metadata, "rules": [rule]}),
        json!({
            "apiVersion": format!("{api}/v1"), "kind": "ClusterRoleBinding", "metadata": metadata,
            "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": api, "kind": "User", "name": "blind"}],
        }),
    ] {
        ground().create(&it.cli, &object);
    }
    // What nobody made is given ten seconds.
    std::thread::sleep(std::time::Duration::from_secs(11));
    let mut command = it.cli.command(&["gc", "--dry-run", "--format", "json"]);
    let gc = command.env("KUBECONFIG", &kubeconfig).output().unwrap();
    let said = String::from_utf8_lossy(&gc.stderr);
    assert!(gc.status.success() && said.contains("is left: it does not say how it is"), "{said}");
    let gone: serde_json::Value = serde_json::from_slice(&gc.stdout).unwrap();
    assert_eq!(gone["objects"], json!([]), "{gone:#}");
    ground().kubectl(&["delete", "clusterrole,clusterrolebinding", &role]);
}

#[test]
fn an_interrupted_up_removes_what_it_made_and_leaves_what_was_up() {
    let it = User::new("interrupt", web);
    let interrupted = || {
        let mut child = it.cli.spawn(&["up", "-f", &it.file, "--set", NEVER_READY]);
        heard(&mut child, "wait for");
        let id = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
        child.wait().unwrap().code()
    };
    assert_eq!(interrupted(), Some(130));
    assert!(!ground().has(&it.name));
    it.up(&[]).ok();
    assert_eq!(interrupted(), Some(130));
    assert!(ground().has(&it.name), "it was up before");
    it.up(&[]).ok();
    assert_eq!(it.states(), ["web/0 ready"]);
}
