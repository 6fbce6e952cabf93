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

/// Who made a network that is as it shall be.
enum Made {
    Now,
    Before,
}

impl Compose {
    pub(super) async fn start_networks(&self, plan: &Plan) -> Result<()> {
        let both = [&plan.networks.inside, &plan.networks.door];
        let [inside, door] = both.map(|network| self.ensure_network(network));
        let outcomes = tokio::join!(inside, door);
        let outcomes = [outcomes.0, outcomes.1];
        if outcomes.iter().any(|outcome| matches!(outcome, Err(BackendError::SubnetTaken { .. }))) {
            // Whoever plans anew must find nothing that was made for this plan, and everything that others made.
            for (network, outcome) in both.iter().zip(&outcomes) {
                if let Ok(Made::Now) = outcome {
                    let gone = self.docker.remove_network(&network.name).await;
                    gone.if_there(format!("removing network {}", network.name))?;
                }
            }
        }
        outcomes.into_iter().try_for_each(|outcome| outcome.map(|_| ()))
    }

    /// Makes the network, or checks that the one of this name is what the plan wants.
    async fn ensure_network(&self, network: &NetworkPlan) -> Result<Made> {
        if let Some(there) = self.network(&network.name).await? {
            return check(network, &there);
        }
        let error = match self.docker.create_network(request(network)).await {
            Ok(_) => return Ok(Made::Now),
            Err(error) => error,
        };
        // Made by someone else in between: the engine may see the addresses first or the name.
        if (trouble::is_conflict(&error) || trouble::is_overlap(&error))
            && let Some(there) = self.network(&network.name).await?
        {
            return check(network, &there);
        }
        if trouble::is_overlap(&error) {
            return Err(BackendError::SubnetTaken {
                network: network.name.clone(),
                subnet: network.subnet.to_string(),
                why: trouble::words(&error),
            });
        }
        Err(trouble::engine(format!("network {}", network.name), &error))
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
fn check(wanted: &NetworkPlan, there: &NetworkInspect) -> Result<Made> {
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
    Ok(Made::Before)
}
