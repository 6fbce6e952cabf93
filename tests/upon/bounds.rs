//! What a mirror may take of a cluster, and its end that needs nobody.

use prodmirror::backend::{Unheard, kubernetes::Right};
use serde_json::{Value, json};

use crate::{
    cli::docker,
    ground::{User, ground, release, space, until},
    stage,
};

/// kubectl as an image, on the node, as a registry would have it.
fn kubectl_image() -> String {
    let name = "prodmirror-built/kubectl:tests".to_owned();
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(release().join("kubectl"), folder.path().join("kubectl")).unwrap();
    let text = "FROM scratch\nCOPY kubectl /bin/kubectl\nENTRYPOINT [\"/bin/kubectl\"]\nLABEL prodmirror.image=built\n";
    std::fs::write(folder.path().join("Dockerfile"), text).unwrap();
    docker(&["build", "--quiet", "--tag", &name, folder.path().to_str().unwrap()]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let stage = stage::stage().await;
        stage.kind.bring(&stage.name, &[&name], &Unheard).await.unwrap();
    });
    docker(&["image", "rm", "--force", &name]);
    name
}

#[test]
fn past_its_time_a_mirror_goes_without_anybody() {
    let image = kubectl_image();
    let it = User::new("alone", |profile| profile.web(""));
    let up = |more: &[&str]| {
        let mut command = it.cli.command(&[&["up", "-f", &it.file], more].concat());
        let done = command.env("PRODMIRROR_EXPIRY_IMAGE", &image).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    up(&["--ttl", "1h"]);
    it.run("ledger", &[]).ok();
    let account = format!("system:serviceaccount:{}:mirror.expiry", space(&it.name));
    let may = |what: &str, namespace: &str| {
        let asked = ["auth", "can-i", "delete", what, "--namespace", namespace, "--as", &account];
        ground().kubectl_says(&asked)
    };
    assert_eq!(may(&format!("namespaces/{}", space(&it.name)), &space(&it.name)), "yes");
    assert_eq!(may("namespaces/kube-system", "kube-system"), "no");
    assert_eq!(may("pods", &space(&it.name)), "no");

    // A failed mirror is kept for a while, a good one for ever.
    let ends = || !it.kubectl(&["get", "cronjob", "mirror.expiry", "--ignore-not-found"]).is_empty();
    assert!(ends());
    it.run("down", &[]).ok();
    up(&[]);
    assert!(!ends());

    up(&["--ttl", "1s"]);
    let leaving = || {
        let deleted = "jsonpath={.metadata.deletionTimestamp}";
        let asked = ["get", "namespace", &space(&it.name), "--ignore-not-found", "--output", deleted];
        !ground().has(&it.name) || !ground().kubectl(&asked).is_empty()
    };
    until("the cluster removes it", leaving);
    until("it is gone", || !ground().has(&it.name));
}

/// A rule of whoever runs the cluster against a kind in one mirror's namespace; `tries` are words for kubectl that it
/// refuses once it is in force.
fn refuse(it: &User, group: &str, resource: &str, tries: &[&str]) {
    let api = "admissionregistration.k8s.io/v1";
    let metadata = json!({"name": format!("{}-{resource}", it.name)});
    let of = json!({"matchLabels": {"kubernetes.io/metadata.name": space(&it.name)}});
    let all = json!({"apiGroups": [group], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": [resource]});
    let policy = json!({
        "matchConstraints": {"resourceRules": [all]},
        "validations": [{"expression": "false", "message": "not on this cluster", "reason": "Forbidden"}],
    });
    let binding = json!({
        "policyName": metadata["name"],
        "validationActions": ["Deny"],
        "matchResources": {"namespaceSelector": of},
    });
    for (kind, spec) in [("ValidatingAdmissionPolicy", policy), ("ValidatingAdmissionPolicyBinding", binding)]
    {
        let object = json!({"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec});
        ground().create(&it.cli, &object);
    }
    let space = space(&it.name);
    let tries = [&["--namespace", &space, "create"], tries, &["--dry-run=server"]].concat();
    until("the rule is in force", || !ground().try_kubectl(&tries).status.success());
}

#[test]
fn a_quota_or_an_end_that_the_cluster_refuses_is_told_with_its_words_and_the_mirror_comes_up() {
    let it = User::new("refused", |profile| profile.web(""));
    it.up(&[]).ok();
    refuse(&it, "batch", "cronjobs", &["cronjob", "x", "--image=x", "--schedule=@daily"]);
    refuse(&it, "", "resourcequotas", &["quota", "x", "--hard=pods=1"]);
    let done = it.up(&["--ttl", "1h", "--set", "services.web.replicas=2", "--format", "json"]).ok();
    assert!(done.json()["expires"].is_string(), "{done}");
    let told: Vec<&str> = done.stderr.lines().filter(|line| line.contains("not on this cluster")).collect();
    assert!(told.len() == 2 && told.iter().all(|line| line.starts_with("note: ")), "{done}");
    for words in [["mirror.expiry", "goes with the next `prodmirror gc`"], ["quota of mirror", "has none"]] {
        assert!(told.iter().any(|line| words.iter().all(|word| line.contains(word))), "{words:?}: {done}");
    }
    assert_eq!(it.kubectl(&["get", "cronjob", "mirror.expiry", "--ignore-not-found"]), "");
    it.run("down", &[]).ok();
}

#[test]
fn whoever_may_not_have_an_end_made_is_told_so_once() {
    let name = "unbounded";
    let api = "rbac.authorization.k8s.io";
    let rule = |right: &Right| json!({"apiGroups": [right.group], "resources": [right.resource], "verbs": [right.verb]});
    let nodes = json!({"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]});
    let rules: Vec<Value> = Right::of_a_mirror().iter().map(rule).chain([nodes]).collect();
    let metadata = json!({"name": name});
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    ground();
    std::fs::write(&kubeconfig, runtime.block_on(stage::credentials_of(name))).unwrap();
    let it = User::through(&kubeconfig, name, |profile| profile.web(""));
    for object in [
        json!({"apiVersion": format!("{api}/v1"), "kind": "ClusterRole", "metadata": metadata, "rules": rules}),
        json!({
            "apiVersion": format!("{api}/v1"), "kind": "ClusterRoleBinding", "metadata": metadata,
            "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": name},
            "subjects": [{"apiGroup": api, "kind": "User", "name": name}],
        }),
    ] {
        ground().create(&it.cli, &object);
    }
    let done = it.up(&["--ttl", "1h"]).ok();
    assert!(done.stderr.contains("or does not end by itself"), "{done}");
    assert_eq!(done.stderr.matches("goes with the next `prodmirror gc`").count(), 1, "{done}");
    it.run("down", &[]).ok();
}

#[test]
fn a_mirror_has_room_to_change_and_opens_no_way_in() {
    let it = User::new("quota", |profile| {
        profile.web("").shell("aside", "sleep 600", "volumes: {/d: {claim: data}}")
    });
    it.up(&[]).ok();
    let refused = ground().try_kubectl(&[
        "--namespace",
        &space(&it.name),
        "create",
        "service",
        "nodeport",
        "in",
        "--tcp=80",
    ]);
    let why = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && why.contains("exceeded quota: mirror.quota"), "{why}");

    it.up(&["--set", "services.web.replicas=9"]).ok();
    let hard = |what: &str| it.kubectl(&["get", "resourcequota", "mirror.quota", "--output", what]);
    let pods = hard("jsonpath={.spec.hard.pods}");
    // What it was given once it keeps: what it has may still stand there.
    it.up(&["--unset", "services.aside"]).ok();
    assert_eq!(hard("jsonpath={.spec.hard.pods}"), pods);
    assert_eq!(hard("jsonpath={.spec.hard.persistentvolumeclaims}"), "2");
}
