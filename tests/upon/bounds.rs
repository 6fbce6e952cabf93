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

/// A rule of whoever runs the cluster, for one mirror's namespace; it is in force when this returns.
fn no_cron_jobs(it: &User) {
    let api = "admissionregistration.k8s.io/v1";
    let metadata = json!({"name": format!("{}-rule", it.name)});
    let of = json!({"matchLabels": {"kubernetes.io/metadata.name": space(&it.name)}});
    let all = json!({"apiGroups": ["batch"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["cronjobs"]});
    let policy = json!({
        "matchConstraints": {"resourceRules": [all]},
        "validations": [{"expression": "false", "message": "nothing runs by the clock here"}],
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
    let tries = [
        "--namespace",
        &space(&it.name),
        "create",
        "cronjob",
        "x",
        "--image=x",
        "--schedule=@daily",
        "--dry-run=server",
    ];
    until("the rule is in force", || !ground().try_kubectl(&tries).status.success());
}

#[test]
fn an_end_that_the_cluster_refuses_is_told_with_its_words_and_the_mirror_comes_up() {
    let it = User::new("endless", |profile| profile.web(""));
    it.up(&[]).ok();
    no_cron_jobs(&it);
    let done = it.up(&["--ttl", "1h", "--format", "json"]).ok();
    assert!(done.json()["expires"].is_string(), "{done}");
    let told: Vec<&str> = done.stderr.lines().filter(|line| line.contains("mirror.expiry")).collect();
    let [note] = told[..] else { panic!("{done}") };
    for words in ["note: ", "nothing runs by the clock here", "goes with the next `prodmirror gc`"] {
        assert!(note.contains(words), "{note}");
    }
    assert_eq!(it.kubectl(&["get", "cronjob", "mirror.expiry", "--ignore-not-found"]), "");
    // Without a time to live there is nothing to tell.
    it.run("down", &[]).ok();
    let done = it.up(&[]).ok();
    assert!(!done.stderr.contains("by the clock"), "{done}");
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
