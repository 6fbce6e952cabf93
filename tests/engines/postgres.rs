//! What PostgreSQL must do on every ground.

use std::{fs, path::Path};

use base64::Engine as _;
use prodmirror::{
    engine::{EngineError, Loaded},
    profile::EngineKind,
};

use crate::{
    corpora,
    ground::{Ground, Server, login},
    packing,
};

/// Rows that are easily damaged on the way.
const ROWS: &str = r#"
create table words (id int primary key, word text, raw bytea);
insert into words values (1, 'plain', null), (2, '', ''), (3, E'tab\t, line\n, \\ and $a $$b$$', '\x00ff'),
  (4, 'Ærøskøbing 東京 🦀 e͂', null), (5, repeat('long ', 400000), decode(repeat('00ff', 100000), 'hex'));
"#;
const SUM: &str = "select md5(string_agg(id || ':' || coalesce(word, '-') || coalesce(md5(raw), '-'), ',' order by id)) from words";

async fn server(ground: &dyn Ground) -> Server {
    Server::ready(ground, EngineKind::Postgres, &[], login(Some("app"), Some("notes"))).await
}

async fn ask(server: &Server, database: &str, sql: &str) -> String {
    server.shell(&format!("psql -X -A -t -U app -d {database} -c \"{}\"", sql.replace('"', "\\\""))).await
}

/// Bytes of a file in the container; in parts, as an answer is kept to its last mebibyte.
async fn fetch(server: &Server, path: &str) -> Vec<u8> {
    const PART: usize = 600_000;
    let mut bytes = Vec::new();
    loop {
        let from = bytes.len() + 1;
        let text = server.shell(&format!("tail -c +{from} {path} | head -c {PART} | base64 -w0")).await;
        let part = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
        bytes.extend(&part);
        if part.len() < PART {
            return bytes;
        }
    }
}

/// The same server, seen in another database.
async fn in_database(server: &mut Server, database: &str) {
    ask(server, "postgres", &format!("create database {database}")).await;
    server.login.database = Some(database.to_owned());
}

fn write(folder: &Path, files: &[(&str, &str)]) {
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

pub async fn every_format_and_packing_loads_the_same_rows(ground: &dyn Ground) {
    let mut server = server(ground).await;
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("rows.sql", ROWS)]);
    server.load(folder.path(), "rows.sql").await.unwrap();
    let wanted = ask(&server, "notes", SUM).await;

    server.shell("pg_dump -U app -d notes -f /tmp/d.sql && pg_dump -U app -d notes -Fc -f /tmp/d.dump").await;
    server.shell("pg_dump -U app -d notes -Ft -f /tmp/d.tar && pg_dump -U app -d notes -Fd -f /tmp/d").await;
    server.shell("tar -C /tmp -cf /tmp/dir.tar d && tar -C /tmp/d -cf /tmp/flat.tar .").await;
    let mut seeds = Vec::new();
    for name in ["d.sql", "d.dump", "d.tar", "dir.tar", "flat.tar"] {
        let content = fetch(&server, &format!("/tmp/{name}")).await;
        seeds.extend(packing::write_all(folder.path(), name, &content));
    }
    fs::create_dir(folder.path().join("d")).unwrap();
    for name in server.shell("ls /tmp/d").await.lines() {
        fs::write(folder.path().join("d").join(name), fetch(&server, &format!("/tmp/d/{name}")).await)
            .unwrap();
    }
    seeds.push("d".to_owned());

    for (number, seed) in seeds.iter().enumerate() {
        in_database(&mut server, &format!("copy{number}")).await;
        server.load(folder.path(), seed).await.unwrap_or_else(|error| panic!("{seed}: {error}"));
        assert_eq!(ask(&server, &format!("copy{number}"), SUM).await, wanted, "{seed}");
    }
    assert_eq!(
        server.shell("ls -d \"$PGDATA\"/prodmirror-seed* /tmp/prodmirror-seed* 2>/dev/null | wc -l").await,
        "0"
    );
}

