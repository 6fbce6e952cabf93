//! The end that a mirror comes to by itself.

use crate::{
    cli::{Cli, left_of},
    file,
    profiles::profile,
    until,
};

const NEVER_READY: &str = "services.web.probes.readiness.http.path=/missing";

#[test]
fn past_its_time_to_live_a_mirror_removes_itself_whole() {
    let cli = Cli::new();
    let name = cli.name("ttl");
    let file = file(&cli, &profile(&name).web("volumes: {/data: {empty: {}}}\n"));
    let up = cli.run(&["up", "-f", &file, "--ttl", "1h", "--format", "json"]).ok().json();
    let first: jiff::Timestamp = up["expires"].as_str().unwrap().parse().unwrap();
    cli.run(&["gc"]).ok();
    assert!(!left_of(&name).is_empty(), "its time is not over");

    // A mirror that is up takes another time without a change.
    let up = cli.run(&["up", "-f", &file, "--ttl", "5s", "--format", "json"]).ok().json();
    let second: jiff::Timestamp = up["expires"].as_str().unwrap().parse().unwrap();
    assert!(second < first, "{up:#}");
    until("a mirror past its time goes by itself", || left_of(&name).is_empty());
}

#[test]
fn a_failed_mirror_is_kept_as_long_as_was_said() {
    let cli = Cli::new();
    let name = cli.name("keep");
    let file = file(&cli, &profile(&name).web(""));
    let up = |keep: &str| {
        let words = ["up", "-f", &file, "--set", NEVER_READY, "--timeout", "3s", "--keep", keep];
        cli.run(&[&words[..], &["--format", "json"]].concat()).code(5).json()
    };
    let error = up("never");
    assert!(error["kept"].is_null(), "{error:#}");
    assert_eq!(left_of(&name), [""; 0]);
    let artifacts = std::path::Path::new(error["artifacts"].as_str().unwrap());
    assert!(artifacts.read_dir().unwrap().next().is_some(), "what was found stays");

    let error = up("forever");
    assert_eq!(error["kept"], "forever");
    let hint = error["hint"].as_str().unwrap();
    for line in [format!("logs {name} web"), format!("exec {name} web --fresh"), format!("down {name}")] {
        assert!(hint.contains(&line), "{hint}");
    }
    cli.run(&["gc"]).ok();
    assert!(!left_of(&name).is_empty());
    // By age it goes whatever its state; a dry run only says so.
    for (age, goes) in [("1h", false), ("1s", true)] {
        let dry = cli.run(&["gc", "--older-than", age, "--dry-run", "--format", "json"]).ok().json();
        assert_eq!(dry["containers"].to_string().contains(&name), goes, "{age}: {dry:#}");
    }
    assert!(!left_of(&name).is_empty());

    let error = up("4s");
    assert!(error["kept"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{error:#}");
    until("a failed mirror goes by itself", || left_of(&name).is_empty());
}

#[test]
fn what_cannot_remove_itself_is_taken_by_gc_when_its_time_is_over() {
    let cli = Cli::new();
    let name = cli.name("expired");
    let file = file(&cli, &profile(&name).web(""));
    cli.run(&["up", "-f", &file, "--no-docker-socket", "--ttl", "15s"]).ok();
    let dry = || cli.run(&["gc", "--dry-run", "--format", "json"]).ok().json();
    until("its time is over", || !dry()["containers"].as_array().unwrap().is_empty());
    assert!(!left_of(&name).is_empty(), "a dry run removes nothing");
    let stranger = Cli::new();
    stranger.run(&["gc"]).ok();
    assert!(!left_of(&name).is_empty(), "other owners' mirrors are left alone");
    let removed = cli.run(&["gc", "--format", "json"]).ok().json();
    assert!(removed["containers"].to_string().contains(&name), "{removed:#}");
    assert_eq!(left_of(&name), [""; 0]);
}
