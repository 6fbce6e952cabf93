//! Volumes of a pod: where each lies, and where its containers mount it.

use indexmap::IndexMap;

use super::{
    PodMount, VolumeSource,
    names::{is_mount_path, volume_name},
};
use crate::{
    plan::{Site, containers::Part, order::Node, stores},
    profile::{Allow, Bytes, Medium, Process, Volume},
};

/// A claim without a size gets this much; Kubernetes knows no claim without one.
const CLAIM: Bytes = Bytes(1 << 30);

/// The claim of a store's data.
pub(super) const DATA: &str = "data";

/// The folder of a store's volume in which the data lie: engines want an empty one, and a disk has `lost+found`.
const DATA_FOLDER: &str = "data";

/// Where memory is shared between processes.
const SHM: &str = "/dev/shm";

#[derive(Default)]
pub(super) struct Volumes {
    pub sources: IndexMap<String, VolumeSource>,
    /// Claims of the pod's own, by the volume's name.
    pub own: IndexMap<String, Bytes>,
    /// Claims that others mount as well, by the object's name.
    pub shared: IndexMap<String, Bytes>,
    /// By every container of the pod.
    pub mounts: Vec<PodMount>,
}

/// The volumes that the profile names, and a store's data.
pub(super) fn of_pod(site: &Site<'_>, node: &Node<'_>) -> Volumes {
    let mut found = Volumes::default();
    let (_, facts) = Part::Main.image(site, node);
    let data_dir = node.store.map(|store| stores::data_dir(store.engine, facts));
    if let Some(target) = &data_dir {
        found.own.insert(DATA.to_owned(), CLAIM);
        found.mounts.push(mount(DATA, target, Some(DATA_FOLDER), false));
    }
    for (target, volume) in &node.run.volumes {
        let is_data = data_dir.as_deref() == Some(target.trim_end_matches('/'));
        if let (true, Volume::Claim { size: Some(size), .. }) = (is_data, volume) {
            found.own.insert(DATA.to_owned(), *size);
        }
        if is_data || !is_mount_path(target) || found.is_mounted(target) {
            continue;
        }
        found.add(site, node, target, volume);
    }
    found
}

impl Volumes {
    fn add(&mut self, site: &Site<'_>, node: &Node<'_>, target: &str, volume: &Volume) {
        match volume {
            Volume::Empty { medium, size } => {
                let source = VolumeSource::Empty { memory: *medium == Medium::Memory, size: *size };
                let name = self.put(target, source);
                self.mounts.push(mount(&name, target, None, false));
            }
            Volume::Claim { name, size } if node.stateful => {
                let volume = format!("claim-{name}");
                self.own.insert(volume.clone(), size.unwrap_or(CLAIM));
                self.mounts.push(mount(&volume, target, None, false));
            }
            Volume::Claim { name, size } => self.claim(format!("{name}.claim"), *size, target),
            Volume::Shared { name } => self.claim(format!("{name}.shared"), None, target),
            Volume::Host { path, read_only } => {
                if site.profile.allow.contains(&Allow::HostPath) {
                    let name = self.put(target, VolumeSource::Host { path: path.clone() });
                    self.mounts.push(mount(&name, target, None, *read_only));
                }
            }
        }
    }

    fn claim(&mut self, name: String, size: Option<Bytes>, target: &str) {
        self.shared.insert(name.clone(), size.unwrap_or(CLAIM));
        let volume = self.put(target, VolumeSource::Claim { name });
        self.mounts.push(mount(&volume, target, None, false));
    }

    /// The name under which a source is known; two containers may have the same one.
    fn put(&mut self, target: &str, source: VolumeSource) -> String {
        let taken = |name: &str| self.sources.contains_key(name) || self.own.contains_key(name);
        let name = volume_name(target, taken);
        self.sources.insert(name.clone(), source);
        name
    }

    fn is_mounted(&self, target: &str) -> bool {
        is_at(&self.mounts, target)
    }

    /// All that one container mounts: what the pod has, then its own memory.
    pub fn of_container(&mut self, process: &Process) -> Vec<PodMount> {
        let mut mounts = self.mounts.clone();
        let tmpfs = process.tmpfs.iter().map(|(target, tmpfs)| (target.as_str(), tmpfs.size));
        let shm = process.shm_size.map(|size| (SHM, Some(size)));
        for (target, size) in tmpfs.chain(shm) {
            if is_mount_path(target) && !is_at(&mounts, target) {
                let name = self.put(target, VolumeSource::Empty { memory: true, size });
                mounts.push(mount(&name, target, None, false));
            }
        }
        mounts
    }
}

fn is_at(mounts: &[PodMount], target: &str) -> bool {
    let bare = |path: &str| path.trim_end_matches('/').to_owned();
    mounts.iter().any(|mount| bare(&mount.target) == bare(target))
}

fn mount(volume: &str, target: &str, subpath: Option<&str>, read_only: bool) -> PodMount {
    PodMount {
        volume: volume.to_owned(),
        target: target.to_owned(),
        subpath: subpath.map(str::to_owned),
        read_only,
    }
}
