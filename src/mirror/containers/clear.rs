//! What is there of the stores that an `up` makes anew, and how it is thrown away.

use futures_util::future::try_join_all;

use crate::{
    backend::{RunState, What},
    formats::journal::Event,
    observed::Observed,
    plan::{Pod, StorePlan, jobs_after, key_of},
};

use super::{
    super::{
        Result,
        anew::{Anew, Holds},
    },
    launch::{end, may_begin, take_away},
    stage::Stage,
};

/// What is there of a store.
pub fn holds(store: &StorePlan, observed: &Observed) -> Holds {
    if observed.volumes.iter().any(|volume| volume.name == store.volume) {
        Holds::State
    } else if is_there(observed, &store.container) {
        Holds::Server
    } else {
        Holds::Nothing
    }
}

/// Throws away what these stores hold, so that their seeds meet empty servers, and the jobs that need them.
///
/// Noted first: whoever is cut off in the middle leaves stores that are known to hold nothing whole.
pub async fn clear(anew: &Anew, stage: &Stage<'_>, observed: &Observed) -> Result<()> {
    if observed.containers.is_empty() {
        return Ok(());
    }
    for store in stage.plan.stores.iter().filter(|store| anew.stores.contains_key(&store.store)) {
        let copy = &store.copy.name;
        let copied = observed.volumes.iter().any(|volume| volume.name == *copy);
        if !copied && holds(store, observed) == Holds::Nothing {
            continue;
        }
        let event = Event::StoreCleared { store: store.store.to_string() };
        stage.backend.note(&stage.plan.mirror, &event, stage.report).await?;
        let pods: Vec<&Pod> = stage.plan.pods.iter().filter(|pod| pod.service == store.store).collect();
        // One whose server ends again and again would be made anew on the volume that goes.
        let there = |pod: &&&Pod| pod.members().any(|member| is_there(observed, &member.key));
        let ended: Vec<&Pod> = pods.iter().filter(there).copied().collect();
        try_join_all(ended.iter().map(|pod| end(stage, pod))).await?;
        let keys: Vec<String> =
            pods.iter().flat_map(|pod| pod.members()).map(|container| container.key.clone()).collect();
        stage.start(What::Containers(&keys), RunState::Absent).await?;
        for volume in [&store.volume, copy] {
            stage.place.volume().remove(volume).await?;
        }
        try_join_all(ended.iter().map(|pod| may_begin(stage, pod))).await?;
    }
    for job in jobs_after(stage.plan, &anew.stores.keys().collect::<Vec<_>>()) {
        take_away(stage, job).await?;
    }
    Ok(())
}

fn is_there(observed: &Observed, key: &str) -> bool {
    observed.containers.iter().any(|container| key_of(container) == Some(key))
}
