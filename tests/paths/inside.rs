//! `exec` and `logs`, and what every command says of a mirror that is not there.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use crate::{
    cli::{Cli, docker, left_of},
    file, id,
    profiles::profile,
    until,
};

/// Says when it is born and from whom it comes; dies when it is told to, and leaves its last word.
const MORTAL: &str =
    "echo born $HOSTNAME; while [ ! -e /tmp/die ]; do sleep 0.1; done; echo dying >&2; exit 3";

#[test]
fn every_command_that_is_given_a_name_says_that_its_mirror_is_not_there() {
    let cli = Cli::new();
    let name = cli.name("none");
    let file = file(&cli, &profile(&name).web(""));
    for words in [
        vec!["status", &name],
        vec!["status", &file],
        vec!["endpoints", &name],
        vec!["ledger", &name],
        vec!["logs", &name],
        vec!["logs", &name, "web"],
        vec!["cp", &name, "web:/x", "-"],
        vec!["stop", &name],
        vec!["start", &name, "web"],
        vec!["restart", &name],
        vec!["reset", &name],
        vec!["down", &name],
        vec!["exec", &name, "web", "--", "true"],
    ] {
        let ours = words[0] == "exec";
        let command = words.iter().position(|word| *word == "--").unwrap_or(words.len());
        let (head, tail) = words.split_at(command);
        let done = cli.run(&[head, &["--format", "json"], tail].concat()).code(if ours { 125 } else { 2 });
        let error = done.json();
        assert_eq!(
            (&error["kind"], &error["code"]),
            (&"Error".into(), &"no-mirror".into()),
            "{words:?}: {error:#}"
        );
        assert!(error["message"].as_str().unwrap().contains(&name) && error["hint"].is_string(), "{error:#}");
    }
    assert_eq!(cli.run(&["status", "--format", "json"]).ok().json()["kind"], "Mirrors");
}

#[test]
fn commands_run_inside_with_the_terminals_own_size_and_logs_go_on_with_whoever_comes() {
    let cli = Cli::new();
    let name = cli.name("inside");
    let file =
        file(&cli, &profile(&name).shell("mortal", MORTAL, "").shell("other", "echo other; sleep 600", ""));
    cli.run(&["up", "-f", &file]).ok();
    exec(&cli, &name);
    logs(&cli, &name);
}

fn exec(cli: &Cli, name: &str) {
    let run = |words: &[&str]| cli.run(&[&["exec", name, "mortal"], words].concat());
    // Codes, and who gave them.
    run(&["--", "sh", "-c", "exit 7"]).code(7);
    for (command, code) in [("/no/such", 127), ("/etc/passwd", 126), ("/etc", 126)] {
        for fresh in [&[][..], &["--fresh"]] {
            let done = run(&[fresh, &["--", command]].concat()).code(code);
            assert!(done.stderr.contains(command), "{done}");
        }
    }
    run(&["--container", "none", "--", "true"]).code(125);
    let fed = |options: &[&str], input: &[u8]| {
        let words =
            [&["exec", name, "mortal"], options, &["--", "sh", "-c", "test -t 0 && echo tty; cat"]].concat();
        cli.fed(&words, input).ok().stdout
    };
    assert_eq!(fed(&["-i"], b"in"), "in");
    assert_eq!(fed(&[], b"in"), "", "nothing is passed on that was not asked for");
    assert_eq!(fed(&["-i", "-T"], b"in"), "in");

    // A terminal has its size from the first look on, in a fresh container as well.
    for fresh in [&[][..], &["--fresh"]] {
        let words = [&["exec", name, "mortal", "-t"], fresh, &["--", "stty", "size"]].concat();
        let done = cli.on_terminal(&words, b"").ok();
        assert!(done.stdout.contains("30 100"), "{done}");
    }
    // It is a terminal without being asked where ours is one, and not with -T.
    let shown = |option: &[&str]| {
        let words =
            [&["exec", name, "mortal"], option, &["--", "sh", "-c", "test -t 1 && echo tty || echo none"]];
        cli.on_terminal(&words.concat(), b"").ok().stdout
    };
    assert!(shown(&[]).contains("tty") && shown(&["-T"]).contains("none"));
    // And it follows.
    let words = [
        "exec",
        name,
        "mortal",
        "-t",
        "--",
        "sh",
        "-c",
        "trap 'stty size; exit 5' WINCH; echo up; while :; do sleep 0.1; done",
    ];
    let resize = "stty cols 100 rows 30; (sleep 2; stty cols 77 rows 11 < /dev/tty; kill -WINCH $$) & exec";
    let done = cli.on_terminal_after(resize, &words, b"").code(5);
    assert!(done.stdout.contains("11 77"), "{done}");

    // A fresh one is not the replica: it has its own process, and leaves nothing.
    let before = left_of(name);
    let fresh = run(&["--fresh", "--", "sh", "-c", "cat /proc/1/cmdline | tr '\\0' ' '"]).ok();
    assert!(fresh.stdout.starts_with("sh -c cat /proc/1"), "{fresh}");
    assert_eq!(left_of(name), before);
}

