//! Any process may die at any instant: the next command cleans up or goes on.
//!
//! Short by default; with `PRODMIRROR_SOAK=1` each case runs many times more.

#![allow(clippy::unwrap_used)]

#[path = "support/cli.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod cli;
#[path = "support/profiles.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod profiles;

use std::{
    io::BufRead as _,
    time::{Duration, Instant},
};

use cli::{Cli, docker, left_of};

/// One service, one store: quick, and every step of a launch is in it.
fn profile(name: &str) -> String {
    let secrets = r#"secrets: {db-password: {generate: "hex:12"}}"#;
    let web = "env: {DATABASE_URL: \"${store:db.url}\"}\nneeds: [db]";
    profiles::profile(name).with(secrets).web(web).db("seed: ./seed.sql").text()
}

struct Case {
    cli: Cli,
    name: String,
    file: String,
}

impl Case {
    /// The rows that the seed brought.
    fn count(&self) -> String {
        let query = "select count(*) from note";
        let psql = ["exec", &self.name, "db", "--", "psql", "-U", "app", "-d", "notes", "-Atc", query];
        self.cli.run(&psql).ok().stdout
    }
}

fn case(stem: &str) -> Case {
    let cli = Cli::new();
    let name = cli.name(stem);
    cli.file("seed.sql", "create table note (id int);\ninsert into note values (1);\n");
    let file = cli.file("prodmirror.yaml", &profile(&name)).display().to_string();
    Case { cli, name, file }
}

/// How often: the short form, or the long one.
fn rounds(short: usize, long: usize) -> usize {
    if std::env::var("PRODMIRROR_SOAK").is_ok_and(|soak| soak == "1") { long } else { short }
}

/// Instants spread over a launch, another set in each run of the tests, and said, so that a failure can be repeated.
fn instants(count: usize, within: Duration) -> Vec<Duration> {
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos();
    let mut state = u64::from(seed) | 1;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            Duration::from_micros((state >> 33) % within.as_micros() as u64)
        })
        .collect()
}

/// Starts a command, kills it with SIGKILL after the time, and waits for its end.
fn killed(case: &Case, arguments: &[&str], after: Duration) {
    let mut child = case.cli.spawn(arguments);
    std::thread::sleep(after);
    let _ = child.kill();
    child.wait().unwrap();
}

/// `gc` until nothing is left, for at most 20 s.
fn collected(case: &Case, instant: Duration) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let done = case.cli.run(&["gc"]);
        let left = left_of(&case.name);
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "killed after {instant:?}: gc leaves {left:?}\n{done}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn after_a_kill_in_up_gc_leaves_nothing_and_a_new_up_works() {
    let case = case("killup");
    for instant in instants(rounds(3, 50), Duration::from_secs(6)) {
        killed(&case, &["up", "-f", &case.file], instant);
        let status = case.cli.run(&["status", &case.name, "--format", "json"]);
        // A launch that was done before the kill is no cut-off one.
        if status.code == 0 && status.json()["mirrors"][0]["ready"] == true {
            case.cli.run(&["down", &case.name]).ok();
        }
        collected(&case, instant);
    }
    case.cli.run(&["up", "-f", &case.file]).ok();
}

/// The same profile with another value for the store and for the service, so that an `up` has much to do.
fn changed(case: &Case) {
    let text = std::fs::read_to_string(&case.file).unwrap();
    let db = text.replacen("seed: ./seed.sql", "seed: ./seed.sql\n    settings: {max_connections: 33}", 1);
    let both = db.replacen("env: {", "env: {CHANGED: \"yes\", ", 1);
    assert_ne!(db, text);
    assert_ne!(both, db);
    std::fs::write(&case.file, both).unwrap();
}

fn add_a_row(case: &Case) {
    let sql = "insert into note values (2)";
    case.cli.run(&["exec", &case.name, "db", "--", "psql", "-U", "app", "-d", "notes", "-c", sql]).ok();
}

/// Kills an `up` so long after it began to change what is there.
fn killed_at_work(case: &Case, after: Duration) {
    let mut child = case.cli.spawn(&["up", "-f", &case.file]);
    let mut said = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("  ") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it ended without a change");
    }
    std::thread::sleep(after);
    let _ = child.kill();
    child.wait().unwrap();
}

#[test]
fn after_a_kill_in_a_second_up_the_next_one_goes_on_with_the_state() {
    for instant in instants(rounds(2, 20), Duration::from_secs(2)) {
        let case = case("killagain");
        case.cli.run(&["up", "-f", &case.file]).ok();
        add_a_row(&case);
        changed(&case);
        killed_at_work(&case, instant);
        case.cli.run(&["up", "-f", &case.file]).ok();
        assert_eq!(case.count().trim(), "2", "killed after {instant:?}");
        let ledger = case.cli.run(&["ledger", &case.name, "--format", "json"]).ok().json();
        assert_eq!(ledger["summary"]["unmet"], 0, "killed after {instant:?}: {ledger:#}");
        case.cli.run(&["down", &case.name]).ok();
        assert_eq!(left_of(&case.name), Vec::<String>::new());
    }
}

