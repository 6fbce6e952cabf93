//! `up` and what follows, on a real engine: each test is one mirror's life.

#![allow(clippy::unwrap_used)]

#[path = "support/cli.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod cli;
#[path = "support/profiles.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod profiles;

use cli::{Cli, docker, left_of};
use serde_json::Value;

/// A web server and a store; quick to start, and all of the keeper's probes are at work.
fn profile(name: &str, extra: &str) -> String {
    let secrets = r#"secrets: {db-password: {generate: "hex:12"}, token: {generate: "letters:20"}}"#;
    let web = r#"env: {DATABASE_URL: "${store:db.url}", TOKEN: "x-${secret:token}"}
replicas: 2
resources: {limits: {cpu: 500m, memory: 64Mi}}
needs: [db]"#;
    let db = "seed: ./seed.sql\nsettings: {max_connections: 20}";
    profiles::profile(name).with(secrets).with(extra).web(web).db(db).text()
}

const SEED: &str =
    "create table note (id int primary key, text text);\ninsert into note values (1, 'one'), (2, 'two');\n";

struct Up {
    cli: Cli,
    name: String,
    file: String,
}

fn up(stem: &str, extra: &str) -> Up {
    let cli = Cli::new();
    let name = cli.name(stem);
    cli.file("seed.sql", SEED);
    let file = cli.file("prodmirror.yaml", &profile(&name, extra)).display().to_string();
    cli.run(&["up", "-f", &file]).ok();
    Up { cli, name, file }
}

impl Up {
    fn ids(&self) -> Vec<String> {
        let label = format!("label=prodmirror.mirror={}", self.name);
        let mut ids: Vec<String> =
            docker(&["ps", "-aq", "--no-trunc", "--filter", &label]).lines().map(str::to_owned).collect();
        ids.sort();
        ids
    }

    /// The id of one container by its Compose key.
    fn id(&self, key: &str) -> String {
        let project = format!("label=com.docker.compose.project=pm-{}", self.name);
        let service = format!("label=com.docker.compose.service={key}");
        docker(&["ps", "-aq", "--no-trunc", "--filter", &project, "--filter", &service])
    }

    fn sql(&self, text: &str) -> String {
        let command = ["exec", &self.name, "db", "--", "psql", "-U", "app", "-d", "notes", "-Atc", text];
        self.cli.run(&command).ok().stdout.trim().to_owned()
    }
}

