//! The ledger on a real engine: each mechanism is broken on purpose, and its entry says so.

#![allow(clippy::print_stdout, reason = "a test says aloud what it cannot try")]
#![allow(clippy::unwrap_used)]

#[path = "support/cli.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod cli;

use cli::{Cli, docker};
use serde_json::Value;

const PROFILE: &str = r#"apiVersion: prodmirror/v1
name: NAME
secrets: {db-password: {generate: "letters:24"}}
services:
  web:
    image: local:prodmirror-built/python:3.11
    command: [python3, -u, -m, http.server, "8000"]
    env: {DATABASE_URL: "${store:db.url}", PLAIN: one}
    files: {/etc/app.ini: {content: "a = 1\n", mode: "0640"}}
    replicas: 2
    resources: {limits: {cpu: 500m, memory: 64Mi}, requests: {cpu: 100m}}
    pids: 50
    user: "0:0"
    read_only: true
    tmpfs: {/tmp: {size: 8Mi}}
    capabilities: {drop: [ALL]}
    ulimits: {nofile: 2048}
    sysctls: {net.core.somaxconn: "300"}
    dns: {ndots: 3}
    ports: {http: 8000}
    probes: {readiness: {tcp: 8000, period: 1s}}
    restart: never
    stop_grace_period: 1s
    needs: [db]
stores:
  db:
    engine: postgres
    image: local:prodmirror-built/postgres:15
    database: notes
    user: app
    password: ${secret:db-password}
    seed: ./seed.sql
    settings: {max_connections: 20}
network: {egress: denied}
"#;

struct Mirror {
    cli: Cli,
    name: String,
}

impl Mirror {
    fn up() -> Self {
        let cli = Cli::new();
        let name = cli.name("verify");
        cli.file("seed.sql", "create table note (id int);\ninsert into note values (1);\n");
        let file = cli.file("prodmirror.yaml", &PROFILE.replace("NAME", &name)).display().to_string();
        cli.run(&["up", "-f", &file]).ok();
        Self { cli, name }
    }

    fn id(&self, key: &str) -> String {
        let mirror = format!("label=prodmirror.mirror={}", self.name);
        let service = format!("label=com.docker.compose.service={key}");
        docker(&["ps", "-aq", "--no-trunc", "--filter", &mirror, "--filter", &service])
    }

    /// The ledger, and the code with which it was told.
    fn ledger(&self) -> (i32, Value) {
        let done = self.cli.run(&["ledger", &self.name, "--format", "json"]);
        (done.code, done.json())
    }

    /// Paths that do not hold.
    #[track_caller]
    fn broken(&self) -> Vec<String> {
        let (code, ledger) = self.ledger();
        let unmet = ledger["entries"].as_array().unwrap().iter().filter(|entry| entry["holds"] == false);
        let paths: Vec<String> = unmet.map(|entry| entry["path"].as_str().unwrap().to_owned()).collect();
        assert_eq!(code, i32::from(!paths.is_empty()), "{paths:?}");
        paths
    }

    #[track_caller]
    fn notices(&self, path: &str) {
        let broken = self.broken();
        assert!(broken.iter().any(|found| found == path), "{path} is not among {broken:?}");
    }
}

#[test]
fn every_mechanism_that_is_broken_is_noticed() {
    let mirror = Mirror::up();
    assert_eq!(mirror.broken(), Vec::<String>::new());
    let (_, ledger) = mirror.ledger();
    let count = |name: &str| ledger["summary"][name].as_u64().unwrap();
    assert!(count("unread") * 10 <= count("total"), "{ledger:#}");
    let text = ledger.to_string();
    let environment = docker(&["inspect", "-f", "{{json .Config.Env}}", &mirror.id("db.0.main")]);
    let environment: Vec<String> = serde_json::from_str(&environment).unwrap();
    let secret = environment.iter().find_map(|variable| variable.strip_prefix("POSTGRES_PASSWORD=")).unwrap();
    assert!(secret.len() == 24 && !text.contains(secret), "the ledger holds no secret");

    let web = mirror.id("web.1.main");
    docker(&["update", "--memory", "96m", "--memory-swap", "96m", &web]);
    mirror.notices("services.web.resources.limits.memory");
    docker(&["update", "--cpus", "0.7", "--pids-limit", "70", "--cpu-shares", "700", &web]);
    for path in ["resources.limits.cpu", "resources.requests.cpu", "pids"] {
        mirror.notices(&format!("services.web.{path}"));
    }

    // The volume is read-only in its own containers.
    let volumes = "{{range .Mounts}}{{if eq .Destination \"/etc/app.ini\"}}{{.Name}}{{end}}{{end}}";
    let volume = docker(&["inspect", "-f", volumes, &web]);
    let edit = "for f in $(find /v -name app.ini -type f); do echo b >>$f; chmod 666 $f; done";
    docker(&[
        "run",
        "--rm",
        "--network",
        "none",
        "-v",
        &format!("{volume}:/v"),
        "prodmirror-built/python:3.11",
        "sh",
        "-c",
        edit,
    ]);
    mirror.notices("services.web.files[\"/etc/app.ini\"]");

    let sql = "alter role app password 'another'";
    docker(&["exec", &mirror.id("db.0.main"), "psql", "-U", "app", "-d", "notes", "-qc", sql]);
    mirror.notices("stores.db.password");

    docker(&["kill", &mirror.id("web.0.main")]);
    mirror.notices("services.web.replicas");
}

#[test]
fn an_image_whose_tag_means_another_one_now_is_noticed() {
    let cli = Cli::new();
    let (name, tag) = (cli.name("retag"), format!("verify-{}:1", std::process::id()));
    docker(&["tag", "prodmirror-built/python:3.11", &tag]);
    let text = format!(
        "apiVersion: prodmirror/v1\nname: {name}\nservices: {{web: {{image: \"local:{tag}\", command: [sleep, infinity], stop_grace_period: 0s}}}}\n"
    );
    let file = cli.file("prodmirror.yaml", &text).display().to_string();
    let up = cli.run(&["up", "-f", &file]);
    docker(&["tag", "prodmirror-built/redis:7", &tag]);
    let ledger = cli.run(&["ledger", &name, "--format", "json"]);
    docker(&["rmi", &tag]);
    up.ok();
    let entries = ledger.json()["entries"].clone();
    let image =
        entries.as_array().unwrap().iter().find(|entry| entry["path"] == "services.web.image").unwrap();
    assert_eq!(image["holds"], false, "{image:#}");
}
