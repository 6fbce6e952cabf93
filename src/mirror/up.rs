//! `up`: from a profile to a running, seeded, verified mirror; a second one changes only what must be.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::{
    backend::{
        Ask, Backend, BackendError, Lease, LeaseKind, Planned, Progress, Report, RunState, SecretValues,
        Start, What,
    },
    digest,
    formats::journal::{Event, KeeperStatus, ProfileMark, UpState},
    labels,
    ledger::Ledger,
    name::Name,
    observed::Observed,
    plan::{Action, Plan, Reconciliation, reconcile},
    profile::{self, Profile},
};

use super::{
    GivenSecrets, Result, StoryError, admit,
    anew::Anew,
    document::Timing,
    launch::Launch,
    memory,
    preflight::{self, Source},
    removal, secrets, seed, shape,
    underway::Underway,
    verify::verify,
};

/// What `up` is asked for.
pub struct UpRequest<'a> {
    pub profile: &'a Profile,
    pub origins: &'a profile::Origins,
    /// The profile's file as given, for people, and its folder, from which seeds are read.
    pub file: &'a Path,
    pub folder: PathBuf,
    /// Where this host keeps what is no loss: the marks of launches under way.
    pub state: PathBuf,
    pub ask: Ask,
    pub given: GivenSecrets,
    pub archive: Option<PathBuf>,
    pub timeout: Duration,
    pub ttl: Option<Duration>,
    pub replace: bool,
    pub lease: LeaseKind,
    /// A `run` may join a mirror that is up.
    pub must_be_new: bool,
}

/// What an `up` came to; the mirror is up, whether or not the ledger holds.
pub struct Up {
    pub plan: Plan,
    pub ledger: Ledger,
    pub observed: Observed,
    pub timings: Vec<Timing>,
    pub changed: bool,
    /// Held on by a `run` for as long as its command lives.
    pub lease: Option<Box<dyn Lease>>,
}

/// Why an `up` failed after it had begun to make things.
pub struct Failed {
    pub error: StoryError,
    /// The run that began; absent when nothing was made.
    pub run: Option<String>,
}

impl From<StoryError> for Failed {
    fn from(error: StoryError) -> Self {
        Self { error, run: None }
    }
}

impl From<BackendError> for Failed {
    fn from(error: BackendError) -> Self {
        StoryError::from(error).into()
    }
}

/// How often a launch begins again because others took its addresses between the plan and the first network.
const TRIES: u32 = 8;

/// Brings the mirror up. `says` hears what will change before anything does.
pub async fn up(
    backend: &dyn Backend,
    request: UpRequest<'_>,
    report: &dyn Report,
    says: &(dyn Fn(&Reconciliation) + Sync),
) -> Result<Up, Failed> {
    let mut given = request.given.clone();
    let filled = secrets::keep(backend, &request, &mut given).await?;
    let request = UpRequest { profile: filled.as_ref().unwrap_or(request.profile), given, ..request };
    unless_raced(async || attempt(backend, &request, report, says).await).await
}

/// Begins again for as long as others are quicker, within reason.
async fn unless_raced<T>(mut attempt: impl AsyncFnMut() -> Result<T, Failed>) -> Result<T, Failed> {
    for _ in 1..TRIES {
        match attempt().await {
            Err(failed) if is_race(&failed.error) => {}
            done => return done,
        }
    }
    attempt().await
}

/// Whether another network took the planned addresses; a host read anew has others, and nothing was made.
fn is_race(error: &StoryError) -> bool {
    matches!(error, StoryError::Backend(BackendError::SubnetTaken { .. }))
}

