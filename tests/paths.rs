//! Paths of the command line that a user takes less often, each walked on a real engine.

#![allow(clippy::unwrap_used)]

#[path = "paths/again.rs"]
mod again;
#[path = "support/cli.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod cli;
#[path = "paths/copies.rs"]
mod copies;
#[path = "paths/images.rs"]
mod images;
#[path = "paths/inside.rs"]
mod inside;
#[path = "paths/life.rs"]
mod life;
#[path = "paths/names.rs"]
mod names;
#[path = "support/profiles.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod profiles;
#[path = "support/registry.rs"]
mod registry;

use std::time::{Duration, Instant};

use cli::{Cli, docker};

/// Writes a profile and answers its path.
fn file(cli: &Cli, profile: &profiles::Profile) -> String {
    cli.file("prodmirror.yaml", &profile.text()).display().to_string()
}

/// Waits for something that comes by itself, for two minutes at most.
#[track_caller]
fn until(what: &str, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !is() {
        assert!(Instant::now() < deadline, "{what}: not within two minutes");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// The id of one container by its Compose key.
fn id(name: &str, key: &str) -> String {
    let project = format!("label=com.docker.compose.project=pm-{name}");
    let service = format!("label=com.docker.compose.service={key}");
    docker(&["ps", "-aq", "--no-trunc", "--filter", &project, "--filter", &service])
}
