//! What an eviction, as `kubectl drain` asks for it, is answered while a budget of the profile holds a service's pods.

use std::time::Instant;

use k8s_openapi::api::{core::v1::Pod, policy::v1::PodDisruptionBudget};
use kube::{
    Api, ResourceExt as _,
    api::{EvictParams, ListParams},
};
use prodmirror::{backend::kubernetes::ObjectName, plan::ClusterPlan};

use super::{
    mirror::{launch, planned},
    stage::{LONG, client, client_told_once, cluster},
};

const KEPT: &str = "kept: {image: \"local:prodmirror-built/redis:7\", entrypoint: [sleep, \"600\"], \
    stop_grace_period: 0s, replicas: 2 BUDGET}";

fn with(budget: &str) -> ClusterPlan {
    planned("kt-budget", &KEPT.replace(" BUDGET", budget), "one")
}

/// Asks for the eviction of one pod that is not on its way out; a refusal is the API server's status and its words.
async fn evict(plan: &ClusterPlan) -> Result<(), (u16, String)> {
    let pods: Api<Pod> = Api::namespaced(client_told_once().await, &plan.namespace);
    let of = ListParams::default().labels("prodmirror/service=kept");
    let pods_of_it = pods.list(&of).await.unwrap();
    let pod = pods_of_it.iter().find(|pod| pod.metadata.deletion_timestamp.is_none()).unwrap();
    match pods.evict(&pod.name_any(), &EvictParams::default()).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) => {
            Err((status.code, format!("{} {:?}", status.message, status.details)))
        }
        Err(error) => panic!("{error}"),
    }
}

/// Waits until the controller has counted what a budget holds.
async fn counted(plan: &ClusterPlan, allowed: i32) {
    let budgets: Api<PodDisruptionBudget> = Api::namespaced(client().await, &plan.namespace);
    let started = Instant::now();
    loop {
        let budget = budgets.get("kept").await.unwrap();
        let generation = budget.metadata.generation;
        let status = budget.status.unwrap_or_default();
        let counts = (status.expected_pods, status.current_healthy, status.disruptions_allowed);
        if status.observed_generation == generation && counts == (2, 2, allowed) {
            return;
        }
        assert!(started.elapsed() < LONG, "{status:?}");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn an_eviction_is_refused_while_the_budget_does_not_allow_it() {
    let strict = with(", disruption: {min_available: 100%}");
    launch(&strict).await;
    counted(&strict, 0).await;
    let (status, words) = evict(&strict).await.unwrap_err();
    assert_eq!(status, 429, "{words}");
    assert!(words.contains("needs 2 healthy pods and has 2 currently"), "{words}");

    // The other word takes the place of the first one.
    let looser = with(", disruption: {max_unavailable: 1}");
    launch(&looser).await;
    counted(&looser, 1).await;
    evict(&looser).await.unwrap();

    let none = with("");
    launch(&none).await;
    let budget = ObjectName::new("PodDisruptionBudget", "kept", Some(&none.namespace));
    assert_eq!(cluster().await.sweep(&none).await.unwrap(), [budget]);
    evict(&none).await.unwrap();
    cluster().await.destroy(&none.namespace, &none.mirror, LONG).await.unwrap();
}
