//! Listing mirrors, and removing them whole.

use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use prodmirror::backend::kubernetes::{ClusterError, Wanted};
use serde_json::json;

use super::stage::{self, IMAGE, LONG, Space, client, deployment, object, running};

#[tokio::test]
async fn a_mirror_is_listed_with_its_owner_until_it_is_gone_with_all_that_it_had() {
    let space = Space::new("life").await;
    space.apply(&[deployment("api", 2, running(IMAGE, &["sleep", "600"]))]).await;
    space.settle(&[Wanted::Deployment("api".to_owned())]).await.unwrap();
    let listed = space.cluster.mirrors().await.unwrap();
    let own = listed.iter().find(|listed| listed.namespace == space.name()).unwrap();
    assert_eq!((own.mirror.as_str(), own.owner.as_str()), (space.mirror.as_str(), stage::owner().as_str()));
    assert!(own.created > 0 && !own.leaving, "{own:?}");

    space.cluster.destroy(space.name(), &space.mirror, LONG).await.unwrap();

    let spaces: Api<Namespace> = Api::all(client().await);
    assert!(spaces.get_opt(space.name()).await.unwrap().is_none());
    // What is gone is no error.
    space.cluster.destroy(space.name(), &space.mirror, LONG).await.unwrap();
}

/// A mirror's namespace with objects that wait for somebody, `held-0` and on.
async fn held(stem: &str, count: usize) -> Space {
    let space = Space::new(stem).await;
    let mut maps: Vec<_> =
        (0..count).map(|at| object("ConfigMap", &format!("held-{at}"), json!({"data": {}}))).collect();
    for map in &mut maps {
        map["metadata"]["finalizers"] = json!(["example.com/wait"]);
    }
    let own = space.own(&maps);
    space.cluster.apply(&own).await.unwrap();
    space
}

async fn free(space: &Space, at: usize) {
    let maps: Api<ConfigMap> = Api::namespaced(client().await, space.name());
    let free = json!({"metadata": {"finalizers": null}});
    maps.patch(&format!("held-{at}"), &PatchParams::default(), &Patch::Merge(free)).await.unwrap();
}

#[tokio::test]
async fn what_holds_a_namespace_is_named_with_its_finalizers() {
    let space = held("held", 25).await;

    let error = space.cluster.destroy(space.name(), &space.mirror, Duration::from_secs(3)).await.unwrap_err();

    let ClusterError::NotGone { left, .. } = &error else { panic!("{error}") };
    assert!(left.contains(&"configmap/held-0 (finalizers example.com/wait)".to_owned()), "{error}");
    // Not thousands of names, where thousands are left.
    let named = left.iter().filter(|name| name.contains("finalizers")).count();
    assert!(named == 20 && left.iter().any(|last| last.ends_with(" more")), "{error}");
    let listed = space.cluster.mirrors().await.unwrap();
    assert!(listed.iter().any(|listed| listed.namespace == space.name() && listed.leaving), "{listed:?}");
    for at in 0..25 {
        free(&space, at).await;
    }
    space.remove().await;
}

#[tokio::test]
async fn a_namespace_is_waited_for_as_long_as_something_of_it_goes() {
    let space = held("slow", 4).await;
    let wait = Duration::from_secs(10);
    let frees = async {
        for at in 0..4 {
            tokio::time::sleep(Duration::from_secs(4)).await;
            free(&space, at).await;
        }
    };
    let (gone, ()) = tokio::join!(space.cluster.destroy(space.name(), &space.mirror, wait), frees);
    gone.unwrap();
}

#[tokio::test]
async fn an_owner_with_letters_that_a_label_may_not_have_is_kept_whole() {
    let (cluster, name) = (stage::cluster().await, prodmirror::name::Name::new("kt-owner").unwrap());
    let owner = "Jürgen Müller@büro/3";
    cluster.apply([&stage::namespace("kt-owner", &name, owner)]).await.unwrap();
    let listed = cluster.mirrors().await.unwrap();
    assert!(listed.iter().any(|listed| listed.mirror == "kt-owner" && listed.owner == owner), "{listed:?}");
    cluster.destroy("kt-owner", &name, LONG).await.unwrap();
}
