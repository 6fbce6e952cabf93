//! What probes ask, and what is made of their answers.

use std::collections::BTreeSet;

use crate::ground::{Ground, until};

/// What the server of `service` was asked and how it answered, each without its time.
fn asked(ground: &Ground, service: &str) -> Vec<String> {
    let log = ground.sh(service, 0, "cat /kept/asked");
    log.lines().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
}

pub fn so_many_failures_in_a_row_are_too_many(ground: &Ground) {
    ground.sh("counted", 0, "touch /kept/go");
    until("it begins again", || {
        let (code, told) = ground.exec("counted", 0, &["grep", "-c", "begun", "/kept/asked"]);
        (code == 0 && told.trim() == "2").then_some(())
    });
    let all = asked(ground, "counted");
    let asked = |code: u16| format!("/alive?deep=yes is it? kube-probe */* {code}");
    let first = all.iter().position(|line| *line == asked(503)).unwrap_or_else(|| panic!("{all:#?}"));
    let mut wanted: Vec<String> = [503, 404, 399, 400, 500, 503].map(asked).into();
    wanted.push("begun".to_owned());
    assert_eq!(all[first..][..7], wanted);
}

pub fn so_many_successes_in_a_row_make_it_ready(ground: &Ground) {
    let log = ground.sh("earned", 0, "cat /kept/asked");
    let answers: Vec<(u64, &str)> = log
        .lines()
        .skip(1)
        .map(|line| {
            let (at, answer) = line.split_once(' ').unwrap();
            (at.parse().unwrap(), answer.rsplit_once(' ').unwrap().1)
        })
        .collect();
    assert_eq!(
        answers.iter().take(4).map(|(_, code)| *code).collect::<Vec<_>>(),
        ["200", "500", "200", "200"]
    );
    let begun: u64 = ground.sh("last", 0, "cat /kept/begun").parse().unwrap();
    assert!(begun > answers[3].0, "who needs it began {begun}: {log}");
}

pub fn a_service_that_speaks_grpc_is_asked_for_the_one_that_is_meant(ground: &Ground) {
    let is = |state: &str| (ground.status("health", 0)["state"] == state).then_some(());
    until("it is ready", || is("ready"));
    ground.sh("health", 0, "echo another.v1.Service > /kept/serving");
    until("what is meant is not served", || is("unready"));
    ground.sh("health", 0, "echo shop.v1.Shop > /kept/serving");
    until("it is ready again", || is("ready"));
    let log = ground.sh("health", 0, "cat /kept/asked");
    assert_eq!(log.lines().collect::<BTreeSet<_>>(), BTreeSet::from(["shop.v1.Shop"]));
}
