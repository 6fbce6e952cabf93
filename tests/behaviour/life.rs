//! How containers begin, end and begin again.

use crate::ground::{Ground, until};

/// The lines that a container of `crew` told of itself.
fn order(ground: &Ground) -> Vec<String> {
    ground.sh("crew", 0, "cat /kept/order").lines().map(str::to_owned).collect()
}

/// Waits until the back end tells of so many restarts, which it may do a moment after the start.
fn counted(ground: &Ground, service: &str, restarts: u64) {
    until("its restarts are counted", || (ground.restarts(service, 0) >= restarts).then_some(()));
    assert_eq!(ground.restarts(service, 0), restarts, "{service}");
}

/// How a container ended last, which a back end may tell a moment after it counts the restart.
fn ended(ground: &Ground, service: &str) -> (i64, bool) {
    until("its end is told", || ground.last_exit(service, 0))
}

pub fn init_containers_run_in_order_before_sidecars_and_main(ground: &Ground) {
    assert_eq!(order(ground)[..4], ["first", "second", "beside", "main begins"]);
}

pub fn a_sidecar_shares_the_network_of_its_main_container(ground: &Ground) {
    let program =
        "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:9000/kept/order').status)";
    assert_eq!(ground.python("crew", 0, program), "200");
}

pub fn a_restart_is_a_new_container_and_init_and_sidecars_stay(ground: &Ground) {
    ground.sh("crew", 0, "touch /kept/go");
    until("main begins again", || {
        let (code, told) = ground.exec("crew", 0, &["cat", "/kept/order"]);
        (code == 0 && told.lines().count() >= 5).then_some(())
    });
    assert_eq!(order(ground)[1..], ["second", "beside", "main begins", "main begins"]);
    counted(ground, "crew", 1);
    assert_eq!(ended(ground, "crew"), (3, false));
}

pub fn what_fails_again_and_again_waits_longer_each_time(ground: &Ground) {
    ground.sh("failing", 0, "touch /kept/go");
    let starts: Vec<u64> = until("its fourth start", || {
        // Between two containers there is nobody to ask.
        let (code, told) = ground.exec("failing", 0, &["cat", "/kept/starts"]);
        let starts: Vec<u64> = told.lines().map_while(|line| line.parse().ok()).collect();
        (code == 0 && starts.len() == 4).then_some(starts)
    });
    assert!(starts[2] - starts[1] >= 9 && starts[3] - starts[2] >= 19, "{starts:?}");
    counted(ground, "failing", 3);
}

pub fn what_is_not_alive_is_asked_and_told_to_stop_and_begins_again(ground: &Ground) {
    ground.sh("stuck", 0, "touch /kept/stuck");
    counted(ground, "stuck", 1);
    until("it answers", || (ground.exec("stuck", 0, &["true"]).0 == 0).then_some(()));
    assert_eq!(ground.sh("stuck", 0, "cat /kept/end"), "asked\ntold");
    assert_eq!(ended(ground, "stuck"), (0, false));
}

pub fn what_does_not_listen_is_killed_after_its_grace(ground: &Ground) {
    ground.sh("deaf", 0, "touch /kept/stuck");
    counted(ground, "deaf", 1);
    assert_eq!(ended(ground, "deaf"), (137, false));
}

pub fn what_takes_too_much_memory_is_killed_for_it(ground: &Ground) {
    ground.sh("greedy", 0, "touch /kept/go");
    counted(ground, "greedy", 1);
    assert_eq!(ended(ground, "greedy"), (137, true));
}

pub fn while_it_starts_nobody_asks_whether_it_is_alive(ground: &Ground) {
    until("it is up", || (ground.exec("slow", 0, &["test", "-e", "/kept/up"]).0 == 0).then_some(()));
    assert_eq!(ground.restarts("slow", 0), 0);
}

pub fn a_job_runs_once_to_its_end(ground: &Ground) {
    assert_eq!(ground.job("once"), ("done\n".to_owned(), 0));
}

pub fn who_needs_others_begins_when_they_are_ready_and_jobs_have_ended(ground: &Ground) {
    let time = |text: &str| text.trim().parse::<u64>().unwrap();
    let begun = time(&ground.sh("last", 0, "cat /kept/begun"));
    assert!(begun > time(&ground.sh("slow", 0, "cat /kept/up")), "before a service was ready");
    let (log, code) = ground.job("before");
    assert!(code == 0 && begun > time(&log), "before a job had ended with {code}: {log}");
}
