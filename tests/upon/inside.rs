//! `exec` and `logs`: into what runs, and what it says, now and later.

use std::{
    io::{BufRead as _, BufReader, Lines},
    process::{ChildStdout, Stdio},
};

use serde_json::Value;

use crate::ground::{User, until};

/// Says when it is born and from whom it comes; dies when it is told to, and leaves its last word.
const MORTAL: &str =
    "echo born $HOSTNAME; while [ ! -e /tmp/die ]; do sleep 0.1; done; echo dying >&2; exit 3";

#[test]
fn commands_run_inside_and_logs_go_on_with_whoever_comes() {
    let it = User::new("inside", |profile| {
        profile.shell("mortal", MORTAL, "env: {PLACE: here}").shell("other", "echo other; sleep 600", "")
    });
    it.up(&[]).ok();
    exec(&it);
    fresh(&it);
    logs(&it);
}

fn exec(it: &User) {
    let run = |words: &[&str]| it.run("exec", &[&["mortal"], words].concat());
    run(&["--", "sh", "-c", "exit 7"]).code(7);
    for (command, code) in [("/no/such", 127), ("/etc/passwd", 126), ("/etc", 126)] {
        for fresh in [&[][..], &["--fresh"]] {
            let done = run(&[fresh, &["--", command]].concat()).code(code);
            assert!(done.stderr.contains(command), "{done}");
        }
    }
    run(&["--container", "none", "--", "true"]).code(125);
    it.run("exec", &["mortal/3", "--", "true"]).code(125);
    let fed = |options: &[&str], input: &[u8]| {
        let words =
            [&["exec", &it.name, "mortal"], options, &["--", "sh", "-c", "test -t 0 && echo tty; cat"]];
        it.cli.fed(&words.concat(), input).ok().stdout
    };
    for fresh in [&[][..], &["--fresh"]] {
        assert_eq!(fed(&[fresh, &["-i"]].concat(), b"in\n\nand\n"), "in\n\nand\n");
        assert_eq!(fed(fresh, b"in"), "", "nothing is passed on that was not asked for");
    }
    let large = vec![b'x'; 3 << 20];
    assert_eq!(fed(&["-i", "-T"], &large).len(), large.len());
    for fresh in [&[][..], &["--fresh"]] {
        let words = [&["exec", &it.name, "mortal", "-t"], fresh, &["--", "sh", "-c", "tty; exit 5"]].concat();
        let done = it.cli.on_terminal(&words, b"").code(5);
        assert!(done.stdout.contains("/dev/pts/"), "{done}");
    }
    // A cluster tells the size a moment after the command has begun.
    let size = "while [ \"$(stty size)\" = '0 0' ]; do sleep 0.1; done; stty size";
    let words = ["exec", &it.name, "mortal", "-t", "--", "sh", "-c", size];
    let done = it.cli.on_terminal(&words, b"").ok();
    assert!(done.stdout.contains("30 100"), "{done}");
}

/// A fresh one is not the replica: it has its own process, what the service is given, and leaves nothing.
fn fresh(it: &User) {
    let script = "tr '\\0' ' ' < /proc/1/cmdline; echo $PLACE; echo said >&2; exit 9";
    let done = it.run("exec", &["mortal", "--fresh", "--", "sh", "-c", script]).code(9);
    assert!(done.stdout.starts_with("sh -c tr") && done.stdout.ends_with(" here\n"), "{done}");
    assert_eq!(done.stderr, "said\n");
    let left = || it.kubectl(&["get", "pods", "--selector", "!prodmirror/service", "--output", "name"]);
    assert_eq!(left(), "");

    // Killed, it leaves a pod for `gc`, which does not touch those whose callers live.
    let start =
        || it.cli.spawn(&["exec", &it.name, "other", "--fresh", "--", "sh", "-c", "echo up; sleep 600"]);
    let (mut killed, mut living) = (start(), start());
    for child in [&mut killed, &mut living] {
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "up\n");
    }
    assert_eq!(it.states(), ["mortal/0 ready", "other/0 ready"], "they are no replicas");
    killed.kill().unwrap();
    killed.wait().unwrap();
    let dry = it.cli.run(&["gc", "--dry-run", "--format", "json"]).ok().json();
    let removed = it.cli.run(&["gc", "--format", "json"]).ok().json();
    assert_eq!(removed["objects"].as_array().unwrap().len(), 1, "{removed:#}");
    assert_eq!(dry, removed);
    until("one pod is left", || left().lines().count() == 1);
    living.kill().unwrap();
    living.wait().unwrap();
    it.cli.run(&["gc"]).ok();
    until("none is left", || left().is_empty());
    assert_eq!(it.states(), ["mortal/0 ready", "other/0 ready"]);
}

fn until_line(lines: &mut Lines<BufReader<ChildStdout>>, service: &str, line: &str) -> Value {
    for text in lines.by_ref() {
        let said: Value = serde_json::from_str(&text.unwrap()).unwrap();
        for key in ["at", "service", "ordinal", "container", "stream", "line"] {
            assert!(!said[key].is_null(), "{key}: {said}");
        }
        if said["service"] == service && said["line"].as_str().unwrap().starts_with(line) {
            return said;
        }
    }
    panic!("it ended before {service} said {line}");
}

fn logs(it: &User) {
    let text = |words: &[&str]| it.run("logs", words).ok().stdout;
    assert!(text(&["--since", "2040-01-01T00:00:00Z"]).is_empty(), "nothing was said in that time");
    assert_eq!(text(&["--since", "1970-01-01T00:00:00Z", "other"]), "other/0 | other\n");
    let missing = it.run("logs", &["other", "--container", "none", "--format", "json"]).code(2).json();
    assert!(missing["message"].as_str().unwrap().contains("container `none` of other"), "{missing:#}");

    let words = ["logs", &it.name, "-f", "--format", "json"];
    let mut following = it.cli.command(&words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    until_line(&mut lines, "mortal", "born");
    // The container that comes after it in the same pod, and the pod that comes after that.
    it.run("exec", &["mortal", "--", "touch", "/tmp/die"]).ok();
    until_line(&mut lines, "mortal", "dying");
    until_line(&mut lines, "mortal", "born");
    let before = jiff::Timestamp::now();
    it.run("restart", &["other"]).ok();
    let is_later = |said: &Value| said["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap() > before;
    while !is_later(&until_line(&mut lines, "other", "other")) {}
    let last = text(&["mortal", "--previous", "--tail", "1"]);
    assert_eq!(last, "mortal/0 | dying\n");

    it.run("down", &[]).ok();
    assert!(lines.all(|line| line.is_ok()));
    assert!(following.wait().unwrap().success(), "it ends with the mirror");
}