async fn attempt(
    backend: &dyn Backend,
    request: &UpRequest<'_>,
    report: &dyn Report,
    says: &(dyn Fn(&Reconciliation) + Sync),
) -> Result<Up, Failed> {
    let began = Instant::now();
    let source = Source { profile: request.profile, origins: request.origins };
    let prepared =
        preflight::prepare(backend, source, &request.ask, request.archive.as_deref(), report).await?;
    let plan = prepared.plan;
    seed::check_seeds(&plan, &request.folder)?;
    for text in &plan.notes {
        report.event(Progress::Note(text.clone()));
    }
    let mut timings = vec![timing("preflight", began)];

    let observed = admit::admit(backend, &plan, request, report).await?;
    let status = observed.keeper.clone().unwrap_or_default();
    let mut changes = reconcile(&plan, &observed);
    let anew = Anew::judge(&plan, &request.folder, &status, &observed, report).await?;
    let stores: Vec<&Name> = anew.stores.keys().collect();
    changes.renew(&plan, &stores, anew.says(&plan, &observed), &observed);
    let present = backend.secrets(&plan.mirror).await?;
    let values = secrets::values(&plan, &request.given, &present)?;
    let tree = profile::tree(request.profile);
    let settled = changes.is_unchanged()
        && anew.stores.is_empty()
        && status.up == UpState::Done
        && !status.stopped
        && request.lease == LeaseKind::Up
        && request.ttl.is_none();
    if settled && all_ready(&status) {
        for event in &anew.touched {
            backend.note(&plan.mirror, event).await?;
        }
        let (ledger, observed) =
            timed("verify", &mut timings, verify(backend, &plan, &tree, &values)).await?;
        return Ok(Up { plan, ledger, observed, timings, changed: false, lease: None });
    }

    if status.leased {
        return Err(BackendError::Leased { mirror: plan.mirror.clone() }.into());
    }
    says(&changes);
    let run = shape::short_id().map_err(|error| StoryError::Render(error.to_string()))?;
    // Until the keeper's lease says so, this is how another `up` on this host knows whether we live.
    let _underway = Underway::begin(&request.state, &plan.mirror, &run);
    let found = Found { observed: &observed, status: &status, changes: &changes, anew: &anew };
    let made = make(backend, &plan, &values, request, &found, &run, report, &mut timings).await;
    let lease = match made {
        Ok(lease) => lease,
        // Another process makes this mirror: it is not ours to keep or to remove.
        Err(error) if removal::is_leased(&error) => return Err(error.into()),
        Err(error) => return Err(Failed { error, run: Some(run) }),
    };
    let verified = timed("verify", &mut timings, verify(backend, &plan, &tree, &values)).await;
    let (ledger, observed) = match verified {
        Ok(verified) => verified,
        Err(error) => return Err(Failed { error, run: Some(run) }),
    };
    backend.note(&plan.mirror, &Event::UpDone { run }).await?;
    let lease = match request.lease {
        LeaseKind::Run => Some(lease),
        LeaseKind::Up | LeaseKind::Down => {
            lease.done().await?;
            None
        }
    };
    let observed = Observed { keeper: backend.says(&plan.mirror).await?, ..observed };
    Ok(Up { plan, ledger, observed, timings, changed: true, lease })
}

/// What was there, and what shall become of it.
struct Found<'a> {
    observed: &'a Observed,
    status: &'a KeeperStatus,
    changes: &'a Reconciliation,
    anew: &'a Anew,
}

/// From the keeper to the last ready replica.
#[expect(clippy::too_many_arguments, reason = "one call; each is a stage of its own above")]
async fn make(
    backend: &dyn Backend,
    plan: &Plan,
    values: &SecretValues,
    request: &UpRequest<'_>,
    found: &Found<'_>,
    run: &str,
    report: &dyn Report,
    timings: &mut Vec<Timing>,
) -> Result<Box<dyn Lease>> {
    let began = Instant::now();
    let Found { observed, status, changes, anew } = *found;
    let mark = ProfileMark {
        name: request.profile.name.to_string(),
        file: request.file.display().to_string(),
        hash: digest::spec(&profile::tree(request.profile)),
    };
    let expires = request.ttl.and_then(expiry);
    let kept = keeper(backend, plan, values, changes, run, &mark, expires.as_deref(), report).await;
    match kept {
        Err(error) if *status == KeeperStatus::default() && !is_race(&error) => {
            return Err(admit::outrun(backend, plan, run, error).await);
        }
        kept => kept?,
    }
    let lease = backend.lease(&plan.mirror, run, request.lease).await?;
    let expires = expires.or_else(|| status.expires.clone().filter(|_| goes_on(status)));
    let begun = Event::UpBegun { run: run.to_owned(), profile: mark, expires };
    backend.note(&plan.mirror, &begun).await?;
    memory::remember(backend, &plan.mirror, request.profile, &request.ask).await?;
    if status.stopped {
        backend.note(&plan.mirror, &Event::Started { service: None, ordinal: None }).await?;
    }
    timings.push(timing("keeper", began));
    let stage = seed::Stage { backend, plan, secrets: values, folder: &request.folder, report };
    removal::orphans(&stage, changes).await?;
    for event in &anew.touched {
        backend.note(&plan.mirror, event).await?;
    }
    anew.clear(&stage, observed).await?;
    let stores = plan.stores.iter().map(|store| &store.store);
    let seeded: BTreeSet<String> =
        stores.filter(|store| !anew.stores.contains_key(*store)).map(Name::to_string).collect();
    let launch = Launch { stage, changes, seeded: &seeded, timeout: request.timeout };
    timings.extend(launch.carry_out().await?.timings);
    Ok(lease)
}

