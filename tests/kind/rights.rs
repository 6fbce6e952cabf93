//! What a user may not do is told before anything is tried.

use prodmirror::backend::kubernetes::{ClusterError, Right};
use serde_json::json;

use super::stage::{Space, cluster_as, object};

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
