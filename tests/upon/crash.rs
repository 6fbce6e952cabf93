//! The program may be killed at any instant: what comes next goes on or cleans up.
//!
//! Short by default; with `PRODMIRROR_SOAK=1` each case runs many times more.

use std::time::{Duration, Instant};

use crate::{
    ground::{User, ground},
    profiles::Profile,
};

/// One service, one store: quick, and every step of a launch is in it.
fn pair(profile: Profile) -> Profile {
    let secrets = r#"secrets: {db-password: {generate: "hex:12"}}"#;
    profile.with(secrets).web("env: {DATABASE_URL: \"${store:db.url}\"}\nneeds: [db]").db("seed: ./seed.sql")
}

fn user(stem: &str) -> User {
    let user = User::new(stem, pair);
    user.cli.file("seed.sql", "create table note (id int);\ninsert into note values (1);\n");
    user
}

/// How often: the short form, or the long one.
fn rounds(short: usize, long: usize) -> usize {
    if std::env::var("PRODMIRROR_SOAK").is_ok_and(|soak| soak == "1") { long } else { short }
}

/// Instants spread over a launch, another set in each run of the tests, and said by each failure.
fn instants(count: usize, within: Duration) -> Vec<Duration> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let mut state = u64::from(now.subsec_nanos()) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_micros((state >> 33) % within.as_micros() as u64)
    };
    (0..count).map(|_| next()).collect()
}

fn killed(it: &User, words: &[&str], after: Duration) {
    let mut child = it.cli.spawn(words);
    std::thread::sleep(after);
    let _ = child.kill();
    child.wait().unwrap();
}

fn is_up(it: &User) -> bool {
    let status = it.run("status", &["--format", "json"]);
    status.code == 0 && status.json()["mirrors"][0]["ready"] == true
}

/// `gc` until nothing is left. A namespace without a record is given ten seconds.
fn collected(it: &User, instant: Duration) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while ground().has(&it.name) {
        let done = it.cli.run(&["gc"]);
        assert!(Instant::now() < deadline, "killed after {instant:?}: {done}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn after_a_kill_in_up_gc_leaves_nothing_and_a_new_up_works() {
    let it = user("killup");
    for instant in instants(rounds(2, 20), Duration::from_secs(10)) {
        killed(&it, &["up", "-f", &it.file], instant);
        // A launch that was done before the kill is no cut-off one.
        if is_up(&it) {
            it.run("down", &[]).ok();
        }
        collected(&it, instant);
    }
    for instant in instants(rounds(1, 20), Duration::from_secs(10)) {
        killed(&it, &["up", "-f", &it.file], instant);
        it.up(&[]).ok();
        assert_eq!(it.sql("select count(*) from note"), "1", "killed after {instant:?}");
        let ledger = it.run("ledger", &["--format", "json"]).ok().json();
        assert_eq!(ledger["summary"]["unmet"], 0, "killed after {instant:?}: {ledger:#}");
        it.run("down", &[]).ok();
    }
}

#[test]
fn after_a_kill_in_stop_or_down_the_next_command_works() {
    let it = user("killdown");
    for instant in instants(rounds(1, 20), Duration::from_secs(4)) {
        it.up(&[]).ok();
        killed(&it, &["stop", &it.name], instant);
        it.run("start", &[]).ok();
        it.up(&[]).ok();
        assert_eq!(it.sql("select count(*) from note"), "1", "killed after {instant:?}");
        killed(&it, &["down", &it.name], instant);
        if is_up(&it) {
            it.run("down", &[]).ok();
        }
        collected(&it, instant);
    }
    for instant in instants(rounds(1, 20), Duration::from_secs(4)) {
        it.up(&[]).ok();
        killed(&it, &["down", &it.name], instant);
        it.up(&[]).ok();
        assert_eq!(it.sql("select count(*) from note"), "1", "killed after {instant:?}");
    }
}
