//! A mark on this host that a launch is under way, from before it makes anything until its process ends, however.
//!
//! The keeper's lease tells the same to everyone, but later. Whoever finds a keeper without one asks here before it
//! waits; where the mark says nothing, as when the launch runs on another host, it waits.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use crate::name::Name;

/// Gone when it is dropped; free when its process is killed.
pub struct Underway {
    file: PathBuf,
    _locked: File,
}

impl Underway {
    /// `None` where the folder cannot be written: others then wait longer, and no more.
    pub fn begin(state: &Path, mirror: &Name, run: &str) -> Option<Self> {
        let file = mark(state, mirror, run);
        let folder = file.parent()?;
        fs::create_dir_all(folder).ok()?;
        forget_dead(folder);
        let locked = File::create(&file).ok()?;
        locked.try_lock().ok()?;
        Some(Self { file, _locked: locked })
    }

    /// Whether the launch of that run was made from this host and its process is gone.
    pub fn is_over(state: &Path, mirror: &Name, run: &str) -> bool {
        File::open(mark(state, mirror, run)).is_ok_and(|file| file.try_lock().is_ok())
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        // One that stays is forgotten by the next launch.
        let _ = fs::remove_file(&self.file);
    }
}

fn mark(state: &Path, mirror: &Name, run: &str) -> PathBuf {
    // Flat: a `run` has a name of its own each time, and would leave a folder of it.
    state.join("underway").join(format!("{mirror}.{run}"))
}

/// Marks of processes that were killed.
fn forget_dead(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_launch_is_over_when_its_process_no_longer_holds_the_mark() {
        let folder = tempfile::tempdir().unwrap();
        let mirror = Name::new("shop").unwrap();
        let over = |run| Underway::is_over(folder.path(), &mirror, run);
        assert!(!over("r1"), "of a run that is not known here nothing is known");
        let first = Underway::begin(folder.path(), &mirror, "r1").unwrap();
        let _second = Underway::begin(folder.path(), &mirror, "r2").unwrap();
        assert!(!over("r1") && !over("r2"));
        // As a kill leaves it: the file stays, the lock does not.
        let file = first.file.clone();
        drop(first);
        fs::write(&file, "").unwrap();
        assert!(over("r1") && !over("r2"));
        let _third = Underway::begin(folder.path(), &mirror, "r3").unwrap();
        assert!(!file.exists() && !over("r2"), "what died is forgotten, what lives is not");
    }
}
