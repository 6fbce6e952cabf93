//! Waiting until workloads are what they should be: watched, never polled, with one deadline, and an early end where
//! waiting is in vain.

mod judge;
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
use judge::{Finding, Verdict, judge};
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

/// A container without a readiness probe is ready as soon as it runs. One that cannot work exits before this.
const HOLDS: Duration = Duration::from_secs(2);

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
        loop {
            let verdict = if seen.is_whole() { judge(&seen, wanted) } else { Verdict::Blind };
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
            let until = pending.as_ref().map_or(deadline, |pending| pending.until.min(deadline));
            match tokio::time::timeout_at(until, watches.next()).await {
                Ok(Ok(sight)) => seen.take(sight),
                // It goes on by itself; at the deadline it is what there is to say.
                Ok(Err(error)) => broken = Some(error),
                Err(_) if until < deadline || finding.is_none() && pending.is_some() => {
                    return match finding {
                        Some(finding) => Err(self.tell(namespace, finding).await),
                        None => Ok(()),
                    };
                }
                Err(_) => {
                    let Some(finding) = finding else {
                        return Err(broken.unwrap_or_else(|| blind(namespace)));
                    };
                    return Err(self.tell(namespace, finding.too_late(within)).await);
                }
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

/// What is taken for true if nothing else is seen until then: a doubt, or that all is well.
struct Pending {
    finding: Option<Finding>,
    until: Instant,
}

impl Pending {
    /// The same thing goes on from when it began.
    fn after(before: Option<Self>, verdict: &Verdict) -> Option<Self> {
        let (finding, span) = match verdict {
            Verdict::Doubt(finding) => (Some(finding), SETTLES),
            Verdict::Unproven => (None, HOLDS),
            Verdict::Done | Verdict::Waiting(_) | Verdict::Never(_) | Verdict::Blind => return None,
        };
        let is_same = |before: &Self| match (&before.finding, finding) {
            (Some(before), Some(finding)) => before.is_same(finding),
            (before, finding) => before.is_none() && finding.is_none(),
        };
        let until = before.filter(is_same).map_or_else(|| Instant::now() + span, |before| before.until);
        Some(Self { finding: finding.cloned(), until })
    }
}

fn blind(namespace: &str) -> ClusterError {
    let what = format!("watch over namespace `{namespace}`");
    ClusterError::Api { what, why: "nothing was seen in time".to_owned() }
}
