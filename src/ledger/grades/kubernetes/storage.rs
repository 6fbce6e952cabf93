//! Grades of what is mounted.

use super::{Approximated, Case, Dropped, ENFORCED, Emulated, Enforced, Verdict, because, is_stateful};
use crate::{
    plan::{
        BackendKind,
        kubernetes::{files_are_too_large, is_mount_path},
    },
    profile::{Allow, Bytes, File, Volume},
};

/// Whether something is mounted at a path by the plan.
fn is_mounted(case: &Case<'_>, target: &str) -> bool {
    let bare = |path: &str| path.trim_end_matches('/').to_owned();
    case.owner
        .and_then(|owner| owner.container)
        .is_some_and(|container| container.mounts.iter().any(|mount| bare(&mount.target) == bare(target)))
}

const NO_PATH: &str = "Kubernetes mounts nothing at a path with a colon";

/// The pod's memory, where every container has a limit.
fn memory(case: &Case<'_>) -> Option<u64> {
    let pod = case.owner?.pod?;
    pod.sidecars.iter().chain([&pod.main]).map(|of| of.limits.memory.map(|bytes| bytes.0)).sum()
}

/// Memory that a volume cannot have beyond the pod's.
fn cut(case: &Case<'_>, wanted: Option<Bytes>) -> Option<Verdict> {
    let most = memory(case).filter(|most| wanted.is_some_and(|wanted| wanted.0 > *most))?;
    Some(because(Approximated, format!("cut to {}, the pod's memory", Bytes(most))))
}

pub(crate) fn shm(case: &Case<'_>) -> Verdict {
    let Some(owner) = case.owner else { return ENFORCED };
    let there = |target: &String| target.trim_end_matches('/') == "/dev/shm";
    if owner.run.volumes.keys().chain(owner.process.tmpfs.keys()).any(there) {
        return because(Dropped, "something else is mounted at /dev/shm");
    }
    cut(case, owner.process.shm_size).unwrap_or(ENFORCED)
}

pub(crate) fn tmpfs(case: &Case<'_>) -> Verdict {
    let target = case.last_key();
    if !is_mount_path(target) {
        return because(Dropped, NO_PATH);
    }
    let written = case.owner.and_then(|owner| owner.process.tmpfs.get(target));
    let size = written.and_then(|tmpfs| tmpfs.size);
    if let Some(cut) = cut(case, size) {
        return cut;
    }
    let mode = written.and_then(|tmpfs| tmpfs.mode).filter(|mode| mode.0 != 0o777);
    let mode = mode.map(|_| ", and its root has mode 0777").unwrap_or_default();
    because(
        Approximated,
        format!("an `emptyDir` in memory: it keeps its files when the container restarts{mode}"),
    )
}

pub(crate) fn file(case: &Case<'_>) -> Verdict {
    let path = case.last_key();
    let Some(owner) = case.owner else { return ENFORCED };
    let Some(file) = owner.run.files.get(path) else { return ENFORCED };
    let File { content: _, directory, mode, user, group } = file;
    if !is_mount_path(directory.as_deref().unwrap_or(path)) {
        return because(Dropped, NO_PATH);
    }
    if files_are_too_large(owner.run) {
        return because(Dropped, "refused: together they are more than a ConfigMap holds");
    }
    let mut differs = Vec::new();
    if user.is_some_and(|user| user != 0)
        || group.is_some_and(|group| Some(group) != owner.run.fs_group && group != 0)
    {
        differs.push(
            "it belongs to root and to the group of `fs_group`, and everyone may read what its owner may",
        );
    }
    let mode = mode.map_or(0o644, |mode| mode.0);
    if mode > 0o777 {
        differs.push("its mode has no more than permission bits");
    }
    if owner.run.fs_group.is_some() && mode & 0o440 != 0o440 {
        differs.push("with `fs_group` owner and group may read it");
    }
    if differs.is_empty() { ENFORCED } else { because(Approximated, differs.join("; ")) }
}

pub(crate) fn volume(case: &Case<'_>) -> Verdict {
    let target = case.last_key();
    let Some(owner) = case.owner else { return ENFORCED };
    let Some(written) = owner.run.volumes.get(target) else { return ENFORCED };
    if !is_mount_path(target) {
        return because(Dropped, NO_PATH);
    }
    let data = owner.store.is_some()
        && owner.pod.is_some_and(|pod| {
            let mut mounts = pod.main.mounts.iter().filter(|mount| mount.volume == "data");
            mounts.any(|mount| mount.target == target.trim_end_matches('/'))
        });
    match written {
        Volume::Host { .. } if data => because(Dropped, "a store's data lies in a claim of its own"),
        _ if data => because(Emulated, "a store's data lies in a claim of its own"),
        Volume::Host { .. } if !case.profile.allow.contains(&Allow::HostPath) => {
            because(Dropped, "refused: the profile's `allow` does not name `host-path`")
        }
        _ if owner.pod.is_some() && !is_mounted(case, target) => {
            because(Dropped, "something else is mounted there")
        }
        Volume::Host { .. } => because(Enforced, "the same path of the node"),
        Volume::Empty { .. } => ENFORCED,
        Volume::Claim { size, .. } => claim(case, *size, is_stateful(case)),
        Volume::Shared { .. } => claim(case, None, false),
    }
}

fn claim(case: &Case<'_>, size: Option<Bytes>, own: bool) -> Verdict {
    let kind = case.capabilities.host.backend == BackendKind::Kind;
    if kind && size.is_some() {
        return because(Approximated, "the volumes of Kind's nodes have no limit");
    }
    if !kind && !own {
        return because(Approximated, "`ReadWriteOnce`: all pods that mount it must run on one node");
    }
    ENFORCED
}
