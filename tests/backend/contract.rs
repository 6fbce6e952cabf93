//! The contract of `Backend`: what exists is not made twice, what is gone is no error, what is not ours stays.

use std::collections::BTreeMap;

use prodmirror::backend::{
    Backend as _, BackendError, Containers as _, Listed, Names, Planned, Record as _, RunState, Scope, What,
    compose::{Compose, Connection, Settings},
};

use crate::ground::{Ground, Quiet, docker, helpers, id, ids, members};

pub const PROFILE: &str = r#"
services:
  api:
    image: "local:prodmirror-built/debian:bookworm"
    command: [sleep, infinity]
    replicas: 2
    stop_signal: SIGKILL
    ports: {http: 8000}
    env: {GREETING: "hello $USER"}
    resources: {limits: {cpu: 500m, memory: 64Mi}}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_makes_nothing_and_a_second_destroy_removes_nothing() {
    let ground = Ground::new().await;
    let plan = ground.plan(PROFILE).await;
    ground.up(&plan).await.unwrap();
    let first = ids(&ground.name);
    assert_eq!(first.len(), 2 * 2 + 2, "two replicas with their pauses, gateway and keeper");

    ground.up(&plan).await.unwrap();
    assert_eq!(ids(&ground.name), first);

    let removed = ground.compose.destroy(&ground.name, &Quiet).await.unwrap();
    assert_eq!(removed.containers.len(), first.len());
    assert_eq!((removed.networks.len(), removed.volumes.len()), (2, 2));
    assert_eq!(ids(&ground.name), [""; 0]);
    assert_eq!(ground.compose.destroy(&ground.name, &Quiet).await.unwrap(), Names::default());
}

/// Objects that a test makes by hand, gone when they go out of scope.
struct ByHand(String);

impl ByHand {
    fn new(name: &str, label: &str) -> Self {
        docker(&["volume", "create", "--label", label, name]);
        docker(&["network", "create", "--label", label, "--subnet", "10.212.250.0/28", name]);
        docker(&[
            "create",
            "--name",
            name,
            "--label",
            label,
            "--network",
            "none",
            "prodmirror-built/debian:bookworm",
        ]);
        Self(name.to_owned())
    }
}

