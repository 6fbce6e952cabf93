//! A replica against an engine made of plain data.

use super::{
    rig::{Rig, created, duty, main_of, probe},
    *,
};
use crate::{
    formats::duties::{HookDuty, RestartRule},
    keeper::seen::ContainerSeen,
};

#[test]
fn init_containers_run_one_after_another_then_sidecars_then_main() {
    let init = |name| duty(name, Role::Init, RestartRule::Always);
    let sidecar = duty("mesh", Role::Sidecar, RestartRule::Always);
    let containers = vec![init("first"), init("second"), sidecar, main_of(RestartRule::Always)];
    let mut rig = Rig::new(PodKind::Service, containers);
    assert_eq!(rig.pass(500).done(), "start first");
    assert_eq!(rig.end(0, 0).pass(500).done(), "start second");
    assert!(!rig.replica.status().initialized);
    assert_eq!(rig.end(1, 0).pass(500).done(), "start mesh, start main");
    assert!(rig.replica.status().initialized && rig.replica.ready());
}

#[test]
fn a_failing_init_container_is_retried_with_back_off_and_main_waits() {
    let containers = vec![duty("init", Role::Init, RestartRule::Always), main_of(RestartRule::Always)];
    let mut rig = Rig::new(PodKind::Service, containers);
    assert_eq!(rig.pass(100).done(), "start init");
    assert_eq!(rig.end(0, 1).pass(500).done(), "replace init");
    assert_eq!(rig.end(0, 1).pass(9_900).done(), "");
    assert_eq!(rig.replica.status().containers[0].waiting_millis, Some(10_000));
    assert_eq!(rig.pass(500).done(), "replace init");
    assert_eq!(rig.end(0, 0).pass(500).done(), "start main");
    assert_eq!(rig.replica.status().containers[0].starts, 3);
}

#[test]
fn while_a_launch_is_under_way_nothing_is_started_but_what_ended_is_replaced() {
    let containers = vec![duty("init", Role::Init, RestartRule::Always), main_of(RestartRule::Always)];
    let mut rig = Rig::new(PodKind::Service, containers);
    rig.wish.phase = Phase::Launching;
    assert_eq!(rig.pass(60_000).done(), "");
    rig.run(0);
    assert_eq!(rig.pass(100).end(0, 1).pass(900).done(), "", "the launch may be about to remove it");
    assert_eq!(rig.pass(200).done(), "replace init");
    rig.end(0, 0).pass(60_000);
    assert_eq!(rig.done(), "");
    assert!(rig.replica.status().initialized);
}

#[test]
fn init_containers_do_not_run_again_when_main_restarts() {
    let containers = vec![duty("init", Role::Init, RestartRule::Always), main_of(RestartRule::Always)];
    let mut rig = Rig::new(PodKind::Service, containers);
    rig.pass(100).end(0, 0).pass(500);
    rig.done();
    assert_eq!(rig.end(1, 1).pass(500).done(), "replace main");
    assert_eq!(rig.replica.status().containers[0].starts, 1);
    // Not even when somebody tidied the finished one away.
    rig.seen.containers[0] = None;
    assert_eq!(rig.pass(15_000).end(1, 1).pass(15_000).done(), "replace main");
    assert!(rig.replica.ready());
}

#[test]
fn restart_rules_decide_who_comes_back() {
    use {PodKind::*, RestartRule::*, Role::*};
    for (kind, role, rule, code, back) in [
        (Service, Main, Always, 0, true),
        (Service, Main, Always, 1, true),
        (Service, Main, OnFailure, 0, false),
        (Service, Main, OnFailure, 1, true),
        (Service, Main, Never, 1, false),
        (Service, Sidecar, Never, 0, true),
        (Service, Init, Always, 0, false),
        (Service, Init, Always, 1, true),
        (Service, Init, OnFailure, 1, true),
        (Service, Init, Never, 1, false),
        (Job, Main, OnFailure, 3, true),
        (Job, Main, OnFailure, 0, false),
        (Job, Main, Never, 3, false),
    ] {
        let mut rig = Rig::new(kind, vec![duty("it", role, rule)]);
        rig.pass(100).end(0, code).pass(1000);
        let wanted = if back { "start it, replace it" } else { "start it" };
        assert_eq!(rig.done(), wanted, "{kind:?} {role:?} {rule:?} {code}");
    }
}

