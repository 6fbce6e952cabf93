//! Waiting until workloads are what they should be: watched, never polled, with one deadline, and an early end where
//! waiting is in vain.

mod away;
mod judge;
mod known;
mod proof;
mod seen;
mod tell;

use std::time::Duration;

use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet, StatefulSet},
    batch::v1::Job,
    core::v1::{Event, Pod},
};
use tokio::time::Instant;

use super::{Cluster, ClusterError, ObjectName, Result, trouble::Code, watch::Watches};
use crate::backend::{Progress, Report};
use judge::{Finding, Verdict, each, worst};
use proof::Unproven;
use seen::{Seen, Sight};

/// One workload, and what it is to become.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wanted {
    /// Every replica is of the newest template, and ready.
    Deployment(String),
    StatefulSet(String),
    /// Ended with as many successes as it asks for.
    Job(String),
    /// Ready, or ended with 0.
    Pod(String),
}

impl Wanted {
    fn object(&self, namespace: &str) -> ObjectName {
        let (kind, name) = match self {
            Self::Deployment(name) => ("Deployment", name),
            Self::StatefulSet(name) => ("StatefulSet", name),
            Self::Job(name) => ("Job", name),
            Self::Pod(name) => ("Pod", name),
        };
        ObjectName::new(kind, name, Some(namespace))
    }
}

/// What looks lost may be half a step: a service account that is a moment late, a pod that leaves as another comes.
/// Only after this it is.
const SETTLES: Duration = Duration::from_secs(3);

impl Cluster {
    /// Waits until everything wanted in a namespace is there.
    ///
    /// Needs the rights to list and watch pods, events, deployments, replica sets, stateful sets and jobs, and for what
    /// a failure says the one to read logs.
    ///
    /// # Errors
    /// [`ClusterError::Trouble`] as soon as one of them cannot come about by waiting, or at the deadline: with the pod,
    /// the container, the cluster's reason, its last events and the container's last lines.
    pub async fn settle(
        &self,
        namespace: &str,
        wanted: &[Wanted],
        within: Duration,
        step: &str,
        report: &dyn Report,
    ) -> Result<()> {
        let deadline = Instant::now() + within;
        let mut watches = self.sights(namespace);
        let (mut seen, mut said) = (Seen::new(namespace), String::new());
        let (mut pending, mut broken): (Option<Pending>, Option<ClusterError>) = (None, None);
        let mut unproven = Unproven::new(wanted.len());
        loop {
            let (verdict, proven) = if seen.is_whole() {
                let mut verdicts = each(&seen, wanted);
                let proven = unproven.prove(&mut verdicts, Instant::now());
                (worst(verdicts), proven)
            } else {
                unproven.forget();
                (Verdict::Blind, None)
            };
            let finding = match &verdict {
                Verdict::Done => return Ok(()),
                Verdict::Never(finding) => return Err(self.tell(namespace, finding.clone()).await),
                Verdict::Doubt(finding) | Verdict::Waiting(finding) => Some(finding.clone()),
                Verdict::Unproven | Verdict::Blind => None,
            };
            if let Some(what) = finding.as_ref().map(Finding::to_string)
                && what != said
            {
                said.clone_from(&what);
                report.event(Progress::Waiting { step: step.to_owned(), what });
            }
            pending = Pending::after(pending, &verdict);
            let turn = match &verdict {
                Verdict::Unproven => proven,
                _ => pending.as_ref().map(|pending| pending.until),
            };
            let until = turn.map_or(deadline, |turn| turn.min(deadline));
            match tokio::time::timeout_at(until, watches.next()).await {
                Ok(Ok(sight)) => {
                    seen.take(sight);
                    // Of many changes at once the last is judged.
                    while let Some(sight) = watches.next_there() {
                        match sight {
                            Ok(sight) => seen.take(sight),
                            Err(error) => broken = Some(error),
                        }
                    }
                }
                // It goes on by itself; at the deadline it is what there is to say.
                Ok(Err(error)) => broken = Some(error),
                Err(_) => match (verdict, finding) {
                    (Verdict::Unproven, _) if until < deadline => {}
                    (Verdict::Unproven, _) => return Ok(()),
                    (_, Some(finding)) if until < deadline => {
                        if finding.code != Code::Unschedulable || !self.a_node_left_lately().await {
                            return Err(self.tell(namespace, finding).await);
                        }
                        pending = None;
                    }
                    (_, Some(finding)) => return Err(self.tell(namespace, finding.too_late(within)).await),
                    (_, None) => return Err(broken.unwrap_or_else(|| blind(namespace))),
                },
            }
        }
    }

    fn sights(&self, namespace: &str) -> Watches<Sight> {
        let mut watches = Watches::new(&self.client, namespace);
        watches.over::<Pod>(Sight::Pod);
        watches.over::<ReplicaSet>(Sight::ReplicaSet);
        watches.over::<Deployment>(Sight::Deployment);
        watches.over::<StatefulSet>(Sight::StatefulSet);
        watches.over::<Job>(Sight::Job);
        watches.over::<Event>(Sight::Event);
        watches
    }
}

/// A doubt, which is taken for true if nothing else is seen until then.
struct Pending {
    finding: Finding,
    until: Instant,
}

impl Pending {
    /// The same thing goes on from when it began.
    fn after(before: Option<Self>, verdict: &Verdict) -> Option<Self> {
        let Verdict::Doubt(finding) = verdict else { return None };
        let before = before.filter(|before| before.finding.is_same(finding));
        let until = before.map_or_else(|| Instant::now() + SETTLES, |before| before.until);
        Some(Self { finding: finding.clone(), until })
    }
}

fn blind(namespace: &str) -> ClusterError {
    let what = format!("watch over namespace `{namespace}`");
    ClusterError::Api { what, why: "nothing was seen in time".to_owned() }
}
