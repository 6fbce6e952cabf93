//! Files of a service: those of one folder are one volume, made of a ConfigMap and of secrets.

use indexmap::IndexMap;

use super::{
    PodMount, Projection, ProjectionItem, ProjectionSource, SecretText, VolumeSource,
    names::{is_mount_path, volume_name},
    secrets::SecretKeys,
};
use crate::{
    name::Name,
    plan::{FileBytes, Site, order::Node, stores, volumes::slug},
    profile::{File, FileContent, Workload},
};

/// The volume of files that are mounted one by one.
const SINGLE: &str = "files";

/// What one ConfigMap may hold, keys and values; the API server refuses more.
const MOST_BYTES: usize = 1 << 20;

/// The key of a Redis configuration; no container's name begins so.
const REDIS_KEY: &str = "_redis.conf";

#[derive(Default)]
pub(super) struct Files {
    /// Of the ConfigMap `api.files`.
    pub data: IndexMap<String, Vec<u8>>,
    pub volumes: IndexMap<String, VolumeSource>,
    pub mounts: Vec<PodMount>,
    /// Content that running containers do not see change, because it is mounted file by file.
    pub fixed: Vec<Vec<u8>>,
}

pub(super) fn config_map_of(service: &Name) -> String {
    format!("{service}.files")
}

pub(super) fn files(site: &Site<'_>, node: &Node<'_>, secrets: &mut SecretKeys<'_>) -> Files {
    let mut found = Files::default();
    let mut roots: IndexMap<&str, String> = IndexMap::new();
    for (path, file) in &node.run.files {
        let place = place(path, file);
        if !is_mount_path(place.mount) {
            continue;
        }
        let volume = match place.folder {
            None => SINGLE.to_owned(),
            Some(folder) => {
                let taken = |name: &str| name == SINGLE || roots.values().any(|known| known == name);
                let name = || volume_name(&format!("files-{folder}"), taken);
                let name = roots.get(folder).cloned().unwrap_or_else(name);
                roots.insert(folder, name.clone());
                name
            }
        };
        let mode = mode_of(file, node.run.fs_group);
        let (source, key) = match &file.content {
            FileContent::Secret(secret) => secrets.file(secret),
            FileContent::Inline(text) => found.config(node.name, path, text.as_bytes(), place.folder),
            FileContent::From { bytes, .. } => found.config(node.name, path, bytes, place.folder),
        };
        let item = ProjectionItem { key, path: place.below.clone(), mode };
        found.add(&volume, source, item, place.mount, place.folder.is_none());
    }
    redis_conf(site, node, secrets, &mut found);
    found
}

/// The permission bits. A file of a ConfigMap or Secret is root's: what the owner of the profile may, everyone may, or
/// the process for which it is meant could not read it.
fn mode_of(file: &File, fs_group: Option<u32>) -> u32 {
    let mode = file.mode.map_or(0o644, |mode| mode.0) & 0o777;
    // Nobody writes to it: it is mounted to be read.
    let read = |bits: u32| bits & 0o5;
    let of_owner = if file.user.is_some_and(|user| user != 0) { read(mode >> 6) } else { 0 };
    let is_other = |group: &u32| *group != 0 && Some(*group) != fs_group;
    let of_group = if file.group.as_ref().is_some_and(is_other) { read(mode >> 3) } else { 0 };
    mode | of_owner | of_group
}

struct Place<'a> {
    /// Mounted as a whole; absent: the file alone is.
    folder: Option<&'a str>,
    mount: &'a str,
    /// In the volume.
    below: String,
}

fn place<'a>(path: &'a str, file: &'a File) -> Place<'a> {
    let below = |folder: &'a String| Some((folder.as_str(), path.strip_prefix(folder.as_str())?));
    match file.directory.as_ref().and_then(below) {
        Some((folder, rest)) => {
            Place { folder: Some(folder), mount: folder, below: rest.trim_start_matches('/').to_owned() }
        }
        None => Place { folder: None, mount: path, below: slug(path) },
    }
}

/// The Redis configuration holds secrets, so it is one.
fn redis_conf(site: &Site<'_>, node: &Node<'_>, secrets: &mut SecretKeys<'_>, found: &mut Files) {
    let Some((password, user)) = node.store.and_then(stores::redis_conf) else { return };
    let FileBytes::Quoted(template) = stores::redis_conf_bytes(site, &password, user.as_ref()) else {
        return;
    };
    let (source, key) = secrets.composed(REDIS_KEY.to_owned(), SecretText::Quoted(template));
    let path = slug(stores::REDIS_CONF);
    found.add(SINGLE, source, ProjectionItem { key, path, mode: 0o644 }, stores::REDIS_CONF, true);
}

impl Files {
    fn config(
        &mut self,
        service: &Name,
        path: &str,
        bytes: &[u8],
        folder: Option<&str>,
    ) -> (ProjectionSource, String) {
        let key = slug(path);
        self.data.insert(key.clone(), bytes.to_vec());
        if folder.is_none() {
            self.fixed.push(bytes.to_vec());
        }
        (ProjectionSource::ConfigMap(config_map_of(service)), key)
    }

    fn add(
        &mut self,
        volume: &str,
        source: ProjectionSource,
        item: ProjectionItem,
        target: &str,
        alone: bool,
    ) {
        let mount = PodMount {
            volume: volume.to_owned(),
            target: target.to_owned(),
            subpath: alone.then(|| item.path.clone()),
            read_only: true,
        };
        if !self.mounts.contains(&mount) {
            self.mounts.push(mount);
        }
        let of = self.volumes.entry(volume.to_owned());
        let VolumeSource::Files { from } = of.or_insert_with(|| VolumeSource::Files { from: Vec::new() })
        else {
            return;
        };
        match from.iter_mut().find(|known| known.source == source) {
            Some(known) => known.items.push(item),
            None => from.push(Projection { source, items: vec![item] }),
        }
    }
}

/// Whether a workload's files are more than a ConfigMap holds.
pub(crate) fn are_too_large(run: &Workload) -> bool {
    let sizes = run.files.iter().map(|(path, file)| match &file.content {
        FileContent::Inline(text) => slug(path).len() + text.len(),
        FileContent::From { bytes, .. } => slug(path).len() + bytes.len(),
        FileContent::Secret(_) => 0,
    });
    sizes.sum::<usize>() > MOST_BYTES
}