/// The networks it stands in, its volumes, and the keeper itself: the first container of a mirror.
#[expect(clippy::too_many_arguments, reason = "the marks of a launch, each once")]
async fn keeper(
    backend: &dyn Backend,
    plan: &Plan,
    values: &SecretValues,
    changes: &Reconciliation,
    run: &str,
    mark: &ProfileMark,
    expires: Option<&str>,
    report: &dyn Report,
) -> Result<()> {
    let state = match changes.of(&plan.keeper.key) {
        Action::Keep => return Ok(()),
        Action::Start | Action::Create => RunState::Running,
        Action::Repair | Action::Replace => RunState::Fresh,
    };
    let mut labels = BTreeMap::from([
        (labels::RUN.to_owned(), run.to_owned()),
        (labels::PROFILE.to_owned(), mark.hash.clone()),
    ]);
    if let Some(expires) = expires {
        labels.insert(labels::EXPIRES.to_owned(), expires.to_owned());
    }
    for what in [What::Networks, What::Volumes, What::Keeper] {
        let state = if matches!(what, What::Keeper) { state } else { RunState::Running };
        let planned = Planned { plan, secrets: values, launch_labels: &labels, what, state };
        backend.start(Start::Planned(planned), report).await?;
    }
    Ok(())
}

/// Whether this `up` goes on with a mirror that was up, the time that it has among it; a failed one had another.
fn goes_on(status: &KeeperStatus) -> bool {
    status.up == UpState::Done || (status.up == UpState::Begun && status.was_up)
}

fn all_ready(status: &KeeperStatus) -> bool {
    let jobs: BTreeSet<&str> = status.jobs.iter().map(|job| job.job.as_str()).collect();
    status.replicas.iter().all(|replica| replica.ready || jobs.contains(replica.service.as_str()))
}

/// RFC 3339, UTC.
pub fn expiry(after: Duration) -> Option<String> {
    let at = jiff::Timestamp::now().checked_add(jiff::SignedDuration::try_from(after).ok()?).ok()?;
    Some(jiff::fmt::temporal::DateTimePrinter::new().precision(Some(0)).timestamp_to_string(&at))
}

fn timing(step: &str, began: Instant) -> Timing {
    Timing { step: step.to_owned(), millis: began.elapsed().as_millis() as u64 }
}

async fn timed<T>(step: &str, timings: &mut Vec<Timing>, work: impl Future<Output = Result<T>>) -> Result<T> {
    let began = Instant::now();
    let done = work.await;
    timings.push(timing(step, began));
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken() -> Failed {
        let (network, subnet, why) = ("n".to_owned(), "10.0.0.0/28".to_owned(), String::new());
        BackendError::SubnetTaken { network, subnet, why }.into()
    }

    /// How often a launch begins whose first tries end so.
    async fn begun(ends: &[fn() -> Failed]) -> (u32, bool) {
        let mut begun = 0;
        let done = unless_raced(async || {
            begun += 1;
            ends.get(begun as usize - 1).map_or(Ok(()), |end| Err(end()))
        });
        let done = done.await.is_ok();
        (begun, done)
    }

    #[tokio::test]
    async fn a_launch_whose_addresses_were_taken_begins_again_with_others() {
        assert_eq!(begun(&[]).await, (1, true));
        assert_eq!(begun(&[taken, taken]).await, (3, true));
        assert_eq!(begun(&[taken as fn() -> Failed; 20]).await, (TRIES, false));
    }

    #[tokio::test]
    async fn no_other_failure_is_tried_again() {
        let held: fn() -> Failed = || BackendError::Leased { mirror: Name::new("m").unwrap() }.into();
        assert_eq!(begun(&[held]).await, (1, false));
        assert_eq!(begun(&[taken, held]).await, (2, false));
    }
}
