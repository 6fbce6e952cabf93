//! No value of a secret reaches what we write or say. Docker's own configuration of a running container is the
//! documented exception, and so is the answer to `endpoints`, which is asked for addresses to log in with.

#![allow(clippy::unwrap_used)]

#[path = "support/cli.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod cli;

use std::path::Path;

use cli::{Cli, Done, docker};

fn profile(name: &str) -> String {
    format!(
        r#"apiVersion: prodmirror/v1
name: {name}
secrets: [in-env, in-text, in-url, in-file]
services:
  web:
    image: local:prodmirror-built/python:3.11
    command: [python3, -u, -m, http.server, "8000"]
    env:
      PLAIN: "${{secret:in-env}}"
      TEXT: "before ${{secret:in-text}} after"
      DATABASE_URL: ${{store:db.url}}
    files: {{/run/keys/key: {{secret: in-file, mode: "0400"}}}}
    ports: {{http: 8000}}
    probes: {{readiness: {{http: /, period: 1s}}}}
    stop_grace_period: 1s
    needs: [db]
stores:
  db:
    engine: postgres
    image: local:prodmirror-built/postgres:15
    database: notes
    user: app
    password: "${{secret:in-url}}"
"#
    )
}

/// Says what it knows.
const TELLING: &str = r#"
import http.server, os
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == '/' else 503)
        self.end_headers()
        self.wfile.write(os.environ['PLAIN'].encode())
    def log_message(self, *words): print('I tell', os.environ['PLAIN'], flush=True)
http.server.ThreadingHTTPServer(('', 8000), Answer).serve_forever()
"#;

const NAMES: [&str; 4] = ["in-env", "in-text", "in-url", "in-file"];

/// Values that no text holds by chance, with characters that URLs and JSON escape, in the forms they may take.
struct Canaries {
    options: Vec<String>,
    forms: Vec<String>,
}

fn canaries(cli: &Cli) -> Canaries {
    let mut canaries = Canaries { options: Vec::new(), forms: Vec::new() };
    for name in NAMES {
        let core = format!("canary{}{}", std::process::id(), name.replace('-', ""));
        let value = format!("{core}@/\"é$x");
        let file = cli.file(&format!("given/{name}"), &value);
        canaries.options.extend(["--secret".to_owned(), format!("{name}=@{}", file.display())]);
        canaries.forms.push(core);
    }
    canaries
}

#[track_caller]
fn clean(what: &str, bytes: &[u8], canaries: &Canaries) {
    for form in &canaries.forms {
        let found = bytes.windows(form.len()).any(|window| window == form.as_bytes());
        assert!(!found, "{what} holds the secret {form}");
    }
}

#[track_caller]
fn said(what: &str, done: &Done, canaries: &Canaries) {
    clean(&format!("stdout of {what}"), done.stdout.as_bytes(), canaries);
    clean(&format!("stderr of {what}"), done.stderr.as_bytes(), canaries);
}

/// Every file below a folder, but those that the secrets were given in.
fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("given") {
            files(&path, found);
        } else if path.is_file() {
            found.push(path);
        }
    }
}

#[test]
fn no_secret_reaches_a_file_a_log_or_a_document() {
    let cli = Cli::new();
    let name = cli.name("canary");
    let file = cli.file("prodmirror.yaml", &profile(&name)).display().to_string();
    let canaries = canaries(&cli);
    let given: Vec<&str> = canaries.options.iter().map(String::as_str).collect();
    let out = cli.home.path().join("out").display().to_string();

    let with = |words: &[&str]| {
        let mut arguments = words.to_vec();
        arguments.extend(&given);
        cli.run(&arguments)
    };
    let up = with(&["up", "-f", &file, "--format", "json", "-vv"]).ok();
    said("up", &up, &canaries);
    let env = cli.run(&["exec", &name, "web", "--", "printenv", "TEXT"]).ok().stdout;
    assert!(env.contains(&canaries.forms[1]), "the service itself has it: {env}");

    let changed = profile(&name).replace("PLAIN: ", "OTHER: ");
    let changed = cli.file("changed.yaml", &changed).display().to_string();
    let page = cli.home.path().join("page.html").display().to_string();
    for (words, code) in [
        (vec!["plan", "-f", &file], 0),
        (vec!["render", "-f", &file, "-o", &out], 0),
        (vec!["status", &name], 0),
        (vec!["ledger", &name, "--all"], 0),
        (vec!["diff", &file, &changed], 1),
        (vec!["diff", &file, &changed, "--html", &page], 1),
        (vec!["check", &file], 0),
        (vec!["logs", &name], 0),
        (vec!["restart", &name, "web"], 0),
    ] {
        for format in [&[][..], &["--format", "json"]] {
            let words = [&words[..], format].concat();
            said(&words.join(" "), &cli.run(&words).code(code), &canaries);
        }
    }
    let masked: Done = cli.command(&["endpoints", &name]).env("CI", "true").output().unwrap().into();
    said("endpoints under CI", &masked.ok(), &canaries);

    let keeper = format!("pm-{name}-pm.keeper-1");
    for folder in ["/journal", "/control"] {
        let from = format!("{keeper}:{folder}");
        let read = std::process::Command::new("docker").args(["cp", &from, "-"]).output().unwrap();
        assert!(read.status.success() && read.stdout.len() > 1000, "{folder} was read");
        clean(folder, &read.stdout, &canaries);
    }
    clean("the keeper's log", docker(&["logs", &keeper]).as_bytes(), &canaries);

    // A failure leaves artefacts behind.
    let set = "services.web.probes.readiness.http.path=/missing";
    let failed = with(&["up", "-f", &file, "--set", set, "--timeout", "5s", "--format", "json"]).code(5);
    said("a failed up", &failed, &canaries);
    assert!(failed.json()["artifacts"].is_string());
    cli.run(&["down", &name]).ok();

    // A service that tells its secrets itself, in its log and in the answer to its probe, and a `run` of it.
    let telling = profile(&name)
        .replace("    needs: [db]\n", "")
        .replace("-m, http.server", "-c, SERVER")
        .replace("-c, SERVER, \"8000\"", &format!("-c, {}", serde_json::to_string(TELLING).unwrap()));
    let telling = cli.file("telling.yaml", &telling).display().to_string();
    let kept = cli.home.path().join("kept");
    let path = |name: &str| cli.home.path().join(name).display().to_string();
    let (error, info) = (path("error.json"), path("info.json"));
    let run = |options: &[&str], program: &str| -> Done {
        let words =
            [&["run", "-f", &telling, "--error-file", &error, "--info", &info], options, &given].concat();
        let mut command = cli.command(&[&words[..], &["--", program]].concat());
        command.env("PRODMIRROR_ARTIFACTS", &kept).output().unwrap().into()
    };
    said("a run", &run(&[], "true").code(0), &canaries);
    let failed = run(&["--set", set, "--timeout", "8s"], "true").code(125);
    said("a failed run", &failed, &canaries);
    for file in [&info, &error] {
        assert!(Path::new(file).is_file(), "{file} was written");
    }
    let mut artifacts = Vec::new();
    files(&kept, &mut artifacts);
    let logs = artifacts.iter().filter(|path| path.extension().is_some_and(|end| end == "log"));
    let told: String = logs.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    assert!(told.contains("I tell [redacted]"), "{told}");

    let mut found = Vec::new();
    files(cli.home.path(), &mut found);
    assert!(found.iter().any(|path| path.ends_with("compose.yaml")), "{found:?}");
    for path in found {
        clean(&path.display().to_string(), &std::fs::read(&path).unwrap(), &canaries);
    }
}
