//! Addresses that another network took between the plan and the first network.

use prodmirror::backend::{BackendError, RunState, What};

use crate::{
    contract::PROFILE,
    ground::{Ground, docker},
};

/// A network that is nobody's mirror, gone when it goes out of scope.
struct Foreign(String);

impl Foreign {
    fn new(name: String, subnet: &str) -> Self {
        docker(&["network", "create", "--internal", "--subnet", subnet, &name]);
        Self(name)
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        docker(&["network", "rm", &self.0]);
    }
}

fn networks(ground: &Ground) -> String {
    let filter = format!("label=prodmirror.mirror={}", ground.name);
    docker(&["network", "ls", "-q", "--filter", &filter])
}

#[tokio::test(flavor = "multi_thread")]
async fn taken_addresses_are_told_apart_and_leave_no_network_behind() {
    let ground = Ground::new().await;
    let plan = ground.plan(PROFILE).await;
    docker(&["network", "rm", &plan.networks.inside.name, &plan.networks.door.name]);
    let foreign = Foreign::new(format!("{}-foreign", ground.name), &plan.networks.door.subnet.to_string());

    let refused = ground.start(&plan, What::Networks, RunState::Running).await;
    match refused {
        Err(BackendError::SubnetTaken { network, .. }) => assert_eq!(network, plan.networks.door.name),
        other => panic!("{other:?}"),
    }
    assert_eq!(networks(&ground), "", "the other network was made for the same plan");

    let anew = ground.plan(PROFILE).await;
    assert_ne!(anew.networks.door.subnet, plan.networks.door.subnet);
    drop(foreign);
}
