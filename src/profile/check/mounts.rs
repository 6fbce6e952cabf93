//! Paths in a container: each is one thing, and host paths are allowed by name.

use std::collections::HashMap;

use super::{Check, Placed};
use crate::path::Path;
use crate::profile::{Allow, Volume};

pub(super) fn check(check: &mut Check<'_>, workload: &Placed<'_>) {
    let mut taken: HashMap<String, Path> = HashMap::new();
    for (path, volume) in &workload.run.volumes {
        let at = workload.at.key("volumes").key(path.as_str());
        take(check, &mut taken, path, &at);
        if let Volume::Host { path: host, .. } = volume
            && !check.profile.allow.contains(&Allow::HostPath)
        {
            let message = format!("`{host}` is a path of the host");
            let hint = "write `allow: [host-path]` at the top if it is meant so";
            check.error("not-allowed", &at.key("host"), message).hint = Some(hint.to_owned());
        }
    }
    for path in workload.run.process.tmpfs.keys() {
        take(check, &mut taken, path, &workload.at.key("tmpfs").key(path.as_str()));
    }
    for (path, file) in &workload.run.files {
        let at = workload.at.key("files").key(path.as_str());
        take(check, &mut taken, path, &at);
        let inside = |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        if let Some(folder) = &file.directory
            && !inside(folder.trim_end_matches('/'))
        {
            check.error("bad-path", &at.key("directory"), format!("`{folder}` does not hold `{path}`"));
        }
    }
    files_hold_no_files(check, workload);
    volumes_agree(check, workload);
}

fn take(check: &mut Check<'_>, taken: &mut HashMap<String, Path>, path: &str, at: &Path) {
    let plain = path.trim_end_matches('/').to_owned();
    match taken.get(&plain) {
        Some(first) => {
            check.key_error("path-twice", at, format!("`{path}` is written at `{first}` too"));
        }
        None => {
            taken.insert(plain, at.clone());
        }
    }
}

/// A path cannot be a file and the folder of another one.
fn files_hold_no_files(check: &mut Check<'_>, workload: &Placed<'_>) {
    for path in workload.run.files.keys() {
        let above = path.match_indices('/').skip(1).map(|(end, _)| &path[..end]);
        for folder in above {
            if workload.run.files.contains_key(folder) {
                let at = workload.at.key("files").key(path.as_str());
                check.key_error("path-twice", &at, format!("`{folder}` is a file, so it holds no `{path}`"));
            }
        }
    }
}

/// One name is one volume: of one kind and one size.
fn volumes_agree(check: &mut Check<'_>, workload: &Placed<'_>) {
    let mut first: HashMap<&str, (&str, Option<crate::profile::Bytes>)> = HashMap::new();
    for (path, volume) in &workload.run.volumes {
        let (name, kind, size) = match volume {
            Volume::Claim { name, size } => (name.as_str(), "claim", *size),
            Volume::Shared { name } => (name.as_str(), "shared", None),
            Volume::Empty { .. } | Volume::Host { .. } => continue,
        };
        let at = workload.at.key("volumes").key(path.as_str());
        match first.get(name) {
            Some((other, _)) if *other != kind => {
                check.error("volume-clash", &at, format!("`{name}` is `{other}` above and `{kind}` here"));
            }
            Some((_, Some(other))) if size.is_some_and(|size| size != *other) => {
                check.error("volume-clash", &at, format!("`{name}` has the size {other} above"));
            }
            Some(_) => {}
            None => {
                first.insert(name, (kind, size));
            }
        }
    }
}
