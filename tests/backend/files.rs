//! Files of a profile in containers, as the kubelet brings them.

use prodmirror::{
    backend::{RunState, What},
    plan::{FileBytes, Plan},
};

use crate::ground::Ground;

const PROFILE: &str = r#"
secrets: {k: {}}
services:
  api:
    image: "local:prodmirror-built/debian:bookworm"
    command: [sleep, infinity]
    replicas: 2
    files:
      /etc/app/: {a.ini: "one\n", sub/b: "two"}
      /etc/single: {content: "alone", mode: "0640", user: 33, group: 44}
      /run/secrets/key: {secret: k, mode: "0400", user: 1000}
"#;

fn all(plan: &Plan) -> Vec<String> {
    plan.volumes.iter().map(|volume| volume.name.clone()).collect()
}

/// Other bytes in the file whose path ends so.
fn change(plan: &mut Plan, end: &str, bytes: &[u8]) {
    let files = plan.volumes.iter_mut().flat_map(|volume| &mut volume.files);
    let mut found = files.filter(|file| file.path.ends_with(end)).peekable();
    assert!(found.peek().is_some(), "no file {end}");
    found.for_each(|file| file.content = FileBytes::Inline(bytes.to_vec()));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_arrive_byte_for_byte_with_owner_and_mode_and_change_under_a_running_process() {
    let ground = Ground::new().await.secret("K", "s3cret $'\n\u{2028}");
    let mut plan = ground.plan(PROFILE).await;
    change(&mut plan, "sub/b", b"\xff\x00\r\n");
    ground.up(&plan).await.unwrap();
    let look = "cat /etc/app/a.ini /etc/app/sub/b | od -An -tx1; stat -L -c '%a %u %g' /etc/app/a.ini /etc/single /run/secrets/key; \
                cat /etc/single; cat /run/secrets/key | od -An -tx1; readlink /etc/app/a.ini; grep -c ' /run/secrets/key tmpfs' /proc/mounts";
    let (code, seen) = ground.sh("api", look).await;
    let secret: String = "s3cret $'\n\u{2028}".bytes().map(|b| format!(" {b:02x}")).collect();
    assert_eq!(
        seen,
        format!(" 6f 6e 65 0a ff 00 0d 0a\n644 0 0\n640 33 44\n400 1000 0\nalone{secret}\n..data/a.ini\n1\n"),
        "{code}"
    );

    // A process that has the folder open sees the change, and never a file that is missing.
    ground
        .sh("api", "(while [ ! -e /tmp/stop ]; do cat /etc/app/a.ini >> /tmp/read 2>&1; done) & sleep 0.2")
        .await;
    change(&mut plan, "a.ini", b"three\n");
    ground.start(&plan, What::Files(&all(&plan)), RunState::Running).await.unwrap();
    let (_, seen) = ground
        .sh(
            "api",
            "sleep 0.2; touch /tmp/stop; cat /etc/app/a.ini; sort -u /tmp/read; ls -A /etc/app | wc -l",
        )
        .await;
    // `..data`, its folder, and two links: nothing of the old content.
    assert_eq!(seen, "three\none\nthree\n4\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn filling_again_touches_nothing() {
    let ground = Ground::new().await.secret("K", "x");
    let plan = ground.plan(PROFILE).await;
    ground.up(&plan).await.unwrap();
    let look = "stat -c '%n %z %i' /etc/app/..data /etc/app/a.ini /run/secrets/key; ls -dA /etc/app/..*";
    let before = ground.sh("api", look).await;
    ground.start(&plan, What::Files(&all(&plan)), RunState::Running).await.unwrap();
    assert_eq!(ground.sh("api", look).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_in_memory_are_refused_while_nothing_holds_them() {
    let ground = Ground::new().await.secret("K", "x");
    let plan = ground.plan(PROFILE).await;
    ground.start(&plan, What::Volumes, RunState::Running).await.unwrap();
    let error =
        ground.start(&plan, What::Files(&all(&plan)), RunState::Running).await.unwrap_err().to_string();
    assert!(error.contains("no running container holds"), "{error}");
}
