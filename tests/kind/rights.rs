//! What a user may not do is told before anything is tried.

use prodmirror::backend::kubernetes::{ClusterError, Right};
use serde_json::json;

use super::{
    mirror,
    stage::{self, LONG, Space, cluster_as, object},
};

const NEEDED: [Right; 4] = [
    Right { verb: "get", group: "", resource: "pods" },
    Right { verb: "get", group: "", resource: "pods/log" },
    Right { verb: "patch", group: "apps", resource: "deployments" },
    Right { verb: "create", group: "", resource: "pods/exec" },
];

#[tokio::test]
async fn every_right_that_is_missing_is_named_at_once() {
    let space = Space::new("rights").await;
    let rules = json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["*"]}]);
    let subject = json!([{"kind": "User", "name": "reader", "apiGroup": "rbac.authorization.k8s.io"}]);
    let role = json!({"kind": "Role", "name": "reader", "apiGroup": "rbac.authorization.k8s.io"});
    space
        .apply(&[
            object("Role", "reader", json!({ "rules": rules })),
            object("RoleBinding", "reader", json!({"subjects": subject, "roleRef": role})),
        ])
        .await;

    let error = cluster_as("reader").await.require_rights(space.name(), &NEEDED).await.unwrap_err();

    assert!(matches!(error, ClusterError::Rights { .. }), "{error}");
    assert_eq!(error.to_string(), "missing rights in namespace `kt-rights`: get pods/log, create pods/exec");
    assert_eq!(space.cluster.missing_rights(space.name(), &NEEDED).await.unwrap(), []);
}

#[tokio::test]
async fn an_administrator_may_do_all_that_a_mirror_needs_and_a_stranger_nothing_of_it() {
    let (cluster, needed) = (stage::cluster().await, Right::of_a_mirror());
    assert_eq!(cluster.missing_rights("default", &needed).await.unwrap(), []);
    assert_eq!(cluster_as("stranger").await.missing_rights("default", &needed).await.unwrap(), needed);
}

/// A role of these rights and no other is enough for a launch, and for what is done with a mirror then.
#[tokio::test]
async fn the_rights_that_are_asked_for_are_all_that_a_launch_needs() {
    let needed = Right::of_a_mirror();
    let rule = |right: &Right| json!({"apiGroups": [right.group], "resources": [right.resource], "verbs": [right.verb]});
    let rules: Vec<_> = needed.iter().map(rule).collect();
    let mut role = object("Role", "kt-launcher", json!({ "rules": rules }));
    role["kind"] = json!("ClusterRole");
    let mut binding = object(
        "RoleBinding",
        "kt-launcher",
        json!({
            "subjects": [{"kind": "User", "name": "launcher", "apiGroup": "rbac.authorization.k8s.io"}],
            "roleRef": {"kind": "ClusterRole", "name": "kt-launcher", "apiGroup": "rbac.authorization.k8s.io"},
        }),
    );
    binding["kind"] = json!("ClusterRoleBinding");
    stage::cluster().await.apply([&role, &binding]).await.unwrap();

    let (cluster, plan) = (cluster_as("launcher").await, mirror::planned("kt-rights-enough", "", "one"));
    mirror::launch_on(&cluster, &plan).await;
    cluster.sweep(&plan).await.unwrap();
    let pods = cluster.pods(&plan.namespace).await.unwrap();
    let api = pods.iter().find(|pod| pod.service == "api").unwrap();
    assert_eq!(mirror::printed(&cluster, &plan.namespace, &api.pod, &["redis-cli", "ping"]).await, "PONG\n");
    cluster.destroy(&plan.namespace, &plan.mirror, LONG).await.unwrap();
}