fn logs(cli: &Cli, name: &str) {
    let text = |words: &[&str]| cli.run(&[&["logs", name], words].concat()).ok().stdout;
    assert!(text(&["--since", "2040-01-01T00:00:00Z"]).is_empty(), "nothing was said in that time");
    assert!(text(&["--since", "1s", "other"]).is_empty());
    assert_eq!(text(&["--since", "10m", "other"]), "other/0 | other\n");
    assert_eq!(text(&["--since", "1970-01-01T00:00:00Z", "other"]), "other/0 | other\n");
    assert_eq!(cli.run(&["logs", name, "--since", "yesterday"]).code, 2);
    let missing = cli.run(&["logs", name, "other", "--container", "none", "--format", "json"]).code(2).json();
    assert!(missing["message"].as_str().unwrap().contains("container `none` of other"), "{missing:#}");
    assert_eq!(cli.run(&["logs", name, "-f", "--previous"]).code, 2);

    let words = ["logs", name, "-f", "--format", "json"];
    let mut following = cli.command(&words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    let mut until_line = |service: &str, line: &str| {
        for text in lines.by_ref() {
            let said: serde_json::Value = serde_json::from_str(&text.unwrap()).unwrap();
            for key in ["at", "service", "ordinal", "container", "stream", "line"] {
                assert!(!said[key].is_null(), "{key}: {said}");
            }
            if said["service"] == service && said["line"].as_str().unwrap().starts_with(line) {
                return said;
            }
        }
        panic!("it ended before {service} said {line}");
    };
    until_line("mortal", "born");
    let first = id(name, "mortal.0.main");
    docker(&["exec", &first, "touch", "/tmp/die"]);
    assert_eq!(until_line("mortal", "dying")["stream"], "stderr");
    // Another container in its place, by the keeper.
    until_line("mortal", "born");
    assert_ne!(id(name, "mortal.0.main"), first);
    // The same one, started again; what it said before is not said again.
    cli.run(&["restart", name, "other"]).ok();
    until_line("other", "other");

    let last = text(&["mortal", "--previous", "--tail", "1", "--timestamps"]);
    let (at, said) = last.trim_end().split_once(' ').unwrap();
    assert!(at.parse::<jiff::Timestamp>().is_ok() && said == "mortal/0 | dying", "{last}");
    assert!(text(&["mortal", "--previous", "--since", "2040-01-01T00:00:00Z"]).is_empty());

    // A reader that goes away ends it, and so does the end of the mirror.
    let program = env!("CARGO_BIN_EXE_prodmirror");
    let line = format!("{program} logs {name} -f | head -1");
    let mut piped = Command::new("bash").args(["-c", &line]).stdout(Stdio::piped()).spawn().unwrap();
    let mut one = String::new();
    // No further: the shell holds the other end until both are done.
    BufReader::new(piped.stdout.take().unwrap()).read_line(&mut one).unwrap();
    assert!(one.ends_with('\n'), "{one}");
    docker(&["exec", &id(name, "mortal.0.main"), "touch", "/tmp/die"]);
    until("the one whose reader went away ends", || piped.try_wait().unwrap().is_some());
    cli.run(&["down", name]).ok();
    until("it ends with the mirror", || following.try_wait().unwrap().is_some());
    assert!(following.wait().unwrap().success());
}
