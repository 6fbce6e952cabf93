//! A namespace of a real cluster, captured by users who may do no more than they are told to ask for.

use prodmirror::{
    backend::{Unheard, kubernetes::Wanted},
    capture::{
        draft::From,
        kubernetes::{documents, draft},
        redact::Rules,
    },
    readers::kubernetes::{Answer, Ask, Keep, ReadError, Target, Wider, read, rights},
};
use serde_json::{Value, json};

use super::stage::{IMAGE, Space, Stage, deployment, object, running, stage};

/// Reads the namespace as this user of the cluster; answers how it went, and the calls.
async fn read_as(
    user: &str,
    space: &Space,
    target: Option<Target>,
) -> (Result<Answer, ReadError>, Vec<String>) {
    let Stage { name, .. } = stage().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    std::fs::write(&file, super::stage::credentials_of(user).await).unwrap();
    let ask = Ask {
        kubeconfig: vec![file],
        context: name.context(),
        namespace: Some(space.name().to_owned()),
        target,
        ..Ask::default()
    };
    let mut calls = Vec::new();
    let answer =
        read(&ask, Keep::Nothing, &mut |call| calls.push(format!("{} {:?}", call.method, call.status))).await;
    (answer, calls)
}

fn bound(to: &str, kind: &str, user: &str) -> Value {
    let api = "rbac.authorization.k8s.io";
    let subject = json!([{"kind": "User", "name": user, "apiGroup": api}]);
    let role = json!({"kind": kind, "name": to, "apiGroup": api});
    object("RoleBinding", user, json!({"subjects": subject, "roleRef": role}))
}

#[tokio::test]
async fn a_viewer_captures_what_runs_and_so_does_who_has_the_printed_role() {
    let space = Space::new("captured").await;
    let mut web = running(IMAGE, &["sh", "-c", "sleep 600"]);
    web["containers"][0]["env"] = json!([
        {"name": "LEVEL", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "level"}}},
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}},
    ]);
    // A store is told by the name of the official image.
    let redis = format!("redis:asked-{}", std::process::id());
    let tag = async |words: &[&str]| {
        assert!(tokio::process::Command::new("docker").args(words).status().await.unwrap().success());
    };
    tag(&["tag", IMAGE, &redis]).await;
    stage().await.kind.bring(&stage().await.name, &[&redis], &Unheard).await.unwrap();
    tag(&["rmi", "--no-prune", &redis]).await;
    let printed = documents(&rights(Wider::default(), space.name())).unwrap();
    space
        .apply(&[
            object("ConfigMap", "settings", json!({"data": {"level": "info"}})),
            object("Secret", "keys", json!({"stringData": {"token": "letmein-77"}})),
            deployment("web", 2, web),
            deployment("cache", 1, running(&redis, &["sh", "-c", "exec redis-server --hz 20"])),
            bound("view", "ClusterRole", "viewer"),
            printed[0].clone(),
            bound("prodmirror-capture", "Role", "capturer"),
        ])
        .await;
    let both = ["web", "cache"].map(|name| Wanted::Deployment(name.to_owned()));
    space.settle(&both).await.unwrap();

    let mut captured = Vec::new();
    for user in ["viewer", "capturer"] {
        let (answer, calls) = read_as(user, &space, None).await;
        let answer = answer.unwrap();
        let missing: Vec<&str> = answer.missing.iter().map(|one| one.what.as_str()).collect();
        assert_eq!(missing, ["get namespaces/kube-system"], "{user} is bound to one namespace");
        assert_eq!(calls.len(), 15, "{calls:?}");
        let from = From { from: "kubernetes", ..From::default() };
        let draft = draft(answer.documents, &from, &Rules::default()).unwrap();
        assert!(!draft.text().contains("letmein"), "{}", draft.text());
        captured.push(draft.profile["services"].clone());
    }
    assert_eq!(captured[0], captured[1]);
    let web = &captured[0]["web"];
    assert_eq!(web["replicas"], 2);
    assert_eq!(web["env"], json!({"LEVEL": "info", "TOKEN": "${secret:keys-token}"}));

    // One workload takes the same rights and fewer calls, and is the same.
    let one = Target { kind: "deployment".to_owned(), name: "web".to_owned() };
    let (answer, calls) = read_as("capturer", &space, Some(one)).await;
    let answer = answer.unwrap();
    assert_eq!(answer.missing.len(), 1, "{:?}", answer.missing);
    assert_eq!(calls.len(), 8, "{calls:?}");
    let from = From { from: "kubernetes", ..From::default() };
    let draft = draft(answer.documents, &from, &Rules::default()).unwrap();
    assert_eq!(draft.profile["services"], captured[0]);

    // The process itself, by who may execute; and not by who may not.
    let folder = tempfile::tempdir().unwrap();
    let run = async |user: &str, words: &[&str]| {
        let file = folder.path().join(user);
        std::fs::write(&file, super::stage::credentials_of(user).await).unwrap();
        tokio::process::Command::new(env!("CARGO_BIN_EXE_prodmirror"))
            .args(words)
            .env_clear()
            .envs([("HOME", folder.path()), ("KUBECONFIG", &file)])
            .current_dir(folder.path())
            .output()
            .await
            .unwrap()
    };
    let context = stage().await.name.context();
    let source = format!("kubernetes:{context}/{}/deployment/web", space.name());
    let dump = ["env-dump", "--live", "--from", &source, "--journal", "calls.jsonl"];
    let refused = run("viewer", &dump).await;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(4), "{said}");
    assert!(said.contains("pods/exec") || said.contains("forbidden"), "{said}");
    let wider = documents(&rights(Wider { exec: true, ..Wider::default() }, space.name())).unwrap();
    space.apply(&[wider[0].clone()]).await;
    let live = run("capturer", &dump).await;
    let (told, said) = (String::from_utf8_lossy(&live.stdout), String::from_utf8_lossy(&live.stderr));
    assert_eq!(live.status.code(), Some(0), "{said}");
    assert!(told.contains("LEVEL=info\n") && told.contains("KUBERNETES_SERVICE_HOST="), "{told}");
    assert!(told.contains("#secret TOKEN=") && !told.contains("letmein"), "{told}");
    let hash = told.lines().find_map(|line| line.strip_prefix("#secret TOKEN=")).unwrap();
    assert!(hash.contains(':'), "it was read, so it has a hash: {hash}");
    let journal = std::fs::read_to_string(folder.path().join("calls.jsonl")).unwrap();
    assert!(journal.lines().last().unwrap().contains("/exec?container="), "{journal}");

    // A store is asked of itself: a shell hides what it was started with.
    let ask = [
        "capture",
        "kubernetes",
        "--context",
        &context,
        "--namespace",
        space.name(),
        "--ask-stores",
        "--format",
        "json",
    ];
    let refused: Value = serde_json::from_slice(&run("viewer", &ask).await.stdout).unwrap();
    assert!(refused["notes"].to_string().contains("did not tell them"), "{refused}");
    let asked = run("capturer", &ask).await;
    let asked: Value = serde_json::from_slice(&asked.stdout).unwrap();
    assert_eq!(asked["profile"]["stores"]["cache"]["settings"], json!({"hz": "20"}));
    assert!(asked["notes"].to_string().contains("it says that it is redis 7."), "{asked}");

    let (nothing, _) = read_as("nobody", &space, None).await;
    let Err(ReadError::Nothing { missing, .. }) = nothing else { panic!("{nothing:?}") };
    assert_eq!(missing.len(), 14, "{missing:#?}");
}
