//! What a host lacks, each said once and before anything is made.

use std::collections::BTreeMap;

use super::super::{BackendError, Lack};
use crate::{
    plan::capabilities::{Host, ImageFacts},
    profile::Image,
};

const OLDEST_ENGINE: (u32, u32) = (24, 0);
const OLDEST_COMPOSE: (u32, u32) = (2, 30);
const LITTLE_DISK: u64 = 1 << 30;

pub(super) fn of_host(host: &Host) -> Vec<Lack> {
    let mut lacks = Vec::new();
    let mut lack = |code: &str, fatal: bool, message: String, hint: &str| {
        lacks.push(Lack { code: code.to_owned(), message, hint: hint.to_owned(), fatal });
    };
    let older = |version: &str, oldest| two_numbers(version).is_some_and(|version| version < oldest);
    if older(&host.engine_version, OLDEST_ENGINE) {
        lack(
            "engine-old",
            true,
            format!("Docker Engine {} is older than 24.0", host.engine_version),
            "install a newer Docker Engine",
        );
    }
    match &host.compose_version {
        None => lack(
            "compose-missing",
            true,
            "there is no `docker compose`".to_owned(),
            "install the Compose plug-in, 2.30 or newer",
        ),
        Some(version) if older(version, OLDEST_COMPOSE) => {
            lack(
                "compose-old",
                true,
                format!("Docker Compose {version} is older than 2.30"),
                "install a newer Compose plug-in",
            );
        }
        Some(_) => {}
    }
    if !host.swap_limit {
        lack(
            "swap-limit-missing",
            false,
            "the kernel does not account swap, so a memory limit lets a container swap".to_owned(),
            "boot with `swapaccount=1`, or use cgroup v2",
        );
    }
    if host.rootless {
        lack(
            "engine-rootless",
            false,
            "the engine is rootless: no keeper has its socket, so nothing is restarted or expires".to_owned(),
            "use a root engine for restarts and probes",
        );
    }
    if host.disk_free.is_some_and(|free| free < LITTLE_DISK) {
        lack(
            "disk-low",
            false,
            "less than 1 GiB is free where the engine keeps its data".to_owned(),
            "run `docker system df` and make room",
        );
    }
    lacks
}

/// What only building images needs.
pub(super) fn of_build_tools(host: &Host) -> Option<Lack> {
    host.buildx_version.is_none().then(|| Lack {
        code: "buildx-missing".to_owned(),
        message: "there is no `docker buildx`".to_owned(),
        hint: "install it to build images; mirrors run without".to_owned(),
        fatal: false,
    })
}

pub(super) fn of_helper(error: &BackendError) -> Lack {
    Lack {
        code: "helper-missing".to_owned(),
        message: error.to_string(),
        hint: "put a static Linux build beside the program, or name one with PRODMIRROR_HELPER or `--helper-image`".to_owned(),
        fatal: true,
    }
}

pub(super) fn of_images(
    asked: &[Image],
    here: &BTreeMap<String, ImageFacts>,
    roles: &BTreeMap<String, String>,
    host: &Host,
) -> Vec<Lack> {
    let mut lacks = Vec::new();
    for image in asked.iter().filter(|image| !here.contains_key(&image.to_engine())) {
        let (fatal, hint) = match image {
            Image::Local { .. } => (true, "build it on this machine, or give another with `--image`"),
            Image::Registry(registry) if roles.contains_key(&registry.canonical_name()) => {
                (false, "`up` pulls it, or takes the build of the same role")
            }
            Image::Registry(_) => (false, "`up` pulls it, or loads it from `--image-archive`"),
        };
        let message = format!("image {image} is not here");
        lacks.push(Lack { code: "image-missing".to_owned(), message, hint: hint.to_owned(), fatal });
    }
    let by_digest =
        asked.iter().any(|image| matches!(image, Image::Registry(registry) if registry.digest.is_some()));
    if !host.containerd_store && by_digest {
        lacks.push(Lack {
            code: "image-store-old".to_owned(),
            message: "the engine has its old image store: only pulled images can be named by digest"
                .to_owned(),
            hint: "turn on `containerd-snapshotter` in daemon.json to load images from an archive by digest"
                .to_owned(),
            fatal: false,
        });
    }
    lacks
}

/// Major and minor of a version: `v2.40.3-3` is (2, 40).
pub(super) fn two_numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.trim_start_matches('v').split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(two_numbers("v2.40.3-3"), Some((2, 40)));
        assert!(two_numbers("2.9.0") < two_numbers("2.30.0"));
        assert_eq!(two_numbers("github.com/docker/buildx"), None);
    }
}