#[test]
fn a_crash_loop_keeps_kubernetes_distances() {
    let mut rig = Rig::new(PodKind::Service, vec![main_of(RestartRule::Always)]);
    rig.pass(100);
    let mut starts = Vec::new();
    let mut last = rig.now;
    for _ in 0..4 {
        rig.end(0, 1);
        let ended = rig.now;
        while rig.seen.containers[0].as_ref().unwrap().exit().is_some() {
            rig.pass(50);
        }
        starts.push((rig.now - ended) / 1000);
        last = rig.now;
    }
    assert_eq!(starts, [0, 10, 20, 40]);
    // Ten minutes of life, and it begins anew.
    rig.pass(last + 601_000 - rig.now).end(0, 1).pass(300);
    assert!(rig.seen.containers[0].as_ref().unwrap().running());
}

#[test]
fn an_end_that_is_shown_once_more_does_not_shorten_the_next_wait() {
    let mut rig = Rig::new(PodKind::Service, vec![main_of(RestartRule::Always)]);
    rig.pass(100).end(0, 1).pass(500).end(0, 1);
    let before = rig.seen.containers[0].clone();
    rig.pass(10_100);
    assert_eq!(rig.done(), "start main, replace main, replace main");
    // Read before the replacement, taken in after it.
    let after = std::mem::replace(&mut rig.seen.containers[0], before);
    rig.pass(50);
    rig.seen.containers[0] = after;
    assert_eq!(rig.end(0, 1).pass(19_900).done(), "");
    assert_eq!(rig.pass(200).done(), "replace main");
}

#[test]
fn startup_gates_the_other_probes_and_readiness_makes_ready() {
    let mut main = main_of(RestartRule::Always);
    (main.startup, main.readiness, main.liveness) = (probe(1000, 30), probe(1000, 3), probe(1000, 1));
    let mut rig = Rig::new(PodKind::Service, vec![main]);
    rig.passes =
        [(ProbeKind::Startup, false), (ProbeKind::Readiness, false), (ProbeKind::Liveness, false)].into();
    rig.pass(20_000);
    assert_eq!(
        (rig.told(), rig.done()),
        (String::new(), "start main".to_owned()),
        "a failing liveness is not asked"
    );
    assert_eq!(rig.replica.status().containers[0].probe, Some(ProbeKind::Startup));
    rig.passes =
        [(ProbeKind::Startup, true), (ProbeKind::Readiness, false), (ProbeKind::Liveness, true)].into();
    rig.pass(2000);
    assert_eq!(rig.told(), "Startup=true, Liveness=true");
    assert_eq!(rig.replica.status().containers[0].probe, Some(ProbeKind::Readiness));
    rig.passes.insert(ProbeKind::Readiness, true);
    rig.pass(2000);
    assert_eq!(rig.told(), "Readiness=true, ready=true");
    rig.passes.insert(ProbeKind::Readiness, false);
    rig.pass(2000);
    assert_eq!(rig.told(), "", "two failures are not three");
    rig.pass(2000);
    assert_eq!((rig.told(), rig.done()), ("Readiness=false, ready=false".to_owned(), String::new()));
}

#[test]
fn a_failed_startup_or_liveness_probe_replaces_the_container() {
    for kind in [ProbeKind::Startup, ProbeKind::Liveness] {
        let mut main = main_of(RestartRule::Always);
        match kind {
            ProbeKind::Startup => main.startup = probe(1000, 2),
            _ => main.liveness = probe(1000, 2),
        }
        let mut rig = Rig::new(PodKind::Service, vec![main]);
        rig.passes.insert(kind, false);
        rig.pass(1500);
        assert_eq!(rig.done(), "start main, stop main, replace main", "{kind:?}");
        let restarted = rig.events.iter().find_map(|event| match event {
            Event::ContainerRestarted { why, .. } => Some(why.clone()),
            _ => None,
        });
        assert!(restarted.is_some_and(|why| why.ends_with("probe failed: false")), "{kind:?}");
    }
}

#[test]
fn without_probes_ready_is_running() {
    let mut rig = Rig::new(PodKind::Service, vec![main_of(RestartRule::Always)]);
    rig.pass(100);
    assert_eq!(rig.told(), "ready=true");
    rig.end(0, 1).pass(100);
    assert_eq!(rig.told(), "exited(main,1), ready=false");
}

