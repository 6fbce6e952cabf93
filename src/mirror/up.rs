//! `up`: from a profile to a running, seeded, verified mirror; a second one changes only what must be.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::{
    backend::{Ask, Backend, BackendError, Lease, LeaseKind, Progress, Report},
    digest,
    formats::journal::{Event, KeeperStatus, ProfileMark, UpState},
    ledger::Ledger,
    name::Name,
    observed::Observed,
    profile::{self, Profile},
};

use super::{
    Drawn, GivenSecrets, Result, StoryError, admit, containers,
    document::Timing,
    objects,
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
    pub mirror: Name,
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

/// Hears what will change, a line each, before anything does.
pub type Says<'a> = &'a (dyn Fn(&[String]) + Sync);

/// Brings the mirror up.
pub async fn up(
    backend: &dyn Backend,
    request: UpRequest<'_>,
    report: &dyn Report,
    says: Says<'_>,
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
pub(super) fn is_race(error: &StoryError) -> bool {
    matches!(error, StoryError::Backend(BackendError::SubnetTaken { .. }))
}

async fn attempt(
    backend: &dyn Backend,
    request: &UpRequest<'_>,
    report: &dyn Report,
    says: Says<'_>,
) -> Result<Up, Failed> {
    let began = Instant::now();
    let source = Source { profile: request.profile, origins: request.origins };
    let prepared =
        preflight::prepare(backend, source, &request.ask, request.archive.as_deref(), report).await?;
    let drawn = prepared.drawn;
    let mirror = drawn.mirror().clone();
    seed::check_seeds(drawn.stores(), &request.folder)?;
    for text in drawn.notes() {
        report.event(Progress::Note(text.clone()));
    }
    if let Drawn::Objects { .. } = drawn {
        // No field of the ledger stands for what a cluster does of itself for a mirror.
        for lack in &prepared.lacks {
            report.event(Progress::Note(format!("{}: {}", lack.message, lack.hint)));
        }
    }
    let mut timings = vec![timing("preflight", began)];

    let observed = admit::admit(backend, &drawn, request, report).await?;
    let status = observed.keeper.clone().unwrap_or_default();
    let present = backend.secrets(&mirror).await?;
    let values = secrets::values(drawn.secrets(), &request.given, &present)?;
    let tree = profile::tree(request.profile);
    let stage = Stage { backend, request, observed: &observed, status: &status, report };
    let changes = match &drawn {
        Drawn::Containers { place, plan } => {
            Changes::Containers(containers::Changes::read(&stage, *place, plan, &values).await?)
        }
        Drawn::Objects { place, plan } => {
            Changes::Objects(objects::Changes::read(&stage, *place, plan, &values).await?)
        }
    };
    let settled = changes.is_unchanged()
        && status.up == UpState::Done
        && !status.stopped
        && request.lease == LeaseKind::Up
        && request.ttl.is_none();
    if settled && all_ready(&status) {
        for event in changes.touched() {
            backend.note(&mirror, event, report).await?;
        }
        let (ledger, observed) =
            timed("verify", &mut timings, verify(backend, &drawn, &tree, &values)).await?;
        // Objects are compared by the seals of their plans, which tell nothing of what others changed in them.
        let is_as_planned = matches!(changes, Changes::Containers(_)) || ledger.summary.unmet == 0;
        if is_as_planned {
            return Ok(Up { mirror, ledger, observed, timings, changed: false, lease: None });
        }
        report.event(Progress::Note("the ledger does not hold: all of the plan is applied again".to_owned()));
    }

    if status.leased {
        return Err(BackendError::Leased { mirror }.into());
    }
    says(changes.says());
    let run = shape::short_id().map_err(|error| StoryError::Render(error.to_string()))?;
    // Until the mirror's record says so, this is how another `up` on this host knows whether we live.
    let _underway = Underway::begin(&request.state, &mirror, &run);
    let made = match &changes {
        Changes::Containers(changes) => changes.make(&stage, &run, &mut timings).await,
        Changes::Objects(changes) => changes.make(&stage, &run, &mut timings).await,
    };
    let lease = match made {
        Ok(lease) => lease,
        // Another process makes this mirror: it is not ours to keep or to remove.
        Err(error) if removal::is_leased(&error) => return Err(error.into()),
        Err(error) => return Err(Failed { error, run: Some(run) }),
    };
    // Of a large mirror the objects as they were placed are much, and not asked for again.
    drop(changes);
    let verified = timed("verify", &mut timings, verify(backend, &drawn, &tree, &values)).await;
    let (ledger, observed) = match verified {
        Ok(verified) => verified,
        Err(error) => return Err(Failed { error, run: Some(run) }),
    };
    backend.note(&mirror, &Event::UpDone { run }, report).await?;
    let lease = match request.lease {
        LeaseKind::Run => Some(lease),
        LeaseKind::Up | LeaseKind::Down => {
            lease.done().await?;
            None
        }
    };
    let observed = Observed { keeper: backend.says(&mirror).await?, ..observed };
    Ok(Up { mirror, ledger, observed, timings, changed: true, lease })
}

/// What an `up` found, and what it was asked for.
pub(super) struct Stage<'a> {
    pub backend: &'a dyn Backend,
    pub request: &'a UpRequest<'a>,
    pub observed: &'a Observed,
    pub status: &'a KeeperStatus,
    pub report: &'a dyn Report,
}

impl Stage<'_> {
    pub fn mark(&self) -> ProfileMark {
        let UpRequest { profile, file, .. } = self.request;
        ProfileMark {
            name: profile.name.to_string(),
            file: file.display().to_string(),
            hash: digest::spec(&profile::tree(profile)),
        }
    }

    /// When the mirror will go: asked for, else as it was where this `up` goes on with it.
    pub fn expires(&self) -> Option<String> {
        let asked = self.request.ttl.and_then(expiry);
        asked.or_else(|| self.status.expires.clone().filter(|_| goes_on(self.status)))
    }
}

/// What will be done, in the form of the plan.
enum Changes<'a> {
    Containers(containers::Changes<'a>),
    Objects(objects::Changes<'a>),
}

impl Changes<'_> {
    fn is_unchanged(&self) -> bool {
        match self {
            Self::Containers(changes) => changes.is_unchanged(),
            Self::Objects(changes) => changes.is_unchanged(),
        }
    }

    fn touched(&self) -> &[Event] {
        match self {
            Self::Containers(changes) => changes.touched(),
            Self::Objects(changes) => changes.touched(),
        }
    }

    fn says(&self) -> &[String] {
        match self {
            Self::Containers(changes) => changes.says(),
            Self::Objects(changes) => changes.says(),
        }
    }
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

pub(super) fn timing(step: &str, began: Instant) -> Timing {
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
