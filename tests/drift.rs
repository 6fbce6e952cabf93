//! Whether what runs is what the profile says: the gate for CI, the page, and the live view.

#![allow(clippy::unwrap_used)]

#[path = "support/cli.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod cli;

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdout},
    sync::mpsc,
    time::Duration,
};

use cli::{Cli, Done, docker};

const PROFILE: &str = "apiVersion: prodmirror/v1
name: notes
flags: {ENABLE_CACHE: \"true\"}
secrets: {key: {}}
services:
  api:
    image: \"local:prodmirror-built/debian:bookworm\"
    command: [sleep, infinity]
    env: {KEY: \"x${secret:key}\", POD: {field: pod.name}, MODE: it's $x}
    flags: [ENABLE_CACHE]
    resources: {limits: {memory: 64Mi}}
";

fn path(cli: &Cli, name: &str, text: &str) -> String {
    cli.file(name, text).display().to_string()
}

#[test]
fn what_is_as_the_profile_says_passes_and_what_is_not_fails() {
    let cli = Cli::new();
    let profile = path(&cli, "notes.yaml", PROFILE);
    let same = cli.run(&["drift", &profile, "--against", &profile]).ok();
    assert_eq!(same.stdout, "");
    let real = path(&cli, "real.yaml", &PROFILE.replace("64Mi", "128Mi").replace("it's $x", "dev"));
    let (junit, sarif) = (cli.home.path().join("drift.xml"), cli.home.path().join("drift.sarif"));
    let written = ["--junit", junit.to_str().unwrap(), "--sarif", sarif.to_str().unwrap()];
    let mut arguments = vec!["drift", &real, "--against", &profile];
    arguments.extend(written);
    let done = cli.run(&arguments).code(1);
    assert!(done.stdout.contains("- 64Mi") && done.stdout.contains("+ 128Mi"), "{done}");
    let junit = std::fs::read_to_string(junit).unwrap();
    assert_eq!(junit.matches("<failure ").count(), 2, "{junit}");
    let sarif: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(sarif).unwrap()).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let memory = results.iter().find(|one| one["ruleId"] == "resources").unwrap();
    let place = &memory["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], profile.as_str());
    assert_eq!(place["region"]["startLine"], 11, "the line of the limit");
}

#[test]
fn allowances_are_used_or_said() {
    let cli = Cli::new();
    let profile = path(&cli, "notes.yaml", PROFILE);
    let real = path(&cli, "real.yaml", &PROFILE.replace("64Mi", "128Mi"));
    let allow = path(
        &cli,
        "allow.yaml",
        "services.*.resources: bigger machines there\nservices.api.env.MODE: it is set by hand\nservices.web: gone\n",
    );
    let done = cli.run(&["drift", &real, "--against", &profile, "--allow", &allow]).ok();
    assert!(done.stdout.contains("bigger machines there"), "{done}");
    assert!(done.stderr.contains("services.api.env.MODE is allowed to differ, and does not"), "{done}");
    assert!(done.stderr.contains("services.web is allowed to differ, and names nothing"), "{done}");
    let json =
        cli.run(&["drift", &real, "--against", &profile, "--allow", &allow, "--format", "json"]).ok().json();
    assert_eq!(json["kind"], "Diff");
    assert_eq!(json["allowed"][0]["reason"], "bigger machines there");
    let empty = path(&cli, "bad.yaml", "services.api: ''\n");
    cli.run(&["drift", &real, "--against", &profile, "--allow", &empty]).code(3);
}

#[test]
fn a_page_stands_alone() {
    let cli = Cli::new();
    let page = cli.home.path().join("page.html");
    cli.run(&["diff", "profiles/shop-dev.yaml", "profiles/shop.yaml", "--html", page.to_str().unwrap()])
        .code(1);
    let page = std::fs::read_to_string(page).unwrap();
    assert!(
        page.contains("<title>profiles&#x2F;shop-dev.yaml") || page.contains("<title>profiles/shop-dev.yaml")
    );
    for fetched in ["http://", "https://", "<link", "src=", "@import", "url("] {
        assert!(!page.contains(fetched), "{fetched}");
    }
    let one =
        cli.run(&["diff", "profiles/shop-dev.yaml#worker", "profiles/shop.yaml", "--format", "json"]).code(1);
    let changes = one.json()["changes"].clone();
    assert!(
        changes
            .as_array()
            .unwrap()
            .iter()
            .all(|change| change["path"].as_str().unwrap().starts_with("services.worker"))
    );
}

const PRODUCTION: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: notes}
spec:
  replicas: 1
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
      - name: api
        image: notes/api:2
        args: [serve]
        env:
        - {name: ENABLE_CACHE, value: \"true\"}
        - {name: LEVEL, value: info}
        - {name: DATABASE_URL, value: \"postgres://notes:letmein-77@db:5432/notes\"}
        ports: [{containerPort: 8000}]
        resources: {limits: {memory: 64Mi}}
        readinessProbe: {httpGet: {path: /healthz, port: 8000}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: notes}
spec:
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers:
      - name: db
        image: postgres:16
        env:
        - {name: POSTGRES_USER, value: notes}
        - {name: POSTGRES_DB, value: notes}
        - {name: POSTGRES_PASSWORD, value: letmein-77}
";

const MIRRORED: &str = "apiVersion: prodmirror/v1
name: notes
flags: {ENABLE_CACHE: true}
secrets: {db-password: {generate: \"hex:16\"}}
services:
  api:
    image: notes/api:2
    command: [serve]
    env: {DATABASE_URL: \"${store:db.url}\", LEVEL: info}
    flags: [ENABLE_CACHE]
    ports: {http: 8000}
    resources: {limits: {memory: 64Mi}}
    probes: {readiness: {http: /healthz}}
    labels: {app: api}
    needs: [db]
stores:
  db: {engine: postgres, image: \"postgres:16\", database: notes, user: notes, password: \"${secret:db-password}\",
       seed: \"snapshot:notes\", labels: {app: db}}
";

#[test]
fn manifests_of_production_that_mean_what_the_profile_means_are_no_drift() {
    let cli = Cli::new();
    let profile = path(&cli, "notes.yaml", MIRRORED);
    let manifests = path(&cli, "manifests/notes.yaml", PRODUCTION);
    let json = |code: i32, arguments: &[&str]| {
        let done = cli.run(&[arguments, &["--format", "json"]].concat()).code(code);
        assert!(!done.to_string().contains("letmein"), "{done}");
        done.json()
    };
    let same = json(0, &["drift", &manifests, "--against", &profile]);
    let untold = same["untold"].as_array().unwrap();
    let untold: Vec<&str> = untold.iter().map(|one| one["path"].as_str().unwrap()).collect();
    let links = "services.api.enable_service_links";
    assert_eq!(untold, ["secrets", "stores.db.seed", "services.api.needs", links]);
    // Every form of the answer tells it, and none counts it.
    let forms = ["page.html", "drift.xml", "drift.sarif"].map(|name| cli.home.path().join(name));
    let [page, junit, sarif] = forms.each_ref().map(|file| file.to_str().unwrap());
    cli.run(&["diff", &profile, &manifests, "--html", page]).ok();
    cli.run(&["drift", &manifests, "--against", &profile, "--junit", junit, "--sarif", sarif]).ok();
    for file in &forms {
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.contains("stores.db.seed"), "{}: {text}", file.display());
        assert!(text.contains("the data of a store is not captured"), "{}: {text}", file.display());
        assert!(!text.contains("<failure") && !text.contains("\"ruleId\""), "{text}");
    }
    let folder = cli.home.path().join("manifests");
    json(0, &["drift", folder.to_str().unwrap(), "--against", &profile]);
    json(0, &["diff", &profile, &manifests]);
    json(0, &["diff", &manifests, &profile]);

    // What was saved of it says no more and no less, in either form; once somebody edits it, it is a profile.
    let saved = cli.home.path().join("saved.yaml").display().to_string();
    cli.run(&["capture", "files", &manifests, "-o", &saved]).ok();
    assert_eq!(json(0, &["drift", &saved, "--against", &profile])["untold"], same["untold"]);
    let document = cli.run(&["capture", "files", &manifests, "--format", "json"]).ok().stdout;
    let document = path(&cli, "saved.json", &document);
    assert_eq!(json(0, &["drift", &document, "--against", &profile])["untold"], same["untold"]);
    json(0, &["env-diff", &format!("{profile}#api"), &format!("{document}#api")]);
    let edited = std::fs::read_to_string(&saved).unwrap().replace("replicas: 1", "replicas: 2");
    let edited = json(1, &["diff", &profile, &path(&cli, "edited.yaml", &edited)]);
    let has_seed = edited["changes"].as_array().unwrap().iter().any(|one| one["path"] == "stores.db.seed");
    assert!(has_seed, "a profile that says no seed means none: {edited}");

    let drifted = PRODUCTION.replace("64Mi", "128Mi").replace("LEVEL, value: info", "LEVEL, value: debug");
    let drifted = path(&cli, "drifted.yaml", &drifted);
    let drift = json(1, &["drift", &drifted, "--against", &profile]);
    let changes: Vec<&str> =
        drift["changes"].as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect();
    assert!(changes.contains(&"services.api.env.LEVEL"), "{changes:?}");
    assert!(changes.contains(&"services.api.resources.limits.memory"), "{changes:?}");
    assert_eq!(
        drift["changes"].as_array().unwrap().iter().filter(|one| one["noise"].is_null()).count(),
        2,
        "{drift}"
    );

    // What is in a Secret or a ConfigMap that is not there was not read, and a tag is no digest.
    let unread = PRODUCTION.replace(
        "{name: LEVEL, value: info}",
        "{name: LEVEL, valueFrom: {configMapKeyRef: {name: c, key: k}}}",
    );
    let unread = path(&cli, "unread.yaml", &unread);
    let pinned = format!("notes/api:2@sha256:{}", "a".repeat(64));
    let pinned =
        path(&cli, "pinned.yaml", &MIRRORED.replace("image: notes/api:2", &format!("image: \"{pinned}\"")));
    let inconclusive = json(6, &["drift", &unread, "--against", &pinned]);
    let paths: Vec<&str> = inconclusive["incomparable"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["path"].as_str().unwrap())
        .collect();
    assert_eq!(paths, ["services.api.env.LEVEL", "services.api.image"]);
    let text = cli.run(&["drift", &unread, "--against", &pinned]).code(6).stdout;
    assert!(text.contains("cannot be compared") && text.contains("not told by the source"), "{text}");
}

/// Removed when it goes out of scope.
struct Container(String);

impl Drop for Container {
    fn drop(&mut self) {
        docker(&["rm", "--force", &self.0]);
    }
}

#[test]
fn a_container_and_a_project_are_read_whole() {
    let cli = Cli::new();
    let name = cli.name("source");
    let label = |key: &str, value: &str| format!("com.docker.compose.{key}={value}");
    let (project, service) = (label("project", &name), label("service", "api"));
    let mut arguments = vec!["run", "--detach", "--name", &name, "--network", "none", "--label", &project];
    arguments.extend(["--label", &service, "--memory", "64m", "--env", "LEVEL=info"]);
    arguments.extend(["prodmirror-built/debian:bookworm", "sleep", "infinity"]);
    docker(&arguments);
    let container = Container(name.clone());
    let profile = path(
        &cli,
        "api.yaml",
        "apiVersion: prodmirror/v1\nname: api\nservices:\n  api:\n    image: \"prodmirror-built/debian:bookworm\"\n    \
         command: [sleep, infinity]\n    env: {LEVEL: info}\n    resources: {limits: {memory: 64Mi}}\n    restart: never\n",
    );
    let other =
        path(&cli, "other.yaml", &std::fs::read_to_string(&profile).unwrap().replace("info", "debug"));
    for source in [format!("docker:{name}"), format!("compose:{name}")] {
        let done = cli.run(&["drift", &source, "--against", &profile, "--format", "json"]).json();
        let changes: Vec<&serde_json::Value> =
            done["changes"].as_array().unwrap().iter().filter(|one| one["noise"].is_null()).collect();
        assert_eq!(changes, Vec::<&serde_json::Value>::new(), "{source}");
        let done = cli.run(&["diff", &source, &other, "--format", "json"]).code(1).json();
        assert_eq!(done["changes"][0]["path"].as_str().map(|_| ()), Some(()));
        let paths = done["changes"].to_string();
        assert!(paths.contains("services.api.env.LEVEL"), "{source}: {paths}");
        let dump = cli.run(&["env-dump", "--from", &source]).ok();
        assert!(dump.stdout.contains("LEVEL=info"), "{dump}");
    }
    let answer = path(&cli, "inspect.json", &docker(&["inspect", &container.0]));
    let done = cli.run(&["diff", &answer, &format!("docker:{name}"), "--format", "json"]);
    assert!(done.code == 0 || done.code == 6, "one container, saved and live: {done}");
    cli.run(&["drift", "compose:no-such-project-here", "--against", &profile]).code(2);
}

/// The lines of a `watch`, as they come.
struct Watching {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Watching {
    fn new(mut child: Child) -> Self {
        let (to, lines) = mpsc::channel();
        let out: ChildStdout = child.stdout.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let _ = to.send(line);
            }
        });
        Self { child, lines }
    }

    #[track_caller]
    fn until(&self, text: &str) {
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(60));
            let line = line.unwrap_or_else(|_| panic!("no line with `{text}` came"));
            if line.contains(text) {
                return;
            }
        }
    }
}

#[test]
fn a_mirror_is_what_its_profile_says_until_someone_changes_it() {
    let cli = Cli::new();
    let profile = path(&cli, "notes.yaml", PROFILE);
    let name = cli.name("drift");
    cli.run(&["up", &profile, "--name", &name]).ok();
    let source = format!("mirror:{name}");
    let watch = Watching::new(cli.spawn(&["watch", &name, "--every", "200ms"]));
    watch.until("api/0  ready");

    // Its variables: the profile's, with a value for what only a launch can tell, and no secret.
    let dump = cli.run(&["env-dump", "--from", &source, "--service", "api", "--format", "json"]).ok().json();
    let value = |name: &str| {
        let all = dump["variables"].as_array().unwrap().clone();
        all.into_iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("{name}: {dump}"))
    };
    assert_eq!(value("MODE")["value"], "it's $x");
    assert_eq!(value("ENABLE_CACHE")["source"], "flag");
    assert!(value("POD")["value"].is_string());
    assert!(value("KEY")["value"]["secret"].as_str().unwrap().contains(':'));
    cli.run(&["env-diff", &profile, &source]).ok();
    cli.run(&["env-dump", "--from", &format!("{source}#api"), "--live"]).ok();

    let drift = || cli.run(&["drift", &source, "--against", &profile]);
    drift().ok();
    let container = docker(&[
        "ps",
        "--quiet",
        "--filter",
        &format!("label=prodmirror.mirror={name}"),
        "--filter",
        "label=prodmirror.kind=service",
    ]);
    docker(&["update", "--memory", "96m", "--memory-swap", "96m", &container]);
    let drifted = drift().code(1);
    assert!(drifted.stdout.contains("- 64Mi") && drifted.stdout.contains("+ 96Mi"), "{drifted}");
    cli.run(&["diff", &profile, &source]).code(1);

    docker(&["kill", "--signal", "KILL", &container]);
    watch.until("api/0  ready → ");
    cli.run(&["down", &name]).ok();
    let mut watch = watch;
    let done: Done = watch.child.wait_with_output_of(&mut watch.lines);
    assert_eq!(done.code, 0, "{done}");
    assert!(done.stderr.contains("is gone"), "{done}");
}

/// The end of a child whose lines were read elsewhere.
trait Ended {
    fn wait_with_output_of(&mut self, lines: &mut mpsc::Receiver<String>) -> Done;
}

impl Ended for Child {
    fn wait_with_output_of(&mut self, lines: &mut mpsc::Receiver<String>) -> Done {
        let code = self.wait().unwrap().code().unwrap_or(-1);
        let stdout: Vec<String> = lines.iter().collect();
        let mut stderr = String::new();
        std::io::Read::read_to_string(self.stderr.as_mut().unwrap(), &mut stderr).unwrap();
        Done { code, stdout: stdout.join("\n"), stderr }
    }
}
