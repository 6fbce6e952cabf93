//! What a launch would change, before it does.

use std::collections::BTreeMap;

use prodmirror::{
    backend::{ObjectDifference, SecretValues, kubernetes::Launch},
    plan::ClusterPlan,
    render::{self, Templates},
};

use super::{
    mirror::{launch_on, planned},
    stage::{LONG, client, cluster},
};

const WORKER: &str = "worker: {image: \"local:prodmirror-built/redis:7\", entrypoint: [sleep, \"600\"], stop_grace_period: 1s}";

/// Each difference as `what object`, a changed one with the paths.
async fn told(plan: &ClusterPlan, token: Option<&str>) -> Vec<String> {
    let manifests = render::manifests(plan, &Templates::embedded()).unwrap();
    let values = token.map(|token| ("TOKEN".to_owned(), token.to_owned()));
    let secrets = SecretValues(BTreeMap::from_iter(values));
    let launch = Launch { plan, manifests: &manifests, secrets: &secrets };
    let found = cluster().await.preview(&launch).await.unwrap();
    let printed = serde_json::to_string(&found).unwrap();
    assert!(token.is_none_or(|token| !printed.contains(token)), "{printed}");
    let tell = |difference: &ObjectDifference| match difference {
        ObjectDifference::New { object } => format!("new {object}"),
        ObjectDifference::Changed { object, changes } => {
            let paths: Vec<_> = changes.iter().map(|change| change.path.to_string()).collect();
            format!("changed {object}: {}", paths.join(" "))
        }
        ObjectDifference::Again { object } => format!("again {object}"),
        ObjectDifference::Gone { object } => format!("gone {object}"),
        ObjectDifference::Refused { object, why } => format!("refused {object}: {why}"),
    };
    found.iter().map(tell).collect()
}

#[tokio::test]
async fn what_a_launch_would_change_is_told_by_path_and_nothing_is_made() {
    let before = planned("kt-preview", WORKER, "one");
    let all_new = told(&before, None).await;
    assert_eq!(all_new.len(), before.objects.len());
    assert!(all_new.iter().all(|line| line.starts_with("new ")), "{all_new:?}");
    let namespaces: kube::Api<k8s_openapi::api::core::v1::Namespace> = kube::Api::all(client().await);
    assert!(namespaces.get_opt(&before.namespace).await.unwrap().is_none(), "a dry run made it");

    let cluster = cluster().await;
    launch_on(&cluster, &before).await;
    assert_eq!(told(&before, Some("0123456789abcdef")).await, Vec::<String>::new(), "nothing would change");
    assert_eq!(
        told(&before, None).await,
        Vec::<String>::new(),
        "a secret without a value keeps the one it has"
    );
    assert_eq!(told(&before, Some("another")).await, ["changed secret/token.secret: data.value"]);

    // Another number of replicas, another word of the job's, and no worker.
    let mut after = planned("kt-preview", "", "two");
    for object in &mut after.objects {
        if let prodmirror::plan::kubernetes::Body::Deployment { replicas, .. } = &mut object.body {
            *replicas = 3;
        }
    }
    let found = told(&after, None).await;
    assert!(found.contains(&"changed deployment/api: spec.replicas".to_owned()), "{found:?}");
    assert!(found.contains(&"again job/migrate".to_owned()), "{found:?}");
    assert!(found.contains(&"gone deployment/worker".to_owned()), "{found:?}");

    // What was changed behind it would be put back.
    let deployments: kube::Api<k8s_openapi::api::apps::v1::Deployment> =
        kube::Api::namespaced(client().await, &before.namespace);
    let patch = serde_json::json!({"spec": {"template": {"spec": {"containers": [
        {"name": "main", "env": [{"name": "GREETING", "value": "changed"}]}]}}}});
    let how = kube::api::PatchParams::default();
    deployments.patch("api", &how, &kube::api::Patch::Strategic(patch)).await.unwrap();
    let found = told(&before, None).await;
    assert_eq!(
        found,
        ["changed deployment/api: spec.template.spec.containers[name=main].env[name=GREETING].value"]
    );
    cluster.destroy(&before.namespace, &before.mirror, LONG).await.unwrap();
}