#[test]
fn the_hook_comes_before_ready_and_its_failure_ends_the_container() {
    let mut main = main_of(RestartRule::Always);
    main.post_start = Some(HookDuty::Sleep { millis: 1 });
    let mut rig = Rig::new(PodKind::Service, vec![main]);
    rig.pass(200);
    assert_eq!(
        (rig.done(), rig.told()),
        ("start main, hook main".to_owned(), "hook=true, ready=true".to_owned())
    );
    rig.hook_passes = false;
    rig.end(0, 1).pass(500);
    assert_eq!(rig.done(), "replace main, hook main, stop main");
    assert!(!rig.replica.ready());
}

#[test]
fn a_pause_that_began_anew_takes_its_members_with_it() {
    let init = duty("init", Role::Init, RestartRule::Always);
    let mesh = duty("mesh", Role::Sidecar, RestartRule::Always);
    let mut rig = Rig::new(PodKind::Service, vec![init, mesh, main_of(RestartRule::Always)]);
    rig.pass(100).end(0, 0).pass(500);
    rig.forget();
    rig.seen.pause.as_mut().unwrap().running = false;
    assert_eq!(rig.pass(400).done(), "", "the engine gets its chance");
    assert!(!rig.replica.ready());
    assert_eq!(rig.pass(400).done(), "start pause, stop mesh, stop main, replace init");
    assert_eq!(rig.end(0, 0).pass(500).done(), "replace mesh, replace main");
    let told = rig.told();
    assert_eq!(told.matches("renewed").count(), 1, "{told}");
    assert!(told.ends_with("ready=true"), "{told}");
    assert_eq!(rig.pass(60_000).done(), "");
}

#[test]
fn a_new_namespace_ends_the_wait_for_a_restart() {
    let mut rig = Rig::new(PodKind::Service, vec![main_of(RestartRule::Always)]);
    rig.pass(200).end(0, 1).pass(500).end(0, 1).pass(500);
    assert_eq!(rig.replica.status().containers[0].waiting_millis, Some(10_000));
    rig.forget();
    rig.seen.pause.as_mut().unwrap().started = rig.now;
    rig.refuse = 1;
    // Refused once, so that the wait would show if it were still there.
    assert_eq!(rig.pass(2000).done(), "refused main, replace main");
    assert!(rig.told().starts_with("renewed, restarted(main,2,0)"));
}

#[test]
fn files_in_memory_are_back_before_anything_that_reads_them_begins() {
    let mut rig = Rig::new(PodKind::Service, vec![main_of(RestartRule::Always)]);
    rig.replica.duties.files = vec![crate::formats::duties::FileDuty {
        path: "/secrets/files/key".to_owned(),
        content: crate::formats::duties::FileSource::Base64(String::new()),
        mode: 0o600,
        user: 0,
        group: 0,
    }];
    assert_eq!(rig.pass(100).done(), "start main", "the launch filled them");
    rig.seen.pause.as_mut().unwrap().started = rig.now + 1;
    assert_eq!(rig.pass(500).done(), "stop main, fill, replace main");
}

#[test]
fn a_stopped_replica_is_left_alone_and_begins_again_in_new_containers() {
    let init = duty("init", Role::Init, RestartRule::Always);
    let mesh = duty("mesh", Role::Sidecar, RestartRule::Always);
    let mut rig = Rig::new(PodKind::Service, vec![init, mesh, main_of(RestartRule::Always)]);
    rig.pass(100).end(0, 0).pass(500);
    rig.forget();
    assert_eq!(rig.order(Ordered::Stop).pass(60_000).done(), "stop main, stop mesh");
    assert_eq!(rig.told(), "ready=false", "an ordered end is no crash");
    assert!(rig.replica.at_rest());
    let now = rig.now;
    assert_eq!(rig.order(Ordered::Resume(now)).pass(500).done(), "replace mesh, replace main");
    assert_eq!(rig.told(), "ready=true");
    assert_eq!(rig.replica.status().containers[2].restarts, 0);
    assert_eq!(rig.end(2, 1).pass(500).done(), "replace main", "a later end is a crash");
}

#[test]
fn a_job_runs_to_its_end_once() {
    let mesh = duty("mesh", Role::Sidecar, RestartRule::Always);
    let mut rig = Rig::new(PodKind::Job, vec![mesh, main_of(RestartRule::Never)]);
    rig.pass(100).end(1, 0).pass(5000);
    assert_eq!(rig.done(), "start mesh, start main, stop mesh");
    let told = rig.told();
    assert!(told.contains("job(0)"), "{told}");
    // The engine restarts: a new namespace is no reason to run it again.
    rig.seen.pause.as_mut().unwrap().started = rig.now;
    assert_eq!(rig.pass(5000).done(), "");
    assert_eq!(rig.told(), "");
}

