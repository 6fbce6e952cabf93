//! The lease: who holds it is at work on the mirror, and its end tells how the work ended.
//!
//! A record lock on a file, which the kernel frees with the process that holds it.
//! The file says for whom, and whether the holder left in order.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, Seek, SeekFrom, Write},
    path::Path,
};

use rustix::{
    fs::{FlockOperation, fcntl_lock},
    process::{Flock, FlockType, fcntl_getlk},
};
use serde::{Deserialize, Serialize};

use crate::formats::journal::LEASE_FILE;

/// What the holder does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeaseKind {
    Up,
    /// When a `run` dies its mirror goes.
    Run,
    Down,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseMark {
    pub run: String,
    pub kind: LeaseKind,
    /// The holder said that it was done.
    pub done: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    #[error("the lease is held by another")]
    Held,
    #[error("the lease: {0}")]
    Io(#[from] io::Error),
}

/// Takes the lease, says `leased`, and holds it until `words` end; the line `done` makes the end an orderly one.
pub fn hold(
    folder: &Path,
    run: &str,
    kind: LeaseKind,
    words: impl BufRead,
    out: &mut impl Write,
) -> Result<(), LeaseError> {
    let path = folder.join(LEASE_FILE);
    let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
    match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => return Err(LeaseError::Held),
        Err(error) => return Err(io::Error::from(error).into()),
    }
    let mut mark = LeaseMark { run: run.to_owned(), kind, done: false };
    write_mark(&mut file, &mark)?;
    writeln!(out, "leased")?;
    out.flush()?;
    for word in words.lines() {
        // A pipe that breaks is an end as well.
        let Ok(word) = word else { break };
        if word.trim() == "done" {
            mark.done = true;
            write_mark(&mut file, &mark)?;
        }
    }
    Ok(())
}

fn write_mark(file: &mut File, mark: &LeaseMark) -> io::Result<()> {
    let text = serde_json::to_string(mark)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)
}

/// Whether someone holds it, and the mark of its last holder.
///
/// It only asks: taking the lock to see whether it is free would refuse a holder who comes at that moment.
pub fn look(folder: &Path) -> io::Result<(bool, Option<LeaseMark>)> {
    let path = folder.join(LEASE_FILE);
    let file = match OpenOptions::new().read(true).write(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((false, None)),
        Err(error) => return Err(error),
    };
    let held = fcntl_getlk(&file, &Flock::from(FlockType::WriteLock))?.is_some();
    Ok((held, serde_json::from_slice(&fs::read(path)?).ok()))
}
