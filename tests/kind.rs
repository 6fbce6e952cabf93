//! Clusters by kind, and the back end for Kubernetes on a real one. All tests share one cluster, which goes with them.

#![cfg(feature = "kubernetes")]
#![allow(clippy::unwrap_used)]

#[path = "kind/budget.rs"]
mod budget;
#[path = "kind/captured.rs"]
mod captured;
#[path = "kind/doors.rs"]
mod doors;
#[path = "kind/images.rs"]
mod images;
#[path = "kind/inside.rs"]
mod inside;
#[path = "kind/mirror.rs"]
mod mirror;
#[path = "kind/objects.rs"]
mod objects;
#[path = "kind/preview.rs"]
mod preview;
#[path = "kind/pulls.rs"]
mod pulls;
#[path = "kind/removal.rs"]
mod removal;
#[path = "kind/rights.rs"]
mod rights;
#[path = "kind/stage.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod stage;
#[path = "kind/verify.rs"]
mod verify;
#[path = "kind/waits.rs"]
mod waits;

use prodmirror::{
    backend::{
        kind::ClusterName,
        kubernetes::{Cluster, ClusterError, Wanted},
    },
    name::Name,
    readers::kubeconfig::KubeconfigError,
};
use stage::{IMAGE, Stage, pod, stage};

#[tokio::test]
async fn a_cluster_is_its_owners_by_name_and_has_the_node_that_it_was_made_of() {
    let Stage { kind, name, .. } = stage().await;
    assert!(kind.names().await.unwrap().contains(name) && name.belongs_to(&stage::owner()), "{name}");
    let host = stage::cluster().await.host().await.unwrap();
    assert!(host.version.starts_with("v1."), "{host:?}");
    let [node] = &host.nodes[..] else { panic!("{host:?}") };
    assert_eq!(node.name, format!("{name}-control-plane"));
    assert!(node.ready && node.open && !node.cpu.is_empty() && !host.uid.is_empty(), "{host:?}");
}

#[tokio::test]
async fn a_cluster_that_is_not_there_is_removed_without_a_word() {
    let Stage { kind, .. } = stage().await;
    kind.delete(&ClusterName::own("nobody@here", &Name::new("none").unwrap())).await.unwrap();
}

#[tokio::test]
async fn the_current_context_is_not_taken_for_a_named_one() {
    let error = Cluster::connect(&stage::kubeconfig().await, "production").await.unwrap_err();
    let ClusterError::Kubeconfig(KubeconfigError::NoContext { known, .. }) = error else { panic!("{error}") };
    assert_eq!(known, [stage().await.name.context()]);
}

#[tokio::test]
async fn an_image_of_this_engine_runs_in_a_pod_by_its_tag() {
    let space = stage::Space::new("image").await;
    space.apply(&[pod("app", IMAGE, &["sh", "-c", "sleep 600"])]).await;
    space.settle(&[Wanted::Pod("app".to_owned())]).await.unwrap();
}
