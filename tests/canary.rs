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

    for words in [
        vec!["plan", "-f", &file, "--format", "json"],
        vec!["plan", "-f", &file],
        vec!["render", "-f", &file, "-o", &out],
        vec!["status", &name, "--format", "json"],
        vec!["ledger", &name, "--format", "json"],
        vec!["ledger", &name, "--all"],
        vec!["logs", &name],
    ] {
        said(&words.join(" "), &cli.run(&words), &canaries);
    }
    let masked: Done = cli.command(&["endpoints", &name]).env("CI", "true").output().unwrap().into();
    said("endpoints under CI", &masked.ok(), &canaries);

    let keeper = format!("pm-{name}-pm.keeper-1");
    let journal = std::process::Command::new("docker")
        .args(["cp", &format!("{keeper}:/journal"), "-"])
        .output()
        .unwrap();
    assert!(journal.status.success() && journal.stdout.len() > 1000, "the journal was read");
    clean("the journal", &journal.stdout, &canaries);
    clean("the keeper's log", docker(&["logs", &keeper]).as_bytes(), &canaries);

    // A failure leaves artefacts behind.
    let set = "services.web.probes.readiness.http.path=/missing";
    let failed = with(&["up", "-f", &file, "--set", set, "--timeout", "5s", "--format", "json"]).code(5);
    said("a failed up", &failed, &canaries);
    assert!(failed.json()["artifacts"].is_string());

    let mut found = Vec::new();
    files(cli.home.path(), &mut found);
    assert!(found.iter().any(|path| path.ends_with("compose.yaml")), "{found:?}");
    for path in found {
        clean(&path.display().to_string(), &std::fs::read(&path).unwrap(), &canaries);
    }
}
