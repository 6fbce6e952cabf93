//! `env-dump` and `env-diff` as a user runs them.

use serde_json::Value;

use crate::cli::{Cli, docker};

const IMAGE: &str = "prodmirror-built/python:3.11";

const LOCAL: &str =
    "ENABLE_CACHE=false\nLOG_LEVEL=debug\nDB_HOST=localhost\nDB_PASSWORD=hunter2\nPATH=/bin\nOLD=1\n";
const PROD: &str = "ENABLE_CACHE=true\nLOG_LEVEL=info\nDB_HOST=db.prod.internal\nDB_PASSWORD=hunter3\nPATH=/usr/bin\nCACHE_TTL=3600\n";
const PROFILE: &str = "apiVersion: prodmirror/v1\nname: notes\nflags: {ENABLE_CACHE: true}\nsecrets: {key: {}}\nservices:\n  api:\n    image: \"local:notes:dev\"\n    env: {KEY: \"${secret:key}\", POD: {field: pod.name}, PORT: 8000}\n    flags: [ENABLE_CACHE]\n  worker: {image: \"local:notes:dev\", flags: [ENABLE_CACHE]}\n";

/// A user with two files of variables and a profile.
struct Desk {
    cli: Cli,
}

impl Desk {
    fn new() -> Self {
        let cli = Cli::new();
        cli.file("local.env", LOCAL);
        cli.file("prod.env", PROD);
        cli.file("notes.yaml", PROFILE);
        Self { cli }
    }

    fn path(&self, name: &str) -> String {
        self.cli.home.path().join(name).display().to_string()
    }
}

#[test]
fn two_files_differ_in_what_matters_and_say_what_to_do() {
    let desk = Desk::new();
    let (local, prod, notes) = (desk.path("local.env"), desk.path("prod.env"), desk.path("notes.yaml"));
    let done = desk.cli.run(&["env-diff", &local, &prod, "-f", &notes]).code(1);
    for value in ["hunter2", "hunter3"] {
        assert!(!done.to_string().contains(value), "{done}");
    }
    let text = done.stdout.replace(&local, "local.env").replace(&prod, "prod.env");
    let mut hashes = insta::Settings::clone_current();
    hashes.add_filter("[0-9a-f]{8}:[0-9a-f]{32}", "KEYID:HASH");
    hashes.bind(|| insta::assert_snapshot!(text));
    let json = desk.cli.run(&["env-diff", &local, &prod, "-f", &notes, "--format", "json"]).code(1).json();
    assert_eq!(json["kind"], "EnvDiff");
    assert_eq!(json["changes"][0]["name"], "ENABLE_CACHE");
    assert_eq!(json["suggestions"][0]["set"], serde_json::json!(["flags.ENABLE_CACHE=true"]));
    assert_eq!(json["suggestions"][0]["services"], serde_json::json!(["api", "worker"]));
    let noise: Vec<&Value> =
        json["changes"].as_array().unwrap().iter().filter(|change| !change["noise"].is_null()).collect();
    assert_eq!(noise.len(), 2, "{noise:?}");
}

#[test]
fn a_dump_compared_with_its_source_is_equal_in_every_format() {
    let desk = Desk::new();
    let prod = desk.path("prod.env");
    for format in ["dotenv", "json", "compose", "shell", "docker"] {
        let dump = desk.cli.run(&["env-dump", "--from", &prod, "--format", format]).ok();
        assert!(!dump.to_string().contains("hunter3"), "{dump}");
        let dialect = if format == "docker" { "docker" } else { "compose" };
        desk.cli.fed(&["env-diff", &prod, "-", "--dialect", dialect], dump.stdout.as_bytes()).ok();
    }
}

