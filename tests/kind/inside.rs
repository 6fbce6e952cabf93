//! Commands in pods, and what their containers printed.

use std::io::Cursor;

use futures_util::TryStreamExt as _;
use prodmirror::{
    backend::{
        LogQuery,
        kubernetes::{PodOf, Run, Wanted},
    },
    name::Name,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
};

use super::stage::{IMAGE, Space, running, workload};

/// Where a stream of a command goes, and what came of it.
pub fn sink() -> (std::pin::Pin<Box<dyn AsyncWrite + Send>>, tokio::task::JoinHandle<String>) {
    let (into, mut from) = tokio::io::duplex(1 << 16);
    let read = tokio::spawn(async move {
        let mut text = String::new();
        from.read_to_string(&mut text).await.unwrap();
        text
    });
    (Box::pin(into), read)
}

struct Ended {
    code: i64,
    stdout: String,
    stderr: String,
}

async fn run(space: &Space, argv: &[&str], stdin: Option<Vec<u8>>, size: Option<(u16, u16)>) -> Ended {
    let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
    let ((stdout, printed), (stderr, complained)) = (sink(), sink());
    let stdin = stdin.map(|bytes| Box::pin(Cursor::new(bytes)) as std::pin::Pin<Box<dyn AsyncRead + Send>>);
    let (pod, container, tty) = ("api-0", "main", size.is_some());
    let run = Run { pod, container, argv: &argv, tty, size, resized: None, stdin, stdout, stderr };
    let code = space.cluster.run(space.name(), run).await.unwrap();
    Ended { code, stdout: printed.await.unwrap(), stderr: complained.await.unwrap() }
}

/// A stateful set whose pods are known as those of a service.
fn service(space: &Space, name: &str, replicas: u32, pod: Value) -> Value {
    let mut set = space.own(&[workload("StatefulSet", name, replicas, pod)]).remove(0);
    let mut labels = set["metadata"]["labels"].clone();
    labels["app"] = json!(name);
    labels["prodmirror/service"] = json!(name);
    set["spec"]["template"]["metadata"]["labels"] = labels;
    set
}

async fn up(space: &Space, services: &[Value]) {
    space.cluster.apply(services).await.unwrap();
    let name = |set: &Value| Wanted::StatefulSet(set["metadata"]["name"].as_str().unwrap().to_owned());
    space.settle(&services.iter().map(name).collect::<Vec<_>>()).await.unwrap();
}

#[tokio::test]
async fn a_command_has_its_streams_apart_its_input_to_the_end_and_its_own_exit_code() {
    let space = Space::new("exec").await;
    up(&space, &[service(&space, "api", 1, running(IMAGE, &["sleep", "600"]))]).await;

    let ended = run(&space, &["sh", "-c", "echo out; echo err >&2; exit 3"], None, None).await;
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (3, "out\n", "err\n"));

    let large = vec![b'x'; 1 << 20];
    let ended = run(&space, &["wc", "-c"], Some(large), None).await;
    assert_eq!((ended.code, ended.stdout.trim()), (0, "1048576"));

    let ended = run(&space, &["sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' y"], None, None).await;
    assert_eq!((ended.code, ended.stdout.len()), (0, 3_000_000));

    let ended = run(&space, &["no-such-program"], None, None).await;
    assert!(ended.code == 127 && ended.stderr.contains("no-such-program"), "{}", ended.stderr);
    assert_eq!(run(&space, &["/etc/passwd"], None, None).await.code, 126);

    let ended = run(&space, &["sh", "-c", "sleep 0.5; stty size"], None, Some((120, 40))).await;
    assert_eq!((ended.code, ended.stdout.trim()), (0, "40 120"));
}

