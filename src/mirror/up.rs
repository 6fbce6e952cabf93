//! `up`: from a profile to a running, seeded, verified mirror; a second one changes only what must be.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::{
    backend::{
        Ask, Backend, BackendError, Progress, Report, RunState, SecretValues, Start, What, compose::Compose,
    },
    digest,
    formats::journal::{Event, KeeperStatus, ProfileMark, UpState},
    labels,
    ledger::Ledger,
    observed::Observed,
    plan::Plan,
    profile::{self, Profile},
};

use super::{
    GivenSecrets, Lease, LeaseKind, Result, StoryError, admit,
    document::Timing,
    launch::{Launch, done_jobs},
    lease::note,
    memory,
    preflight::{self, Source},
    reconcile::{self, Action, Reconciliation},
    removal, secrets, seed, shape,
    verify::verify,
};

/// What `up` is asked for.
pub struct UpRequest<'a> {
    pub profile: &'a Profile,
    pub origins: &'a profile::Origins,
    /// The profile's file as given, for people, and its folder, from which seeds are read.
    pub file: &'a Path,
    pub folder: PathBuf,
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
    pub lease: Option<Lease>,
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
    backend: &Compose,
    request: UpRequest<'_>,
    report: &dyn Report,
    says: &(dyn Fn(&Reconciliation) + Sync),
) -> Result<Up, Failed> {
    for _ in 1..TRIES {
        match attempt(backend, &request, report, says).await {
            Err(failed) if is_race(&failed.error) => {}
            done => return done,
        }
    }
    attempt(backend, &request, report, says).await
}

/// Whether another network took the planned addresses; a host read anew has others, and nothing was made.
fn is_race(error: &StoryError) -> bool {
    matches!(error, StoryError::Backend(BackendError::SubnetTaken { .. }))
}

async fn attempt(
    backend: &Compose,
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
    let changes = reconcile::reconcile(&plan, &observed, &done_jobs(&plan, observed.keeper.as_ref()));
    let present = backend.secrets(&plan.mirror).await?;
    let values = secrets::values(&plan, &request.given, &present)?;
    let tree = profile::tree(request.profile);
    let settled = changes.is_unchanged()
        && status.up == UpState::Done
        && !status.stopped
        && request.lease == LeaseKind::Up
        && request.ttl.is_none();
    if settled && all_ready(&status) {
        let (ledger, observed) =
            timed("verify", &mut timings, verify(backend, &plan, &tree, &values)).await?;
        return Ok(Up { plan, ledger, observed, timings, changed: false, lease: None });
    }

    if status.leased {
        return Err(BackendError::Leased { mirror: plan.mirror.clone() }.into());
    }
    says(&changes);
    let run = shape::short_id().map_err(|error| StoryError::Render(error.to_string()))?;
    let made = make(backend, &plan, &values, request, &changes, &status, &run, report, &mut timings).await;
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
    note(backend, &plan.mirror, &Event::UpDone { run }).await?;
    let lease = match request.lease {
        LeaseKind::Run => Some(lease),
        LeaseKind::Up | LeaseKind::Down => {
            lease.done().await?;
            None
        }
    };
    let observed = Observed { keeper: backend.keeper_says(&plan.mirror).await?, ..observed };
    Ok(Up { plan, ledger, observed, timings, changed: true, lease })
}

/// From the keeper to the last ready replica.
#[expect(clippy::too_many_arguments, reason = "one call; each is a stage of its own above")]
async fn make(
    backend: &Compose,
    plan: &Plan,
    values: &SecretValues,
    request: &UpRequest<'_>,
    changes: &Reconciliation,
    status: &KeeperStatus,
    run: &str,
    report: &dyn Report,
    timings: &mut Vec<Timing>,
) -> Result<Lease> {
    let began = Instant::now();
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
    let lease = Lease::take(backend, &plan.mirror, run, request.lease).await?;
    let expires = expires.or_else(|| status.expires.clone().filter(|_| status.up == UpState::Done));
    note(backend, &plan.mirror, &Event::UpBegun { run: run.to_owned(), profile: mark, expires }).await?;
    memory::remember(backend, &plan.mirror, request.profile, &request.ask).await?;
    if status.stopped {
        note(backend, &plan.mirror, &Event::Started { service: None, ordinal: None }).await?;
    }
    timings.push(timing("keeper", began));
    removal::orphans(backend, changes, report).await?;

    let stage = seed::Stage { backend, plan, secrets: values, folder: &request.folder, report };
    let seeded: BTreeSet<String> = status
        .seeds
        .iter()
        .map(|seed| seed.store.clone())
        .filter(|store| plan.stores.iter().any(|s| s.store.as_str() == *store && !is_new(s, status)))
        .collect();
    let launch = Launch { stage, changes, seeded: &seeded, timeout: request.timeout };
    timings.extend(launch.carry_out().await?.timings);
    Ok(lease)
}

/// Whether a store's state must be made anew: it was never seeded, or its seed is another one.
fn is_new(store: &crate::plan::StorePlan, status: &KeeperStatus) -> bool {
    status
        .seeds
        .iter()
        .rfind(|seed| seed.store == store.store.as_str())
        .is_none_or(|seed| seed.seed != store.seed)
}

/// The networks it stands in, its volumes, and the keeper itself: the first container of a mirror.
#[expect(clippy::too_many_arguments, reason = "the marks of a launch, each once")]
async fn keeper(
    backend: &Compose,
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
        let start = Start { plan, secrets: values, launch_labels: &labels, what, state };
        backend.start(start, report).await?;
    }
    Ok(())
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