#[test]
fn a_job_that_is_over_stays_over_under_another_keeper() {
    let mesh = duty("mesh", Role::Sidecar, RestartRule::Always);
    let mut rig = Rig::new(PodKind::Job, vec![mesh, main_of(RestartRule::OnFailure)]);
    rig.pass(100).end(1, 0).pass(5000);
    let journal = rig.events.clone();
    rig.forget();
    // The engine restarts, and the keeper with it.
    rig.seen.pause.as_mut().unwrap().started = rig.now;
    rig.keeper_restarts(&journal);
    assert_eq!((rig.pass(5000).done(), rig.told()), (String::new(), String::new()));
}

#[test]
fn a_failing_job_is_retried_six_times() {
    let mut rig = Rig::new(PodKind::Job, vec![main_of(RestartRule::OnFailure)]);
    rig.pass(100);
    for _ in 0..20 {
        if rig.seen.containers[0].as_ref().unwrap().running() {
            rig.end(0, 3);
        }
        rig.pass(320_000);
    }
    assert_eq!(rig.done().matches("replace").count(), 6);
    assert_eq!(rig.told().matches("job(3)").count(), 1);
}

#[test]
fn another_keeper_tells_nothing_twice_and_goes_on() {
    let mut main = main_of(RestartRule::Always);
    main.readiness = probe(1000, 3);
    let mut rig = Rig::new(PodKind::Service, vec![main]);
    rig.pass(200).end(0, 1).pass(500).end(0, 1).pass(500);
    let journal = rig.events.clone();
    rig.forget();
    rig.keeper_restarts(&journal);
    assert_eq!((rig.pass(5000).done(), rig.told()), (String::new(), String::new()), "still in back-off");
    assert_eq!(rig.replica.status().containers[0].waiting_millis, Some(10_000));
    rig.pass(6000);
    assert_eq!(rig.done(), "replace main");
    let journal: Vec<Event> = journal.into_iter().chain(rig.events.clone()).collect();
    rig.told();
    rig.keeper_restarts(&journal).passes.insert(ProbeKind::Readiness, false);
    rig.pass(1000);
    assert!(rig.replica.ready(), "a verdict outlives the keeper that found it");
}

#[test]
fn an_engine_that_refuses_is_asked_again_later() {
    let mut rig = Rig::new(PodKind::Service, vec![main_of(RestartRule::Always)]);
    rig.refuse = 1;
    assert_eq!(rig.pass(900).done(), "refused main");
    assert_eq!(rig.replica.status().containers[0].last_answer.as_deref(), Some("no"));
    assert_eq!(rig.pass(500).done(), "replace main");
    assert_eq!(rig.replica.status().containers[0].last_answer, None);
}

#[test]
fn a_container_that_another_is_replacing_is_left_to_it() {
    let mut rig = Rig::new(PodKind::Service, vec![main_of(RestartRule::Always)]);
    rig.pass(100);
    rig.done();
    rig.seen.containers[0] = Some(ContainerSeen { doubled: true, ..created("new") });
    assert_eq!(rig.pass(5000).done(), "");
}

#[test]
fn nothing_begins_before_what_it_needs_for_half_a_minute() {
    let mut rig = Rig::new(PodKind::Service, vec![main_of(RestartRule::Always)]);
    rig.wish.needs_met = false;
    assert_eq!(rig.pass(29_000).done(), "");
    assert_eq!(rig.pass(2_000).done(), "start main");
    let mut rig = Rig::new(PodKind::Service, vec![main_of(RestartRule::Always)]);
    rig.wish.needs_met = false;
    rig.pass(5_000).wish.needs_met = true;
    assert_eq!(rig.pass(100).done(), "start main");
}

#[test]
fn a_mirror_that_ends_is_left_alone() {
    let mut rig = Rig::new(PodKind::Service, vec![main_of(RestartRule::Always)]);
    rig.pass(100);
    rig.forget();
    rig.wish.phase = Phase::Ending;
    rig.end(0, 137).pass(60_000);
    assert_eq!((rig.done(), rig.told()), (String::new(), "ready=false".to_owned()));
}
