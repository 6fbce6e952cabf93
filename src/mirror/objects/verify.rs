//! What runs, read once, inside of containers and stores included.

use crate::{
    backend::{Backend, Endpoint, Objects, SecretValues},
    formats::doors::Door,
    observed::{ClusterObserved, OpenDoor},
    plan::{ClusterPlan, ClusterStore},
};

use super::super::{Result, verify::ask_stores};

pub async fn look(
    backend: &dyn Backend,
    place: &dyn Objects,
    plan: &ClusterPlan,
    secrets: &SecretValues,
) -> Result<ClusterObserved> {
    let mirror = &plan.mirror;
    let stores = plan.stores.iter().map(ClusterStore::served);
    let (observed, stores, status, doors) = tokio::join!(
        place.look(plan, secrets),
        ask_stores(backend, mirror, stores, secrets),
        backend.says(mirror),
        backend.endpoint(mirror),
    );
    let door = |endpoint: Endpoint| {
        let same = |door: &&Door| door.service == endpoint.service && door.port == endpoint.port;
        let port = plan.doors.iter().find(same)?.target;
        Some(OpenDoor { service: endpoint.service.to_string(), port, address: endpoint.address })
    };
    Ok(ClusterObserved {
        stores,
        seeds: status?.map(|status| status.seeds),
        doors: Some(doors?.into_iter().filter_map(door).collect()),
        ..observed?
    })
}
