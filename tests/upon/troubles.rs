//! What cannot become ready is told at once, with the object, the container, the cluster's reason and what it printed.

use serde_json::{Value, json};

use crate::ground::{User, ground, space};

/// An `up` that fails, and what it says.
#[track_caller]
fn failed(it: &User, more: &[&str]) -> Value {
    let error = it.up(&[more, &["--format", "json", "--timeout", "100s"]].concat()).code(5).json();
    assert!(error["kept"].is_string() && error["artifacts"].is_string(), "{error:#}");
    let status = it.run("status", &["--format", "json"]).ok().json();
    assert!(status["mirrors"][0]["failure"]["message"].is_string(), "{status:#}");
    error
}

fn says(error: &Value, what: &[&str]) {
    for word in what {
        assert!(error["message"].as_str().unwrap().contains(word), "`{word}`: {error:#}");
    }
}

#[test]
fn a_container_that_ends_again_and_again_is_told_with_its_last_words_and_can_be_looked_into() {
    let it = User::new("loop", |profile| profile.shell("dies", "echo my last words; exit 4", ""));
    let error = failed(&it, &[]);
    assert_eq!(error["code"], "crash-loop", "{error:#}");
    says(&error, &["pod/dies-", "container `main`", "exited with 4"]);
    assert!(error["log_tail"].to_string().contains("my last words"), "{error:#}");
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.contains("BackOff") && hint.contains(&format!("exec {} ", it.name)), "{error:#}");
    it.run("exec", &["dies", "--fresh", "--", "true"]).ok();
    // The same profile, mended, goes on in the same place.
    it.up(&["--set", "services.dies.command=[sleep, \"600\"]"]).ok();
}

#[test]
fn an_image_that_nobody_has_is_told() {
    let it = User::new("image", |profile| profile.shell("app", "sleep 600", ""));
    let error = failed(&it, &["--image", "app=registry.invalid/none:1"]);
    assert_eq!((&error["code"], &error["service"]), (&json!("image"), &json!("app")), "{error:#}");
    says(&error, &["pod/app-", "container `main`", "registry.invalid/none:1"]);
}

#[test]
fn a_store_that_cannot_begin_is_told_before_its_seed_is_waited_for() {
    let it = User::new("store-image", |profile| {
        profile.with(r#"secrets: {db-password: {generate: "hex:12"}}"#).db("seed: ./seed.sql")
    });
    it.cli.file("seed.sql", "create table note (id int);\n");
    let error = failed(&it, &["--image", "db=registry.invalid/none:1"]);
    assert_eq!(error["code"], "image", "{error:#}");
    assert_eq!(error["service"], "db", "{error:#}");
    says(&error, &["pod/db-0", "registry.invalid/none:1"]);
    it.up(&[]).ok();
}

#[test]
fn a_pod_that_no_node_has_room_for_is_told() {
    let it = User::new("room", |profile| {
        profile.shell("app", "sleep 600", "resources: {requests: {memory: 4Ti}, limits: {memory: 4Ti}}")
    });
    let error = failed(&it, &[]);
    assert_eq!(error["code"], "unschedulable", "{error:#}");
    says(&error, &["pod/app-", "Unschedulable", "memory"]);
}

/// What whoever runs the cluster puts into a mirror's namespace.
fn theirs(it: &User, kind: &str, spec: Value) {
    let metadata = json!({"name": "theirs", "namespace": space(&it.name)});
    let object = json!({"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec});
    ground().create(&it.cli, &object);
}

#[test]
fn what_a_quota_forbids_is_told_in_its_own_words() {
    let it = User::new("quota", |profile| profile.shell("app", "sleep 600", ""));
    it.up(&[]).ok();
    theirs(&it, "ResourceQuota", json!({"hard": {"pods": "0"}}));
    let error = failed(&it, &["--set", "services.app.env.A=1"]);
    assert_eq!(error["code"], "refused", "{error:#}");
    says(&error, &["app", "exceeded quota: theirs"]);
}

#[test]
fn what_an_admission_rule_forbids_is_told_in_its_own_words_and_can_be_gone_on_from() {
    let it = User::new("rule", |profile| profile.shell("app", "sleep 600", ""));
    it.up(&[]).ok();
    theirs(&it, "LimitRange", json!({"limits": [{"type": "Container", "max": {"memory": "8Mi"}}]}));
    let error = failed(&it, &["--set", "services.app.resources.limits.memory=32Mi"]);
    assert_eq!(error["code"], "refused", "{error:#}");
    says(&error, &["maximum memory usage per Container is 8Mi"]);
    it.kubectl(&["delete", "limitrange", "theirs"]);
    it.up(&[]).ok();
    assert_eq!(it.states(), ["app/0 ready"]);
}