#[tokio::test]
async fn lines_of_all_pods_come_in_the_order_of_time_with_whose_they_are() {
    let space = Space::new("logs").await;
    let talks = |text: &str| running(IMAGE, &["sh", "-c", &format!("echo {text}; echo again; sleep 600")]);
    up(&space, &[service(&space, "api", 2, talks("api"))]).await;
    up(&space, &[service(&space, "db", 1, talks("db"))]).await;

    let pods = space.cluster.pods(space.name()).await.unwrap();
    let names: Vec<_> = pods.iter().map(|PodOf { pod, ordinal, .. }| (pod.as_str(), *ordinal)).collect();
    assert_eq!(names, [("api-0", 0), ("api-1", 1), ("db-0", 0)]);

    let read = async |query: LogQuery| -> Vec<String> {
        let lines = space.cluster.logs(space.name(), &query).await.unwrap();
        let lines: Vec<_> = lines.try_collect().await.unwrap();
        assert!(lines.is_sorted_by_key(|line| line.at.clone()), "{lines:?}");
        let text = |line: prodmirror::backend::LogLine| {
            let text = String::from_utf8_lossy(&line.line).into_owned();
            format!("{}/{} {} {text}", line.service, line.ordinal, line.container)
        };
        lines.into_iter().map(text).collect()
    };
    let all = read(LogQuery::default()).await;
    assert_eq!(
        all,
        [
            "api/0 main api",
            "api/0 main again",
            "api/1 main api",
            "api/1 main again",
            "db/0 main db",
            "db/0 main again"
        ]
    );
    let api = Some(Name::new("api").unwrap());
    let last = LogQuery { service: api.clone(), ordinal: Some(1), tail: Some(1), ..LogQuery::default() };
    assert_eq!(read(last).await, ["api/1 main again"]);
    // Nothing ran before, and that is no error.
    assert_eq!(read(LogQuery { service: api, previous: true, ..LogQuery::default() }).await, [""; 0]);
}

/// What the service says of its own port, by a connection of its own.
async fn ask(address: std::net::SocketAddr, question: &str) -> String {
    let mut connection = TcpStream::connect(address).await.unwrap();
    // A port that is closed at once may not take the question.
    let _ = connection.write_all(question.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = connection.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_services_port_is_open_on_loopback_and_goes_to_each_ready_pod_in_turn() {
    let space = Space::new("forward").await;
    // Each pod names itself, and gets a large value whole.
    let script = "redis-server --protected-mode no --daemonize yes; until redis-cli set name $HOSTNAME; do sleep 0.1; done; sleep 600";
    let mut pod = running(IMAGE, &["sh", "-c", script]);
    pod["containers"][0]["readinessProbe"] =
        json!({"exec": {"command": ["redis-cli", "exists", "name"]}, "periodSeconds": 1});
    up(&space, &[service(&space, "api", 2, pod)]).await;
    let forward = space.cluster.forward(space.name(), "api", 6379).await.unwrap();
    assert!(forward.address().ip().is_loopback());

    let mut names = Vec::new();
    for _ in 0..4 {
        names.push(ask(forward.address(), "get name\r\nquit\r\n").await);
    }
    let of = |pod: &str| names.iter().filter(|name| name.contains(pod)).count();
    assert_eq!((of("api-0"), of("api-1")), (2, 2), "{names:?}");

    let large = "x".repeat(3 << 20);
    let echo = format!("*2\r\n$4\r\necho\r\n${}\r\n{large}\r\nquit\r\n", large.len());
    let answer = ask(forward.address(), &echo).await;
    assert!(answer.contains(&large), "{} bytes came back", answer.len());

    // Nobody listens there, and nobody is that service.
    let closed = space.cluster.forward(space.name(), "api", 7).await.unwrap();
    assert_eq!(ask(closed.address(), "hello").await, "");
    let nobody = space.cluster.forward(space.name(), "nobody", 6379).await.unwrap();
    assert_eq!(ask(nobody.address(), "hello").await, "");

    let address = forward.address();
    drop(forward);
    // Its task ends when it is looked at next.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}
