//! A profile from Compose files: `check` accepts it, every leaf of the files is accounted for, and no secret is in it.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "capture/asked.rs"]
mod asked;
#[path = "capture/canary.rs"]
mod canary;
#[path = "capture/compose.rs"]
mod compose;
#[path = "capture/corpora.rs"]
mod corpora;
#[path = "capture/docker.rs"]
mod docker;
#[path = "capture/first.rs"]
mod first;
#[path = "capture/flags.rs"]
mod flags;
#[path = "support/planted.rs"]
mod planted;

use std::{
    ffi::OsStr,
    path::Path,
    process::{Command, Output},
};

use prodmirror::profile::{self, Layers, Problem, Source};

/// Runs `init --from FILE` and returns the profile's text, or what the program said.
fn init(file: &Path, with_docker: bool) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("prodmirror.yaml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_prodmirror"));
    command.args([
        OsStr::new("init"),
        "--from".as_ref(),
        file.as_os_str(),
        "-o".as_ref(),
        profile.as_os_str(),
    ]);
    if !with_docker {
        command.env("PATH", folder.path());
    }
    let Output { status, stderr, .. } = command.output().unwrap();
    match status.success() {
        true => Ok(std::fs::read_to_string(profile).unwrap()),
        false => Err(String::from_utf8_lossy(&stderr).into_owned()),
    }
}

/// What `check` finds wrong.
fn errors(text: &str) -> Vec<Problem> {
    let documents = [Source::new("prodmirror.yaml", text)];
    let read_file = |_: &str, _: &str| Err("no file is read".to_owned());
    let layers =
        Layers { documents: &documents, set: &[], unset: &[], allow_unpinned: false, read_file: &read_file };
    profile::check(&layers).into_iter().filter(Problem::is_error).collect()
}

fn has_compose() -> bool {
    Command::new("docker").args(["compose", "version"]).output().is_ok_and(|output| output.status.success())
}
