//! Waiting ends when all is there, and as early as it is known that it never will be.

use std::time::Duration;

use prodmirror::backend::{
    Unheard,
    kubernetes::{ClusterError, Code, Wanted},
};
use serde_json::json;

use super::stage::{IMAGE, Space, deployment, job, object, pod, running, workload};

const ABSENT: &str = "prodmirror-built/none:1";

#[tokio::test]
async fn workloads_of_every_kind_are_waited_for() {
    let space = Space::new("kinds").await;
    let serving = || running(IMAGE, &["redis-server", "--port", "6379"]);
    let mut probed = serving();
    probed["containers"][0]["readinessProbe"] = json!({"tcpSocket": {"port": 6379}, "periodSeconds": 1});
    space
        .apply(&[
            deployment("api", 2, probed),
            workload("StatefulSet", "db", 2, serving()),
            job("migrate", running(IMAGE, &["true"])),
            pod("once", IMAGE, &["sleep", "600"]),
        ])
        .await;
    let all = [
        Wanted::Deployment("api".to_owned()),
        Wanted::StatefulSet("db".to_owned()),
        Wanted::Job("migrate".to_owned()),
        Wanted::Pod("once".to_owned()),
    ];
    space.settle(&all).await.unwrap();
    // A second time there is nothing to wait for.
    space.cluster.settle(space.name(), &all, Duration::from_secs(20), "start", &Unheard).await.unwrap();
}

#[tokio::test]
async fn an_image_that_cannot_be_had_is_told_at_once() {
    let space = Space::new("no-image").await;
    let mut never = running(ABSENT, &["true"]);
    never["containers"][0]["imagePullPolicy"] = json!("Never");
    space.apply(&[deployment("api", 1, running(ABSENT, &["true"])), deployment("local", 1, never)]).await;
    let trouble = space.trouble(Wanted::Deployment("api".to_owned())).await;
    // Either word of the kubelet's comes first.
    let words = ["ErrImagePull", "ImagePullBackOff"];
    assert!(trouble.code == Code::Image && words.contains(&trouble.reason.as_str()), "{trouble:?}");
    assert!(trouble.message.contains(ABSENT), "{trouble:?}");
    assert_eq!(trouble.container.as_deref(), Some("main"));
    assert!(trouble.events.iter().any(|event| event.starts_with("Failed: ")), "{trouble:?}");
    let trouble = space.trouble(Wanted::Deployment("local".to_owned())).await;
    assert_eq!((trouble.code, trouble.reason.as_str()), (Code::Image, "ErrImageNeverPull"), "{trouble:?}");
}

#[tokio::test]
async fn a_container_that_exits_again_and_again_is_told_with_what_it_said_last() {
    let space = Space::new("crash").await;
    space.apply(&[deployment("api", 1, running(IMAGE, &["sh", "-c", "echo no database; exit 3"]))]).await;
    let trouble = space.trouble(Wanted::Deployment("api".to_owned())).await;
    assert_eq!((trouble.code, trouble.reason.as_str()), (Code::CrashLoop, "CrashLoopBackOff"), "{trouble:?}");
    assert!(trouble.message.starts_with("exited with 3 (Error), 3 restarts"), "{trouble:?}");
    assert_eq!(trouble.log_tail, ["no database"]);
}

#[tokio::test]
async fn a_pod_that_no_node_takes_is_told_with_the_schedulers_reason() {
    let space = Space::new("homeless").await;
    let mut large = running(IMAGE, &["sleep", "600"]);
    large["containers"][0]["resources"] = json!({"requests": {"cpu": "1000"}});
    space.apply(&[workload("StatefulSet", "db", 1, large)]).await;
    let trouble = space.trouble(Wanted::StatefulSet("db".to_owned())).await;
    assert_eq!((trouble.code, trouble.object.to_string().as_str()), (Code::Unschedulable, "pod/db-0"));
    assert!(trouble.message.contains("Insufficient cpu"), "{trouble:?}");
}

#[tokio::test]
async fn a_volume_that_nobody_makes_is_waited_for_and_then_told_with_its_claim() {
    let space = Space::new("no-volume").await;
    let claim = json!({"spec": {
        "storageClassName": format!("{}-absent", space.name()),
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Mi"}},
    }});
    let mut stores = running(IMAGE, &["sleep", "600"]);
    stores["volumes"] = json!([{"name": "data", "persistentVolumeClaim": {"claimName": "kept"}}]);
    space.apply(&[object("PersistentVolumeClaim", "kept", claim), deployment("api", 1, stores)]).await;
    let api = [Wanted::Deployment("api".to_owned())];
    let within = Duration::from_secs(8);
    let late = space.cluster.settle(space.name(), &api, within, "start", &Unheard).await;
    let Err(ClusterError::Trouble(trouble)) = late else { panic!("{late:?}") };
    assert_eq!(trouble.code, Code::Timeout, "{trouble:?}");
    assert!(trouble.message.contains("unbound immediate PersistentVolumeClaims"), "{trouble:?}");
    assert!(trouble.message.ends_with("its claim `kept` has no volume"), "{trouble:?}");
    assert!(trouble.events.iter().any(|event| event.contains("-absent\" not found")), "{trouble:?}");
}

