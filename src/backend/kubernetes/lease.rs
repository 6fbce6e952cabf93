//! Who works on a mirror: a Lease of its namespace, renewed for as long as its holder lives.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{
    Api,
    api::{ObjectMeta, Patch, PatchParams, PostParams},
};
use serde_json::json;
use tokio::task::JoinSet;

use super::{Cluster, MANAGED_BY, MANAGER, MIRROR, Result, error, holder::Holder};
use crate::{
    backend::{self, BackendError, Later, LeaseKind},
    name::Name,
    plan::kubernetes::namespace,
};

const LEASE: &str = "mirror.lease";
/// What the lease is held for.
const FOR: &str = "prodmirror/for";
/// A holder of whom nothing is heard for so long is gone. Clocks may be apart by a part of it.
const SECONDS: i32 = 15;
const RENEWED_EVERY: Duration = Duration::from_secs(5);

/// What there is of a lease.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// Somebody who lives holds it.
    pub held: bool,
    /// It was held for a `run`, was never given back, and its holder is gone.
    pub run_died: bool,
}

/// A lease that is held until this is dropped; dropped without a word, it runs out.
pub(super) struct Held {
    cluster: Cluster,
    mirror: Name,
    _renewal: JoinSet<()>,
}

impl Cluster {
    pub(super) async fn standing(&self, mirror: &Name) -> Result<Standing> {
        let lease = error::ask(what(mirror), self.leases(mirror).get_opt(LEASE)).await?;
        Ok(lease.map(|lease| standing(&lease, Timestamp::now())).unwrap_or_default())
    }

    /// Takes the lease of a mirror whose namespace is there.
    ///
    /// # Errors
    /// [`BackendError::Leased`] while another holds it.
    pub(super) async fn hold(&self, mirror: &Name, run: &str, kind: LeaseKind) -> backend::Result<Held> {
        let leases = self.leases(mirror);
        let what = what(mirror);
        let holder = Holder::of_this_process(run).to_string();
        let taken = BackendError::Leased { mirror: mirror.clone() };
        let found = error::ask(&what, leases.get_opt(LEASE)).await?;
        let spec = json!({
            "holderIdentity": holder,
            "leaseDurationSeconds": SECONDS,
            "acquireTime": MicroTime(Timestamp::now()),
            "renewTime": MicroTime(Timestamp::now()),
        });
        let answer = match found {
            Some(lease) if standing(&lease, Timestamp::now()).held => return Err(taken),
            Some(lease) => {
                let metadata = json!({
                    "resourceVersion": lease.metadata.resource_version,
                    "annotations": { FOR: kind.as_str() },
                });
                let patch = Patch::Merge(json!({ "metadata": metadata, "spec": spec }));
                error::answer(&what, leases.patch(LEASE, &ours(), &patch)).await?
            }
            None => {
                let labels =
                    [(MANAGED_BY.to_owned(), MANAGER.to_owned()), (MIRROR.to_owned(), mirror.to_string())];
                let lease = Lease {
                    metadata: ObjectMeta {
                        name: Some(LEASE.to_owned()),
                        labels: Some(labels.into()),
                        annotations: Some([(FOR.to_owned(), kind.as_str().to_owned())].into()),
                        ..ObjectMeta::default()
                    },
                    spec: serde_json::from_value(spec).ok(),
                };
                let how = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
                error::answer(&what, leases.create(&how, &lease)).await?
            }
        };
        match answer {
            Ok(_) => Ok(self.renewed(mirror, holder)),
            Err(error) if error::status(&error) == Some(409) => Err(taken),
            Err(error) => Err(error::refused(what, &error).into()),
        }
    }

    fn renewed(&self, mirror: &Name, holder: String) -> Held {
        let (leases, what) = (self.leases(mirror), what(mirror));
        let mut renewal = JoinSet::new();
        renewal.spawn(async move {
            loop {
                tokio::time::sleep(RENEWED_EVERY).await;
                // One that is missed is made up for by the next; whoever took it over keeps it.
                let still = error::ask(&what, leases.get_opt(LEASE)).await;
                let Ok(Some(lease)) = still else { continue };
                if lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_ref()) != Some(&holder) {
                    return;
                }
                let patch = json!({
                    "metadata": { "resourceVersion": lease.metadata.resource_version },
                    "spec": { "renewTime": MicroTime(Timestamp::now()) },
                });
                let _ = error::ask(&what, leases.patch(LEASE, &ours(), &Patch::Merge(patch))).await;
            }
        });
        Held { cluster: self.clone(), mirror: mirror.clone(), _renewal: renewal }
    }

    fn leases(&self, mirror: &Name) -> Api<Lease> {
        Api::namespaced(self.client.clone(), &namespace(mirror))
    }
}

