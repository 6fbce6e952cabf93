//! The contract of `Backend`: what exists is not made twice, what is gone is no error, what is not ours stays.

use prodmirror::backend::{Backend as _, RunState, Scope, What};

use crate::ground::{Ground, Quiet, docker, members};

const PROFILE: &str = r#"
services:
  api:
    image: "local:prodmirror-built/debian:bookworm"
    command: [sleep, infinity]
    replicas: 2
    ports: {http: 8000}
    env: {GREETING: "hello $USER"}
    resources: {limits: {cpu: 500m, memory: 64Mi}}
"#;

/// Ids of all containers of the mirror, in order.
fn ids(ground: &Ground) -> Vec<String> {
    let filter = format!("label=prodmirror.mirror={}", ground.name);
    let mut ids: Vec<_> =
        docker(&["ps", "-aq", "--no-trunc", "--filter", &filter]).lines().map(str::to_owned).collect();
    ids.sort();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_makes_nothing_and_a_second_destroy_removes_nothing() {
    let ground = Ground::new().await;
    let plan = ground.plan(PROFILE).await;
    let begun = std::time::Instant::now();
    ground.up(&plan).await.unwrap();
    eprintln!("up {:?}", begun.elapsed());
    let first = ids(&ground);
    assert_eq!(first.len(), 2 * 2 + 2);

    let begun = std::time::Instant::now();
    ground.up(&plan).await.unwrap();
    eprintln!("second up {:?}", begun.elapsed());
    assert_eq!(ids(&ground), first);

    let begun = std::time::Instant::now();
    let observed = ground
        .compose
        .observe(&Scope { mirror: Some(ground.name.clone()), owner: None }, true)
        .await
        .unwrap();
    eprintln!("observe {:?}", begun.elapsed());
    eprintln!("{:#?}", observed.egress);
    assert_eq!(observed.containers.len(), first.len());

    let begun = std::time::Instant::now();
    let removed = ground.compose.destroy(&ground.name, &Quiet).await.unwrap();
    eprintln!("down {:?}", begun.elapsed());
    assert_eq!(removed.containers.len(), first.len());
    assert_eq!(removed.networks.len(), 2);
    let again = ground.compose.destroy(&ground.name, &Quiet).await.unwrap();
    assert_eq!(again, prodmirror::backend::Removed::default());
    let _ = (RunState::Fresh, members(&plan), What::Networks);
}
