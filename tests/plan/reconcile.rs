//! What a second `up` does about each difference between the plan and what is there.

use prodmirror::{
    formats::journal::{JobStatus, KeeperStatus},
    labels,
    observed::{Container, HostSide, Observed, State},
    plan::{Action, ContainerPlan, Plan, Reconciliation, jobs_after, key_of, reconcile},
};

use crate::support::{containers, name, planned, profile};

const STACK: &str = r#"
services:
  api:
    image: "local:api:dev"
    needs: [report]
    init: {fetch: {image: "local:api:dev"}}
    sidecars: {proxy: {image: "local:api:dev"}}
    resources: {limits: {cpu: 500m, memory: 64Mi}, requests: {cpu: 250m, memory: 32Mi}}
    pids: 100
jobs:
  migrate: {image: "local:api:dev", needs: [db]}
  report: {image: "local:api:dev", needs: [migrate]}
stores:
  db: {engine: redis, image: "local:prodmirror-built/redis:7"}
"#;

/// A container as its plan says, up, or at its end where it runs once.
fn as_planned(planned: &ContainerPlan) -> Container {
    let once = planned.kind == labels::Kind::Init || planned.kind == labels::Kind::Job;
    let limits = &planned.limits;
    let mut labels: std::collections::BTreeMap<_, _> = planned.labels.clone().into_iter().collect();
    labels.insert(labels::COMPOSE_SERVICE.to_owned(), planned.key.clone());
    Container {
        id: planned.key.clone(),
        name: planned.key.clone(),
        labels,
        state: State { status: if once { "exited" } else { "running" }.to_owned(), ..State::default() },
        host: HostSide {
            memory: limits.memory.unwrap_or_default() as i64,
            memory_swap: limits.memory.unwrap_or_default() as i64,
            memory_reservation: limits.memory_reservation.unwrap_or_default() as i64,
            nano_cpus: limits.cpu_millis.unwrap_or_default() as i64 * 1_000_000,
            cpu_shares: limits.cpu_shares.unwrap_or_default() as i64,
            pids_limit: limits.pids.unwrap_or_default().into(),
            restart_policy: if planned.restart_always { "always" } else { "no" }.to_owned(),
            ..HostSide::default()
        },
        ..Container::default()
    }
}

/// Everything runs, and both jobs are done.
fn up(plan: &Plan) -> Observed {
    let done = |job: &str| {
        let pod = plan.pods.iter().find(|pod| pod.service.as_str() == job).unwrap();
        JobStatus { job: job.to_owned(), spec: pod.main.labels[labels::SPEC].clone(), code: 0 }
    };
    Observed {
        containers: containers(plan).into_iter().map(as_planned).collect(),
        keeper: Some(KeeperStatus { jobs: vec![done("migrate"), done("report")], ..KeeperStatus::default() }),
        ..Observed::default()
    }
}

/// What is done when one container is not as it should be, without what is kept.
fn after(key: &str, change: impl FnOnce(&mut Container)) -> Vec<(String, Action)> {
    let plan = planned(&profile(STACK));
    let mut observed = up(&plan);
    change(observed.containers.iter_mut().find(|there| key_of(there) == Some(key)).unwrap());
    touched(&reconcile(&plan, &observed))
}

fn touched(changes: &Reconciliation) -> Vec<(String, Action)> {
    let touched = changes.actions.iter().filter(|(_, action)| **action != Action::Keep);
    touched.map(|(key, action)| (key.clone(), *action)).collect()
}

fn one(key: &str, action: Action) -> Vec<(String, Action)> {
    vec![(key.to_owned(), action)]
}

#[test]
fn what_runs_as_planned_is_kept_and_nothing_is_said() {
    let plan = planned(&profile(STACK));
    let changes = reconcile(&plan, &up(&plan));
    assert!(changes.is_unchanged(), "{changes:?}");
    assert_eq!(changes.says, [""; 0]);
}

#[test]
fn what_never_was_is_created_and_nothing_is_said() {
    let plan = planned(&profile(STACK));
    let changes = reconcile(&plan, &Observed::default());
    assert!(changes.actions.values().all(|action| *action == Action::Create));
    assert_eq!(changes.says, [""; 0]);
}

#[test]
fn each_limit_that_was_changed_behind_its_back_is_repaired() {
    let changes: [fn(&mut HostSide); 8] = [
        |host| host.memory /= 2,
        |host| host.memory_swap *= 2,
        |host| host.memory_reservation = 0,
        |host| host.nano_cpus *= 2,
        |host| (host.cpu_quota, host.cpu_period) = (100_000, 100_000),
        |host| host.cpu_shares = 1024,
        |host| host.cpuset = "0".to_owned(),
        |host| host.pids_limit = 7,
    ];
    for change in changes {
        let mut seen = HostSide::default();
        let repaired = after("api.0.main", |there| {
            change(&mut there.host);
            seen = there.host.clone();
        });
        assert_eq!(repaired, one("api.0.main", Action::Repair), "{seen:?}");
    }
    let policy = after("db.0.main", |there| there.host.restart_policy = "always".to_owned());
    assert_eq!(policy, one("db.0.main", Action::Repair));
    // The same limit, as `docker update --cpu-quota` writes it, is no difference.
    let same = after("api.0.main", |there| {
        (there.host.nano_cpus, there.host.cpu_quota, there.host.cpu_period) = (0, 50_000, 100_000);
    });
    assert_eq!(same, []);
}

