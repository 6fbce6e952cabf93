//! What Redis must do on every ground.

use std::{fs, path::Path};

use base64::Engine as _;
use prodmirror::{
    engine::{Answer, EngineError, Loaded},
    profile::EngineKind,
};
use sha2::Digest as _;

use crate::{
    corpora,
    ground::{Ground, Server, login},
    packing,
};

async fn server(ground: &dyn Ground) -> Server {
    Server::ready(ground, EngineKind::Redis, &[], login(None, None)).await
}

async fn ask(server: &Server, command: &str) -> String {
    server.shell(&format!("redis-cli {command}")).await
}

fn write(folder: &Path, files: &[(&str, &[u8])]) {
    for (name, content) in files {
        fs::write(folder.join(name), content).unwrap();
    }
}

fn told(result: Result<Loaded, EngineError>) -> (Option<u64>, String) {
    match result {
        Err(EngineError::Seed { line, message, .. }) => (line, message),
        other => panic!("expected the engine's own error, not {other:?}"),
    }
}

fn protocol(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend([format!("${}\r\n", word.len()).as_bytes(), word, b"\r\n"].concat());
    }
    bytes
}

pub async fn every_format_and_packing_loads_the_same_keys(ground: &dyn Ground) {
    let folder = tempfile::tempdir().unwrap();
    let inline = "# two databases\nSET a 1\nHSET h f \"v w\"\n\nSELECT 2\nRPUSH l x y 'z'\n";
    let mixed = [
        protocol(&[b"SET", b"a", b"1"]),
        b"hset h f 'v w'\n".to_vec(),
        protocol(&[b"SELECT", b"2"]),
        protocol(&[b"RPUSH", b"l", b"x", b"y", b"z"]),
    ];
    let source = server(ground).await;
    write(folder.path(), &[("i.redis", inline.as_bytes())]);
    source.load(folder.path(), "i.redis").await.unwrap();
    ask(&source, "SAVE").await;
    let dump = base64::engine::general_purpose::STANDARD
        .decode(source.shell("base64 -w0 /data/dump.rdb").await)
        .unwrap();

    let mut seeds = packing::write_all(folder.path(), "i.redis", inline.as_bytes()).to_vec();
    seeds.extend(packing::write_all(folder.path(), "m.resp", &mixed.concat()));
    seeds.extend(packing::write_all(folder.path(), "d.rdb", &dump));
    for seed in seeds {
        ask(&source, "FLUSHALL").await;
        source.load(folder.path(), &seed).await.unwrap_or_else(|error| panic!("{seed}: {error}"));
        assert_eq!(source.count().await, Some(3), "{seed}");
        assert_eq!(ask(&source, "GET a").await, "1", "{seed}");
        assert_eq!(ask(&source, "HGET h f").await, "v w", "{seed}");
        assert_eq!(ask(&source, "-n 2 LRANGE l 0 -1").await, "x\ny\nz", "{seed}");
    }
    assert!(!ask(&source, "INFO errorstats").await.contains("errorstat_ERR"), "marks leave no trace");
}

pub async fn the_dump_files_of_the_corpora_load_whole(ground: &dyn Ground) {
    let Some(folder) = corpora::folder("rdb") else { return };
    let server = server(ground).await;
    for (file, keys) in [
        ("dictionary.rdb", 1),
        ("empty_database.rdb", 0),
        ("integer_keys.rdb", 6),
        ("intset_32.rdb", 1),
        ("multiple_databases.rdb", 2),
        ("parser_filters.rdb", 43),
        ("rdb_version_8_with_64b_length_and_scores.rdb", 2),
        ("regular_set.rdb", 1),
        ("sorted_set_as_ziplist.rdb", 1),
        ("ziplist_that_compresses_easily.rdb", 1),
        ("ziplist_with_integers.rdb", 1),
        ("zipmap_that_doesnt_compress.rdb", 1),
    ] {
        ask(&server, "FLUSHALL").await;
        let loaded = server.load(&folder, file).await.unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!((server.count().await, loaded.expired), (Some(keys), Some(0)), "{file}");
    }
}

pub async fn keys_past_their_time_are_counted(ground: &dyn Ground) {
    let Some(folder) = corpora::folder("rdb") else { return };
    let server = server(ground).await;
    let loaded = server.load(&folder, "keys_with_expiry.rdb").await.unwrap();
    assert_eq!((server.count().await, loaded.expired), (Some(0), Some(1)));
    let facts = server.engine.ask(&*server.store, &server.login, &[]).await;
    assert_eq!(facts.expired, Some(1));
}

