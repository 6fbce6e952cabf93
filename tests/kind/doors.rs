//! The ports of a mirror on this host, and the process that keeps them.

use std::{net::SocketAddr, path::Path, time::Duration};

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api,
    api::{DeleteParams, ListParams},
};
use prodmirror::{backend::kubernetes::Doors, formats::doors::Door, labels::kubernetes::SERVICE, name::Name};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::stage::{self, IMAGE, LONG, Space, client, running};
use prodmirror::backend::kubernetes::Wanted;

/// A service of one Redis; `name` is the namespace's.
async fn serving(name: &str) -> Space {
    let space = Space::new(name).await;
    let mut pod = running(IMAGE, &["redis-server", "--protected-mode", "no"]);
    pod["containers"][0]["readinessProbe"] = json!({"tcpSocket": {"port": 6379}, "periodSeconds": 1});
    let mut deployment = stage::deployment("cache", 1, pod);
    deployment["spec"]["template"]["metadata"]["labels"][SERVICE] = json!("cache");
    deployment["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/managed-by"] =
        json!("prodmirror");
    space.apply(&[deployment]).await;
    space.settle(&[Wanted::Deployment("cache".to_owned())]).await.unwrap();
    space
}

fn doors(state: &Path) -> Doors {
    Doors::new(env!("CARGO_BIN_EXE_prodmirror").into(), Vec::new(), state)
}

fn door(port: &str) -> Door {
    Door { listen: 20001, service: Name::new("cache").unwrap(), port: Name::new(port).unwrap(), target: 6379 }
}

async fn open(state: &Path, space: &Space, doors_of: &[Door]) -> Vec<SocketAddr> {
    let way = stage::kubeconfig().await;
    let open = doors(state).open(&space.cluster, &way, space.name(), doors_of).await.unwrap();
    assert_eq!(open.len(), doors_of.len());
    open.iter().map(|endpoint| endpoint.address).collect()
}

/// What Redis answers; nothing where the connection is closed.
async fn ping(address: SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(b"PING\r\n").await.ok()?;
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).await.ok()?;
    Some(String::from_utf8_lossy(&answer).into_owned())
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let waited = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    assert!(tokio::time::timeout(LONG, waited).await.is_ok(), "{what}");
}

/// The processes that forward, by the lock that each holds in a state folder of a test's own.
fn keepers(state: &Path) -> Vec<i32> {
    let lock = std::fs::read_dir(state.join("forward")).into_iter().flatten().flatten();
    let locks: Vec<_> = lock
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "lock"))
        .collect();
    let holds = |pid: &i32| {
        let open = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.filter_map(|file| std::fs::read_link(file.path()).ok()).any(|file| locks.contains(&file))
    };
    let own = i32::try_from(std::process::id()).unwrap();
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid != own && holds(pid))
        .collect()
}

fn kill(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[tokio::test]
async fn the_ports_of_a_mirror_stay_open_and_end_with_it() {
    let state = tempfile::tempdir().unwrap();
    let state = state.path();
    let space = serving("doors").await;

    let first = open(state, &space, &[door("redis")]).await;
    assert!(first[0].ip().is_loopback());
    assert_eq!(ping(first[0]).await.as_deref(), Some("+PONG\r\n"));
    let [keeper] = keepers(state)[..] else { panic!("{:?}", keepers(state)) };
    assert_eq!(open(state, &space, &[door("redis")]).await, first);
    assert_eq!(keepers(state), [keeper], "a second one was started");

    // The pod is replaced.
    let pods: Api<Pod> = Api::namespaced(client().await, space.name());
    pods.delete_collection(&DeleteParams::default(), &ListParams::default()).await.unwrap();
    until("the next pod is reached", async || ping(first[0]).await.is_some()).await;

    // The process is killed: it is gone from its address, and the next who asks has it back there.
    kill(keeper);
    until("the port is closed", async || TcpStream::connect(first[0]).await.is_err()).await;
    assert_eq!(open(state, &space, &[door("redis")]).await, first);
    until("the same port answers", async || ping(first[0]).await.is_some()).await;

    // The mirror has another door, and keeps the one that it had.
    let both = open(state, &space, &[door("other"), door("redis")]).await;
    assert_eq!(both[1], first[0]);
    assert_ne!(both[0], both[1]);
    assert_eq!(keepers(state).len(), 1);

    space.remove().await;
    until("the process ends with the mirror", async || keepers(state).is_empty()).await;
    assert!(TcpStream::connect(both[1]).await.is_err());
}

#[tokio::test]
async fn ports_are_closed_on_demand_and_never_opened_for_a_mirror_that_is_not_there() {
    let state = tempfile::tempdir().unwrap();
    let state = state.path();
    let space = serving("shut").await;
    let first = open(state, &space, &[door("redis")]).await;
    doors(state).close(space.cluster.context(), space.name()).await;
    assert!(TcpStream::connect(first[0]).await.is_err() && keepers(state).is_empty());

    let way = stage::kubeconfig().await;
    let none = doors(state).open(&space.cluster, &way, "pm-none", &[door("redis")]).await.unwrap_err();
    assert_eq!(none.to_string(), "ports of namespace `pm-none`: it is not there");
    space.remove().await;
}
