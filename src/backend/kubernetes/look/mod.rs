//! Everything of a mirror on a cluster, read once.

mod egress;
mod inside;
mod list;
mod secrets;

use super::{Cluster, Result};
use crate::{backend::SecretValues, observed::ClusterObserved, plan::ClusterPlan};

impl Cluster {
    /// Reads the mirror's namespace, the nodes under its pods, and with `inside` every container of the profile that
    /// runs: one command in each, a few at a time, and a try to leave from one of them.
    ///
    /// Values of Secrets are compared here and kept nowhere. What a user may not list is named in
    /// [`ClusterObserved::unlisted`]. `stores`, `seeds` and `doors` are others' to tell, and empty.
    ///
    /// # Errors
    /// Where the cluster does not answer.
    pub async fn look(
        &self,
        plan: &ClusterPlan,
        secrets: &SecretValues,
        inside: bool,
    ) -> Result<ClusterObserved> {
        let mut observed = ClusterObserved::default();
        let (listed, kept, nodes) = tokio::try_join!(
            self.list_all(&plan.namespace),
            self.compare_secrets(plan, secrets),
            self.zones()
        )?;
        (observed.objects, observed.unlisted) = listed;
        observed.nodes = nodes;
        match kept {
            Ok(kept) => observed.secrets = kept,
            Err(why) => drop(observed.unlisted.insert("Secret".to_owned(), why)),
        }
        self.add_nodes(&mut observed).await?;
        if plan.shape.as_ref().is_some_and(|shape| shape.pids.is_some()) {
            self.add_pids(&mut observed).await?;
        }
        secrets::hide_literals(plan, &mut observed);
        if inside {
            let (asked, tried) = tokio::join!(
                self.ask_containers(plan, secrets, &observed),
                self.try_to_leave(plan, &observed)
            );
            (observed.inside, observed.egress) = (asked, tried);
        }
        Ok(observed)
    }
}