pub async fn the_chinook_database_loads_whole(ground: &dyn Ground) {
    let Some(folder) = corpora::folder("chinook") else { return };
    let mut server = server(ground).await;
    // Once beside the store's own database, and once in its place: the script drops and creates it.
    for _ in 0..2 {
        server.load(&folder, "Chinook_PostgreSql.sql").await.unwrap();
        for (table, rows) in [("track", "3503"), ("invoice_line", "2240"), ("customer", "59")] {
            assert_eq!(
                ask(&server, "chinook", &format!("select count(*) from {table}")).await,
                rows,
                "{table}"
            );
        }
        server.login.database = Some("chinook".to_owned());
    }
    assert!(server.count().await > Some(3503 + 2240 + 59));
}

pub async fn files_of_a_folder_load_in_order_of_name(ground: &dyn Ground) {
    let server = server(ground).await;
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[("20-rows.sql", "insert into t values (1);"), ("10-schema.sql", "create table t (a int);")],
    );
    fs::write(folder.path().join("30-more.sql.gz"), packing::gzip(b"insert into t select a + 1 from t;"))
        .unwrap();
    server
        .load(folder.path().parent().unwrap(), folder.path().file_name().unwrap().to_str().unwrap())
        .await
        .unwrap();
    assert_eq!(ask(&server, "notes", "select string_agg(a::text, ' ') from t").await, "1 2");
    assert_eq!(server.count().await, Some(2));
}

pub async fn a_broken_statement_fails_with_its_file_and_line(ground: &dyn Ground) {
    let server = server(ground).await;
    let folder = tempfile::tempdir().unwrap();
    let broken = "create table a (x int);\ninsert into a values (1);\n\ninsert into b values (1);\ncreate table c (x int);\n";
    let copy = "create table d (x int);\ncopy d from stdin;\n1\n2\nthree\n\\.\n";
    write(folder.path(), &[("broken.sql", broken), ("copy.sql", copy), ("z.sql", "create table e (x int);")]);

    let error = server.load(folder.path(), "broken.sql").await.unwrap_err();
    assert_eq!(error.to_string().lines().next(), Some("broken.sql:4: ERROR:  relation \"b\" does not exist"));
    assert_eq!(
        ask(&server, "notes", "select to_regclass('c') is null").await,
        "t",
        "nothing after it was loaded"
    );
    let (line, message) = told(server.load(folder.path(), "copy.sql").await);
    assert!(message.contains("invalid input syntax") && message.contains("COPY d, line 3"), "{message}");
    assert!(line.is_some());
}

pub async fn a_file_that_breaks_off_fails_whatever_was_loaded(ground: &dyn Ground) {
    let server = server(ground).await;
    let folder = tempfile::tempdir().unwrap();
    let mut sql = String::from("create table a (x text);\n");
    for number in 0..20_000 {
        sql += &format!("insert into a values (md5('{number}') || '{}');\n", number * 7919 % 10_007);
    }
    let whole = packing::gzip(sql.as_bytes());
    fs::write(folder.path().join("a.sql.gz"), &whole[..whole.len() / 2]).unwrap();
    match server.load(folder.path(), "a.sql.gz").await {
        Err(EngineError::Read { file, .. }) => assert_eq!(file, "a.sql.gz"),
        other => panic!("expected an error of reading, not {other:?}"),
    }
}

pub async fn a_restore_into_tables_that_exist_fails_with_the_engines_words(ground: &dyn Ground) {
    let server = server(ground).await;
    let folder = tempfile::tempdir().unwrap();
    ask(&server, "notes", "create table a (x int)").await;
    server.shell("pg_dump -U app -d notes -Fc -f /tmp/a.dump").await;
    fs::write(folder.path().join("a.dump"), fetch(&server, "/tmp/a.dump").await).unwrap();
    let (line, message) = told(server.load(folder.path(), "a.dump").await);
    assert!(line.is_none() && message.contains("relation \"a\" already exists"), "{message}");

    fs::write(folder.path().join("b.dump"), b"PGDMP and then nothing that is known").unwrap();
    let (_, message) = told(server.load(folder.path(), "b.dump").await);
    assert!(message.contains("pg_restore: error:"), "{message}");
}

pub async fn a_dump_that_creates_the_database_replaces_the_empty_one(ground: &dyn Ground) {
    let server = server(ground).await;
    let folder = tempfile::tempdir().unwrap();
    ask(&server, "postgres", "create database other template template0 encoding 'SQL_ASCII' locale 'C'")
        .await;
    ask(&server, "other", "create table a (x int)").await;
    let dump = server.shell("pg_dump -C -U app -d other").await.replace("other", "notes");
    write(folder.path(), &[("a.sql", &dump)]);
    server.load(folder.path(), "a.sql").await.unwrap();
    assert_eq!(ask(&server, "notes", "show server_encoding").await, "SQL_ASCII");
    assert_eq!(ask(&server, "notes", "select to_regclass('a') is not null").await, "t");

    let again = server.load(folder.path(), "a.sql").await;
    assert!(told(again).1.contains("already exists"), "a database that holds something is not dropped");
}