impl Drop for ByHand {
    fn drop(&mut self) {
        docker(&["rm", "-f", &self.0]);
        docker(&["network", "rm", &self.0]);
        docker(&["volume", "rm", &self.0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_carry_the_mirrors_label_stays() {
    let ground = Ground::new().await;
    let longer = format!("prodmirror.mirror={}-x", ground.name);
    let other = ByHand::new(&format!("{}-other", ground.name), &longer);
    let plan = ground.plan(PROFILE).await;
    ground.up(&plan).await.unwrap();
    ground.compose.destroy(&ground.name, &Quiet).await.unwrap();
    for (kind, list) in [("container", "ps -a"), ("network", "network ls"), ("volume", "volume ls")] {
        let mut args: Vec<_> = list.split(' ').collect();
        let filter = format!("name={}", other.0);
        args.extend(["-q", "--filter", &filter]);
        assert_ne!(docker(&args), "", "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_of_the_same_name_that_is_not_the_mirrors_is_never_used() {
    let ground = Ground::new().await;
    let plan = ground.plan(PROFILE).await;
    let name = plan.volumes[0].name.clone();
    docker(&["volume", "create", &name]);
    let error = ground.start(&plan, What::Volumes, RunState::Running).await;
    docker(&["volume", "rm", &name]);
    let error = error.unwrap_err().to_string();
    assert!(error.contains(&name) && error.contains("not this mirror's"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keeper_alone_carries_the_labels_of_its_launch_and_keeps_them() {
    let ground = Ground::new().await;
    let plan = ground.plan(PROFILE).await;
    ground.up(&plan).await.unwrap();
    let later = BTreeMap::from([("prodmirror.run".to_owned(), "run-2".to_owned())]);
    let again = |state| {
        let (plan, secrets) = (&plan, &ground.secrets);
        Planned { plan, secrets, launch_labels: &later, what: What::Keeper, state }
    };
    let list = async |owner: Option<&str>| {
        let scope = Scope { mirror: None, owner: owner.map(str::to_owned) };
        ground.compose.list(&scope).await.unwrap()
    };
    ground.compose.start(again(RunState::Running), &Quiet).await.unwrap();
    let listed = list(Some("tester@ground")).await;
    let own = |listed: Vec<Listed>| {
        listed.into_iter().find(|listed| listed.mirror == ground.name.as_str()).unwrap()
    };
    let keeper = own(listed).keeper.unwrap();
    assert_eq!((keeper.run.as_deref(), keeper.running), (Some("run-1"), true));

    ground.compose.start(again(RunState::Fresh), &Quiet).await.unwrap();
    let listed = own(list(None).await);
    assert_eq!(listed.keeper.unwrap().run.as_deref(), Some("run-2"));
    assert_eq!((listed.names.containers.len(), listed.names.networks.len()), (6, 2));
    assert!(list(Some("someone@else")).await.iter().all(|l| l.mirror != ground.name.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_run_state_is_reached_from_every_other_and_only_fresh_is_a_new_container() {
    let ground = Ground::new().await;
    let plan = ground.plan(PROFILE).await;
    ground.up(&plan).await.unwrap();
    let key = ["api.0.main".to_owned()];
    let bring = async |state| ground.start(&plan, What::Containers(&key), state).await.unwrap();
    let state = || docker(&["inspect", "--format", "{{.State.Status}}", &id(&ground.name, "api.0.main")]);
    let first = id(&ground.name, "api.0.main");
    for (wanted, status) in [
        (RunState::Stopped, "exited"),
        (RunState::Running, "running"),
        (RunState::Frozen, "paused"),
        (RunState::Running, "running"),
        (RunState::Frozen, "paused"),
        (RunState::Stopped, "exited"),
        (RunState::Stopped, "exited"),
        (RunState::Running, "running"),
    ] {
        bring(wanted).await;
        assert_eq!(state(), status, "{wanted:?}");
        assert_eq!(id(&ground.name, "api.0.main"), first, "{wanted:?}");
    }
    bring(RunState::Fresh).await;
    assert_ne!(id(&ground.name, "api.0.main"), first);
    bring(RunState::Absent).await;
    bring(RunState::Absent).await;
    assert_eq!(id(&ground.name, "api.0.main"), "");
    bring(RunState::Running).await;
    assert_eq!(state(), "running");
}

#[tokio::test(flavor = "multi_thread")]
async fn members_follow_a_pause_that_was_replaced() {
    let ground = Ground::new().await;
    let plan = ground.plan(PROFILE).await;
    ground.up(&plan).await.unwrap();
    ground.start(&plan, What::Containers(&["api.0".to_owned()]), RunState::Fresh).await.unwrap();
    ground.start(&plan, What::Containers(&members(&plan)), RunState::Running).await.unwrap();
    let mode =
        docker(&["inspect", "--format", "{{.HostConfig.NetworkMode}}", &id(&ground.name, "api.0.main")]);
    assert_eq!(mode, format!("container:{}", id(&ground.name, "api.0")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_launch_tells_a_command_to_paste_and_no_secret() {
    let ground = Ground::new().await.secret("SESSION_KEY", "canary-1234");
    let profile = format!("secrets: {{session-key: {{}}}}\n{PROFILE}    working_dir: /app\n")
        .replace("env: {", "env: {KEY: \"${secret:session-key}\", ");
    let mut plan = ground.plan(&profile).await;
    ground.start(&plan, What::Volumes, RunState::Running).await.unwrap();
    ground.start(&plan, What::Containers(&helpers(&plan)), RunState::Running).await.unwrap();
    plan.pods[0].main.command = Some(vec!["/no/such/program".to_owned()]);
    let error = ground
        .start(&plan, What::Containers(&["api.0.main".to_owned()]), RunState::Running)
        .await
        .unwrap_err();
    let text = error.to_string();
    let BackendError::Command { command, output, .. } = error else { panic!("{text}") };
    assert!(command.contains("docker compose") && command.ends_with("api.0.main"), "{command}");
    assert!(output.contains("/no/such/program"), "{output}");
    assert!(command.contains("SESSION_KEY=") && !text.contains("canary-1234"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_come_back_from_the_mirror_and_stand_in_no_file() {
    let value = "p%w$'\"\\ ü=\n1";
    let ground = Ground::new().await.secret("SESSION_KEY", value);
    let profile = format!("secrets: {{session-key: {{}}}}\n{PROFILE}")
        .replace("env: {", "env: {KEY: \"${secret:session-key}\", ");
    let plan = ground.plan(&profile).await;
    ground.up(&plan).await.unwrap();
    let (_, inside) = ground.sh("api", "printf %s \"$KEY\"").await;
    assert_eq!(inside, value);
    assert_eq!(ground.compose.secrets(&ground.name).await.unwrap().0["SESSION_KEY"], value);
    for entry in std::fs::read_dir(ground.state.path().join(&plan.project)).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains("p%w"), "{text}");
    }
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_named_with_the_reason() {
    for (host, why) in [("unix:///nowhere/docker.sock", "no socket"), ("tcp://127.0.0.1:1", "refused")] {
        let connection = Connection { host: Some(host.to_owned()), ..Connection::default() };
        let settings = Settings {
            state_dir: std::env::temp_dir(),
            self_exe: None,
            docker: "docker".into(),
            environment: Vec::new(),
            templates: std::sync::Arc::new(prodmirror::render::Templates::embedded()),
        };
        let error = Compose::connect(&connection, settings).await.err().unwrap().to_string();
        assert!(
            error.starts_with(&format!("cannot reach the Docker engine at {host}")) && error.contains(why),
            "{error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_call_takes_the_docker_command_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let (script, started) = (folder.path().join("docker"), folder.path().join("started"));
    let text =
        format!("#!/bin/sh\nsleep 600 &\necho $! > {0}.new && mv {0}.new {0}\nwait\n", started.display());
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let ground = Ground::with_docker(&script).await;
    let loaded = crate::ground::loaded(PROFILE);
    let grandchild = tokio::select! {
        _ = ground.capabilities(&loaded) => panic!("the command never ends by itself"),
        pid = async {
            while !started.exists() {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            std::fs::read_to_string(&started).unwrap()
        } => std::path::PathBuf::from(format!("/proc/{}", pid.trim())),
    };
    assert!(gone(&grandchild), "what the command had started goes on");
}

/// Whether a process ends within five seconds.
fn gone(process: &std::path::Path) -> bool {
    // A process that nobody waits for stays as a name.
    let runs = || std::fs::read_to_string(process.join("stat")).is_ok_and(|stat| !stat.contains(") Z "));
    (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        !runs()
    })
}

#[test]
fn a_killed_caller_takes_the_docker_command_with_it() {
    use std::{
        io::{BufRead as _, BufReader},
        process::{Command, Stdio},
    };
    // A shell holds the pipe as we would; what it starts prints the id of its own child first.
    let tether =
        format!("{} tether -- sh -c 'sleep 600 & echo $!; wait'", crate::ground::program().display());
    let mut caller = Command::new("sh")
        .args(["-c", &format!("sleep 600 | {tether}")])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(caller.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let grandchild = std::path::PathBuf::from(format!("/proc/{}", line.trim()));
    assert!(grandchild.exists());
    // The writer of the pipe is the caller's first child.
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", caller.id())).unwrap();
    let writer = children.split_whitespace().next().unwrap().to_owned();
    assert!(Command::new("kill").args(["-9", &writer]).status().unwrap().success());
    caller.wait().unwrap();
    assert!(gone(&grandchild), "what the command had started outlived the caller");
}
