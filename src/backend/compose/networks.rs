//! The two networks of a mirror.

use bollard::{
    models::{Ipam, IpamConfig, NetworkCreateRequest, NetworkInspect},
    query_parameters::InspectNetworkOptions,
};

use super::{
    super::{BackendError, Result},
    Compose,
    trouble::{self, Doing as _},
};
use crate::{
    labels,
    plan::{NetworkPlan, Plan},
};

impl Compose {
    pub(super) async fn start_networks(&self, plan: &Plan) -> Result<()> {
        tokio::try_join!(
            self.ensure_network(&plan.networks.inside),
            self.ensure_network(&plan.networks.door)
        )?;
        Ok(())
    }

    /// Makes the network, or checks that the one of this name is what the plan wants.
    async fn ensure_network(&self, network: &NetworkPlan) -> Result<()> {
        if let Some(there) = self.network(&network.name).await? {
            return check(network, &there);
        }
        let what = format!("network {}", network.name);
        match self.docker.create_network(request(network)).await {
            Ok(_) => Ok(()),
            // Made by someone else in between.
            Err(error) if trouble::is_conflict(&error) => match self.network(&network.name).await? {
                Some(there) => check(network, &there),
                None => Err(trouble::engine(what, &error)),
            },
            Err(error) if trouble::is_overlap(&error) => Err(BackendError::SubnetTaken {
                network: network.name.clone(),
                subnet: network.subnet.to_string(),
                why: trouble::words(&error),
            }),
            Err(error) => Err(trouble::engine(what, &error)),
        }
    }

    async fn network(&self, name: &str) -> Result<Option<NetworkInspect>> {
        self.docker
            .inspect_network(name, None::<InspectNetworkOptions>)
            .await
            .if_there(format!("network {name}"))
    }
}

fn request(network: &NetworkPlan) -> NetworkCreateRequest {
    let config = IpamConfig {
        subnet: Some(network.subnet.to_string()),
        ip_range: Some(network.range.to_string()),
        ..Default::default()
    };
    NetworkCreateRequest {
        name: network.name.clone(),
        driver: Some("bridge".to_owned()),
        internal: Some(network.internal),
        ipam: Some(Ipam { config: Some(vec![config]), ..Default::default() }),
        labels: Some(network.labels.clone().into_iter().collect()),
        ..Default::default()
    }
}

/// A network cannot be changed, and removing it would stop the mirror: another one of the same name is an error.
fn check(wanted: &NetworkPlan, there: &NetworkInspect) -> Result<()> {
    let wrong = |why: String| BackendError::Engine { what: format!("network {}", wanted.name), why };
    let label = |name: &str| there.labels.as_ref().and_then(|labels| labels.get(name));
    if label(labels::MIRROR) != wanted.labels.get(labels::MIRROR) {
        return Err(wrong("a network of this name is there and is not this mirror's".to_owned()));
    }
    let configs = there.ipam.iter().flat_map(|ipam| ipam.config.iter().flatten());
    let subnets: Vec<_> = configs.filter_map(|config| config.subnet.clone()).collect();
    if subnets != [wanted.subnet.to_string()] || there.internal.unwrap_or_default() != wanted.internal {
        return Err(wrong(format!(
            "it is there with subnet {} where {} is planned; `down` removes it",
            subnets.join(", "),
            wanted.subnet
        )));
    }
    Ok(())
}
