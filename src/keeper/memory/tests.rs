use super::*;

fn told(events: Vec<(u64, Event)>) -> Memory {
    let mut memory = Memory::default();
    for (second, event) in events {
        let at = jiff::Timestamp::from_second(i64::try_from(second).unwrap()).unwrap().to_string();
        memory.apply(&Line { at, event });
    }
    memory
}

#[test]
fn restarts_and_their_back_off_survive_the_keeper() {
    let restarted = |count| Event::ContainerRestarted {
        service: "api".to_owned(),
        ordinal: 0,
        container: "main".to_owned(),
        role: crate::formats::duties::Role::Main,
        count,
        wait_millis: 0,
        why: String::new(),
    };
    let memory = told(vec![(100, restarted(1)), (115, restarted(2))]);
    let recall = memory.recall("api", 0, "main");
    assert_eq!(recall.restarts, 2);
    assert_eq!(recall.back_off.wait(120_000), 20_000);
    assert_eq!(memory.recall("api", 1, "main"), Recall::default());
}

#[test]
fn a_back_off_is_counted_to_the_end_of_the_container_and_not_to_its_restart() {
    let restarted = |count| Event::ContainerRestarted {
        service: "api".to_owned(),
        ordinal: 0,
        container: "main".to_owned(),
        role: crate::formats::duties::Role::Main,
        count,
        wait_millis: 0,
        why: String::new(),
    };
    let exited = |second: i64| Event::ContainerExited {
        service: "api".to_owned(),
        ordinal: 0,
        container: "main".to_owned(),
        role: crate::formats::duties::Role::Main,
        code: 1,
        oom_killed: false,
        id: "c".to_owned(),
        finished: jiff::Timestamp::from_second(second).unwrap().to_string(),
    };
    // Lived just under ten minutes, and was restarted after more: not forgiven.
    let short = told(vec![(100, exited(100)), (100, restarted(1)), (690, exited(690)), (710, restarted(2))]);
    assert_eq!(short.recall("api", 0, "main").back_off.wait(710_000), 20_000);
    // Lived longer: what was before is stale.
    let long = told(vec![
        (100, exited(100)),
        (100, restarted(1)),
        (110, exited(110)),
        (120, restarted(2)),
        (721, exited(721)),
        (721, restarted(3)),
    ]);
    assert_eq!(long.recall("api", 0, "main").back_off.wait(730_000), 10_000);
}

#[test]
fn a_verdict_belongs_to_the_life_in_which_it_was_found() {
    let passed = Event::Probe {
        service: "api".to_owned(),
        ordinal: 0,
        container: "main".to_owned(),
        probe: ProbeKind::Readiness,
        passed: true,
        answer: String::new(),
    };
    let recall = told(vec![(50, passed)]).recall("api", 0, "main");
    assert_eq!(recall.verdict(ProbeKind::Readiness, 40_000), Some(true));
    assert_eq!(recall.verdict(ProbeKind::Readiness, 60_000), None);
    assert_eq!(recall.verdict(ProbeKind::Liveness, 40_000), None);
}
