//! `prodmirror tether -- COMMAND…`: runs a command that must not outlive us.
//!
//! Linux can tie a child's life to its parent's only between `fork` and `exec`, which needs `unsafe`. A process in
//! between does the same with a pipe: at the end of its standard input it kills the command's process group.

use std::{
    ffi::OsString,
    io::Read as _,
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    process::{Command, ExitCode, Stdio},
    thread,
};

use rustix::process::{Pid, Signal, kill_process_group};

/// Exit codes of a shell that cannot run a command, and of one whose command was killed by a signal.
const NOT_FOUND: u8 = 127;
const KILLED: i32 = 128;

/// The program: the words after `tether`, a leading `--` left out.
pub fn main(words: impl Iterator<Item = OsString>) -> ExitCode {
    let mut words = words.peekable();
    words.next_if(|word| word == "--");
    ExitCode::from(run(&words.collect::<Vec<_>>()))
}

/// Runs `argv` in a process group of its own until it ends, and answers its exit code; at the end of our standard
/// input the group is killed.
pub fn run(argv: &[OsString]) -> u8 {
    let Some((program, args)) = argv.split_first() else { return NOT_FOUND };
    let spawned = Command::new(program).args(args).stdin(Stdio::null()).process_group(0).spawn();
    let Ok(mut child) = spawned else { return NOT_FOUND };
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        thread::spawn(move || {
            wait_for_end_of_input();
            // Nothing to do where it is gone already.
            let _ = kill_process_group(group, Signal::KILL);
        });
    }
    match child.wait() {
        Ok(status) => {
            let code = status.code().unwrap_or_else(|| KILLED + status.signal().unwrap_or_default());
            u8::try_from(code).unwrap_or(u8::MAX)
        }
        Err(_) => NOT_FOUND,
    }
}

fn wait_for_end_of_input() {
    let mut buffer = [0; 64];
    let mut input = std::io::stdin().lock();
    while input.read(&mut buffer).is_ok_and(|read| read > 0) {}
}
