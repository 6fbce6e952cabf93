use super::*;

fn told(events: Vec<(u64, Event)>) -> Memory {
    let mut memory = Memory::default();
    for (second, event) in events {
        let at = jiff::Timestamp::from_second(i64::try_from(second).unwrap()).unwrap().to_string();
        memory.apply(&Line { at, event });
    }
    memory
}

fn stop(service: Option<&str>, ordinal: Option<u32>) -> Event {
    Event::Stopped { service: service.map(str::to_owned), ordinal }
}

fn start(service: Option<&str>, ordinal: Option<u32>) -> Event {
    Event::Started { service: service.map(str::to_owned), ordinal }
}

#[test]
fn the_last_order_that_names_a_replica_counts() {
    let memory =
        told(vec![(1, stop(None, None)), (2, start(Some("api"), None)), (3, stop(Some("api"), Some(1)))]);
    assert_eq!(memory.ordered("db", 0), Ordered::Stop);
    assert_eq!(memory.ordered("api", 0), Ordered::Resume(2000));
    assert_eq!(memory.ordered("api", 1), Ordered::Stop);
    assert!(!memory.stopped(), "api runs again");
    let memory = told(vec![(1, stop(Some("api"), Some(1))), (2, start(None, None))]);
    assert_eq!(memory.ordered("api", 1), Ordered::Resume(2000));
    assert!(told(vec![(1, stop(None, None)), (2, stop(Some("api"), None))]).stopped());
    assert!(!told(vec![(1, stop(Some("api"), None))]).stopped());
    assert_eq!(Memory::default().ordered("api", 0), Ordered::Run);
}

#[test]
fn orders_do_not_pile_up() {
    let mut memory = Memory::default();
    for second in 0..100 {
        let at = jiff::Timestamp::from_second(second).unwrap().to_string();
        memory.apply(&Line { at: at.clone(), event: stop(Some("api"), Some(0)) });
        memory.apply(&Line { at, event: start(Some("api"), Some(0)) });
    }
    assert_eq!(memory.orders.len(), 1);
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

#[test]
fn a_store_that_was_cleared_is_not_seeded_and_a_touched_seed_still_is() {
    let seeded = |store: &str| Event::StoreSeeded {
        store: store.to_owned(),
        seed: Some("./seed.sql".to_owned()),
        hash: Some("h".to_owned()),
        fingerprint: Some("f".to_owned()),
        bytes: 1,
        count: None,
        expired: None,
        millis: 1,
    };
    let touched = Event::SeedTouched { store: "db".to_owned(), fingerprint: "g".to_owned() };
    let cleared = Event::StoreCleared { store: "cache".to_owned() };
    let memory = told(vec![(1, seeded("db")), (1, seeded("cache")), (2, touched), (3, cleared)]);
    let [db] = &memory.seeds[..] else { panic!("{:?}", memory.seeds) };
    assert_eq!((db.hash.as_deref(), db.fingerprint.as_deref()), (Some("h"), Some("g")));
}

#[test]
fn an_up_that_failed_carries_its_own_expiry() {
    let begun = Event::UpBegun {
        run: "r".to_owned(),
        profile: ProfileMark { name: "p".to_owned(), file: "f".to_owned(), hash: "h".to_owned() },
        expires: None,
    };
    let failed = Event::UpFailed {
        run: "r".to_owned(),
        code: "never-ready".to_owned(),
        message: "api is not ready".to_owned(),
        expires: Some("2026-01-01T00:30:00Z".to_owned()),
    };
    let memory = told(vec![(1, begun.clone()), (2, failed.clone())]);
    assert_eq!((memory.up, memory.failure.as_deref()), (UpState::Failed, Some("api is not ready")));
    assert!(memory.expires.is_some());
    let memory = told(vec![(1, begun.clone()), (2, failed), (3, begun)]);
    assert_eq!((memory.up, memory.failure, memory.expires), (UpState::Begun, None, None));
}

#[test]
fn a_mirror_was_up_from_the_end_of_an_up_until_a_down_begins() {
    let run = || "r".to_owned();
    let profile = ProfileMark { name: "p".to_owned(), file: "f".to_owned(), hash: "h".to_owned() };
    let begun = Event::UpBegun { run: run(), profile, expires: None };
    let steps = [begun.clone(), Event::UpDone { run: run() }, begun, Event::DownBegun { run: run() }];
    let lines = |count: usize| steps[..count].iter().cloned().map(|event| (1, event)).collect();
    let was_up: Vec<bool> = (1..=4).map(|count| told(lines(count)).status().was_up).collect();
    assert_eq!(was_up, [false, true, true, false]);
}
