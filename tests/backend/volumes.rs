//! The contract of `Volumes`, kept by copying.

use std::collections::BTreeMap;

use prodmirror::backend::{Containers as _, RunState, What};

use crate::{
    contract::PROFILE,
    ground::{Ground, docker},
};

/// What a shell prints with the volume mounted at `/v`.
fn look(volume: &str, script: &str) -> String {
    let mount = format!("{volume}:/v");
    docker(&[
        "run",
        "--rm",
        "--network",
        "none",
        "-v",
        &mount,
        "prodmirror-built/debian:bookworm",
        "sh",
        "-c",
        script,
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_and_a_restored_volume_hold_just_what_the_source_held() {
    let ground = Ground::new().await;
    // The helper image is there from now on.
    ground.plan(PROFILE).await;
    let labels = BTreeMap::from([
        ("prodmirror.mirror".to_owned(), ground.name.to_string()),
        ("prodmirror.owner".to_owned(), "tester@ground".to_owned()),
    ]);
    let (data, frozen) = (format!("pm-{}_data", ground.name), format!("pm-{}_frozen", ground.name));
    let volumes = ground.compose.volume();
    volumes.make(&data, &labels).await.unwrap();
    volumes.make(&data, &labels).await.unwrap();
    let listing = "cd /v && find . -printf '%p %y %m %U:%G %T@ %l\\n' | sort && find . -type f -exec sha256sum {} + | sort";
    look(
        &data,
        "cd /v && chmod 700 . && chown 999:998 . && mkdir -p a/b && dd if=/dev/urandom of=a/b/big bs=1M count=12 2>/dev/null && \
         echo x > 'a/sp ace' && chown 33:44 'a/sp ace' && chmod 4640 'a/sp ace' && ln 'a/sp ace' hard && ln -s a/none soft && mkfifo pipe && touch -d @1 a/b",
    );
    let before = look(&data, listing);

    let bytes = volumes.clone_of(&data, &frozen, &labels).await.unwrap();

    assert_eq!(bytes, (12 << 20) + 2);
    assert_eq!(look(&frozen, listing), before);
    assert_eq!(look(&frozen, "stat -c %h /v/hard"), "2");

    look(&data, "rm -rf /v/a && echo later > /v/new && chmod 777 /v");
    volumes.restore(&frozen, &data).await.unwrap();
    assert_eq!(look(&data, listing), before);
    let again = volumes.restore(&frozen, &data).await.unwrap();
    assert_eq!((again, look(&data, listing)), (bytes, before));

    volumes.remove(&data).await.unwrap();
    volumes.remove(&data).await.unwrap();
    let missing = volumes.clone_of(&data, &frozen, &labels).await.unwrap_err().to_string();
    assert!(missing.contains(&data) && missing.contains("not there"), "{missing}");
    let filter = format!("name={data}");
    assert_eq!(
        docker(&["volume", "ls", "-q", "--filter", &filter]),
        "",
        "a failed clone makes no volume of its source"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn volumes_have_the_labels_and_options_of_the_plan() {
    let ground = Ground::new().await;
    let plan = ground
        .plan(
            r#"
services:
  api:
    image: "local:prodmirror-built/debian:bookworm"
    command: [sleep, infinity]
    fs_group: 4711
    volumes: {/scratch: {empty: {}}, /fast: {empty: {medium: memory, size: 16Mi}}}
"#,
        )
        .await;
    ground.up(&plan).await.unwrap();
    let labels =
        docker(&["volume", "ls", "-q", "--filter", &format!("label=prodmirror.mirror={}", ground.name)]);
    assert_eq!(labels.lines().count(), plan.volumes.len());
    let (_, seen) = ground
        .sh("api", "stat -c '%a %g' /scratch; stat -f -c '%T %b*%S' /fast; df -k /fast | tail -1")
        .await;
    let lines: Vec<_> = seen.lines().collect();
    assert_eq!(lines[0], "2777 4711");
    assert!(lines[1].starts_with("tmpfs") && lines[2].contains(" 16384 "), "{seen}");
    // Looking again at what is as it shall be changes nothing.
    let volumes: Vec<_> = plan.volumes.iter().map(|volume| volume.name.clone()).collect();
    ground.start(&plan, What::Files(&volumes), RunState::Running).await.unwrap();
    assert_eq!(ground.sh("api", "stat -c '%a %g' /scratch").await.1, "2777 4711\n");
}