#[tokio::test]
async fn a_secret_that_is_not_there_is_named() {
    let space = Space::new("no-secret").await;
    let mut wants = running(IMAGE, &["sleep", "600"]);
    wants["containers"][0]["envFrom"] = json!([{"secretRef": {"name": "absent"}}]);
    space.apply(&[deployment("api", 1, wants)]).await;
    let trouble = space.trouble(Wanted::Deployment("api".to_owned())).await;
    assert_eq!((trouble.code, trouble.reason.as_str()), (Code::Container, "CreateContainerConfigError"));
    assert!(trouble.message.contains(r#"secret "absent" not found"#), "{trouble:?}");
}

#[tokio::test]
async fn a_quota_that_keeps_pods_from_being_made_is_told_for_every_kind_of_workload() {
    let space = Space::new("quota").await;
    space.apply(&[object("ResourceQuota", "none", json!({"spec": {"hard": {"pods": "0"}}}))]).await;
    let sleeping = || running(IMAGE, &["sleep", "600"]);
    space
        .apply(&[
            deployment("api", 1, sleeping()),
            workload("StatefulSet", "db", 1, sleeping()),
            job("migrate", sleeping()),
        ])
        .await;
    for wanted in [
        Wanted::Deployment("api".to_owned()),
        Wanted::StatefulSet("db".to_owned()),
        Wanted::Job("migrate".to_owned()),
    ] {
        let trouble = space.trouble(wanted).await;
        assert_eq!(trouble.code, Code::Refused, "{trouble:?}");
        assert!(trouble.message.contains("exceeded quota: none"), "{trouble:?}");
    }
}

#[tokio::test]
async fn a_job_that_failed_is_told_with_the_words_of_its_pod() {
    let space = Space::new("job").await;
    space.apply(&[job("migrate", running(IMAGE, &["sh", "-c", "echo column exists; exit 1"]))]).await;
    let trouble = space.trouble(Wanted::Job("migrate".to_owned())).await;
    assert_eq!(
        (trouble.code, trouble.reason.as_str()),
        (Code::JobFailed, "BackoffLimitExceeded"),
        "{trouble:?}"
    );
    assert_eq!(trouble.log_tail, ["column exists"]);
}

#[tokio::test]
async fn a_pod_that_ended_badly_is_told_with_its_exit_code() {
    let space = Space::new("ended").await;
    let mut once = pod("once", IMAGE, &["sh", "-c", "exit 7"]);
    once["spec"]["restartPolicy"] = json!("Never");
    space.apply(&[once]).await;
    let trouble = space.trouble(Wanted::Pod("once".to_owned())).await;
    assert!(trouble.message.starts_with("exited with 7"), "{trouble:?}");
}

#[tokio::test]
async fn at_the_deadline_the_probe_that_did_not_pass_is_told() {
    let space = Space::new("late").await;
    let mut never = running(IMAGE, &["sleep", "600"]);
    never["containers"][0]["readinessProbe"] = json!({"tcpSocket": {"port": 1}, "periodSeconds": 1});
    space.apply(&[deployment("api", 1, never)]).await;
    let wanted = [Wanted::Deployment("api".to_owned())];
    let error = space.cluster.settle(space.name(), &wanted, Duration::from_secs(12), "start", &Unheard).await;
    let Err(ClusterError::Trouble(trouble)) = error else { panic!("{error:?}") };
    assert_eq!((trouble.code, trouble.container.as_deref()), (Code::Timeout, Some("main")), "{trouble:?}");
    assert!(trouble.message.ends_with("container `main` is running, not ready; waited 12 s"), "{trouble:?}");
    assert!(
        trouble.events.iter().any(|event| event.starts_with("Unhealthy: Readiness probe failed")),
        "{trouble:?}"
    );
}

#[tokio::test]
async fn pods_of_the_template_before_are_no_trouble_of_the_new_one() {
    let space = Space::new("rollout").await;
    space.apply(&[deployment("api", 1, running(ABSENT, &["true"]))]).await;
    space.trouble(Wanted::Deployment("api".to_owned())).await;
    space.apply(&[deployment("api", 1, running(IMAGE, &["sleep", "600"]))]).await;
    space.settle(&[Wanted::Deployment("api".to_owned())]).await.unwrap();
}
