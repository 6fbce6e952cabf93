//! Logs, copies and the store's side.

use futures_util::{StreamExt as _, TryStreamExt as _};
use prodmirror::{
    backend::{Backend as _, Files as _, LogQuery, PathKind},
    engine::InStore as _,
    mirror::Inside,
    name::Name,
};

use crate::ground::{Ground, Quiet};

const PROFILE: &str = r#"
services:
  api:
    image: "local:prodmirror-built/debian:bookworm"
    command: [sh, -c, "echo first; echo oops >&2; head -c 40000 /dev/zero | tr '\\0' x; echo; sleep 1; echo last; sleep infinity"]
    replicas: 2
    stop_signal: SIGKILL
"#;

async fn lines(ground: &Ground, query: LogQuery) -> Vec<prodmirror::backend::LogLine> {
    ground.compose.logs(&ground.name, query).await.unwrap().try_collect().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_whole_lines_with_their_source_in_the_order_of_time() {
    let ground = Ground::new().await;
    let plan = ground.plan(PROFILE).await;
    ground.up(&plan).await.unwrap();
    // Following ends by itself only when containers end: it is left after the lines that were waited for.
    let follow = LogQuery { follow: true, ..LogQuery::default() };
    let followed: Vec<_> =
        ground.compose.logs(&ground.name, follow).await.unwrap().take(8).try_collect().await.unwrap();
    assert_eq!(followed.iter().filter(|line| line.line.as_ref() == b"last").count(), 2);

    let all = lines(&ground, LogQuery::default()).await;
    assert_eq!(all.len(), 8);
    // The engine itself reads the two streams of a container side by side: each alone is in order.
    for stream in ["stdout", "stderr"] {
        let of_stream = all.iter().filter(|line| line.stream == stream);
        assert!(of_stream.is_sorted_by_key(|line| line.at.clone()), "{stream}");
    }
    let of_second: Vec<_> = all.iter().filter(|line| line.ordinal == 1).collect();
    assert!(
        of_second.iter().any(|line| line.line.len() == 40000),
        "a line longer than the engine's own limit is one line"
    );
    let oops = of_second.iter().find(|line| line.stream == "stderr").unwrap();
    assert_eq!(
        (oops.service.as_str(), oops.container.as_str(), oops.line.as_ref()),
        ("api", "main", b"oops".as_slice())
    );

    let query = LogQuery {
        service: Some(Name::new("api").unwrap()),
        ordinal: Some(0),
        tail: Some(1),
        ..LogQuery::default()
    };
    let last = lines(&ground, query).await;
    assert_eq!(last.iter().map(|line| line.line.as_ref()).collect::<Vec<_>>(), [b"last".as_slice()]);
    let unknown = LogQuery { service: Some(Name::new("nobody").unwrap()), ..LogQuery::default() };
    assert!(ground.compose.logs(&ground.name, unknown).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tar_goes_in_and_comes_out_as_it_was() {
    let ground = Ground::new().await;
    let plan = ground.plan(PROFILE).await;
    ground.up(&plan).await.unwrap();
    let target = ground.target("api");
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(3 << 20);
    header.set_mode(0o640);
    header.set_uid(33);
    tar.append_data(&mut header, "in/big", std::io::Read::take(std::io::repeat(7), 3 << 20)).unwrap();
    let tar = tar.into_inner().unwrap();
    ground.compose.copy_to(&target, "/tmp", Box::pin(std::io::Cursor::new(tar))).await.unwrap();
    assert_eq!(ground.sh("api", "stat -c '%s %a %u' /tmp/in/big").await.1, "3145728 640 33\n");

    let parts: Vec<_> =
        ground.compose.copy_from(&target, "/tmp/in").await.unwrap().try_collect().await.unwrap();
    let bytes = parts.concat();
    let mut archive = tar::Archive::new(bytes.as_slice());
    let names: Vec<_> =
        archive.entries().unwrap().map(|e| e.unwrap().path().unwrap().display().to_string()).collect();
    assert_eq!(names, ["in/", "in/big"]);

    let kind = async |path| ground.compose.path_kind(&target, path).await.unwrap();
    assert_eq!(kind("/tmp/in").await, Some(PathKind::Folder));
    assert_eq!(kind("/tmp/in/big").await, Some(PathKind::File));
    assert_eq!(kind("/bin").await, Some(PathKind::Link("/usr/bin".to_owned())));
    assert_eq!(kind("/none").await, None);
    let missing: Result<Vec<_>, _> =
        ground.compose.copy_from(&target, "/none").await.unwrap().try_collect().await;
    assert!(missing.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_run_in_fed_and_restarted() {
    let ground = Ground::new().await;
    let plan = ground.plan(PROFILE).await;
    ground.up(&plan).await.unwrap();
    let store = Inside::new(&ground.compose, &Quiet, &ground.name, &Name::new("api").unwrap());
    let argv = |script: &str| ["sh", "-c", script].map(str::to_owned);
    let env = [("PGPASSWORD".to_owned(), "x'$".to_owned())];
    let input: prodmirror::engine::Reader = Box::pin(std::io::Cursor::new(b"fed".to_vec()));
    let ran =
        store.run(&argv("cat; printf '%s' \"$PGPASSWORD\" >&2; exit 3"), &env, Some(input)).await.unwrap();
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (3, "fed", "x'$"));
    let ran =
        store.run(&argv("head -c 3000000 /dev/zero | tr '\\0' a; printf END"), &[], None).await.unwrap();
    assert!(ran.stdout.len() == 1 << 20 && ran.stdout.ends_with("aEND"), "{}", ran.stdout.len());

    store.run(&argv("touch /tmp/layer"), &[], None).await.unwrap();
    store.restart().await.unwrap();
    assert_eq!(store.run(&argv("test -e /tmp/layer"), &[], None).await.unwrap().code, 0);
}
