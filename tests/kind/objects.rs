//! What is applied, and what a changed plan takes away.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::{batch::v1::Job, core::v1::ConfigMap};
use kube::{
    Api, ResourceExt as _,
    api::{Patch, PatchParams, PostParams},
};
use prodmirror::backend::kubernetes::{ClusterError, ObjectName};
use serde_json::{Value, json};

use super::stage::{IMAGE, Space, client, job, object, running};

fn settings(name: &str, data: Value) -> Value {
    object("ConfigMap", name, json!({ "data": data }))
}

async fn theirs(space: &Space) -> Api<ConfigMap> {
    Api::namespaced(client().await, space.name())
}

#[tokio::test]
async fn a_key_that_a_manifest_no_longer_has_is_taken_away_and_what_others_wrote_stays() {
    let space = Space::new("fields").await;
    space.apply(&[settings("app", json!({"a": "1", "b": "2"}))]).await;
    let note = json!({"metadata": {"annotations": {"theirs": "stays"}}, "data": {"a": "changed behind us"}});
    let theirs = theirs(&space).await;
    theirs.patch("app", &PatchParams::default(), &Patch::Merge(note)).await.unwrap();

    space.apply(&[settings("app", json!({"a": "1"}))]).await;

    let found = theirs.get("app").await.unwrap();
    assert_eq!(found.annotations()["theirs"], "stays");
    assert_eq!(found.data.unwrap(), BTreeMap::from([("a".to_owned(), "1".to_owned())]));
}

#[tokio::test]
async fn a_field_that_the_cluster_does_not_know_is_refused_by_name() {
    let space = Space::new("unknown").await;
    let mut pod = running(IMAGE, &["true"]);
    pod["containers"][0]["imagePullPolciy"] = json!("Never");
    let error =
        space.cluster.apply(&space.own(&[object("Pod", "app", json!({"spec": pod}))])).await.unwrap_err();
    let ClusterError::Refused { object, why } = error else { panic!("{error}") };
    assert_eq!(object.to_string(), "pod/app");
    assert!(why.contains("imagePullPolciy"), "{why}");
}

#[tokio::test]
async fn what_is_wrong_with_a_value_is_told_in_the_clusters_words() {
    let space = Space::new("wrong").await;
    let error = space.cluster.apply(&space.own(&[settings("Not_A_Name", json!({}))])).await.unwrap_err();
    assert!(error.to_string().starts_with("configmap/Not_A_Name is refused: "), "{error}");
}

#[tokio::test]
async fn only_what_bears_the_mirrors_label_and_is_not_kept_is_pruned() {
    let space = Space::new("prune").await;
    space.apply(&[settings("kept", json!({})), settings("old", json!({}))]).await;
    let theirs = theirs(&space).await;
    for (name, labels) in [("plain", json!({})), ("another", json!({"prodmirror/mirror": "another"}))] {
        let other = json!({"metadata": {"name": name, "labels": labels}});
        theirs.create(&PostParams::default(), &serde_json::from_value(other).unwrap()).await.unwrap();
    }
    // A cron job's job bears the labels of its template, and goes with the cron job alone.
    let template = json!({"metadata": space.own(&[object("Job", "x", json!({}))])[0]["metadata"],
        "spec": {"suspend": true, "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": IMAGE}]}}}});
    space
        .apply(&[object(
            "CronJob",
            "night",
            json!({"spec": {"schedule": "0 0 1 1 *", "suspend": true, "jobTemplate":
        {"metadata": {"labels": template["metadata"]["labels"]}, "spec": template["spec"]}}}),
        )])
        .await;
    let jobs: Api<Job> = Api::namespaced(client().await, space.name());
    let cron = Api::<k8s_openapi::api::batch::v1::CronJob>::namespaced(client().await, space.name());
    let uid = cron.get("night").await.unwrap().uid().unwrap();
    let owner = json!([{"apiVersion": "batch/v1", "kind": "CronJob", "name": "night", "uid": uid}]);
    let made = json!({"metadata": {"name": "night-1", "labels": template["metadata"]["labels"], "ownerReferences": owner}, "spec": template["spec"]});
    jobs.create(&PostParams::default(), &serde_json::from_value(made).unwrap()).await.unwrap();

    let keep = BTreeSet::from([
        ObjectName::new("ConfigMap", "kept", None),
        ObjectName::new("CronJob", "night", None),
    ]);
    let gone = space.cluster.prune(space.name(), &space.mirror, &keep).await.unwrap();

    assert_eq!(gone, [ObjectName::new("ConfigMap", "old", Some(space.name()))]);
    for name in ["kept", "plain", "another"] {
        assert!(theirs.get_opt(name).await.unwrap().is_some(), "{name} is gone");
    }
    assert!(jobs.get_opt("night-1").await.unwrap().is_some());
    assert_eq!(space.cluster.prune(space.name(), &space.mirror, &keep).await.unwrap(), []);
}

#[tokio::test]
async fn what_may_not_be_changed_is_told_in_a_few_words() {
    let space = Space::new("fixed").await;
    space.apply(&[job("once", running(IMAGE, &["true"]))]).await;
    let changed = space.own(&[job("once", running(IMAGE, &["false"]))]);
    let error = space.cluster.apply(&changed).await.unwrap_err().to_string();
    assert!(error.starts_with("job/once is refused: ") && error.ends_with("field is immutable"), "{error}");
    assert!(error.len() < 500, "{error}");
}