#[test]
fn a_profile_tells_what_each_service_would_get() {
    let desk = Desk::new();
    let notes = desk.path("notes.yaml");
    let json = desk.cli.run(&["env-dump", "--from", &format!("{notes}#api"), "--format", "json"]).ok().json();
    let told: Vec<(&str, &str)> = json["variables"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), one["source"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("POD", "env"), ("KEY", "env"), ("PORT", "env"), ("ENABLE_CACHE", "flag")]);
    assert_eq!(json["service"], "api");
    let several = desk.cli.run(&["env-dump", "--from", &notes]).code(2);
    assert!(several.stderr.contains("api, worker") && several.stderr.contains("--service api"), "{several}");
    desk.cli.run(&["env-dump", "--from", &notes, "--service", "web"]).code(2);
    assert_eq!(desk.cli.run(&["env-diff", &notes, &notes]).ok().stdout, "");
}

#[test]
fn without_a_source_three_examples_are_shown() {
    let desk = Desk::new();
    let mut command = desk.cli.command(&["env-dump"]);
    let done: crate::cli::Done = command.current_dir(desk.cli.home.path()).output().unwrap().into();
    assert_eq!(done.code, 2);
    assert_eq!(done.stderr.matches("prodmirror env-dump --from ").count(), 3, "{done}");
    let mut command = desk.cli.command(&["env-dump"]);
    let done: crate::cli::Done =
        command.env("PRODMIRROR_SOURCE", desk.path("local.env")).output().unwrap().into();
    assert!(done.ok().stderr.contains("local.env"));
}

#[test]
fn what_cannot_be_compared_is_neither_equal_nor_different() {
    let desk = Desk::new();
    let secret = |name: &str, line: &str| desk.cli.file(name, line).display().to_string();
    let a = secret("a.env", "X=1\n#secret K=aaaaaaaa:00\n");
    let b = secret("b.env", "X=1\n#secret K=bbbbbbbb:00\n");
    let c = secret("c.env", "X=1\n#secret K=aaaaaaaa:01\n");
    let done = desk.cli.run(&["env-diff", &a, &b]).code(6);
    assert!(done.stdout.contains("different keys"), "{done}");
    desk.cli.run(&["env-diff", &a, &c]).code(1);
    desk.cli.run(&["env-diff", &a, &a]).ok();
    let noisy = secret("d.env", "X=1\nPATH=/x\n#secret K=aaaaaaaa:00\n");
    desk.cli.run(&["env-diff", &a, &noisy]).ok();
    assert!(desk.cli.run(&["env-diff", &a, &noisy, "--noise"]).ok().stdout.contains("search-path"));
}

#[test]
fn files_of_others_are_captured_first_and_their_secrets_are_compared_by_hash() {
    let desk = Desk::new();
    let compose = |password: &str| {
        format!(
            "services:\n  api:\n    image: x:1\n    environment: {{DB_PASSWORD: {password}, LEVEL: info, \
             URL: 'postgres://u:{password}@db/x'}}\n"
        )
    };
    let manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec: {template: {metadata: {labels: {a: b}}, \
                    spec: {containers: [{name: a, image: 'x:1', env: [{name: LEVEL, value: info}, {name: DB_PASSWORD, \
                    valueFrom: {secretKeyRef: {name: db, key: password}}}]}]}}}\n";
    let path = |name: &str, text: &str| desk.cli.file(name, text).display().to_string();
    let (one, same, other) = (
        path("one/compose.yaml", &compose("letmein-77")),
        path("same/compose.yaml", &compose("letmein-77")),
        path("other/compose.yaml", &compose("letmein-78")),
    );
    let dump = desk.cli.run(&["env-dump", "--from", &one]).ok();
    assert!(dump.stdout.contains("LEVEL=info") && dump.stdout.contains("#secret DB_PASSWORD="), "{dump}");
    assert!(!dump.to_string().contains("letmein"), "{dump}");
    desk.cli.run(&["env-diff", &one, &same]).ok();
    let done = desk.cli.run(&["env-diff", &one, &other, "--format", "json"]).code(1);
    let names: Vec<String> =
        done.json()["changes"].as_array().unwrap().iter().map(|one| one["name"].to_string()).collect();
    assert_eq!(names, ["\"DB_PASSWORD\"", "\"URL\""]);
    desk.cli.run(&["env-diff", &one, &dotenv(&desk, &dump.stdout)]).ok();
    // By its name alone a secret of a cluster is known, and so it is neither equal nor different.
    let cluster = path("cluster/api.yaml", manifest);
    let only = path("only.env", &dump.stdout.replace("URL=", "NO="));
    let done = desk.cli.run(&["env-diff", &cluster, &only, "--format", "json"]).code(1);
    assert_eq!(done.json()["incomparable"][0]["name"], "DB_PASSWORD", "{done}");
    let folder = format!("{}/", desk.path("cluster"));
    assert!(desk.cli.run(&["env-dump", "--from", &folder]).ok().stdout.contains("LEVEL=info"));
    let plain =
        desk.cli.run(&["env-dump", "--from", &one, "--is-plain", "DB_PASSWORD", "--is-plain", "URL"]).ok();
    assert!(plain.stdout.contains("DB_PASSWORD=letmein-77"), "{plain}");
}

