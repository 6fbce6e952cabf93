//! The engine itself restarts under a mirror: everything comes back, files in memory too, and nothing is left by `down`.
//!
//! The engine is one of our own, in namespaces of its own; the user's is never touched. Short by default;
//! with `PRODMIRROR_SOAK=1` it is ended many times more.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[path = "support/cli.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod cli;
#[path = "restart/own_engine.rs"]
mod own_engine;

use std::time::{Duration, Instant};

use cli::{Cli, docker};
use own_engine::OwnEngine;

const IMAGE: &str = "prodmirror-built/redis:7";

/// One image for both: a store with a password, a service with files, a secret one among them, and probes.
fn profile(name: &str) -> String {
    format!(
        r#"apiVersion: prodmirror/v1
name: {name}
secrets:
  cache-password: {{generate: "hex:12"}}
  signing-key: {{generate: "hex:16"}}
services:
  web:
    image: local:{IMAGE}
    entrypoint: [redis-server]
    command: ["--port", "7000", "--save", "", "--protected-mode", "no"]
    env: {{CACHE_URL: "${{store:cache.url}}"}}
    files:
      /etc/web/plain.conf: "plain"
      /run/keys/signing: {{secret: signing-key, mode: "0444"}}
    ports: {{main: 7000}}
    replicas: 2
    resources: {{limits: {{cpu: 500m, memory: 64Mi}}}}
    probes:
      readiness: {{tcp: main, period: 1s}}
      liveness: {{exec: [redis-cli, -p, "7000", ping], period: 5s, timeout: 5s}}
    stop_grace_period: 2s
    needs: [cache]
stores:
  cache:
    engine: redis
    image: local:{IMAGE}
    password: "${{secret:cache-password}}"
    seed: ./seed.redis
"#
    )
}

#[test]
fn when_the_engine_restarts_the_mirror_comes_back_whole_and_down_leaves_nothing() {
    let users = docker(&["info", "--format", "{{.ID}}"]);
    let mut engine = OwnEngine::new();
    engine.load(IMAGE);
    let cli = Cli::on(&engine.host());
    let name = cli.name("restart");
    cli.file("seed.redis", "SET greeting hello\nSET other world\n");
    let file = cli.file("prodmirror.yaml", &profile(&name)).display().to_string();
    cli.run(&["up", "-f", &file]).ok();
    let mirror = Mirror { cli: &cli, engine: &engine, name: &name };
    let key = mirror.secret(0);
    assert_eq!(key.len(), 32, "{key}");
    assert!(mirror.secret_lies_in_memory());
    assert_eq!(mirror.greeting(), "hello");
    let first = mirror.run();

    let soak = std::env::var("PRODMIRROR_SOAK").is_ok_and(|soak| soak == "1");
    for round in 0..if soak { 20 } else { 2 } {
        // The orderly end first: then the engine has stopped the containers itself.
        if round % 2 == 0 {
            engine.stop()
        } else {
            engine.kill()
        }
        engine.start();
        let mirror = Mirror { cli: &cli, engine: &engine, name: &name };
        mirror.until_ready(round);
        assert_eq!([mirror.secret(0), mirror.secret(1)], [key.as_str(), &key], "round {round}");
        assert_eq!(mirror.in_web(0, "cat /etc/web/plain.conf"), "plain");
        assert_eq!(mirror.greeting(), "hello", "round {round}: the store lost its data");
        assert_eq!(mirror.through_the_door(), "+PONG", "round {round}: the gateway lets nobody in");
        assert_eq!(mirror.run(), first, "the journal goes on");
        assert!(mirror.keepers_begun() >= round + 2, "the journal tells of each keeper");
        let ledger = cli.run(&["ledger", &name, "--format", "json"]).ok().json();
        assert_eq!(ledger["summary"]["unmet"], 0, "round {round}: {ledger:#}");
    }
    let ids = engine.docker(&["ps", "-q", "--no-trunc"]);
    cli.run(&["up", "-f", &file]).ok();
    assert_eq!(engine.docker(&["ps", "-q", "--no-trunc"]), ids, "nothing had changed");

    cli.run(&["down", &name]).ok();
    let label = format!("label=prodmirror.mirror={name}");
    for list in [&["ps", "-aq"][..], &["network", "ls", "-q"], &["volume", "ls", "-q"]] {
        assert_eq!(engine.docker(&[list, &["--filter", &label]].concat()), "", "left: {list:?}");
    }
    drop(cli);
    drop(engine);
    assert_eq!(docker(&["info", "--format", "{{.ID}}"]), users, "the user's engine answers");
}

struct Mirror<'a> {
    cli: &'a Cli,
    engine: &'a OwnEngine,
    name: &'a str,
}

impl Mirror<'_> {
    fn until_ready(&self, round: usize) {
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            let status = self.cli.run(&["status", self.name, "--format", "json"]);
            if status.code == 0 && status.json()["mirrors"][0]["ready"] == true {
                return;
            }
            assert!(Instant::now() < deadline, "round {round}: not ready again: {status}");
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    fn container(&self, key: &str) -> String {
        format!("pm-{}-{key}-1", self.name)
    }

    fn in_web(&self, ordinal: u32, line: &str) -> String {
        self.engine.docker(&["exec", &self.container(&format!("web.{ordinal}.main")), "sh", "-c", line])
    }

    fn secret(&self, ordinal: u32) -> String {
        self.in_web(ordinal, "cat /run/keys/signing")
    }

    /// Else its coming back would say nothing about the keeper.
    fn secret_lies_in_memory(&self) -> bool {
        self.in_web(0, "stat --file-system --format %T /run/keys/signing") == "tmpfs"
    }

    fn greeting(&self) -> String {
        // Its client takes no URL whose user is empty.
        let line = r#"password=${CACHE_URL%@*}; redis-cli --no-auth-warning -h cache -a "${password##*:}" get greeting"#;
        self.in_web(1, line)
    }

    /// From outside of the mirror, where its ports are published.
    fn through_the_door(&self) -> String {
        let endpoints = self.cli.run(&["endpoints", self.name, "--format", "json"]).ok().json();
        let all = endpoints["endpoints"].as_array().unwrap().clone();
        let web = all.into_iter().find(|end| end["service"] == "web").unwrap();
        self.engine.ask(web["address"].as_str().unwrap(), "PING")
    }

    fn journal(&self) -> String {
        self.engine.docker(&["cp", &format!("{}:/journal/journal.jsonl", self.container("pm.keeper")), "-"])
    }

    fn run(&self) -> String {
        let journal = self.journal();
        let begun = journal.lines().find(|line| line.contains(r#""event":"up-begun""#));
        begun.unwrap_or_else(|| panic!("no `up` in {journal}")).to_owned()
    }

    fn keepers_begun(&self) -> usize {
        self.journal().matches(r#""event":"keeper-started""#).count()
    }
}
