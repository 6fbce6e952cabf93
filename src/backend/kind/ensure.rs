//! The cluster that a mirror runs on: found, or made, by whoever comes first.

use std::{
    fmt,
    time::{Duration, Instant},
};

use super::{
    ClusterName, Kind, Mark, Result,
    lock::{Lock, Locked},
};
use crate::{
    backend::{BackendError, Progress, Report},
    plan::kubernetes::ClusterShape,
};

const STEP: &str = "cluster";
/// Between two looks at a lock that another process has. Waiting in the kernel could not be cut off.
const PAUSE: Duration = Duration::from_millis(100);
/// How kind, and the engine behind it, say that a node of an earlier making came after it was looked for.
const CROSSED: [&str; 2] =
    ["already exist for a cluster with the name", "You have to remove (or rename) that container"];
/// For how long a making begins again because of that: an engine is at work for the dead a moment, on a busy machine a
/// long one, in which the name is taken and no container has it.
const CROSSED_FOR: Duration = Duration::from_secs(60);
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// A cluster that nobody of this host removes while this is held. Drop it when the mirror's namespace is there: from
/// then on the cluster itself tells that it is used.
pub struct InUse {
    name: ClusterName,
    credentials: String,
    _lock: Locked,
}

/// Without the key.
impl fmt::Debug for InUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InUse").field("name", &self.name).finish_non_exhaustive()
    }
}

impl InUse {
    pub fn name(&self) -> &ClusterName {
        &self.name
    }

    /// As [`Kind::credentials`] answers them.
    pub fn credentials(&self) -> &str {
        &self.credentials
    }
}

impl Kind {
    /// Finds the cluster of this name, or makes it, and waits until every node is ready.
    ///
    /// Of several processes one makes it, and the others wait. One that was cut off while it was made, at whatever
    /// moment, is removed and made again; one that is stopped is started.
    ///
    /// # Errors
    /// [`BackendError::Engine`] where a cluster of that name has another shape, which only a mirror's own can;
    /// [`BackendError::Command`] with the last words of `kind` or `docker`.
    pub async fn ensure(
        &self,
        owner: &str,
        name: &ClusterName,
        shape: &ClusterShape,
        report: &dyn Report,
    ) -> Result<InUse> {
        loop {
            if let Some(lock) = Lock::Use.try_take(&self.state_dir, name.as_str())?
                && let Some(mark) = self.mark(name).await?
            {
                refuse_other(name, shape, &mark)?;
                let nodes = self.wake(name).await?;
                let (credentials, ()) =
                    tokio::try_join!(self.credentials(name), self.until_ready(name, nodes))?;
                lock.touch();
                return Ok(InUse { name: name.clone(), credentials, _lock: lock });
            }
            // Nobody uses what was not made; whoever is at it is waited for. And between this lock and the next one it
            // may be removed again.
            match Lock::Change.try_take(&self.state_dir, name.as_str())? {
                Some(_change) if self.mark(name).await?.is_none() => {
                    self.make(owner, name, shape, report).await?;
                }
                Some(_change) => {}
                None => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    async fn make(
        &self,
        owner: &str,
        name: &ClusterName,
        shape: &ClusterShape,
        report: &dyn Report,
    ) -> Result<()> {
        let begun = Instant::now();
        report.event(Progress::Begun { step: STEP.to_owned(), what: format!("making the cluster {name}") });
        loop {
            self.delete(name).await?;
            match self.create(name, shape).await {
                // The engine was still at work for the process that was killed.
                Err(BackendError::Command { output, .. })
                    if begun.elapsed() < CROSSED_FOR
                        && CROSSED.iter().any(|words| output.contains(words)) =>
                {
                    tokio::time::sleep(BETWEEN_TRIES).await;
                }
                done => break done?,
            }
        }
        let nodes = self.wake(name).await?;
        self.until_ready(name, nodes).await?;
        let mark = Mark { owner: owner.to_owned(), shape: shape.clone(), made: jiff::Timestamp::now() };
        self.set_mark(name, &mark).await?;
        let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        report.event(Progress::Done { step: STEP.to_owned(), millis });
        Ok(())
    }

    /// Removes a cluster that no mirror uses, and none is about to. Answers whether it is gone.
    ///
    /// One that was never made to its end is of no use to anyone. One that does not answer may hold mirrors: it stays.
    ///
    /// # Errors
    /// Where it cannot be asked for its mirrors.
    pub async fn delete_unused(&self, name: &ClusterName) -> Result<bool> {
        let Some(_change) = Lock::Change.try_take(&self.state_dir, name.as_str())? else { return Ok(false) };
        if self.mark(name).await?.is_some() && !self.namespaces(name).await?.is_empty() {
            return Ok(false);
        }
        self.delete(name).await?;
        Ok(true)
    }
}

fn refuse_other(name: &ClusterName, shape: &ClusterShape, mark: &Mark) -> Result<()> {
    if mark.shape == *shape {
        return Ok(());
    }
    let why = "it was made with other settings than the profile now asks for: remove its mirror first";
    Err(BackendError::Engine { what: format!("cluster {name}"), why: why.to_owned() })
}
