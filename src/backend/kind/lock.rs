//! Who works on a cluster of this host's engine, or on caches: any number of mirrors that use it, or one that makes or
//! removes it.
//!
//! The kernel takes a lock back when its process ends, however it ends.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use super::{Result, io};

#[derive(Clone, Copy, Debug)]
pub(super) enum Lock {
    /// Others may use it too.
    Use,
    /// Nobody else may.
    Change,
}

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub(super) struct Locked(File);

impl Lock {
    /// The lock of what has this name; `None` while another process has it.
    pub(super) fn try_take(self, state: &Path, name: &str) -> Result<Option<Locked>> {
        let path = path(state, name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(io(&folder.display().to_string()))?;
        }
        let what = path.display().to_string();
        let file = File::options().create(true).append(true).open(&path).map_err(io(&what))?;
        let taken = match self {
            Self::Use => file.try_lock_shared(),
            Self::Change => file.try_lock(),
        };
        match taken {
            Ok(()) => Ok(Some(Locked(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(io(&what)(error)),
        }
    }
}

impl Locked {
    /// Notes that the cluster was used now.
    pub(super) fn touch(&self) {
        // Without it the cluster looks older than it is, and nothing else.
        let _ = self.0.set_modified(std::time::SystemTime::now());
    }
}

/// When a cluster was used last from this host; `None` where it never was.
pub(super) fn used(state: &Path, name: &str) -> Option<jiff::Timestamp> {
    fs::metadata(path(state, name)).ok()?.modified().ok()?.try_into().ok()
}

/// It is never removed: whoever waits for it would wait for another file than the next one.
fn path(state: &Path, name: &str) -> PathBuf {
    state.join("kind").join(format!("{name}.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_may_use_a_cluster_and_nobody_changes_it_meanwhile() {
        let state = tempfile::tempdir().unwrap();
        let take = |lock: Lock| lock.try_take(state.path(), "pm-0123abcd-shop").unwrap();
        let (one, other) = (take(Lock::Use), take(Lock::Use));
        assert!(one.is_some() && other.is_some());
        drop(one);
        assert!(take(Lock::Change).is_none());
        drop(other);
        let change = take(Lock::Change);
        assert!(change.is_some() && take(Lock::Use).is_none());
    }
}
