//! The contract of `Record`: what a place remembers of its mirrors, and who works on each.

use prodmirror::{
    backend::{BackendError, Containers as _, LeaseKind, RunState, Scope, Unheard, What},
    formats::journal::{Event, KeeperStatus, ProfileMark, UpState},
    plan::Plan,
};

use crate::{
    contract::PROFILE,
    ground::{Ground, until},
};

/// A mirror that is kept, with nothing running in it yet.
async fn kept(ground: &Ground) -> Plan {
    let plan = ground.kept(PROFILE).await;
    for what in [What::Volumes, What::Keeper] {
        ground.start(&plan, what, RunState::Running).await.unwrap();
    }
    plan
}

fn begun(run: &str) -> Event {
    let profile = ProfileMark { name: "shop".to_owned(), file: "shop.yaml".to_owned(), hash: "h".to_owned() };
    Event::UpBegun { run: run.to_owned(), profile, expires: Some("2100-01-01T00:00:00Z".to_owned()) }
}

async fn says(ground: &Ground) -> KeeperStatus {
    ground.backend().says(&ground.name).await.unwrap().expect("a mirror that is kept")
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_mirror_that_nobody_keeps_nothing_is_known_and_nothing_can_be_noted() {
    let ground = Ground::new().await;
    let plan = ground.kept(PROFILE).await;
    // What another `up` has made in its first moments.
    ground.start(&plan, What::Volumes, RunState::Running).await.unwrap();
    let (record, mirror) = (ground.backend(), &ground.name);
    assert_eq!(record.says(mirror).await.unwrap(), None);
    assert_eq!(record.glance(mirror).await.unwrap(), None);
    assert_eq!(record.recall(mirror).await.unwrap(), None);
    assert!(record.secrets(mirror).await.unwrap().0.is_empty());
    assert!(!ground.compose.was_kept(&plan).await.unwrap());
    let none = |error: BackendError| assert!(matches!(error, BackendError::NoTarget { .. }), "{error}");
    none(record.note(mirror, &begun("r"), &Unheard).await.unwrap_err());
    none(record.remember(mirror, b"x".to_vec()).await.unwrap_err());
    none(record.lease(mirror, "r", LeaseKind::Up).await.err().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_noted_is_said_at_once_and_glanced_a_moment_later() {
    let ground = Ground::new().await;
    kept(&ground).await;
    let (record, mirror) = (ground.backend(), &ground.name);
    assert_eq!(says(&ground).await.up, UpState::None);
    record.note(mirror, &begun("r-1"), &Unheard).await.unwrap();
    let status = says(&ground).await;
    assert_eq!((status.up, status.run.as_deref()), (UpState::Begun, Some("r-1")));
    assert_eq!(status.profile.unwrap().file, "shop.yaml");
    assert_eq!(status.expires.as_deref(), Some("2100-01-01T00:00:00Z"));
    record.note(mirror, &Event::UpDone { run: "r-1".to_owned() }, &Unheard).await.unwrap();
    assert_eq!(says(&ground).await.up, UpState::Done);
    until("a glance shows the note", async || {
        record.glance(mirror).await.unwrap().is_some_and(|status| status.up == UpState::Done)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_of_any_size_comes_back_byte_for_byte_and_the_last_one_counts() {
    let ground = Ground::new().await;
    kept(&ground).await;
    let (record, mirror) = (ground.backend(), &ground.name);
    assert_eq!(record.recall(mirror).await.unwrap(), None);
    let mut long = vec![0; 3 << 20];
    getrandom::fill(&mut long).unwrap();
    for document in [long, b"{\"short\": \"\xc3\xbc\"}\n".to_vec(), Vec::new()] {
        record.remember(mirror, document.clone()).await.unwrap();
        assert!(record.recall(mirror).await.unwrap() == Some(document));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_at_a_time_holds_the_lease_and_whoever_dies_holds_it_no_more() {
    let ground = Ground::new().await;
    kept(&ground).await;
    let (record, mirror) = (ground.backend(), &ground.name);
    let first = record.lease(mirror, "r-1", LeaseKind::Up).await.unwrap();
    assert!(says(&ground).await.leased);
    let error = record.lease(mirror, "r-2", LeaseKind::Down).await.err().unwrap();
    assert!(matches!(error, BackendError::Leased { .. }), "{error}");

    first.done().await.unwrap();
    assert!(!says(&ground).await.leased);
    let second = record.lease(mirror, "r-2", LeaseKind::Down).await.unwrap();
    assert!(says(&ground).await.leased);

    // As when its process is killed.
    drop(second);
    until("the lease is free", async || !says(&ground).await.leased).await;
    record.lease(mirror, "r-3", LeaseKind::Up).await.unwrap().done().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_is_listed_by_owner_and_name_with_all_that_there_is_of_it() {
    let ground = Ground::new().await;
    kept(&ground).await;
    let list = async |mirror: bool, owner: Option<&str>| {
        let scope = Scope { mirror: mirror.then(|| ground.name.clone()), owner: owner.map(str::to_owned) };
        let found = ground.backend().list(&scope).await.unwrap();
        found.into_iter().filter(|listed| listed.mirror == ground.name.as_str()).collect::<Vec<_>>()
    };
    let own = list(true, None).await;
    assert_eq!((own.len(), own[0].owner.as_str()), (1, "tester@ground"));
    let names = &own[0].names;
    assert_eq!((names.containers.len(), names.networks.len(), names.volumes.len()), (1, 2, 2));
    assert!(own[0].youngest > 1_700_000_000, "{}", own[0].youngest);
    let keeper = own[0].keeper.as_ref().unwrap();
    assert_eq!((keeper.running, keeper.run.as_deref()), (true, Some("run-1")));
    assert_eq!(list(false, None).await, own);
    assert_eq!(list(true, Some("tester@ground")).await, own);
    assert_eq!(list(true, Some("someone@else")).await, []);

    let removed = ground.backend().destroy(&ground.name, &crate::ground::Quiet).await.unwrap();
    assert_eq!(removed, *names);
    assert_eq!(list(true, None).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_once_is_told_from_what_is_only_being_made() {
    let ground = Ground::new().await;
    let plan = kept(&ground).await;
    ground.backend().note(&ground.name, &begun("r-1"), &Unheard).await.unwrap();
    // It tells as much while it does not run.
    ground.start(&plan, What::Keeper, RunState::Stopped).await.unwrap();
    assert_eq!(says(&ground).await.up, UpState::Begun);
    ground.start(&plan, What::Keeper, RunState::Absent).await.unwrap();
    assert_eq!(ground.backend().says(&ground.name).await.unwrap(), None);
    assert!(ground.compose.was_kept(&plan).await.unwrap());
}