pub async fn a_dump_loads_under_an_append_only_file_too(ground: &dyn Ground) {
    let Some(folder) = corpora::folder("rdb") else { return };
    let settings = [("appendonly", "yes"), ("save", "")];
    let server = Server::ready(ground, EngineKind::Redis, &settings, login(None, None)).await;
    server.load(&folder, "parser_filters.rdb").await.unwrap();
    assert_eq!(server.count().await, Some(43));
    assert_eq!(ask(&server, "CONFIG GET appendonly").await, "appendonly\nyes");
    ask(&server, "SET more 1").await;
    server.store.restart().await.unwrap();
    until_ready(&server).await;
    assert_eq!(server.count().await, Some(44));
}

async fn until_ready(server: &Server) {
    for _ in 0..300 {
        if server.engine.answers(&*server.store, &server.login).await.unwrap() == Answer::Yes {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the server does not answer");
}

pub async fn commands_after_a_dump_add_to_it(ground: &dyn Ground) {
    let Some(corpus) = corpora::folder("rdb") else { return };
    let server = server(ground).await;
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("seed")).unwrap();
    fs::copy(corpus.join("integer_keys.rdb"), folder.path().join("seed/1.rdb")).unwrap();
    fs::write(folder.path().join("seed/2.resp"), "SET new 1\n").unwrap();
    let loaded = server.load(folder.path(), "seed").await.unwrap();
    assert_eq!((server.count().await, loaded.expired), (Some(7), Some(0)));
}

pub async fn a_dump_after_other_files_is_refused(ground: &dyn Ground) {
    let Some(corpus) = corpora::folder("rdb") else { return };
    let server = server(ground).await;
    ask(&server, "SET kept 1").await;
    let (_, message) = told(server.load(&corpus, "integer_keys.rdb").await);
    assert!(message.contains("must be the first file"), "{message}");
    assert_eq!(ask(&server, "GET kept").await, "1");
}

pub async fn a_command_that_fails_is_told_with_its_line(ground: &dyn Ground) {
    let server = server(ground).await;
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("a.resp", b"SET a 1\n# words\n\nLPUSH a 2\nSET b 2\nNONSENSE\n")]);
    let error = server.load(folder.path(), "a.resp").await.unwrap_err().to_string();
    assert!(error.starts_with("a.resp:4: WRONGTYPE"), "{error}");

    let many: String = (0..25_000).map(|n| format!("SET k{n} {n}\n")).collect::<String>() + "SET k\n";
    write(folder.path(), &[("b.resp", many.as_bytes())]);
    let (line, message) = told(server.load(folder.path(), "b.resp").await);
    assert!(
        message.starts_with("ERR wrong number of arguments") && message.contains("commands after it"),
        "{message}"
    );
    assert!(line.is_some_and(|line| line <= 25_001 && line + 100 > 25_001), "{line:?}");

    write(folder.path(), &[("c.resp", b"MULTI\nSET x 1\nSET x\nEXEC\n")]);
    let (_, message) = told(server.load(folder.path(), "c.resp").await);
    assert!(message.contains("wrong number of arguments"), "{message}");
}

pub async fn broken_files_fail_with_the_reason(ground: &dyn Ground) {
    let server = server(ground).await;
    let folder = tempfile::tempdir().unwrap();
    let whole = protocol(&[b"SET", b"key", b"some value"]);
    write(
        folder.path(),
        &[
            ("cut.resp", &whole[..whole.len() - 4]),
            ("unix.resp", b"*1\n$4\nPING\n"),
            ("quotes.resp", b"SET a 1\nSET b \"2\n"),
            ("new.rdb", b"REDIS9999\xff\0\0\0\0\0\0\0\0"),
            ("damaged.rdb", b"REDIS0009\xfe\0\0\x03key\xc3"),
        ],
    );
    for (file, at, words) in [
        ("cut.resp", Some(6), "does not end"),
        ("unix.resp", Some(1), "CR and LF"),
        ("quotes.resp", Some(2), "unbalanced quotes"),
        ("new.rdb", None, "Can't handle RDB format version 9999"),
        ("damaged.rdb", None, "RDB ERROR DETECTED"),
    ] {
        ask(&server, "FLUSHALL").await;
        let (line, message) = told(server.load(folder.path(), file).await);
        assert!(line == at && message.contains(words), "{file}: {line:?} {message}");
    }
    assert_eq!(ask(&server, "PING").await, "PONG", "the server goes on");
    let packed = packing::gzip(
        &(0..40_000u64).map(|n| format!("SET k{} {n}\n", n * 7919)).collect::<String>().into_bytes(),
    );
    write(folder.path(), &[("half.resp.gz", &packed[..packed.len() / 2])]);
    let result = server.load(folder.path(), "half.resp.gz").await;
    assert!(matches!(result, Err(EngineError::Read { .. })), "{result:?}");
}