impl backend::Lease for Held {
    fn done(self: Box<Self>) -> Later<'static, ()> {
        Box::pin(async move {
            let Self { cluster, mirror, _renewal: renewal } = *self;
            drop(renewal);
            let patch = Patch::Merge(json!({ "spec": { "holderIdentity": null } }));
            let leases = cluster.leases(&mirror);
            match error::answer(&what(&mirror), leases.patch(LEASE, &ours(), &patch)).await? {
                Ok(_) => Ok(()),
                // It went with the mirror.
                Err(error) if error::status(&error) == Some(404) => Ok(()),
                Err(error) => Err(error::refused(what(&mirror), &error).into()),
            }
        })
    }
}

fn what(mirror: &Name) -> String {
    format!("lease of mirror `{mirror}`")
}

fn ours() -> PatchParams {
    PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() }
}

fn standing(lease: &Lease, now: Timestamp) -> Standing {
    let LeaseSpec { holder_identity, renew_time, lease_duration_seconds, .. } =
        lease.spec.clone().unwrap_or_default();
    let Some(holder) = holder_identity.filter(|holder| !holder.is_empty()) else {
        return Standing::default();
    };
    let span = SignedDuration::from_secs(i64::from(lease_duration_seconds.unwrap_or(SECONDS)));
    let is_fresh = renew_time.is_some_and(|time| time.0.saturating_add(span).is_ok_and(|end| end > now));
    let held = is_fresh && !holder.parse::<Holder>().is_ok_and(|holder| holder.is_gone());
    let is_run =
        lease.metadata.annotations.as_ref().and_then(|all| all.get(FOR)).is_some_and(|kind| kind == "run");
    Standing { held, run_died: is_run && !held }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(holder: &str, renewed: i64, kind: LeaseKind) -> Lease {
        let spec = LeaseSpec {
            holder_identity: Some(holder.to_owned()),
            renew_time: Some(MicroTime(Timestamp::from_second(renewed).unwrap())),
            lease_duration_seconds: Some(SECONDS),
            ..LeaseSpec::default()
        };
        let annotations = Some([(FOR.to_owned(), kind.as_str().to_owned())].into());
        Lease { metadata: ObjectMeta { annotations, ..ObjectMeta::default() }, spec: Some(spec) }
    }

    fn at(second: i64, lease: &Lease) -> (bool, bool) {
        let Standing { held, run_died } = standing(lease, Timestamp::from_second(second).unwrap());
        (held, run_died)
    }

    #[test]
    fn a_lease_that_is_not_renewed_runs_out_and_one_that_was_given_back_is_free() {
        let elsewhere = lease("r on another host", 100, LeaseKind::Up);
        assert_eq!(at(114, &elsewhere), (true, false));
        assert_eq!(at(116, &elsewhere), (false, false));
        assert_eq!(at(101, &lease("", 100, LeaseKind::Run)), (false, false));
        assert_eq!(standing(&Lease::default(), Timestamp::now()), Standing::default());
    }

    #[test]
    fn a_run_whose_holder_is_gone_is_told_from_one_that_ended_in_order() {
        let run = lease("r on another host", 100, LeaseKind::Run);
        assert_eq!(at(101, &run), (true, false));
        assert_eq!(at(200, &run), (false, true));
    }

    #[test]
    fn a_holder_on_this_host_that_is_gone_holds_nothing() {
        let own = Holder::of_this_process("r");
        assert_eq!(at(101, &lease(&own.to_string(), 100, LeaseKind::Up)), (true, false));
        let gone = own.ended();
        assert_eq!(at(101, &lease(&gone.to_string(), 100, LeaseKind::Up)), (false, false));
    }
}