#[test]
fn another_plan_replaces_and_a_process_that_ended_is_started() {
    let other = |there: &mut Container| {
        there.labels.insert(labels::SPEC.to_owned(), "other".to_owned());
    };
    // As a pod: with one of its containers the whole replica is another.
    let all = ["api.0", "api.0.init.fetch", "api.0.proxy", "api.0.main"];
    let all = all.map(|key| (key.to_owned(), Action::Replace));
    for key in ["api.0.main", "api.0.proxy", "api.0.init.fetch", "api.0"] {
        assert_eq!(after(key, other), all, "{key}");
    }
    for (status, action) in [
        ("exited", Action::Start),
        ("created", Action::Start),
        ("paused", Action::Start),
        ("dead", Action::Repair),
        ("restarting", Action::Repair),
    ] {
        let is = |there: &mut Container| there.state.status = status.to_owned();
        assert_eq!(after("db.0.main", is), one("db.0.main", action), "{status}");
    }
}

#[test]
fn with_a_network_that_is_made_anew_come_new_members_init_containers_too() {
    let all = ["api.0", "api.0.init.fetch", "api.0.proxy", "api.0.main"];
    let other = after("api.0", |there| there.labels.clear());
    // Without labels it is nobody's: its key is gone as well.
    assert_eq!(other.len(), all.len());
    let stopped = after("api.0", |there| there.state.status = "exited".to_owned());
    let expected: Vec<_> = all
        .iter()
        .zip([Action::Start, Action::Replace, Action::Replace, Action::Replace])
        .map(|(key, action)| ((*key).to_owned(), action))
        .collect();
    assert_eq!(stopped, expected);
}

#[test]
fn a_job_that_is_done_needs_no_network_and_one_that_is_not_runs_again() {
    let stopped = after("migrate.0", |there| there.state.status = "exited".to_owned());
    assert_eq!(stopped, []);
    let plan = planned(&profile(STACK));
    for job in [JobStatus { code: 1, ..done(&plan) }, JobStatus { spec: "other".to_owned(), ..done(&plan) }] {
        let mut observed = up(&plan);
        observed.keeper.as_mut().unwrap().jobs[0] = job;
        assert_eq!(touched(&reconcile(&plan, &observed)), one("migrate.0.main", Action::Start));
    }
}

fn done(plan: &Plan) -> JobStatus {
    up(plan).keeper.unwrap().jobs.swap_remove(0)
}

#[test]
fn what_the_profile_no_longer_has_is_removed_and_said() {
    let plan = planned(&profile(STACK));
    let mut observed = up(&plan);
    let mut old = observed.containers[0].clone();
    old.labels.insert(labels::COMPOSE_SERVICE.to_owned(), "old.0.main".to_owned());
    observed.containers.push(old);
    let changes = reconcile(&plan, &observed);
    assert_eq!(changes.orphans.len(), 1);
    assert_eq!(changes.says, ["old.0.main is removed: the profile no longer has it"]);
}

#[test]
fn a_store_with_a_new_state_gets_a_new_server_and_so_do_the_jobs_that_need_it_directly_or_not() {
    let plan = planned(&profile(STACK));
    let (db, observed) = (name("db"), up(&plan));
    let jobs: Vec<_> = jobs_after(&plan, &[&db]).iter().map(|pod| pod.service.as_str()).collect();
    assert_eq!(jobs, ["migrate", "report"]);
    let mut changes = reconcile(&plan, &observed);
    changes.renew(&plan, &[&db], vec!["db is seeded anew".to_owned()], &observed);
    let keys: Vec<_> = touched(&changes).into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["db.0.main", "migrate.0", "migrate.0.main", "report.0", "report.0.main"]);
    assert!(touched(&changes).iter().all(|(_, action)| *action == Action::Replace));
    assert_eq!(changes.says[..2], ["db is seeded anew", "db.0.main is made anew"]);
}

#[test]
fn the_copy_that_reset_uses_is_the_plans_and_carries_its_labels() {
    let plan = planned(&profile(STACK));
    let store = &plan.stores[0];
    assert_eq!(store.copy.name, format!("{}.seeded", store.volume));
    for (label, value) in [("mirror", "shop"), ("owner", "alice@host"), ("kind", "volume"), ("service", "db")]
    {
        assert_eq!(store.copy.labels[&format!("prodmirror.{label}")], value);
    }
    assert!(plan.volumes.iter().all(|volume| volume.name != store.copy.name), "no launch makes it");
}