fn states(document: &Value) -> Vec<(String, String)> {
    let rows = document["services"].as_array().unwrap();
    rows.iter()
        .map(|row| {
            (
                format!("{}/{}", row["name"].as_str().unwrap(), row["ordinal"]),
                row["state"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

#[test]
fn a_mirror_comes_up_ready_seeded_and_verified_and_goes_without_a_trace() {
    let it = up("whole", "");
    let mirror = it.cli.run(&["up", "-f", &it.file, "--format", "json"]).ok().json();
    assert_eq!(mirror["kind"], "Mirror");
    assert_eq!(mirror["ready"], true);
    let ready = |name: &str| (name.to_owned(), "ready".to_owned());
    assert_eq!(states(&mirror), [ready("db/0"), ready("web/0"), ready("web/1")]);
    assert_eq!(it.sql("select count(*) from note"), "2");

    let ledger = it.cli.run(&["ledger", &it.name, "--format", "json"]).ok().json();
    assert_eq!(ledger["summary"]["unmet"], 0, "{ledger:#}");
    let sum: u64 = ["enforced", "emulated", "approximated", "dropped", "unread", "unmet"]
        .iter()
        .map(|part| ledger["summary"][part].as_u64().unwrap())
        .sum();
    assert_eq!(ledger["summary"]["total"].as_u64().unwrap(), sum);

    let endpoints = it.cli.run(&["endpoints", &it.name, "--format", "json"]).ok().json();
    let web = endpoints["endpoints"].as_array().unwrap().iter().find(|row| row["service"] == "web").unwrap();
    let address = web["address"].as_str().unwrap();
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    let answer = get(address);
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");

    it.cli.run(&["down", &it.name]).ok();
    assert_eq!(left_of(&it.name), Vec::<String>::new());
}

/// One request, by hand.
fn get(address: &str) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_server_that_is_gone_between_its_answer_and_the_seed_is_waited_for() {
    let cli = Cli::new();
    let name = cli.name("gone");
    cli.file("seed.sql", SEED);
    // The client after the first that was answered finds no server.
    let client = r#"    files:
      /opt/first/psql:
        mode: "0755"
        content: |
          #!/bin/sh
          if test -e /tmp/answered && ! test -e /tmp/gone; then touch /tmp/gone; set -- "$@" -p 1; fi
          /usr/bin/psql "$@"
          code=$?
          test $code != 0 || touch /tmp/answered
          exit $code
    env: {PATH: "/opt/first:/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/bin:/bin"}
"#;
    let text =
        profile(&name, "").replace("    seed: ./seed.sql\n", &format!("    seed: ./seed.sql\n{client}"));
    assert!(text.contains("/opt/first"), "{text}");
    let file = cli.file("prodmirror.yaml", &text).display().to_string();
    cli.run(&["up", "-f", &file]).ok();
    let mirror = Up { cli, name, file };
    assert_eq!(mirror.sql("select count(*) from note"), "2");
    mirror.cli.run(&["exec", &mirror.name, "db", "--", "test", "-e", "/tmp/gone"]).ok();
}

#[test]
fn a_second_up_without_change_recreates_nothing() {
    let it = up("again", "");
    let before = it.ids();
    let done = it.cli.run(&["up", "-f", &it.file]).ok();
    assert_eq!(it.ids(), before, "{done}");
}

#[test]
fn what_was_changed_behind_its_back_is_noticed_and_repaired() {
    let it = up("repair", "");
    let web = it.id("web.0.main");
    docker(&["update", "--memory", "128m", "--memory-swap", "128m", &web]);
    let ledger = it.cli.run(&["ledger", &it.name, "--format", "json"]).code(1).json();
    let broken: Vec<&Value> =
        ledger["entries"].as_array().unwrap().iter().filter(|e| e["holds"] == false).collect();
    assert!(
        broken.iter().any(|entry| entry["path"] == "services.web.resources.limits.memory"),
        "{broken:#?}"
    );
    assert_eq!(it.cli.run(&["up", "-f", &it.file]).code, 0);
    let memory = docker(&["inspect", "-f", "{{.HostConfig.Memory}}", &it.id("web.0.main")]);
    assert_eq!(memory, (64 * 1024 * 1024).to_string());
}

#[test]
fn a_changed_profile_touches_only_what_changed_and_says_so_first() {
    let it = up("change", "");
    let (db, web, pause) = (it.id("db.0.main"), it.id("web.0.main"), it.id("web.0"));
    let done = it.cli.run(&["up", "-f", &it.file, "--set", "services.web.env.NEW=1"]).ok();
    assert!(done.stderr.contains("web.0.main is replaced"), "{done}");
    assert_eq!(it.id("db.0.main"), db);
    // As a pod: with the container its network is another, too.
    assert_ne!(it.id("web.0"), pause);
    assert_ne!(it.id("web.0.main"), web);
    let env = it.cli.run(&["exec", &it.name, "web/0", "--", "printenv", "NEW"]).ok();
    assert_eq!(env.stdout, "1\n");
}

#[test]
fn what_never_becomes_ready_is_named_with_its_probe_answer_and_log_and_is_kept() {
    let cli = Cli::new();
    let name = cli.name("never");
    cli.file("seed.sql", SEED);
    let file = cli.file("prodmirror.yaml", &profile(&name, "")).display().to_string();
    let set = "services.web.probes.readiness.http.path=/missing";
    let done = cli.run(&["up", "-f", &file, "--set", set, "--timeout", "6s", "--format", "json"]).code(5);
    let error = done.json();
    assert_eq!(error["kind"], "Error");
    assert_eq!(error["service"], "web");
    assert_eq!(error["probe"], "readiness");
    assert!(error["last_answer"].as_str().unwrap().contains("404"), "{error:#}");
    assert!(!error["log_tail"].as_array().unwrap().is_empty(), "{error:#}");
    assert!(error["kept"].is_string() && error["artifacts"].is_string(), "{error:#}");
    let status = cli.run(&["status", &name, "--format", "json"]).ok().json();
    assert!(status["mirrors"][0]["failure"].is_object(), "{status:#}");
    cli.run(&["gc"]).ok();
    assert!(!left_of(&name).is_empty(), "a mirror that is kept as failed is no garbage");
    cli.run(&["down", &name]).ok();
    assert_eq!(left_of(&name), Vec::<String>::new());
}

#[test]
fn a_store_whose_server_ends_again_and_again_is_told_before_its_seed_is_waited_for() {
    let cli = Cli::new();
    let name = cli.name("store-loop");
    cli.file("seed.sql", SEED);
    let file = cli.file("prodmirror.yaml", &profile(&name, "")).display().to_string();
    let set = "stores.db.settings.max_connections=none";
    let done = cli.run(&["up", "-f", &file, "--set", set, "--timeout", "100s", "--format", "json"]).code(5);
    let error = done.json();
    assert_eq!((&error["code"], &error["service"]), (&"crash-loop".into(), &"db".into()), "{error:#}");
    assert!(error["log_tail"].to_string().contains("max_connections"), "{error:#}");
    // The same profile, mended, goes on in the same place.
    cli.run(&["up", "-f", &file]).ok();
    cli.run(&["down", &name]).ok();
}

#[test]
fn stop_keeps_the_state_and_start_brings_it_back() {
    let it = up("stop", "");
    it.sql("insert into note values (3, 'three')");
    it.cli.run(&["stop", &it.name]).ok();
    let status = it.cli.run(&["status", &it.name, "--format", "json"]).ok().json();
    assert!(states(&status["mirrors"][0]).iter().all(|(_, state)| state == "stopped"), "{status:#}");
    it.cli.run(&["start", &it.name]).ok();
    it.cli.run(&["up", "-f", &it.file]).ok();
    assert_eq!(it.sql("select count(*) from note"), "3");
}

#[test]
fn reset_puts_a_store_back_while_the_rest_runs_on() {
    let it = up("reset", "");
    it.sql("delete from note");
    let web = it.id("web.0.main");
    let reset = it.cli.run(&["reset", &it.name, "db", "--format", "json"]).ok().json();
    assert_eq!(reset["stores"][0]["store"], "db");
    assert_eq!(it.sql("select count(*) from note"), "2");
    assert_eq!(it.id("web.0.main"), web);
}

#[test]
fn a_job_that_runs_again_after_a_reset_is_a_replica_made_anew() {
    // It reads a secret in memory and what its init container leaves: both are gone with the first run.
    let job = r#"jobs:
  load:
    image: local:prodmirror-built/python:3.11
    command: [sh, -c, "cat /run/keys/token /work/left && ! test -e /work/ran && touch /work/ran"]
    files: {/run/keys/token: {secret: token}}
    init: {leave: {command: [sh, -c, "echo left > /work/left"]}}
    volumes: {/work: {empty: {}}}
    stop_grace_period: 0s
    needs: [db]"#;
    let it = up("again", job);
    let web = it.id("web.0.main");
    for _ in 0..2 {
        let before = it.id("load.0.main");
        it.cli.run(&["reset", &it.name, "db"]).ok();
        assert_ne!(it.id("load.0.main"), before);
        let log = it.cli.run(&["logs", &it.name, "load"]).ok().stdout;
        assert!(log.contains("left"), "{log}");
    }
    assert_eq!(it.id("web.0.main"), web);
    let status = it.cli.run(&["status", &it.name, "--format", "json"]).ok().json();
    assert_eq!(status["mirrors"][0]["ready"], true, "{status:#}");
}

#[test]
fn a_secret_that_was_given_once_need_not_be_given_again() {
    let cli = Cli::new();
    let name = cli.name("given");
    let text = profiles::profile(&name)
        .with("secrets: {token: {hole: no right to read it}}")
        .web("env: {TOKEN: \"x-${secret:token}\"}")
        .text();
    let file = cli.file("prodmirror.yaml", &text).display().to_string();
    let value = cli.file("token", "from-production\n").display().to_string();
    let given = format!("token=@{value}");
    let refused = cli.run(&["up", "-f", &file]).code(2);
    assert!(refused.stderr.contains("--secret token=@FILE"), "{refused}");
    for question in [&["plan"][..], &["up", "--dry-run"]] {
        let plan = cli.run(&[question, &["-f", &file, "--secret", &given, "--format", "json"]].concat()).ok();
        assert_eq!(plan.json()["refusals"], serde_json::json!([]));
    }

    cli.run(&["up", "-f", &file, "--secret", &given]).ok();
    let it = Up { cli, name, file };
    let ids = it.ids();
    it.cli.run(&["up", "-f", &it.file]).ok();
    assert_eq!(it.ids(), ids);
    let token = ["exec", it.name.as_str(), "web/0", "--", "sh", "-c", "echo $TOKEN"];
    assert_eq!(it.cli.run(&token).ok().stdout.trim(), "x-from-production");
}

#[test]
fn run_gives_the_commands_own_code_and_leaves_nothing() {
    let cli = Cli::new();
    let name = cli.name("run");
    cli.file("seed.sql", SEED);
    let file = cli.file("prodmirror.yaml", &profile(&name, "")).display().to_string();
    let script = "echo \"$PRODMIRROR_MIRROR $WEB_URL $DB_URL\"; exit 7";
    let done = cli.run(&["run", "-f", &file, "--", "sh", "-c", script]).code(7);
    let mut words = done.stdout.split_whitespace();
    let mirror = words.next().unwrap().to_owned();
    assert!(mirror.starts_with("t"), "{done}");
    assert!(words.next().unwrap().starts_with("http://127.0.0.1:"), "{done}");
    assert!(words.next().unwrap().starts_with("postgres://app:"), "{done}");
    assert_eq!(left_of(&mirror), Vec::<String>::new());
    assert_eq!(cli.run(&["run", "-f", &file, "--", "/no/such/program"]).code, 127);
}

#[test]
fn a_name_whose_mirror_came_from_another_profile_is_refused() {
    let it = up("taken", "");
    let other = it.cli.file("other.yaml", &profile("other", "")).display().to_string();
    let done = it.cli.run(&["up", "-f", &other, "--name", &it.name, "--format", "json"]).code(2);
    assert_eq!(done.json()["code"], "name-taken");
}

#[test]
fn values_arrive_in_the_container_byte_for_byte() {
    let cli = Cli::new();
    let name = cli.name("bytes");
    let long = "x".repeat(64 * 1024);
    let values = [
        ("DOLLAR", "a$b$$c${d}$"),
        ("QUOTES", "'\"`\\"),
        ("LINES", "one\ntwo\n\n"),
        ("HASH", "a #b: c !d"),
        ("WIDE", "ü 🦀 \u{2028} \u{85} end"),
        ("EDGE", "  \t"),
        ("EMPTY", ""),
        ("WORD", "no"),
        ("OCTAL", "0777"),
        ("LONG", &long),
    ];
    let env: String = values
        .iter()
        .map(|(name, value)| {
            let value = value.replace("${", "$${");
            format!(
                "      {name}: {}\n",
                serde_json::to_string(&value)
                    .unwrap()
                    .replace('\u{2028}', "\\u2028")
                    .replace('\u{85}', "\\u0085")
            )
        })
        .collect();
    let text = format!(
        "apiVersion: prodmirror/v1\nname: {name}\nservices:\n  web:\n    image: local:prodmirror-built/python:3.11\n    command: [sleep, infinity]\n    stop_grace_period: 0s\n    env:\n{env}"
    );
    let file = cli.file("prodmirror.yaml", &text).display().to_string();
    cli.run(&["up", "-f", &file]).ok();
    let print = "import os,sys,json; json.dump({k: os.environ.get(k) for k in sys.argv[1:]}, sys.stdout)";
    let mut command = vec!["exec", &name, "web", "--", "python3", "-c", print];
    command.extend(values.iter().map(|(name, _)| *name));
    let seen = cli.run(&command).ok().json();
    for (name, value) in values {
        assert_eq!(seen[name], value, "{name}");
    }
}

#[test]
fn without_the_engines_socket_a_mirror_comes_up_is_reached_and_goes() {
    let cli = Cli::new();
    let name = cli.name("blind");
    cli.file("seed.sql", SEED);
    let file = cli.file("prodmirror.yaml", &profile(&name, "")).display().to_string();
    let mirror = cli.run(&["up", "-f", &file, "--no-docker-socket", "--format", "json"]).ok().json();
    assert_eq!(mirror["ready"], true, "{mirror:#}");
    let endpoints = cli.run(&["endpoints", &name, "--format", "json"]).ok().json();
    let web = endpoints["endpoints"].as_array().unwrap().iter().find(|row| row["service"] == "web").unwrap();
    assert!(get(web["address"].as_str().unwrap()).starts_with("HTTP/1.0 200"));
    assert_eq!(cli.run(&["stop", &name]).code, 2);
    cli.run(&["down", &name]).ok();
    assert_eq!(left_of(&name), Vec::<String>::new());
}
