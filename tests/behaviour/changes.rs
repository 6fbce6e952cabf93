//! What is there before and after a mirror is changed, stopped and started.

use crate::ground::{Ground, until};

/// Which lines the starts of `holder` left in its claim, in its own volume and in its container.
fn starts(ground: &Ground) -> [Vec<String>; 3] {
    ["/kept", "/scratch", ""].map(|place| {
        let line = format!("cat {place}/starts");
        ground.sh("holder", 0, &line).lines().map(str::to_owned).collect()
    })
}

/// A start that is asked for has begun when the command ends, and may not be over.
fn running(ground: &Ground, service: &str) {
    until("it runs again", || (ground.exec(service, 0, &["true"]).0 == 0).then_some(()));
}

/// When the first process of a container began, in ticks since the machine did.
fn begun(ground: &Ground, service: &str) -> String {
    ground.sh(service, 0, "cut -d ' ' -f 22 /proc/1/stat")
}

fn content(service: &str, path: &str, content: &str) -> String {
    format!("services.{service}.files[\"{path}\"].content={content}")
}

fn nanoseconds(ground: &Ground, service: &str, file: &str) -> u64 {
    ground.sh(service, 0, &format!("cat /kept/{file}")).parse().unwrap()
}

fn begun_once() -> Vec<String> {
    vec!["begun".to_owned()]
}

/// What a claim holds after a replica was made anew: init containers ran again.
fn and_anew(mut before: Vec<String>) -> Vec<String> {
    before.extend(["prepared".to_owned(), "begun".to_owned()]);
    before
}

pub fn a_replica_in_the_place_of_another_has_the_claim_and_nothing_else(ground: &Ground) {
    let _turn = ground.turn();
    let [before, ..] = starts(ground);
    ground.up(&["--set", "services.holder.env.NEW=1"]).ok();
    assert_eq!(starts(ground), [and_anew(before), begun_once(), begun_once()]);
}

pub fn a_restart_that_is_asked_for_keeps_the_claim_and_nothing_in_the_container(ground: &Ground) {
    let _turn = ground.turn();
    let [before, ..] = starts(ground);
    ground.run("restart", &["holder"]).ok();
    running(ground, "holder");
    let [after, _, own] = starts(ground);
    assert!(after.len() > before.len() && after.starts_with(&before), "{before:?} {after:?}");
    assert_eq!(own, begun_once());
}

pub fn a_restart_that_is_asked_for_is_a_new_replica(ground: &Ground) {
    let _turn = ground.turn();
    let [before, ..] = starts(ground);
    ground.run("restart", &["holder"]).ok();
    running(ground, "holder");
    assert_eq!(starts(ground), [and_anew(before), begun_once(), begun_once()]);
}

pub fn a_changed_file_of_a_folder_is_seen_by_who_runs(ground: &Ground) {
    let _turn = ground.turn();
    let before = begun(ground, "reader");
    ground.up(&["--set", &content("reader", "/etc/reader/settings.ini", "two")]).ok();
    until("it reads the new one", || {
        (ground.sh("reader", 0, "cat /etc/reader/settings.ini") == "two").then_some(())
    });
    assert_eq!(begun(ground, "reader"), before, "it began anew");
}

pub fn a_changed_file_that_is_mounted_alone_is_seen_after_a_start(ground: &Ground) {
    let _turn = ground.turn();
    let before = begun(ground, "single");
    ground.up(&["--set", &content("single", "/etc/single.ini", "two")]).ok();
    assert_eq!(ground.sh("single", 0, "cat /etc/single.ini"), "two");
    assert_ne!(begun(ground, "single"), before, "it runs on");
}

pub fn who_needs_another_stops_before_it_and_each_has_its_grace(ground: &Ground) {
    let _turn = ground.turn();
    ground.run("stop", &[]).ok();
    ground.run("start", &[]).ok();
    for service in ["front", "back", "stubborn"] {
        running(ground, service);
    }
    let (ended, told) = (nanoseconds(ground, "front", "ended"), nanoseconds(ground, "back", "told"));
    assert!(ended <= told, "front ended at {ended}, back was told at {told}");
    let lived = nanoseconds(ground, "stubborn", "lasted") - nanoseconds(ground, "stubborn", "told");
    assert!(lived > 2_000_000_000, "of 3 s it was left {lived} ns");
}
