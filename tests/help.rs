//! The command line's own shape: every command explains itself, with an example.

#![allow(clippy::unwrap_used)]

#[path = "support/cli.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod cli;

use std::process::Command;

fn help(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_prodmirror")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_command_has_help_with_an_example() {
    let all = help(&["--help"]);
    let commands =
        all.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let mut seen = 0;
    // A description may go on in the next line, further in.
    for line in commands.filter(|line| !line.starts_with("   ")) {
        let name = line.split_whitespace().next().unwrap();
        if name == "help" {
            continue;
        }
        let text = help(&[name, "--help"]);
        assert!(text.contains("Example"), "{name} --help shows no example:\n{text}");
        seen += 1;
    }
    assert!(seen >= 24, "{seen} commands");
}

#[test]
fn what_is_not_in_this_version_says_so_with_code_2() {
    for command in ["replay", "snapshot", "egress"] {
        let output = Command::new(env!("CARGO_BIN_EXE_prodmirror"))
            .args([command, "--any", "thing"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{command}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("not in this version"), "{command}");
    }
}

#[test]
fn options_of_later_versions_say_so_with_code_2() {
    let profile = cli::root().join("profiles/minimal.yaml").display().to_string();
    for (command, option, value) in [("up", "--scenario", "x"), ("plan", "--scenario", "x")] {
        let arguments = [command, &profile, option, value];
        let output = Command::new(env!("CARGO_BIN_EXE_prodmirror")).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("not in this version"), "{arguments:?}");
    }
}

#[test]
fn a_cluster_must_be_named_and_only_where_one_is_meant() {
    let profile = cli::root().join("profiles/minimal.yaml").display().to_string();
    for (arguments, words) in [
        (&["--backend", "kubernetes"][..], "needs --context: the current context is never used"),
        (&["--backend", "kind", "--context", "x"], "--context names an existing cluster"),
        (&["--context", "x"], "--context names an existing cluster"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_prodmirror"))
            .args(["up", &profile])
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(words), "{arguments:?}");
    }
}

#[test]
fn a_usage_error_is_a_document_when_asked_for_one() {
    let output = Command::new(env!("CARGO_BIN_EXE_prodmirror"))
        .args(["up", "--no-such", "--format", "json"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["kind"], "Error");
    assert_eq!(document["exit"], 2);
}

#[test]
fn a_cluster_is_planned_and_rendered_for_without_an_engine_or_a_cluster() {
    let profile = cli::root().join("profiles/shop.yaml").display().to_string();
    let folder = tempfile::tempdir().unwrap();
    let without_anything = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_prodmirror"))
            .args(arguments)
            .env_clear()
            .envs([("DOCKER_HOST", "unix:///nowhere"), ("KUBECONFIG", "/nowhere"), ("PATH", "/nowhere")])
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    for backend in ["kind", "kubernetes"] {
        let plan = without_anything(&["plan", &profile, "--backend", backend, "--format", "json"]);
        let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
        assert_eq!((&plan["kind"], &plan["backend"]), (&"Plan".into(), &backend.into()));
        assert!(plan["ledger"].as_array().unwrap().len() >= 60, "{}", plan["ledger"]);
        let out = folder.path().join(backend).display().to_string();
        let listed = without_anything(&["render", &profile, "--backend", backend, "-o", &out]);
        assert!(listed.contains("00-mirror.yaml") && listed.contains("secrets.sh"), "{listed}");
        assert!(folder.path().join(backend).join("Kustomization").is_file());
    }
}