fn dotenv(desk: &Desk, text: &str) -> String {
    desk.cli.file("dumped.env", text).display().to_string()
}

#[test]
fn what_is_no_source_of_variables_is_said_without_its_password() {
    let desk = Desk::new();
    let done = desk.cli.run(&["env-dump", "--from", "postgres://x:hunter2@db/x"]).code(2);
    assert!(!done.to_string().contains("hunter2"), "{done}");
    let bad = desk.cli.file("bad.env", "A=1\nB=\"x\n").display().to_string();
    let done = desk.cli.run(&["env-dump", "--from", &bad]).code(3);
    assert!(done.stderr.contains("bad.env:2:"), "{done}");
    desk.cli.run(&["env-dump", "--from", "docker:no-such-container-here"]).code(2);
}

/// Removed when it goes out of scope.
struct Container(String);

impl Drop for Container {
    fn drop(&mut self) {
        docker(&["rm", "--force", &self.0]);
    }
}

#[test]
fn a_container_is_read_without_its_secrets_and_without_its_image_s_own() {
    let desk = Desk::new();
    let name = desk.cli.name("env");
    let project = format!("{name}-project");
    let label = |key: &str, value: &str| format!("com.docker.compose.{key}={value}");
    docker(&[
        "run",
        "--detach",
        "--name",
        &name,
        "--network",
        "none",
        "--env",
        "MODE=it's $x",
        "--env",
        "API_TOKEN=hunter2",
        "--label",
        &label("project", &project),
        "--label",
        &label("service", "web"),
        "--label",
        &label("container-number", "1"),
        IMAGE,
        "sh",
        "-c",
        "export LATE=1; exec sleep 600",
    ]);
    let _gone = Container(name.clone());
    let dump = desk.cli.run(&["env-dump", "--from", &format!("docker:{name}")]).ok();
    assert!(dump.stdout.contains("MODE=\"it's \\$x\"\n"), "{dump}");
    assert!(dump.stdout.contains("#secret API_TOKEN=") && !dump.to_string().contains("hunter2"), "{dump}");
    assert!(!dump.stdout.contains("PATH="), "{dump}");
    let whole = desk.cli.run(&["env-dump", "--from", &format!("docker:{name}"), "--image-env"]).ok();
    assert!(whole.stdout.contains("\nPATH=") || whole.stdout.starts_with("PATH="), "{whole}");
    let of_project = desk.cli.run(&["env-dump", "--from", &format!("compose:{project}#web")]).ok();
    assert_eq!(of_project.stdout, dump.stdout);
    let live =
        desk.cli.run(&["env-dump", "--from", &format!("docker:{name}"), "--live", "--format", "json"]).ok();
    assert!(live.stderr.contains("/proc/1/environ"), "{live}");
    let variables = live.json()["variables"].clone();
    let late =
        variables.as_array().unwrap().iter().find(|one| one["name"] == "LATE").expect("the process's own");
    assert_eq!((late["value"].as_str(), late["source"].as_str()), (Some("1"), Some("process")));
    assert!(!live.to_string().contains("hunter2"));
}
