//! What `observe` and `endpoint` see.

use prodmirror::backend::{Backend as _, RunState, Scope, What};

use crate::ground::{Ground, docker, id};

const PROFILE: &str = r#"
services:
  api:
    image: "local:prodmirror-built/debian:bookworm"
    command: [sleep, infinity]
    replicas: 2
    stop_signal: SIGKILL
    ports: {http: 8000}
    env: {GREETING: "hello $USER"}
    files: {/etc/app/: {a.ini: "one\n"}, /etc/single: {content: alone, mode: "0640"}}
    sysctls: {net.core.somaxconn: 321}
    resources: {limits: {cpu: 500m, memory: 64Mi}, requests: {cpu: 250m}}
    ulimits: {nofile: 4096}
    extra_hosts: {legacy: 10.1.2.3}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn observe_reads_configuration_and_the_inside_of_every_replica() {
    let ground = Ground::new().await;
    let plan = ground.plan(PROFILE).await;
    ground.up(&plan).await.unwrap();
    let scope = Scope { mirror: Some(ground.name.clone()), owner: None };
    let observed = ground.compose.observe(&scope, true).await.unwrap();

    assert_eq!(observed.containers.len(), 6);
    assert_eq!(observed.networks.iter().filter(|network| network.internal).count(), 1);
    assert_eq!(observed.volumes.len(), plan.volumes.len());
    let main =
        observed.containers.iter().find(|container| container.id == id(&ground.name, "api.1.main")).unwrap();
    assert_eq!(main.state.status, "running");
    assert_eq!((main.host.memory, main.host.memory_swap), (64 << 20, 64 << 20));
    assert!(main.env.contains(&"GREETING=hello $USER".to_owned()));
    assert!(observed.images.contains_key(&main.image_id));

    let inside = main.inside.as_ref().expect("the image has a shell");
    let memory = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let memory = memory.iter().find_map(|path| inside.files.get(*path)).unwrap();
    assert_eq!(memory.trim(), (64 << 20).to_string());
    assert_eq!(
        inside.files["/proc/sys/net/core/somaxconn"].trim(),
        "321",
        "the pause's, whose network it shares"
    );
    assert!(
        inside.files["/proc/1/limits"]
            .lines()
            .any(|line| line.starts_with("Max open files") && line.contains("4096"))
    );
    assert!(inside.files["/etc/hosts"].contains("legacy"));
    assert!(inside.files["/proc/1/environ"].contains("GREETING=hello $USER"));
    assert!(inside.answers["TZ=UTC date +%Z%z"].starts_with("UTC"));
    assert_eq!(inside.checksums["/etc/single"].mode, 0o640);
    let sum = prodmirror::digest::sha256(b"one\n");
    assert_eq!(format!("sha256:{}", inside.checksums["/etc/app/a.ini"].sha256.as_ref().unwrap()), sum);

    let egress = observed.egress.expect("a pause runs");
    assert!(egress.refused && egress.answer.contains("unreachable"), "{egress:?}");
    let bare = ground.compose.observe(&scope, false).await.unwrap();
    assert!(bare.containers.iter().all(|container| container.inside.is_none()) && bare.egress.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_behind_our_back_is_seen() {
    let ground = Ground::new().await;
    let plan = ground.plan(PROFILE).await;
    ground.up(&plan).await.unwrap();
    let main = id(&ground.name, "api.0.main");
    docker(&["update", "--memory", "96m", "--memory-swap", "96m", &main]);
    // Containers mount their files read-only: whoever edits one goes through the volume.
    let files = plan.volumes.iter().find(|volume| !volume.files.is_empty()).unwrap();
    let (mount, edit) =
        (format!("{}:/v", files.name), "find -L /v -name a.ini | while read f; do echo edited > $f; done");
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
        edit,
    ]);
    docker(&["kill", &id(&ground.name, "api.1.main")]);
    let scope = Scope { mirror: Some(ground.name.clone()), owner: None };
    let observed = ground.compose.observe(&scope, true).await.unwrap();
    let seen = |key: &str| {
        observed.containers.iter().find(|container| container.id == id(&ground.name, key)).unwrap()
    };
    assert_eq!(seen("api.0.main").host.memory, 96 << 20);
    let inside = seen("api.0.main").inside.as_ref().unwrap();
    assert_eq!(
        format!("sha256:{}", inside.checksums["/etc/app/a.ini"].sha256.as_ref().unwrap()),
        prodmirror::digest::sha256(b"edited\n")
    );
    let killed = seen("api.1.main");
    assert_eq!((killed.state.status.as_str(), killed.state.exit_code), ("exited", 137));
    assert!(killed.inside.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_are_the_gateways_ports_on_loopback() {
    let ground = Ground::new().await;
    let plan = ground.plan(PROFILE).await;
    assert_eq!(ground.compose.endpoint(&ground.name).await.unwrap(), []);
    ground.up(&plan).await.unwrap();
    let endpoints = ground.compose.endpoint(&ground.name).await.unwrap();
    let [http] = endpoints.as_slice() else { panic!("{endpoints:?}") };
    assert_eq!((http.service.as_str(), http.port.as_str(), http.protocol.as_str()), ("api", "http", "tcp"));
    assert!(http.address.ip().is_loopback() && http.address.port() > 0, "{http:?}");
    ground
        .start(&plan, What::Containers(std::slice::from_ref(&plan.gateway.container.key)), RunState::Stopped)
        .await
        .unwrap();
    assert_eq!(ground.compose.endpoint(&ground.name).await.unwrap(), []);
}
