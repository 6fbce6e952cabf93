//! Commands in containers: streams, ends, codes.

use std::pin::Pin;

use prodmirror::backend::{Backend as _, BackendError, Exec, RunState, What};
use tokio::io::AsyncRead;

use crate::{
    contract::PROFILE,
    ground::{Ground, Sink},
};

struct Ran {
    code: i64,
    stdout: Vec<u8>,
    stderr: String,
}

#[derive(Default)]
struct Wish<'a> {
    argv: &'a [&'a str],
    stdin: Option<Vec<u8>>,
    env: &'a [(String, String)],
    user: Option<&'a str>,
    tty: bool,
    fresh: bool,
}

async fn run(ground: &Ground, wish: Wish<'_>) -> Ran {
    let (stdout, stderr) = (Sink::default(), Sink::default());
    let (target, argv) =
        (ground.target("api"), wish.argv.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    let exec = Exec {
        target: &target,
        argv: &argv,
        env: wish.env,
        user: wish.user,
        tty: wish.tty,
        size: wish.tty.then_some((132, 43)),
        resized: None,
        stdin: wish
            .stdin
            .map(|bytes| Box::pin(std::io::Cursor::new(bytes)) as Pin<Box<dyn AsyncRead + Send>>),
        stdout: Box::pin(stdout.clone()),
        stderr: Box::pin(stderr.clone()),
        fresh: wish.fresh,
    };
    let code = ground.compose.exec(exec).await.unwrap();
    Ran { code, stdout: stdout.bytes(), stderr: stderr.text() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_gets_its_streams_and_gives_its_code() {
    let ground = Ground::new().await;
    let plan = ground.plan(PROFILE).await;
    ground.up(&plan).await.unwrap();

    // Ten megabytes through and back at once; the end of the input ends `cat`.
    let mut bytes = vec![0; 10 << 20];
    getrandom::fill(&mut bytes).unwrap();
    let ran = run(&ground, Wish { argv: &["cat"], stdin: Some(bytes.clone()), ..Wish::default() }).await;
    assert_eq!(ran.code, 0);
    assert!(ran.stdout == bytes, "{} bytes came back", ran.stdout.len());

    let ran =
        run(&ground, Wish { argv: &["sh", "-c", "echo out; echo err >&2; exit 7"], ..Wish::default() }).await;
    assert_eq!((ran.code, ran.stdout.as_slice(), ran.stderr.as_str()), (7, b"out\n".as_slice(), "err\n"));

    // Whoever does not read its input still ends, and without input there is none.
    let ran = run(&ground, Wish { argv: &["true"], stdin: Some(bytes), ..Wish::default() }).await;
    assert_eq!(ran.code, 0);
    assert_eq!(run(&ground, Wish { argv: &["cat"], ..Wish::default() }).await.stdout, b"");

    let env = [("A".to_owned(), "x y\nz".to_owned())];
    let argv = ["sh", "-c", "printf '%s|' \"$A\"; id -u"];
    let ran = run(&ground, Wish { argv: &argv, env: &env, user: Some("33"), ..Wish::default() }).await;
    assert_eq!(ran.stdout, b"x y\nz|33\n");

    assert_eq!(run(&ground, Wish { argv: &["no-such-program"], ..Wish::default() }).await.code, 127);
    assert_eq!(run(&ground, Wish { argv: &["/etc/hostname"], ..Wish::default() }).await.code, 126);
    assert_eq!(run(&ground, Wish { argv: &["sh", "-c", "kill -9 $$"], ..Wish::default() }).await.code, 137);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_is_a_terminal_of_the_callers_size() {
    let ground = Ground::new().await;
    let plan = ground.plan(PROFILE).await;
    ground.up(&plan).await.unwrap();
    let ran =
        run(&ground, Wish { argv: &["sh", "-c", "sleep 0.3; tty; stty size"], tty: true, ..Wish::default() })
            .await;
    assert_eq!(String::from_utf8_lossy(&ran.stdout), "/dev/pts/0\r\n43 132\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_container_has_the_services_image_environment_and_network_and_leaves_nothing() {
    let ground = Ground::new().await;
    let plan = ground.plan(PROFILE).await;
    ground.up(&plan).await.unwrap();
    let before = crate::ground::ids(&ground.name);
    ground.start(&plan, What::Containers(&["api.0.main".to_owned()]), RunState::Stopped).await.unwrap();
    let script = "printf '%s|' \"$GREETING\"; cat; hostname; touch /layer; exit 3";
    let wish =
        Wish { argv: &["sh", "-c", script], stdin: Some(b"in|".to_vec()), fresh: true, ..Wish::default() };
    let ran = run(&ground, wish).await;
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stdout.starts_with(b"hello $USER|in|"), "{:?}", String::from_utf8_lossy(&ran.stdout));
    let ran = run(&ground, Wish { argv: &["no-such-program"], fresh: true, ..Wish::default() }).await;
    assert_eq!(ran.code, 127);
    assert_eq!(crate::ground::ids(&ground.name), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_is_not_there_is_named() {
    let ground = Ground::new().await;
    let target = prodmirror::backend::Target { ordinal: Some(4), ..ground.target("api") };
    let argv = ["true".to_owned()];
    let sink = || Box::pin(Sink::default());
    let exec = Exec {
        target: &target,
        argv: &argv,
        env: &[],
        user: None,
        tty: false,
        size: None,
        resized: None,
        stdin: None,
        stdout: sink(),
        stderr: sink(),
        fresh: false,
    };
    let error = ground.compose.exec(exec).await.unwrap_err();
    assert!(matches!(error, BackendError::NoTarget { .. }));
    assert!(error.to_string().contains("api/4"), "{error}");
}
