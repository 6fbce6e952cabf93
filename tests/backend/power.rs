//! Processes that are stopped and started again, and containers that nobody planned.

use prodmirror::{
    backend::{BackendError, Part, Power, RunState, Scope, What},
    name::Name,
    observed::{Container, Observed},
    plan::{Plan, key_of},
};

use crate::{
    contract::PROFILE,
    ground::{Ground, Quiet, id, until},
};

async fn power(ground: &Ground, part: &Part, power: Power) -> prodmirror::backend::Result<()> {
    ground.backend().power(&ground.name, part, power, &Quiet).await
}

async fn observed(ground: &Ground) -> Observed {
    ground.backend().observe(&Scope::of(&ground.name), false).await.unwrap()
}

/// Whether each replica's main process runs.
async fn running(ground: &Ground) -> [bool; 2] {
    let observed = observed(ground).await;
    ["api.0.main", "api.1.main"].map(|key| {
        let found = observed.containers.iter().find(|there| key_of(there) == Some(key));
        found.is_some_and(|there| there.state.status == "running")
    })
}

fn of(ordinal: Option<u32>) -> Part {
    Part { service: Some(Name::new("api").unwrap()), ordinal }
}

/// Each state is reached, and is still there when nobody looks at it. Answers whether the containers are the same.
async fn goes_and_comes(ground: &Ground, plan: &Plan) -> bool {
    ground.up(plan).await.unwrap();
    until("both run", async || running(ground).await == [true, true]).await;
    let ids = || ["api.0.main", "api.1.main"].map(|key| id(&ground.name, key));
    let first = ids();
    for (part, what, wanted) in [
        (of(Some(1)), Power::Stop, [true, false]),
        (of(Some(1)), Power::Stop, [true, false]),
        (of(None), Power::Stop, [false, false]),
        (of(Some(0)), Power::Start, [true, false]),
        (Part::default(), Power::Start, [true, true]),
        (Part::default(), Power::Stop, [false, false]),
        (of(None), Power::Start, [true, true]),
        (of(Some(0)), Power::Restart, [true, true]),
    ] {
        power(ground, &part, what).await.unwrap();
        until(&format!("{what:?} {part:?}"), async || running(ground).await == wanted).await;
    }
    ids() == first
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_stop_and_start_by_mirror_service_and_replica_and_it_is_remembered() {
    let ground = Ground::new().await;
    let plan = ground.kept(PROFILE).await;
    assert!(!goes_and_comes(&ground, &plan).await, "what was stopped begins in new containers");
    power(&ground, &of(Some(1)), Power::Stop).await.unwrap();
    let status = ground.backend().says(&ground.name).await.unwrap().unwrap();
    let stopped: Vec<_> = status.replicas.iter().map(|replica| replica.stopped).collect();
    assert_eq!((stopped, status.stopped), (vec![false, true], false));
    power(&ground, &Part::default(), Power::Stop).await.unwrap();
    assert!(ground.backend().says(&ground.name).await.unwrap().unwrap().stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_keeps_a_mirror_its_processes_stop_and_start_all_the_same() {
    let ground = Ground::new().await;
    let plan = ground.plan(PROFILE).await;
    assert!(goes_and_comes(&ground, &plan).await, "nobody is there who could make them anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keeper_without_a_socket_says_that_it_cannot_and_nothing_is_stopped() {
    let ground = Ground::new().await;
    let blind = |plan: &mut Plan| {
        plan.keeper.command.as_mut().unwrap().push("--no-socket".to_owned());
    };
    let plan = ground.plan_with(PROFILE, blind).await;
    ground.up(&plan).await.unwrap();
    let error = power(&ground, &Part::default(), Power::Stop).await.unwrap_err();
    assert!(matches!(error, BackendError::NoSocket { .. }), "{error}");
    assert_eq!(running(&ground).await, [true, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_plan_does_not_have_goes_and_the_rest_stays() {
    let ground = Ground::new().await;
    let plan = ground.plan(PROFILE).await;
    ground.up(&plan).await.unwrap();
    let mut observed = observed(&ground).await;
    let planned = observed.containers.len();
    observed.containers.retain(|there| key_of(there).is_some_and(|key| key.starts_with("api.1")));
    let orphans: Vec<Container> = observed.containers;
    assert_eq!(orphans.len(), 2);
    for _ in 0..2 {
        ground.start(&plan, What::Orphans(&orphans), RunState::Absent).await.unwrap();
        assert_eq!(crate::ground::ids(&ground.name).len(), planned - 2);
        assert_eq!(id(&ground.name, "api.1.main"), "");
    }
}