#[test]
fn an_interrupted_up_removes_what_it_made_and_leaves_what_was_up() {
    let case = case("interrupt");
    let interrupted = |after: u64| {
        let child = case.cli.spawn(&["up", "-f", &case.file]);
        std::thread::sleep(Duration::from_millis(after));
        let id = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
        child.wait_with_output().unwrap().status.code()
    };
    assert_eq!(interrupted(1500), Some(130));
    assert_eq!(left_of(&case.name), Vec::<String>::new());

    case.cli.run(&["up", "-f", &case.file]).ok();
    add_a_row(&case);
    changed(&case);
    assert_eq!(interrupted(1500), Some(130));
    // The store itself may be between two containers.
    case.cli.run(&["gc"]).ok();
    case.cli.run(&["up", "-f", &case.file]).ok();
    assert_eq!(case.count().trim(), "2");
}

#[test]
fn after_a_kill_in_down_gc_leaves_nothing() {
    let case = case("killdown");
    for instant in instants(rounds(2, 50), Duration::from_secs(2)) {
        case.cli.run(&["up", "-f", &case.file]).ok();
        killed(&case, &["down", &case.name], instant);
        if !left_of(&case.name).is_empty() {
            // Killed before it had begun: the mirror is up, and stays.
            let status = case.cli.run(&["status", &case.name, "--format", "json"]).json();
            if status["mirrors"][0]["ready"] == true {
                case.cli.run(&["down", &case.name]).ok();
            }
        }
        collected(&case, instant);
    }
}

#[test]
fn after_a_kill_in_stop_the_state_is_whole_and_the_next_command_works() {
    let case = case("killstop");
    case.cli.run(&["up", "-f", &case.file]).ok();
    for (round, instant) in instants(rounds(2, 50), Duration::from_secs(2)).into_iter().enumerate() {
        killed(&case, &["stop", &case.name], instant);
        let next = if round % 2 == 0 { "start" } else { "stop" };
        case.cli.run(&[next, &case.name]).ok();
        case.cli.run(&["start", &case.name]).ok();
        case.cli.run(&["up", "-f", &case.file]).ok();
        assert_eq!(case.count(), "1\n", "killed after {instant:?}");
    }
}

#[test]
fn after_a_kill_in_stop_a_down_leaves_nothing() {
    let case = case("killstopdown");
    for instant in instants(rounds(1, 50), Duration::from_secs(2)) {
        case.cli.run(&["up", "-f", &case.file]).ok();
        killed(&case, &["stop", &case.name], instant);
        // The keeper may be stopping still: nobody waits for it here.
        case.cli.run(&["down", &case.name]).ok();
        assert_eq!(left_of(&case.name), [""; 0], "killed after {instant:?}");
    }
}

#[test]
fn after_a_kill_in_down_a_new_up_begins_with_nothing_of_the_old() {
    let case = case("killdownup");
    for instant in instants(rounds(1, 50), Duration::from_secs(2)) {
        case.cli.run(&["up", "-f", &case.file]).ok();
        killed(&case, &["down", &case.name], instant);
        case.cli.run(&["up", "-f", &case.file]).ok();
        assert_eq!(case.count(), "1\n", "killed after {instant:?}");
    }
}

#[test]
fn a_killed_keeper_or_pause_comes_back_and_the_mirror_with_it() {
    let case = case("killhelper");
    case.cli.run(&["up", "-f", &case.file]).ok();
    for key in ["pm.keeper", "web.0", "db.0"] {
        let project = format!("label=com.docker.compose.project=pm-{}", case.name);
        let service = format!("label=com.docker.compose.service={key}");
        let id = docker(&["ps", "-q", "--filter", &project, "--filter", &service]);
        // As a crash would: what is killed through the engine counts as stopped on purpose.
        let pid = docker(&["inspect", "-f", "{{.State.Pid}}", &id]);
        let kill = std::process::Command::new("kill").args(["-KILL", &pid]).status().unwrap();
        assert!(
            kill.success(),
            "{key} could not be killed: the tests of crashes need the rights of the engine"
        );
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let status = case.cli.run(&["status", &case.name, "--format", "json"]);
            if status.code == 0 && status.json()["mirrors"][0]["ready"] == true {
                break;
            }
            assert!(
                Instant::now() < deadline,
                "{key} was killed and the mirror is not ready again: {status}"
            );
            std::thread::sleep(Duration::from_millis(300));
        }
    }
    case.cli.run(&["up", "-f", &case.file]).ok();
}