pub async fn a_cluster_dump_leaves_the_own_role_its_rights(ground: &dyn Ground) {
    let server = server(ground).await;
    let folder = tempfile::tempdir().unwrap();
    ask(&server, "notes", "create table a (x int); insert into a values (7)").await;
    ask(&server, "notes", "create role reader password 'x'; alter table a owner to reader").await;
    let dump = server
        .shell("pg_dumpall -U app")
        .await
        .replace("ALTER ROLE app WITH SUPERUSER", "ALTER ROLE app WITH NOSUPERUSER");
    assert!(dump.contains("ROLE app WITH NOSUPERUSER"));
    write(folder.path(), &[("all.sql", &dump)]);

    let other = self::server(ground).await;
    other.load(folder.path(), "all.sql").await.unwrap();
    assert_eq!(ask(&other, "notes", "select x from a").await, "7");
    assert_eq!(ask(&other, "notes", "select rolsuper from pg_roles where rolname = 'app'").await, "t");
}

pub async fn roles_take_the_mirrors_password_whatever_the_seed_set(ground: &dyn Ground) {
    let server = server(ground).await;
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("a.sql", "alter role app password 'productions own';")]);
    server.load(folder.path(), "a.sql").await.unwrap();
    let facts = server.engine.ask(&*server.store, &server.login, &[]).await;
    assert_eq!(facts.login, Some(false));
    server.engine.set_roles(&*server.store, &server.login).await.unwrap();
    let facts = server.engine.ask(&*server.store, &server.login, &[]).await;
    assert_eq!(facts.login, Some(true), "{:?}", facts.error);
    server.engine.quiesce(&*server.store, &server.login).await.unwrap();
}

pub async fn a_wrong_password_does_not_log_in(ground: &dyn Ground) {
    let mut server = server(ground).await;
    server.login.password = Some("wrong".to_owned());
    let facts = server.engine.ask(&*server.store, &server.login, &[]).await;
    assert_eq!(facts.login, Some(false));
    let words = facts.error.unwrap();
    assert!(words.contains("password authentication failed") && !words.contains("wrong"), "{words}");
    let answer = server.engine.answers(&*server.store, &server.login).await.unwrap();
    assert_ne!(answer, prodmirror::engine::Answer::Yes);
}

pub async fn settings_versions_and_counts_are_read_back(ground: &dyn Ground) {
    let settings = [("max_connections", "37"), ("work_mem", "5MB")];
    let login = login(Some("app"), Some("notes"));
    let server = Server::ready(ground, EngineKind::Postgres, &settings, login).await;
    ask(&server, "notes", "create schema s; create table s.a as select generate_series(1, 11) x").await;
    let names = ["max_connections", "work_mem", "no_such_setting"].map(str::to_owned);
    let facts = server.engine.ask(&*server.store, &server.login, &names).await;
    let read: Vec<_> = facts.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(read, [("max_connections", "37"), ("work_mem", "5MB")]);
    assert_eq!((facts.database.as_deref(), facts.user.as_deref()), (Some("notes"), Some("app")));
    assert_eq!((facts.count, facts.login, facts.error), (Some(11), Some(true), None));
    assert!(facts.version.unwrap().starts_with(|first: char| first.is_ascii_digit()));
}

pub async fn no_password_stands_in_an_argument(ground: &dyn Ground) {
    let server = server(ground).await;
    server.engine.set_roles(&*server.store, &server.login).await.unwrap();
    let log = "select count(*) from pg_stat_activity where query like '%secret%' and pid <> pg_backend_pid()";
    assert_eq!(ask(&server, "notes", log).await, "0");
    let spied = crate::ground::spy(server, |server| {
        Box::pin(async move {
            server.engine.set_roles(&*server.store, &server.login).await.unwrap();
            server.engine.ask(&*server.store, &server.login, &["work_mem".to_owned()]).await;
        })
    });
    assert!(spied.await.iter().all(|argument| !argument.contains("secret")));
}