pub async fn strange_values_arrive_byte_for_byte(ground: &dyn Ground) {
    let server = server(ground).await;
    let folder = tempfile::tempdir().unwrap();
    let huge: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    let values: [&[u8]; 5] =
        [b"", "東京 🦀 \u{2028}".as_bytes(), b"a\r\n*1\r\n$4\r\nPING\r\n", b"\0\xff\xfe", &huge];
    let mut seed = Vec::new();
    for (number, value) in values.iter().enumerate() {
        seed.extend(protocol(&[b"SET", format!("k{number}").as_bytes(), value]));
    }
    seed.extend(b"SET inline \"\\x00\\xff \xe6\x9d\xb1\"\r\n");
    write(folder.path(), &[("s.resp", &seed)]);
    server.load(folder.path(), "s.resp").await.unwrap();
    // By its hash: an answer is kept to its last mebibyte.
    let read = async |key: &str| server.shell(&format!("redis-cli GET {key} | head -c -1 | sha256sum")).await;
    let hash = |value: &[u8]| {
        let digest = sha2::Sha256::digest(value);
        digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + "  -"
    };
    for (number, value) in values.iter().enumerate() {
        assert_eq!(read(&format!("k{number}")).await, hash(value), "k{number}");
    }
    assert_eq!(read("inline").await, hash(b"\0\xff \xe6\x9d\xb1"));
    assert_eq!(server.count().await, Some(6));
}

pub async fn a_wrong_password_does_not_log_in(ground: &dyn Ground) {
    let mut server = server(ground).await;
    let right = server.login.password.replace("wrong".to_owned());
    let facts = server.engine.ask(&*server.store, &server.login, &[]).await;
    assert_eq!((facts.login, facts.count), (Some(false), None));
    assert_ne!(server.engine.answers(&*server.store, &server.login).await.unwrap(), Answer::Yes);
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("a.resp", b"SET a 1\n")]);
    let (_, message) = told(server.load(folder.path(), "a.resp").await);
    assert!(message.contains("WRONGPASS") || message.contains("NOAUTH"), "{message}");

    server.login.password = right;
    ask(&server, "CONFIG SET requirepass ''").await;
    assert_eq!(server.engine.ask(&*server.store, &server.login, &[]).await.login, Some(false));
    server.engine.set_roles(&*server.store, &server.login).await.unwrap();
    assert_eq!(server.engine.ask(&*server.store, &server.login, &[]).await.login, Some(true));
}

pub async fn settings_and_counts_are_read_back(ground: &dyn Ground) {
    let settings = [("maxmemory", "64mb"), ("maxmemory-policy", "allkeys-lru")];
    let server = Server::ready(ground, EngineKind::Redis, &settings, login(None, None)).await;
    ask(&server, "SET a 1").await;
    ask(&server, "-n 5 SET a 1").await;
    let names = ["maxmemory", "maxmemory-policy", "no-such-setting"].map(str::to_owned);
    let facts = server.engine.ask(&*server.store, &server.login, &names).await;
    let read: Vec<_> = facts.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(read, [("maxmemory", "67108864"), ("maxmemory-policy", "allkeys-lru")]);
    assert_eq!((facts.count, facts.login, facts.error), (Some(2), Some(true), None));
    assert_eq!((facts.user.as_deref(), facts.database.as_deref()), (Some("default"), Some("0")));
    let spied = crate::ground::spy(server, |server| {
        Box::pin(async move {
            server.engine.set_roles(&*server.store, &server.login).await.unwrap();
            server.engine.ask(&*server.store, &server.login, &[]).await;
        })
    });
    assert!(spied.await.iter().all(|argument| !argument.contains("secret")));
}

pub async fn what_was_loaded_survives_a_restart(ground: &dyn Ground) {
    let login = login(None, None);
    let server = Server::ready(ground, EngineKind::Redis, &[("save", "")], login).await;
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("a.resp", b"SET a 1\nSET b 2\n")]);
    server.load(folder.path(), "a.resp").await.unwrap();
    server.engine.quiesce(&*server.store, &server.login).await.unwrap();
    server.store.restart().await.unwrap();
    until_ready(&server).await;
    assert_eq!(server.count().await, Some(2));
}
